package arm

import (
	"net/http"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// where says in which scopes a kind of resource lives.
type where int

const (
	inTenant    where = iota // /providers/{type}/{name}
	inGroup                  // in a resource group, listed by subscription too
	inWorkspace              // an extension of a Log Analytics workspace
	inParent                 // a child of another modelled resource
)

// A kind is a modelled resource type.
type kind struct {
	typ      string
	where    where
	versions []string
	// check says what the service refuses in a body that replaces before (nil: nothing
	// there yet); it may complete the body. Empty: fine.
	check func(c *call, a address, body, before state.Object) string
	// refuse is the code that goes with check's text.
	refuse string
	// shown is whether this api-version shows the resource; nil is always.
	shown func(version string, o state.Object) bool
}

var sentinelVersions = []string{
	"2023-11-01", "2024-03-01", "2024-09-01", "2025-03-01", "2025-06-01", "2025-07-01-preview", "2025-09-01", "2025-10-01-preview",
}

// kinds is every modelled type but the role assignments and resource groups, with the
// api-versions of Microsoft's published descriptions (bicep-types-az).
var kinds = []kind{
	{typ: "microsoft.aadiam/diagnosticSettings", where: inTenant, versions: []string{"2017-04-01", "2017-04-01-preview"}, check: checkLogExport, refuse: "BadRequest"},
	{
		typ: "Microsoft.OperationalInsights/workspaces", where: inGroup, check: checkWorkspace, refuse: "InvalidParameter",
		versions: []string{"2021-12-01-preview", "2022-10-01", "2023-09-01", "2025-02-01", "2025-07-01", "2026-03-01"},
	},
	{
		typ: "Microsoft.Insights/actionGroups", where: inGroup, check: checkActionGroup, refuse: "BadRequest",
		versions: []string{"2021-09-01", "2022-04-01", "2022-06-01", "2023-01-01", "2023-09-01-preview", "2024-10-01-preview"},
	},
	{
		typ: "Microsoft.Insights/scheduledQueryRules", where: inGroup, check: checkQueryRule, refuse: "BadRequest",
		versions: []string{"2021-02-01-preview", "2021-08-01", "2022-06-15", "2022-08-01-preview", "2023-03-15-preview", "2023-12-01", "2025-01-01-preview", "2026-03-01"},
	},
	{
		typ: "Microsoft.Insights/activityLogAlerts", where: inGroup, check: checkActivityAlert, refuse: "BadRequest",
		versions: []string{"2020-10-01", "2023-01-01-preview", "2026-01-01"},
	},
	{typ: "Microsoft.SecurityInsights/onboardingStates", where: inWorkspace, versions: sentinelVersions, check: checkOnboarding, refuse: "BadRequest"},
	{typ: "Microsoft.SecurityInsights/alertRules", where: inWorkspace, versions: sentinelVersions, check: checkAlertRule, refuse: "BadRequest", shown: alertRuleShown},
	{typ: "Microsoft.SecurityInsights/alertRules/actions", where: inParent, versions: sentinelVersions, check: checkAlertAction, refuse: "BadRequest"},
}

var otherVersions = map[string][]string{
	groupType:          {"2019-10-01", "2020-06-01", "2021-04-01", "2022-09-01", "2023-07-01", "2024-03-01", "2024-07-01", "2024-11-01", "2025-03-01", "2025-04-01"},
	roleAssignmentType: {"2015-07-01", "2018-01-01-preview", "2018-09-01-preview", "2020-03-01-preview", "2020-04-01-preview", "2020-08-01-preview", "2020-10-01-preview", "2022-04-01"},
	"Microsoft.Authorization/roleDefinitions": {"2015-07-01", "2018-01-01-preview", "2022-04-01", "2022-05-01-preview"},
	"Microsoft.Authorization/elevateAccess":   {"2015-07-01", "2016-07-01", "2017-05-01"},
}

// known checks the api-version of a type and answers the refusal.
func (c *call) known(typ string) bool {
	versions := otherVersions[typ]
	if k := kindOf(typ); k != nil {
		versions = k.versions
	}
	if slices.Contains(versions, c.version) {
		return true
	}
	c.fail(http.StatusBadRequest, "NoRegisteredProviderFound", "No registered resource provider found for location '' and API version '"+c.version+"' for type '"+typ[strings.LastIndexByte(typ, '/')+1:]+"'. The supported api-versions are '"+strings.Join(versions, ", ")+"'.")
	return false
}

func kindOf(typ string) *kind {
	for i := range kinds {
		if strings.EqualFold(kinds[i].typ, typ) {
			return &kinds[i]
		}
	}
	return nil
}

// resource answers for an address with a provider.
func (c *call) resource(a address) {
	for typ := range otherVersions {
		if strings.EqualFold(typ, a.typ) {
			if c.known(typ) {
				c.authorization(a, typ)
			}
			return
		}
	}
	k := kindOf(a.typ)
	if k == nil {
		c.notModelled(c.r.Method + " of " + a.typ)
		return
	}
	if !c.known(k.typ) || !c.place(k, a) {
		return
	}
	switch c.r.Method {
	case http.MethodGet:
		c.read(k, a)
	case http.MethodPut:
		c.put(k, a)
	case http.MethodDelete:
		c.remove(k, a)
	case http.MethodPatch:
		c.patch(k, a)
	default:
		c.notModelled(c.r.Method + " of " + a.typ)
	}
}

// authorization answers for Microsoft.Authorization.
func (c *call) authorization(a address, typ string) {
	switch {
	case strings.HasSuffix(typ, "elevateAccess"):
		c.elevate()
	case strings.HasSuffix(typ, "roleDefinitions") && c.r.Method == http.MethodGet:
		c.showDefinitions(a)
	case !strings.HasSuffix(typ, "roleAssignments"):
		c.notModelled(c.r.Method + " of " + typ)
	case c.r.Method == http.MethodGet && a.name == "":
		c.listAssignments(a)
	case c.r.Method == http.MethodGet:
		if c.may(roleAssignmentType+"/read", a.scope) {
			c.show(a)
		}
	case c.r.Method == http.MethodPut && a.name != "":
		c.putAssignment(a)
	case c.r.Method == http.MethodDelete && a.name != "":
		c.deleteAssignment(a)
	default:
		c.notModelled(c.r.Method + " of " + typ)
	}
}

// place checks that what the resource lies in is there.
func (c *call) place(k *kind, a address) bool {
	sub, group := a.group()
	switch {
	case k.where == inTenant:
		if a.scope == "" {
			return true
		}
		c.fail(http.StatusNotFound, "InvalidResourceType", "The resource type '"+a.typ+"' could not be found in this scope.")
		return false
	case sub == "":
		c.fail(http.StatusNotFound, "InvalidResourceType", "The resource type '"+a.typ+"' could not be found in this scope.")
		return false
	case c.subscription(sub) == nil:
		return false
	case group == "" && (a.name != "" || k.where != inGroup):
		c.fail(http.StatusBadRequest, "MissingSubscriptionOrResourceGroup", "The request did not have a resource group in its path.")
		return false
	case group != "" && c.tx.Get(collResources, "/subscriptions/"+sub+"/resourceGroups/"+group) == nil:
		c.fail(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '"+group+"' could not be found.")
		return false
	case k.where == inWorkspace && c.tx.Get(collResources, a.scope) == nil:
		c.missing(a.scope)
		return false
	}
	return true
}

func (c *call) missing(id string) {
	_, rest, _ := strings.Cut(id, "/providers/")
	_, group, _ := strings.Cut(id, "/resourceGroups/")
	group, _, _ = strings.Cut(group, "/")
	c.fail(http.StatusNotFound, "ResourceNotFound", "The Resource '"+rest+"' under resource group '"+group+"' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix")
}

// allowed is whether the caller may act on a resource. The tenant's log export asks for a
// directory role of a user; a service principal needs an Azure role on the provider,
// which nobody has by default (azure-rest-api-specs issue 11085).
func (c *call) allowed(k *kind, a address, verb string) bool {
	if k.where == inTenant && c.who.User {
		roles := []string{"62e90394-69f5-4237-9190-012177145e10", "194ae4cb-b126-40b2-bd5b-6091b380977d"}
		if verb == "read" {
			roles = append(roles, "5d6b6bb7-de71-4623-b4af-96380a352509", "f2ef992c-3afb-46b9-b7cf-a126ee74c451")
		}
		held := c.tx.ActiveRoles(c.who.ObjectID)
		if slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(held, r) }) {
			return true
		}
	}
	return c.may(k.typ+"/"+verb, a.path)
}

func (c *call) read(k *kind, a address) {
	if !c.allowed(k, a, "read") {
		return
	}
	if a.name != "" {
		if o := c.tx.Get(collResources, a.path); o != nil && k.shown != nil && !k.shown(c.version, o) {
			c.missing(a.path)
			return
		}
		c.show(a)
		return
	}
	scope := a.scope
	if k.where == inParent {
		scope = a.path[:strings.LastIndexByte(a.path, '/')]
	}
	c.list(slices.DeleteFunc(c.below(k.typ, scope), func(o state.Object) bool { return k.shown != nil && !k.shown(c.version, o) }))
}

// show answers one resource.
func (c *call) show(a address) {
	o := c.tx.Get(collResources, a.path)
	if o == nil {
		c.missing(a.path)
		return
	}
	c.reply(http.StatusOK, o.Public())
}

// put replaces the whole resource; what the body leaves out is gone.
func (c *call) put(k *kind, a address) {
	if a.name == "" {
		c.fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The request method is not allowed for a collection.")
		return
	}
	if !c.allowed(k, a, "write") {
		return
	}
	c.store(k, a, c.body, c.tx.Get(collResources, a.path))
}

// patch merges tags, and properties one level deep, and stores the result as a whole.
func (c *call) patch(k *kind, a address) {
	if !c.allowed(k, a, "write") {
		return
	}
	before := c.tx.Get(collResources, a.path)
	if before == nil {
		c.missing(a.path)
		return
	}
	body := before.Clone()
	for _, part := range []string{"properties", "tags"} {
		if have := body.Object(part); have != nil {
			for key, v := range c.body.Object(part) {
				have[key] = v
			}
		}
	}
	c.store(k, a, body, before)
}

func (c *call) store(k *kind, a address, body, before state.Object) {
	if body.Object("properties") == nil {
		c.fail(http.StatusBadRequest, "InvalidRequestContent", "The request content is missing 'properties'.")
		return
	}
	if k.where == inGroup && body.String("location") == "" {
		c.fail(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
		return
	}
	if problem := k.check(c, a, body, before); problem != "" {
		c.fail(http.StatusBadRequest, k.refuse, problem)
		return
	}
	o := state.Object{"id": a.path, "type": k.typ, "name": a.name}
	for _, key := range []string{"location", "kind", "tags", "identity", "properties", "etag", "_since"} {
		if v, ok := body[key]; ok && v != nil {
			o[key] = v
		}
	}
	if before != nil {
		o["id"] = before.ID() // the spelling of the first PUT stays
	}
	c.tx.Put(collResources, o)
	c.reply(created(before), o.Public())
}

func (c *call) remove(k *kind, a address) {
	if a.name == "" || !c.allowed(k, a, "delete") {
		if a.name == "" {
			c.fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The request method is not allowed for a collection.")
		}
		return
	}
	if c.tx.Get(collResources, a.path) == nil {
		c.reply(http.StatusNoContent, nil)
		return
	}
	for _, o := range c.tx.List(collResources) {
		if within(o.ID(), a.path) {
			c.tx.Delete(collResources, o.ID())
		}
	}
	c.reply(http.StatusOK, nil)
}
