// Starts `breakglass sim` and runs the tests of this folder against it. Node reads the
// certificate authorities that it trusts when it starts, so the tests run in a process of
// their own. BREAKGLASS_BIN is the product's binary.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binary = process.env.BREAKGLASS_BIN;
if (!binary) {
  console.error('BREAKGLASS_BIN must name the breakglass binary');
  process.exit(2);
}
const dir = mkdtempSync(join(tmpdir(), 'clients-'));
const sim = spawn(binary, ['sim', '--dir', join(dir, 'sim')], { stdio: ['ignore', 'pipe', 'inherit'] });

function ready() {
  return new Promise((resolve, reject) => {
    sim.stdout.once('data', (line) => (String(line).startsWith('ready') ? resolve() : reject(new Error(`the simulator said ${line}`))));
    sim.once('exit', (code) => reject(new Error(`the simulator ended with ${code}`)));
    sim.once('error', reject);
  });
}

function tests() {
  const env = { ...process.env, SIM_DIR: join(dir, 'sim'), NODE_EXTRA_CA_CERTS: join(dir, 'sim', 'ca.pem') };
  for (const name of Object.keys(env)) if (/^(https?|all)_proxy$/i.test(name)) delete env[name];
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.test.mjs')).sort();
  const child = spawn(process.execPath, ['--test', ...files], { cwd: import.meta.dirname, env, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

let code = 1;
try {
  await ready();
  code = await tests();
} catch (error) {
  console.error(error.message);
} finally {
  sim.removeAllListeners('exit');
  sim.kill('SIGINT');
  rmSync(dir, { recursive: true, force: true });
}
process.exit(code);
