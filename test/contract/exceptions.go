package contract

import "path"

// Exception names one thing the contracts do not cover. Empty fields match anything;
// Path, Type and Member may end in * (path.Match).
type Exception struct {
	// Name is unique and says in a few words what is let through.
	Name string
	// Side, Code, Path, Type and Member are compared with the problem's fields of that name
	// (Member with Problem.Name).
	Side, Code, Method, Path, Type, Member string
	// Source is the section of domain.md or clients.md, or the Microsoft page, that says it exists.
	Source string
}

func (x Exception) covers(p Problem) bool {
	return fits(x.Side, p.Side) && fits(x.Code, p.Code) && fits(x.Method, p.Method) &&
		fits(x.Path, p.Path) && fits(x.Type, p.Type) && fits(x.Member, p.Name)
}

func fits(pattern, s string) bool {
	if pattern == "" || pattern == s {
		return true
	}
	ok, err := path.Match(pattern, s)
	return err == nil && ok
}

// exceptions is the whole list. Each is needed by at least one exchange of a full run of
// the tests (Contracts.Unused), so that the list cannot rot.
var exceptions = []Exception{}
