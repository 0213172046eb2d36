// Microsoft's Graph client for JavaScript: paging, batches, filters as it spells them, errors
// and retries.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ConfidentialClientApplication } from '@azure/msal-node';
import { BatchRequestContent, BatchResponseContent, Client, PageIterator } from '@microsoft/microsoft-graph-client';
import { control, credentials, endpoints } from './sim.mjs';

const { reader, operator, deviceUser } = credentials;

function clientFor(app) {
  const msal = new ConfidentialClientApplication({
    auth: {
      clientId: app.clientId, clientSecret: app.clientSecret, authority: `${endpoints.login}/${endpoints.tenantId}`, knownAuthorities: [new URL(endpoints.login).host],
    },
  });
  const getAccessToken = async () => (await msal.acquireTokenByClientCredential({ scopes: [`${endpoints.graph}/.default`] })).accessToken;
  return Client.initWithMiddleware({ baseUrl: endpoints.graph, customHosts: new Set([new URL(endpoints.graph).hostname]), authProvider: { getAccessToken } });
}

const graph = clientFor(reader);
let tenant;

before(async () => {
  await control('events', { replicationDelay: '0s', throttle: false });
  tenant = (await control('state')).objects;
});
after(() => control('events', { replicationDelay: '2s', throttle: true }));

test('an iterator reads every page', async () => {
  const names = [];
  const first = await graph.api('/users').select(['id', 'userPrincipalName']).top(2).get();
  assert.ok(first['@odata.nextLink'].startsWith(endpoints.graph), 'the next link is absolute');
  await new PageIterator(graph, first, (user) => { names.push(user.userPrincipalName); return true; }).iterate();
  assert.deepEqual(names.sort(), tenant.users.map((user) => user.userPrincipalName).sort());
});

test('a filter with @ and spaces as they are', async () => {
  const { value } = await graph.api('/users').filter(`userPrincipalName eq '${deviceUser.userPrincipalName}'`).get();
  assert.deepEqual(value.map((user) => user.id), [deviceUser.id]);
});

test('an advanced query wants ConsistencyLevel', async () => {
  const query = () => graph.api('/users').filter("endsWith(userPrincipalName,'.onmicrosoft.com')").count(true).orderby('displayName');
  await assert.rejects(query().get(), (error) => error.statusCode === 400 && error.code === 'Request_UnsupportedQuery');
  const { value, '@odata.count': count } = await query().header('ConsistencyLevel', 'eventual').get();
  assert.equal(value.length, count);
  assert.ok(count > 0);
});

test('a batch of different calls, each with its own answer', async () => {
  const steps = ['/organization', '/users?$top=1', '/identity/conditionalAccess/policies', '/users/nobody@nowhere.example'];
  const batch = new BatchRequestContent(steps.map((path, i) => ({ id: String(i), request: new Request(`${endpoints.graph}${path}`, { method: 'GET' }) })));
  const answers = new BatchResponseContent(await graph.api('/$batch').post(await batch.getContent()));
  assert.deepEqual(steps.map((_, i) => answers.getResponseById(String(i)).status), [200, 200, 200, 404]);
  assert.equal((await answers.getResponseById('0').json()).value[0].id, endpoints.tenantId);
});

test('beta shows more than v1.0', async () => {
  const beta = await graph.api(`/users/${deviceUser.id}`).version('beta').get();
  const v1 = await graph.api(`/users/${deviceUser.id}`).get();
  assert.ok(Object.keys(beta).length > Object.keys(v1).length);
  assert.ok(!('accountEnabled' in v1));
});

test('create, change, delete', async () => {
  const write = clientFor(operator);
  const user = await write.api('/users').post({
    accountEnabled: true, displayName: 'Node', mailNickname: 'node', userPrincipalName: `node@${endpoints.initialDomain}`,
    passwordProfile: { password: 'Correct-Horse-9-Battery', forceChangePasswordNextSignIn: false },
  });
  await write.api(`/users/${user.id}`).update({ department: 'IT' });
  assert.equal((await write.api(`/users/${user.id}`).select('department').get()).department, 'IT');
  await write.api(`/users/${user.id}`).delete();
  await assert.rejects(write.api(`/users/${user.id}`).get(), (error) => error.statusCode === 404 && error.code === 'Request_ResourceNotFound');
});

test('what one may not do is refused with Graph\'s code and its request id', async () => {
  await assert.rejects(graph.api('/groups').post({ displayName: 'x', mailNickname: 'x', mailEnabled: false, securityEnabled: true }), (error) => {
    assert.equal(error.statusCode, 403);
    assert.equal(error.code, 'Authorization_RequestDenied');
    assert.match(error.requestId, /^[0-9a-f-]{36}$/);
    return true;
  });
});

test('a throttled call is tried again after Retry-After', async () => {
  await control('faults', { path: '/v1.0/domains$', action: 'throttle', retryAfter: '1', times: 1 });
  const started = Date.now();
  assert.equal((await graph.api('/domains').get()).value.length, tenant.domains.length);
  assert.ok(Date.now() - started >= 900, 'it waited');
});
