// A client as anybody writes it for Microsoft's cloud: MSAL with its default authority and
// the Graph client with its default address, nothing about a simulator. It prints what it
// saw as JSON.
import { ConfidentialClientApplication } from '@azure/msal-node';
import { Client, PageIterator } from '@microsoft/microsoft-graph-client';

const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET } = process.env;
const msal = new ConfidentialClientApplication({
  auth: { clientId: AZURE_CLIENT_ID, clientSecret: AZURE_CLIENT_SECRET, authority: `https://login.microsoftonline.com/${AZURE_TENANT_ID}` },
});

async function token(scope) {
  const result = await msal.acquireTokenByClientCredential({ scopes: [scope] });
  return result.accessToken;
}

const graph = Client.initWithMiddleware({
  authProvider: { getAccessToken: () => token('https://graph.microsoft.com/.default') },
});

async function all(path) {
  const ids = [];
  const first = await graph.api(path).get();
  await new PageIterator(graph, first, (o) => { ids.push(o.id); return true; }).iterate();
  return ids;
}

const users = await all('/users?$select=id&$top=2');
const policies = await all('/identity/conditionalAccess/policies');
const response = await fetch('https://management.azure.com/subscriptions?api-version=2019-11-01', {
  headers: { Authorization: `Bearer ${await token('https://management.azure.com/.default')}` },
});
const { value } = await response.json();
console.log(JSON.stringify({ users, policies, subscriptions: value.length }));
