// Package plan makes the difference between the wanted and the read tenant into ordered
// steps, and does them.
//
// A Plan is a list of steps; each carries its sentence, its exact request, what undoes it,
// who may do it, what must be done before it and how it is proven afterwards. What was shown
// is what runs: Apply sends the requests of the file and nothing else, and Predict foretells
// the tenant from the same requests.
//
// An object that a plan creates has no id yet. Its placeholder, for example {account:a},
// stands for it in paths and bodies until Apply knows the id.
//
// The guards are pure functions over predicted tenants: no prefix of a plan has fewer working
// emergency accounts or administrators than there were before, and no account is granted
// Global Administrator before lockout says that it is out of reach of every policy.
// What could not be read is never taken for empty: a step that would rest on it is not made,
// and the plan says so in Open.
package plan
