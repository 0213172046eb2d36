package simtenant

import (
	"slices"
	"time"

	"breakglass/internal/simtenant/state"
)

// A shipment is one shipped tenant: its name, what it is, how it is made.
type shipment struct {
	name, about string
	build       func(*scene)
}

// shippedTenants are in the order in which help shows them.
var shippedTenants = []shipment{
	{"empty", "Contoso, a fresh P2 tenant: two administrators, no emergency account, policies that exempt nobody", sceneEmpty},
	{"healthy", "Fabrikam, as it should be: two emergency accounts with keys, excluded everywhere, watched", sceneHealthy},
	{"broken-lockout", "Contoso, would be lost tonight: its two emergency accounts stop at Conditional Access, one is switched off, one only eligible", sceneLockout},
	{"broken-dead", "Fabrikam, whose two emergency accounts are disabled, federated, synchronised, expiring, eligible or behind one telephone", sceneDead},
	{"broken-free", "Contoso, on the Free licence with security defaults: no exclusions, no Conditional Access, per-user MFA on the emergency account", sceneFree},
}

// Names are the names of the shipped tenants.
func Names() []string {
	names := make([]string, 0, len(shippedTenants))
	for _, t := range shippedTenants {
		names = append(names, t.name)
	}
	return names
}

// About is one sentence on a shipped tenant, empty for an unknown name.
func About(name string) string {
	for _, t := range shippedTenants {
		if t.name == name {
			return t.about
		}
	}
	return ""
}

// Named is a shipped tenant as it stands now: its history (password ages, sign-ins, audit
// records) is told from the present instant. The second result is false for an unknown name.
func Named(name string) (state.Document, bool) { return NamedAt(name, time.Now()) }

// NamedAt is Named for a simulated clock that shows now. The same name and instant give
// the same document.
func NamedAt(name string, now time.Time) (state.Document, bool) {
	i := slices.IndexFunc(shippedTenants, func(t shipment) bool { return t.name == name })
	if i < 0 {
		return state.Document{}, false
	}
	s := newScene(name, now)
	s.play(shippedTenants[i].build)
	return s.document(), true
}
