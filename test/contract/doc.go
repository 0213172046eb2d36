// Package contract holds HTTP exchanges against Microsoft's own descriptions of
// Graph and Azure Resource Manager, so that neither the product's requests nor the
// simulated tenant's answers can drift from what the services document.
//
// An exchange is one request with its answer. The contracts are data derived from
// Microsoft's published Graph metadata (types, properties, enums, operations), Graph
// permission table (which method exists on which path, and what it needs) and Bicep
// types (ARM resources). They live beside the repository, not in it: where they are
// absent, tests skip with the reason, and in continuous integration they fail.
//
// A problem is one place where an exchange and the contracts disagree. An exception
// names something the contracts do not cover, with the section of the project's notes
// where it is known from; an exception that no exchange needs any more is itself
// reported (see Contracts.Unused).
//
// Only tests import this package.
package contract
