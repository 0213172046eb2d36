package graph

import (
	"net/http"
	"net/netip"
	"regexp"
	"strings"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// locationRoutes is named locations and authentication contexts.
func (a *API) locationRoutes() []route {
	const locations, contexts = "/identity/conditionalAccess/namedLocations", "/identity/conditionalAccess/authenticationContextClassReferences"
	needsContextWrite := both("Policy.ReadWrite.ConditionalAccess", "AuthenticationContext.ReadWrite.All")
	needsContextRead := both("AuthenticationContext.Read.All", "AuthenticationContext.ReadWrite.All", "Policy.Read.ConditionalAccess", "Policy.ReadWrite.ConditionalAccess", "Policy.Read.All")
	return []route{
		{method: "GET", pattern: locations, need: needsPolicyRead, roles: readsPolicies, handle: (*call).listLocations},
		{method: "POST", pattern: locations, need: needsPolicyWrite, roles: writesPolicies, handle: (*call).createLocation},
		{method: "GET", pattern: locations + "/{id}", need: needsPolicyRead, roles: readsPolicies, handle: (*call).getLocation},
		{method: "PATCH", pattern: locations + "/{id}", need: needsPolicyWrite, roles: writesPolicies, handle: (*call).updateLocation},
		{method: "DELETE", pattern: locations + "/{id}", need: needsPolicyWrite, roles: writesPolicies, handle: (*call).deleteLocation},
		{method: "GET", pattern: "/identity/conditionalAccess/deletedItems/namedLocations", need: needsPolicyRead, roles: readsPolicies, handle: func(c *call) {
			if c.deletedKnown() {
				c.list(c.tx.List(collDeletedLocation), "namedLocation")
			}
		}},
		{method: "GET", pattern: contexts, need: needsContextRead, roles: readsPolicies, handle: func(c *call) {
			if c.conditionalAccessLicensed() {
				c.list(c.tx.List(collContexts), "authenticationContextClassReference")
			}
		}},
		{method: "GET", pattern: contexts + "/{id}", need: needsContextRead, roles: readsPolicies, handle: (*call).getContext},
		{method: "POST", pattern: contexts, need: needsContextWrite, roles: writesPolicies, handle: (*call).createContext},
		{method: "PATCH", pattern: contexts + "/{id}", need: needsContextWrite, roles: writesPolicies, handle: (*call).updateContext},
		{method: "DELETE", pattern: contexts + "/{id}", need: needsContextWrite, roles: writesPolicies, handle: (*call).deleteContext},
	}
}

const (
	ipLocation      = "#microsoft.graph.ipNamedLocation"
	countryLocation = "#microsoft.graph.countryNamedLocation"
)

// countryCode is ISO 3166-1 alpha-2.
var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

func (c *call) listLocations() {
	if c.conditionalAccessLicensed() {
		c.list(c.tx.List(collLocations), "namedLocation")
	}
}

// location is the stored location of the path, or the service's 404.
func (c *call) location() state.Object {
	l := c.get(collLocations, c.params["id"])
	if l == nil {
		c.fail(http.StatusNotFound, "NotFound", "1060: The named location '"+c.params["id"]+"' could not be found.")
	}
	return l
}

func (c *call) getLocation() {
	if !c.conditionalAccessLicensed() {
		return
	}
	if l := c.location(); l != nil {
		c.one(l, locationType(l))
	}
}

func locationType(l state.Object) string {
	return strings.TrimPrefix(l.String("@odata.type"), "#microsoft.graph.")
}

func (c *call) createLocation() {
	if !c.conditionalAccessLicensed() {
		return
	}
	typ := c.body.String("@odata.type")
	if typ != ipLocation && typ != countryLocation {
		c.conditionalAccessBad("1061: @odata.type must be #microsoft.graph.ipNamedLocation or #microsoft.graph.countryNamedLocation.")
		return
	}
	if !c.decode(strings.TrimPrefix(typ, "#microsoft.graph.")) {
		return
	}
	l := c.body.Clone()
	dropReadOnly(l)
	l["@odata.type"] = typ
	fillLocation(l)
	if problem := checkLocation(l); problem != "" {
		c.conditionalAccessBad(problem)
		return
	}
	l["createdDateTime"], l["modifiedDateTime"] = logs.Instant(c.now()), logs.Instant(c.now())
	l = c.create(collLocations, l)
	c.auditBy(logs.ConditionalAccess, "Policy", "Add", "Add named location", logs.Target("NamedLocation", l, logs.Changed("NamedLocation", nil, l.Public())))
	c.created(l, locationType(l))
}

func fillLocation(l state.Object) {
	fillNull(l, "deletedDateTime")
	if l.String("@odata.type") == ipLocation {
		fillEmpty(l, "ipRanges")
		if l["isTrusted"] == nil {
			l["isTrusted"] = false
		}
		return
	}
	fillEmpty(l, "countriesAndRegions")
	if l["includeUnknownCountriesAndRegions"] == nil {
		l["includeUnknownCountriesAndRegions"] = false
	}
	if l["countryLookupMethod"] == nil {
		l["countryLookupMethod"] = "clientIpAddress"
	}
}

// checkLocation is what the service refuses in a named location.
func checkLocation(l state.Object) string {
	if strings.TrimSpace(l.String("displayName")) == "" {
		return "1062: displayName must be specified."
	}
	if l.String("@odata.type") == countryLocation {
		if len(l.Strings("countriesAndRegions")) == 0 && !l.Bool("includeUnknownCountriesAndRegions") {
			return "1063: countriesAndRegions must contain at least one country or region."
		}
		for _, country := range l.Strings("countriesAndRegions") {
			if !countryCode.MatchString(country) {
				return "1068: '" + country + "' is not a country or region in two letters."
			}
		}
		return ""
	}
	ranges, _ := l["ipRanges"].([]any)
	if len(ranges) == 0 {
		return "1064: ipRanges must contain at least one range."
	}
	for _, r := range ranges {
		m, _ := r.(map[string]any)
		cidr := state.Object(m).String("cidrAddress")
		p, err := netip.ParsePrefix(cidr)
		if err != nil || p.Addr().Is4() && p.Bits() < 8 {
			return "1065: '" + cidr + "' is not a valid range. IPv4 masks must be greater than /8."
		}
	}
	return ""
}

func (c *call) updateLocation() {
	if !c.conditionalAccessLicensed() {
		return
	}
	before := c.location()
	if before == nil || !c.decode(locationType(before)) {
		return
	}
	after := before.Clone()
	merge(after, c.body)
	after["id"] = before["id"]
	if problem := checkLocation(after); problem != "" {
		c.conditionalAccessBad(problem)
		return
	}
	after["modifiedDateTime"] = logs.Instant(c.now())
	c.tx.Put(collLocations, after)
	c.auditBy(logs.ConditionalAccess, "Policy", "Update", "Update named location",
		logs.Target("NamedLocation", after, logs.Changed("NamedLocation", before.Public(), after.Public())))
	c.noContent()
}

// deleteLocation refuses while a policy names the location or, for trusted ones, until
// they are no longer trusted. Graph page "Delete namedLocation".
func (c *call) deleteLocation() {
	if !c.conditionalAccessLicensed() {
		return
	}
	l := c.location()
	if l == nil {
		return
	}
	if l.Bool("isTrusted") {
		c.conditionalAccessBad("1066: A trusted named location cannot be deleted. Set isTrusted to false first.")
		return
	}
	if user := c.policyNaming(l.ID()); user != nil {
		c.conditionalAccessBad("1067: The named location is referenced by the policy '" + user.String("displayName") + "'.")
		return
	}
	c.tx.Delete(collLocations, l.ID())
	if c.keepsDeleted() {
		l["deletedDateTime"] = logs.Instant(c.now())
		c.tx.Put(collDeletedLocation, l)
	}
	c.auditBy(logs.ConditionalAccess, "Policy", "Delete", "Delete named location", logs.Target("NamedLocation", l, logs.Changed("NamedLocation", l.Public(), nil)))
	c.noContent()
}

// policyNaming is a policy that refers to a location, context or strength.
func (c *call) policyNaming(id string) state.Object {
	return c.tx.Find(collPolicies, func(p state.Object) bool {
		cond := p.Object("conditions")
		refs := append(cond.Object("locations").Strings("includeLocations"), cond.Object("locations").Strings("excludeLocations")...)
		refs = append(refs, cond.Object("applications").Strings("includeAuthenticationContextClassReferences")...)
		refs = append(refs, p.Object("grantControls").Object("authenticationStrength").ID())
		for _, r := range refs {
			if strings.EqualFold(r, id) {
				return true
			}
		}
		return false
	})
}

var contextID = regexp.MustCompile(`^c[1-9][0-9]?$`)

func (c *call) getContext() {
	if !c.conditionalAccessLicensed() {
		return
	}
	o := c.get(collContexts, c.params["id"])
	if o == nil {
		c.fail(http.StatusNotFound, "NotFound", "1070: Authentication context '"+c.params["id"]+"' could not be found.")
		return
	}
	c.one(o, "authenticationContextClassReference")
}

func (c *call) createContext() {
	if !c.conditionalAccessLicensed() || !c.decode("authenticationContextClassReference") {
		return
	}
	id := c.body.ID()
	switch {
	case !contextID.MatchString(id):
		c.conditionalAccessBad("1071: id must be c1 through c99.")
	case c.tx.Get(collContexts, id) != nil:
		c.conditionalAccessBad("1072: Authentication context '" + id + "' already exists.")
	case c.body.String("displayName") == "":
		c.conditionalAccessBad("1073: displayName must be specified.")
	default:
		o := c.body.Clone()
		fillNull(o, "description", "isAvailable")
		c.create(collContexts, o)
		c.auditBy(logs.ConditionalAccess, "Policy", "Add", "Add AuthenticationContextClassReference", logs.Target("Policy", o))
		c.created(o, "authenticationContextClassReference")
	}
}

// updateContext changes a context, or makes it: PATCH is an upsert here (Graph page
// "Update authenticationContextClassReference").
func (c *call) updateContext() {
	if !c.conditionalAccessLicensed() || !c.decode("authenticationContextClassReference") {
		return
	}
	id := c.params["id"]
	if !contextID.MatchString(id) {
		c.conditionalAccessBad("1071: id must be c1 through c99.")
		return
	}
	before := c.tx.Get(collContexts, id)
	after := before.Clone()
	if after == nil {
		after = state.Object{"description": nil, "isAvailable": false}
	}
	merge(after, c.body)
	after["id"] = id
	c.tx.Put(collContexts, after)
	c.auditBy(logs.ConditionalAccess, "Policy", "Update", "Update AuthenticationContextClassReference", logs.Target("Policy", after))
	c.noContent()
}

func (c *call) deleteContext() {
	if !c.conditionalAccessLicensed() {
		return
	}
	o := c.tx.Get(collContexts, c.params["id"])
	switch {
	case o == nil:
		c.fail(http.StatusNotFound, "NotFound", "1070: Authentication context '"+c.params["id"]+"' could not be found.")
	case o.Bool("isAvailable"), c.policyNaming(o.ID()) != nil:
		c.conditionalAccessBad("1074: A published or referenced authentication context cannot be deleted.")
	default:
		c.tx.Delete(collContexts, o.ID())
		c.auditBy(logs.ConditionalAccess, "Policy", "Delete", "Delete AuthenticationContextClassReference", logs.Target("Policy", o))
		c.noContent()
	}
}
