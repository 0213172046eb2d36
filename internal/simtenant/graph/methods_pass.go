package graph

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// passType is a Temporary Access Pass.
const passType = "#microsoft.graph.temporaryAccessPassAuthenticationMethod"

// passUsable is whether a pass works now, and why not in the service's words.
func passUsable(m state.Object, now time.Time) (bool, string) {
	start := m.Time("startDateTime")
	minutes, _ := m["lifetimeInMinutes"].(float64)
	switch {
	case now.Before(start):
		return false, "NotYetValid"
	case !now.Before(start.Add(time.Duration(minutes) * time.Minute)):
		return false, "Expired"
	case m.Bool("isUsableOnce") && m.Bool("_used"):
		return false, "OneTimeUsed"
	}
	return true, "EnabledByPolicy"
}

// addPass makes a Temporary Access Pass: within the tenant's policy, one per user, never for
// oneself; the pass is in this answer only.
func (c *call) addPass() {
	u := c.owner()
	if u == nil || !c.mayChangeMethods(u) || !c.decode("temporaryAccessPassAuthenticationMethod") {
		return
	}
	conf := state.Object{}
	for _, k := range configurations(c.methodsPolicy()) {
		if k.ID() == "TemporaryAccessPass" {
			conf = k
		}
	}
	number := func(o state.Object, key string, otherwise float64) float64 {
		if n, ok := o[key].(float64); ok {
			return n
		}
		return otherwise
	}
	minutes := number(c.body, "lifetimeInMinutes", number(conf, "defaultLifetimeInMinutes", 60))
	once := c.body.Bool("isUsableOnce")
	switch {
	case conf.String("state") != "enabled" || !c.targeted(conf, u):
		c.fail(http.StatusForbidden, "accessDenied", "Temporary Access Pass is not enabled for the user by policy.")
		return
	case strings.EqualFold(u.ID(), c.who.ObjectID):
		c.fail(http.StatusForbidden, "accessDenied", "A Temporary Access Pass cannot be created for oneself.")
		return
	case minutes < number(conf, "minimumLifetimeInMinutes", 10) || minutes > number(conf, "maximumLifetimeInMinutes", 480):
		c.fail(http.StatusBadRequest, "badRequest", "The lifetime is outside the range that the Temporary Access Pass policy allows.")
		return
	case conf.Bool("isUsableOnce") && !once:
		c.fail(http.StatusBadRequest, "badRequest", "The Temporary Access Pass policy allows one-time passes only.")
		return
	}
	for _, m := range c.methodsOf(u) {
		if usable, _ := passUsable(m, c.now()); m.String("@odata.type") == passType && usable {
			c.fail(http.StatusBadRequest, "badRequest", "The user already has a Temporary Access Pass.")
			return
		}
		if m.String("@odata.type") == passType {
			c.tx.Delete(collMethods, m.String("_key"))
		}
	}
	start := c.now()
	if t := c.body.Time("startDateTime"); t.After(start) {
		start = t
	}
	pass := strings.ToUpper(strings.ReplaceAll(state.NewID(), "-", ""))[:int(number(conf, "defaultLength", 8))]
	m := c.keepMethod(u, state.Object{
		"@odata.type": passType, "lifetimeInMinutes": minutes, "isUsableOnce": once, "startDateTime": state.Timestamp(start), "_pass": pass,
	})
	c.auditMethod("Admin registered security info", "Add", u, m, "Admin registered temporary access pass method for user")
	out := c.shownMethod(m.Clone())
	out["temporaryAccessPass"] = pass
	c.created(out, "temporaryAccessPassAuthenticationMethod")
}

// targeted is whether a method's configuration includes the user and does not exclude it.
func (c *call) targeted(conf, u state.Object) bool {
	groups := groupsOf(c.tx, u.ID())
	hit := func(key string) bool {
		list, _ := conf[key].([]any)
		return slices.ContainsFunc(list, func(e any) bool {
			m, _ := e.(map[string]any)
			id := state.Object(m).ID()
			return id == "all_users" || containsFold(groups, id)
		})
	}
	return hit("includeTargets") && !hit("excludeTargets")
}
