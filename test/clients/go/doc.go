// Package clients runs clients written by others against the real process of
// `breakglass sim`: what independent programs cannot tell from Microsoft's cloud is a
// stand-in worth testing on. It is a module of its own, so that what those clients need
// stays out of the product's go.sum. docs/clients.md says which run and what each proved.
package clients
