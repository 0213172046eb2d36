// Package msapi is the client of Microsoft Graph and Azure Resource Manager: it signs in,
// sends one request well (client request id, throttling, retries, claims challenges, typed
// errors), follows pages, batches, and takes the reading (entra.Snapshot) that judgement
// works on.
//
// Nouns: endpoints are the hosts of one cloud; a sign-in is how a token is got; a part is
// one piece of a reading; a lane is a shared limit of the service that requests queue for.
package msapi
