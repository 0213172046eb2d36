// MSAL for Node against the simulated tenant as a cloud of its own.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { ConfidentialClientApplication, CryptoProvider, PublicClientApplication } from '@azure/msal-node';
import { claims, credentials, endpoints, graph, pem, signIn } from './sim.mjs';

const { reader, operator, deviceUser } = credentials;
const scopes = [`${endpoints.graph}/.default`];

// auth is how MSAL is told of another cloud.
const auth = (app, more) => ({
  clientId: app.clientId, authority: `${endpoints.login}/${endpoints.tenantId}`, knownAuthorities: [new URL(endpoints.login).host], ...more,
});

async function worksAsApp(result, app) {
  assert.equal(claims(result.accessToken).oid, app.servicePrincipalId);
  assert.equal((await graph(result.accessToken, '/v1.0/organization')).status, 200);
}

async function worksAsPerson(result) {
  assert.equal(result.account.homeAccountId, `${deviceUser.id}.${endpoints.tenantId}`);
  assert.equal(result.account.username, deviceUser.userPrincipalName);
  const me = await graph(result.accessToken, '/v1.0/me');
  assert.equal(me.status, 200);
  assert.equal(me.body.id, deviceUser.id);
}

test('a secret', async () => {
  const app = new ConfidentialClientApplication({ auth: auth(reader, { clientSecret: reader.clientSecret }) });
  await worksAsApp(await app.acquireTokenByClientCredential({ scopes }), reader);
  assert.equal((await app.acquireTokenByClientCredential({ scopes })).fromCache, true);
});

test('a wrong secret', async () => {
  const app = new ConfidentialClientApplication({ auth: auth(reader, { clientSecret: 'wrong' }) });
  await assert.rejects(app.acquireTokenByClientCredential({ scopes }), (error) => /AADSTS7000215/.test(error.errorMessage) && error.errorCode === 'invalid_client');
});

test('a certificate', async () => {
  const text = pem(operator);
  const clientCertificate = {
    thumbprintSha256: createHash('sha256').update(new X509Certificate(text).raw).digest('hex'),
    privateKey: /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(text)[0],
  };
  const app = new ConfidentialClientApplication({ auth: auth(operator, { clientCertificate }) });
  await worksAsApp(await app.acquireTokenByClientCredential({ scopes }), operator);
});

test('a device code, then silently for ARM', async () => {
  const app = new PublicClientApplication({ auth: auth(operator) });
  const result = await app.acquireTokenByDeviceCode({ scopes, deviceCodeCallback: ({ verificationUri, userCode }) => signIn(verificationUri, userCode) });
  await worksAsPerson(result);
  const arm = await app.acquireTokenSilent({ account: result.account, scopes: ['https://management.core.windows.net//.default'] });
  assert.equal(claims(arm.accessToken).scp, 'user_impersonation');
});

test('an authorization code with PKCE, with the capability CP1', async () => {
  const app = new PublicClientApplication({ auth: auth(operator, { clientCapabilities: ['CP1'] }) });
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const request = { scopes: ['User.Read'], redirectUri: 'http://localhost:1/' };
  const back = await signIn(await app.getAuthCodeUrl({ ...request, codeChallenge: challenge, codeChallengeMethod: 'S256' }));
  const result = await app.acquireTokenByCode({ ...request, code: back.searchParams.get('code'), codeVerifier: verifier });
  await worksAsPerson(result);
  assert.ok(result.scopes.includes('User.Read'), `scopes ${result.scopes}`);
  assert.deepEqual(claims(result.accessToken).xms_cc, ['CP1']);
  const again = await app.acquireTokenSilent({ account: result.account, scopes: ['User.Read'], forceRefresh: true });
  assert.equal(again.fromCache, false);
  await worksAsPerson(again);
});
