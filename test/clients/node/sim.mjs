// What the tests know of the running simulator, and the person who signs in on its pages.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const dir = process.env.SIM_DIR;
const json = (name) => JSON.parse(readFileSync(join(dir, name), 'utf8'));

export const endpoints = json('endpoints.json');
export const credentials = json('credentials.json');
export const pem = (app) => readFileSync(join(dir, app.certificateFile), 'utf8');

// control uses the simulator's remote control.
export async function control(path, body) {
  const response = await fetch(`${endpoints.base}/_sim/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { Authorization: `Bearer ${credentials.controlToken}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`control ${path}: ${response.status} ${await response.text()}`);
  return response.json().catch(() => ({}));
}

const plain = (html) => html.replaceAll('&#39;', "'").replaceAll('&#43;', '+').replaceAll('&#34;', '"').replaceAll('&amp;', '&');

// signIn goes from an address through the pages of sign-in. It gives the address that the
// browser was sent back to, or undefined when it ended on a page.
export async function signIn(address, deviceCode) {
  const cookies = new Map();
  const pages = [];
  let request = { url: String(address) };
  for (let step = 0; step < 20; step += 1) {
    const response = await fetch(request.url, {
      method: request.form ? 'POST' : 'GET', body: request.form, redirect: 'manual',
      headers: { cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location) {
      const next = new URL(location, request.url);
      if (next.origin !== new URL(endpoints.login).origin) return next;
      request = { url: next.href };
      continue;
    }
    const page = await response.text();
    pages.push(plain(/<h1>([^<]*)/.exec(page)?.[1] ?? ''));
    const form = await fill(page, deviceCode);
    if (!form) return undefined;
    request = { url: new URL(plain(/<form method="post" action="([^"]+)"/.exec(page)[1]), request.url).href, form };
  }
  throw new Error(`the sign-in did not end: ${pages.join(', ')}`);
}

// fill is what the person types into a page's form.
async function fill(page, deviceCode) {
  if (!/<form method="post"/.test(page)) return undefined;
  const form = new URLSearchParams();
  for (const [, name, value] of page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) form.set(name, plain(value));
  const answers = { loginfmt: credentials.deviceUser.userPrincipalName, passwd: credentials.deviceUser.password, otc: deviceCode, stay: 'no', go: '1', accept: '1', later: '1' };
  const telephone = /href="([^"]*\/_phone[^"]*)"/.exec(page);
  if (telephone) answers.otc = await codeOn(plain(telephone[1]), page);
  for (const [field, text] of Object.entries(answers)) if (page.includes(`name="${field}"`)) form.set(field, text ?? '');
  return form;
}

// codeOn reads from the person's telephone the code of the proof that the page asks for.
async function codeOn(address, page) {
  const asked = /Please enter the code of ([^<]*)\.<\/p>/.exec(page)?.[1];
  const shown = await (await fetch(address)).text();
  for (const [, what, code] of shown.matchAll(/<li>[^<]*\(([^)<]*)\): (\d+)<\/li>/g)) if (what === asked) return code;
  return '';
}

// claims reads a token's payload.
export const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString('utf8'));

// graph is one call by hand.
export async function graph(token, path) {
  const response = await fetch(endpoints.graph + path, { headers: { Authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.json() };
}
