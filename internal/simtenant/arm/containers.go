package arm

import (
	"net/http"
	"regexp"
	"strings"

	"breakglass/internal/simtenant/state"
)

const groupType = "Microsoft.Resources/resourceGroups"

// container answers for tenants, subscriptions and resource groups.
func (c *call) container(path string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	first := strings.ToLower(parts[0])
	switch {
	case first == "tenants" && len(parts) == 1 && c.r.Method == http.MethodGet:
		c.listTenants()
	case first != "subscriptions" || len(parts) > 4:
		c.notModelled(c.r.Method + " " + path)
	case len(parts) == 1 && c.r.Method == http.MethodGet:
		c.listSubscriptions()
	case len(parts) == 2 && c.r.Method == http.MethodGet:
		c.getSubscription(parts[1])
	case len(parts) >= 3 && strings.EqualFold(parts[2], "resourceGroups"):
		name := ""
		if len(parts) == 4 {
			name = parts[3]
		}
		c.resourceGroup(parts[1], name)
	default:
		c.notModelled(c.r.Method + " " + path)
	}
}

func (c *call) listTenants() {
	org := c.tx.One("organization")
	domains := []any{}
	initial := ""
	for _, d := range c.tx.List("domains") {
		domains = append(domains, d.ID())
		if d.Bool("isInitial") {
			initial = d.ID()
		}
	}
	c.list([]state.Object{{
		"id": "/tenants/" + c.tx.TenantID(), "tenantId": c.tx.TenantID(), "displayName": org.String("displayName"), "countryCode": org.String("countryLetterCode"),
		"domains": domains, "defaultDomain": initial, "tenantCategory": "Home", "tenantType": "AAD",
	}})
}

// listSubscriptions shows those in which the caller holds a role, in the subscription,
// above or below. A Global Administrator without elevated access sees none.
func (c *call) listSubscriptions() {
	var out []state.Object
	for _, s := range c.tx.List(collSubscriptions) {
		if c.sees(s.ID()) {
			out = append(out, s)
		}
	}
	c.list(out)
}

func (c *call) sees(scope string) bool {
	holders := c.holders()
	for _, a := range c.assignments() {
		p := a.Object("properties")
		if !containsFold(holders, p.String("principalId")) {
			continue
		}
		if within(scope, p.String("scope")) || within(p.String("scope"), scope) {
			return true
		}
	}
	return false
}

func containsFold(list []string, v string) bool {
	for _, s := range list {
		if strings.EqualFold(s, v) {
			return true
		}
	}
	return false
}

// subscription is one that the caller can see; it answers 404 itself.
func (c *call) subscription(id string) state.Object {
	s := c.tx.Get(collSubscriptions, "/subscriptions/"+id)
	if s == nil || !c.sees(s.ID()) {
		c.fail(http.StatusNotFound, "SubscriptionNotFound", "The subscription '"+id+"' could not be found.")
		return nil
	}
	return s
}

func (c *call) getSubscription(id string) {
	if s := c.subscription(id); s != nil {
		c.reply(http.StatusOK, s.Public())
	}
}

var groupName = regexp.MustCompile(`^[-\w._()]{1,90}$`)

func (c *call) resourceGroup(subscription, name string) {
	if !c.known(groupType) || c.subscription(subscription) == nil {
		return
	}
	scope := "/subscriptions/" + subscription
	id := scope + "/resourceGroups/" + name
	const action = "Microsoft.Resources/subscriptions/resourceGroups/"
	switch {
	case c.r.Method == http.MethodGet && name == "":
		if !c.may(action+"read", scope) {
			return
		}
		c.list(c.below(groupType, scope))
	case c.r.Method == http.MethodGet || c.r.Method == http.MethodHead:
		if c.may(action+"read", id) {
			c.showGroup(id, name)
		}
	case c.r.Method == http.MethodPut && name != "":
		if c.may(action+"write", id) {
			c.putGroup(id, name)
		}
	case c.r.Method == http.MethodDelete && name != "":
		c.notModelled("the deletion of resource groups")
	default:
		c.fail(http.StatusMethodNotAllowed, "MethodNotAllowed", "The request method is not allowed.")
	}
}

func (c *call) showGroup(id, name string) {
	g := c.tx.Get(collResources, id)
	switch {
	case g == nil:
		c.fail(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '"+name+"' could not be found.")
	case c.r.Method == http.MethodHead:
		c.reply(http.StatusNoContent, nil)
	default:
		c.reply(http.StatusOK, g.Public())
	}
}

func (c *call) putGroup(id, name string) {
	before := c.tx.Get(collResources, id)
	location := strings.ToLower(strings.ReplaceAll(c.body.String("location"), " ", ""))
	switch {
	case !groupName.MatchString(name) || strings.HasSuffix(name, "."):
		c.fail(http.StatusBadRequest, "InvalidResourceGroup", "The resource group name '"+name+"' is not valid.")
	case location == "":
		c.fail(http.StatusBadRequest, "LocationRequired", "The location property is required for this definition.")
	case before != nil && before.String("location") != location:
		c.fail(http.StatusConflict, "InvalidResourceGroupLocation", "Invalid resource group location '"+location+"'. The Resource group already exists in location '"+before.String("location")+"'.")
	default:
		g := state.Object{"id": id, "type": groupType, "name": name, "location": location, "properties": map[string]any{"provisioningState": "Succeeded"}}
		if tags := c.body.Object("tags"); tags != nil {
			g["tags"] = map[string]any(tags)
		}
		c.tx.Put(collResources, g)
		c.reply(created(before), g.Public())
	}
}

// created is the status of a PUT: 201 for something new, 200 for a replacement.
func created(before state.Object) int {
	if before == nil {
		return http.StatusCreated
	}
	return http.StatusOK
}

// below is the resources of a type in a scope.
func (c *call) below(typ, scope string) []state.Object {
	var out []state.Object
	for _, o := range c.tx.List(collResources) {
		if strings.EqualFold(o.String("type"), typ) && within(o.ID(), scope) {
			out = append(out, o)
		}
	}
	return out
}
