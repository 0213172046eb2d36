// openid-client, a certified OpenID Connect client, against the simulated tenant.
import assert from 'node:assert/strict';
import { createHash, webcrypto, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import * as client from 'openid-client';
import { claims, credentials, endpoints, graph, pem, signIn } from './sim.mjs';

const issuer = new URL(`${endpoints.login}/${endpoints.tenantId}/v2.0`);
const scope = `${endpoints.graph}/.default`;
const { reader, operator, deviceUser } = credentials;

// discover reads the tenant's metadata and has every ID token's signature checked.
async function discover(app, authentication) {
  const config = await client.discovery(issuer, app.clientId, undefined, authentication);
  client.enableNonRepudiationChecks(config);
  return config;
}

async function worksAsApp(tokens, app) {
  assert.equal(claims(tokens.access_token).oid, app.servicePrincipalId);
  assert.equal((await graph(tokens.access_token, '/v1.0/organization')).status, 200);
}

async function worksAsPerson(tokens) {
  const me = await graph(tokens.access_token, '/v1.0/me');
  assert.equal(me.status, 200);
  assert.equal(me.body.id, deviceUser.id);
}

test('discovery: the issuer is the address asked, every endpoint is there', async () => {
  const metadata = (await discover(reader, client.None())).serverMetadata();
  assert.equal(metadata.issuer, issuer.href);
  for (const name of ['authorization_endpoint', 'token_endpoint', 'device_authorization_endpoint', 'jwks_uri', 'end_session_endpoint']) {
    assert.ok(metadata[name].startsWith(endpoints.login), name);
  }
});

for (const [name, method] of [['client_secret_basic', client.ClientSecretBasic], ['client_secret_post', client.ClientSecretPost]]) {
  test(`client credentials with ${name}`, async () => {
    const config = await discover(reader, method(reader.clientSecret));
    await worksAsApp(await client.clientCredentialsGrant(config, { scope }), reader);
  });
}

test('client credentials with private_key_jwt', async () => {
  const text = pem(operator);
  const certificate = new X509Certificate(text);
  const der = Buffer.from(/-----BEGIN PRIVATE KEY-----([^-]+)/.exec(text)[1], 'base64');
  const key = await webcrypto.subtle.importKey('pkcs8', der, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
  const authentication = client.PrivateKeyJwt(key, {
    [client.modifyAssertion]: (header) => { header.x5t = createHash('sha1').update(certificate.raw).digest('base64url'); },
  });
  const config = await discover(operator, authentication);
  await worksAsApp(await client.clientCredentialsGrant(config, { scope }), operator);
});

test('a wrong secret is refused with what Entra says', async () => {
  const config = await discover(reader, client.ClientSecretPost('wrong'));
  const error = await client.clientCredentialsGrant(config, { scope }).then(() => assert.fail('signed in'), (e) => e);
  assert.equal(error.code, 'OAUTH_WWW_AUTHENTICATE_CHALLENGE', 'a 401 of a token endpoint has a challenge (RFC 6749, 5.2)');
  assert.equal(error.status, 401);
  const body = await error.response.json();
  assert.equal(body.error, 'invalid_client');
  assert.match(body.error_description, /^AADSTS7000215/);
  assert.deepEqual(body.error_codes, [7000215]);
});

test('device code', async () => {
  const config = await discover(operator, client.None());
  const started = await client.initiateDeviceAuthorization(config, { scope: `${scope} openid profile offline_access` });
  await signIn(started.verification_uri, started.user_code);
  const tokens = await client.pollDeviceAuthorizationGrant(config, started);
  await worksAsPerson(tokens);
  assert.equal(tokens.claims().oid, deviceUser.id);
});

test('authorization code with PKCE, then a refresh', async () => {
  const config = await discover(operator, client.None());
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: 'http://localhost:1/', scope: `${scope} openid profile offline_access`, state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const back = await signIn(address);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  await assert.rejects(client.authorizationCodeGrant(config, back, { ...checks, expectedState: 'another' }));
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  await worksAsPerson(tokens);
  assert.equal(tokens.claims().preferred_username, deviceUser.userPrincipalName);
  const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(info.name, tokens.claims().name);

  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token, { scope: 'https://management.core.windows.net//.default offline_access' });
  assert.equal(claims(fresh.access_token).scp, 'user_impersonation');
});

test('a code is not given without the verifier', async () => {
  const config = await discover(operator, client.None());
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: 'http://localhost:1/', scope: `${scope} openid`, state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const back = await signIn(address);
  await assert.rejects(
    client.authorizationCodeGrant(config, back, { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: state }),
    (error) => error.error === 'invalid_grant',
  );
});
