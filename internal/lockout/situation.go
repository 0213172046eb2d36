package lockout

import (
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// Situation is one concrete sign-in. A field left empty means "any": a question about it is
// then whether some value meets a condition. The zero Situation asks about all sign-ins.
type Situation struct {
	// Resource is the application id of what is reached, UserAction a
	// urn:user:… action, Context an authentication context (c1 to c99): at most one of them.
	Resource   string
	UserAction string
	Context    string
	// Client is a clientAppType, Platform a device platform, Flow a transfer method.
	Client   string
	Platform string
	Flow     string
	// Location is the id of the named location that the address lies in.
	Location string
	// SignInRisk and UserRisk are risk levels; Device is what a device filter would see.
	SignInRisk string
	UserRisk   string
	Device     string
}

// meets says whether a sign-in of this situation can meet a policy's conditions other than
// the users. Conditions are all ANDed.
func (sit Situation) meets(c entra.Conditions) Truth {
	return sit.meetsResource(c.Applications).
		And(oneOf(c.ClientAppTypes, sit.Client, "all")).
		And(sit.meetsPlatform(c.Platforms)).
		And(sit.meetsLocation(c.Locations)).
		And(sit.meetsDevice(c.Devices)).
		And(sit.meetsFlow(c.AuthenticationFlows)).
		And(oneOf(c.SignInRiskLevels, sit.SignInRisk)).
		And(oneOf(c.UserRiskLevels, sit.UserRisk))
}

// meetsResource judges what the sign-in is for. A policy names resources, user actions or
// contexts; one that names nothing meets nothing.
func (sit Situation) meetsResource(m entra.Maybe[entra.ApplicationCondition]) Truth {
	c, ok := m.Value()
	if !ok {
		return Unknown
	}
	switch {
	case sit.UserAction != "":
		return contains(c.IncludeUserActions, sit.UserAction)
	case sit.Context != "":
		return contains(c.IncludeContexts, sit.Context)
	case sit.Resource != "":
		return resource(c, sit.Resource)
	}
	return names(c.IncludeApplications).Or(names(c.IncludeUserActions)).Or(names(c.IncludeContexts)).Or(set(c.Filter))
}

// resource judges one application. The families Office365 and MicrosoftAdminPortals grow
// without notice, and a filter rests on attributes that are not read: Unknown.
func resource(c entra.ApplicationCondition, app string) Truth {
	if contains(c.ExcludeApplications, app) == True {
		return False
	}
	in := contains(c.IncludeApplications, "All").Or(contains(c.IncludeApplications, app))
	if in == False && anyFamily(c.IncludeApplications) {
		in = Unknown
	}
	out := contains(c.ExcludeApplications, app)
	if out == False && anyFamily(c.ExcludeApplications) {
		out = Unknown
	}
	if set(c.Filter) != False {
		in = in.And(Unknown)
	}
	return in.And(out.Not())
}

func anyFamily(list entra.Maybe[[]string]) bool {
	return slices.ContainsFunc(list.Or(nil), func(app string) bool {
		return !strings.EqualFold(app, "All") && !strings.EqualFold(app, "None") && keyword(app)
	})
}

func (sit Situation) meetsPlatform(m entra.Maybe[entra.Platforms]) Truth {
	c, ok := m.Value()
	if sit.Platform == "" || m.IsNull() {
		return True
	}
	if !ok {
		return Unknown
	}
	return oneOf(c.Include, sit.Platform, "all").And(contains(c.Exclude, sit.Platform).Not())
}

func (sit Situation) meetsLocation(m entra.Maybe[entra.Locations]) Truth {
	c, ok := m.Value()
	if sit.Location == "" || m.IsNull() {
		return True
	}
	if !ok {
		return Unknown
	}
	in, out := oneOf(c.Include, sit.Location, "All"), contains(c.Exclude, sit.Location)
	if in == False && contains(c.Include, "AllTrusted") == True {
		in = Unknown
	}
	if out == False && contains(c.Exclude, "AllTrusted") == True {
		out = Unknown
	}
	return in.And(out.Not())
}

// meetsDevice does not read filter rules: whether a given device meets one is Unknown.
func (sit Situation) meetsDevice(m entra.Maybe[entra.Devices]) Truth {
	c, ok := m.Value()
	if sit.Device == "" || m.IsNull() || ok && c.Filter.IsNull() {
		return True
	}
	return Unknown
}

func (sit Situation) meetsFlow(m entra.Maybe[entra.AuthenticationFlows]) Truth {
	c, ok := m.Value()
	if sit.Flow == "" || m.IsNull() {
		return True
	}
	methods, known := c.TransferMethods.Value()
	if !ok || !known {
		return Unknown
	}
	return truth(slices.ContainsFunc(strings.Split(methods, ","), func(m string) bool {
		return strings.EqualFold(strings.TrimSpace(m), sit.Flow)
	}))
}

// oneOf judges a narrowing condition. Left empty it narrows nothing; asked for any value it
// can always be met, known or not, because somebody can be in that situation.
func oneOf(list entra.Maybe[[]string], value string, wild ...string) Truth {
	values, ok := list.Value()
	switch {
	case value == "" || list.IsNull() || ok && len(values) == 0:
		return True
	case !ok:
		return Unknown
	}
	in := contains(list, value)
	for _, w := range wild {
		in = in.Or(contains(list, w))
	}
	return in
}

// contains says whether a list has a value; Graph's ids and keywords know no case.
func contains(list entra.Maybe[[]string], value string) Truth {
	if !list.Known() {
		return Unknown
	}
	return truth(slices.ContainsFunc(list.Or(nil), func(v string) bool { return strings.EqualFold(v, value) }))
}

// names says whether a list names anything at all.
func names(list entra.Maybe[[]string]) Truth {
	if !list.Known() {
		return Unknown
	}
	return truth(slices.ContainsFunc(list.Or(nil), func(v string) bool { return v != "" && !strings.EqualFold(v, "None") }))
}

// set says whether a property has a value.
func set[T any](m entra.Maybe[T]) Truth {
	if !m.Known() {
		return Unknown
	}
	return truth(!m.IsNull())
}

// keyword says whether an entry of a list of ids is a word and not an id.
func keyword(entry string) bool {
	return !strings.ContainsAny(entry, "0123456789-{")
}
