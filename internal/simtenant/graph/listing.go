package graph

import "slices"

// Operation is one operation that the simulator serves, and what it asks of a token.
type Operation struct {
	// Method and Path; {name} in the path stands for one segment.
	Method, Path string
	// Beta says that v1.0 does not have it.
	Beta bool
	// Application and Delegated are the permissions of which any one suffices ("A+B" means
	// both together); nil: that kind of caller is refused.
	Application, Delegated []string
}

// Operations lists everything that is served, so that a test can compare it with
// Microsoft's permission table.
func (a *API) Operations() []Operation {
	var out []Operation
	for _, r := range compile(a.routes()) {
		out = append(out, Operation{
			Method: r.method, Path: r.pattern, Beta: r.beta,
			Application: slices.Clone(r.need.app), Delegated: slices.Clone(r.need.delegated),
		})
	}
	return out
}
