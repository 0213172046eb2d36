package lockout

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// The types of methods that need no service but the sign-in itself.
const (
	typeFIDO2    = "fido2AuthenticationMethod"
	typeX509     = "x509CertificateAuthenticationMethod"
	typePassword = "passwordAuthenticationMethod"
)

// Key is a registered passkey or certificate and whether the tenant would accept it now.
type Key struct {
	Method entra.Method
	Usable Truth
	// Why is one sentence.
	Why string
}

// Keys are the registered passkeys and certificates of an account, in the order of the
// reading; whole is False or Unknown when the list of methods is not complete.
//
// Key restrictions bind registration and authentication alike ("Enable passkeys (FIDO2)").
func Keys(s *entra.Snapshot, u *entra.User) (keys []Key, whole Truth) {
	methods, ok := u.Methods.Value()
	whole = truth(ok && s.Complete(entra.PartMethods.Of(u.ID)))
	if whole == False {
		whole = Unknown
	}
	for _, m := range methods {
		switch m.Type {
		case typeFIDO2:
			keys = append(keys, judgeKey(subject{s, u}, m, "Fido2"))
		case typeX509:
			keys = append(keys, judgeKey(subject{s, u}, m, "X509Certificate"))
		case "":
			whole = Unknown
		}
	}
	return keys, whole
}

func judgeKey(a subject, m entra.Method, configuration string) Key {
	name := m.DisplayName.Or(m.ID)
	on, why := a.methodOn(configuration)
	if on == True && configuration == "Fido2" {
		on, why = a.aaguidAllowed(m)
	}
	if on == True {
		return Key{m, on, fmt.Sprintf("%q would be accepted", name)}
	}
	return Key{m, on, fmt.Sprintf("%q: %s", name, why)}
}

// methodOn says whether the authentication methods policy lets the account use a method.
func (a subject) methodOn(configuration string) (Truth, string) {
	if !a.s.Complete(entra.PartMethodsPolicy) {
		return Unknown, "the authentication methods policy was not read"
	}
	c := methodConfiguration(a.s, configuration)
	if c == nil {
		return Unknown, "the authentication methods policy does not speak of " + configuration
	}
	state, ok := c.State.Value()
	switch {
	case !ok || state != "enabled" && state != "disabled":
		return Unknown, "whether " + configuration + " is on was not told"
	case state == "disabled":
		return False, configuration + " is switched off in the authentication methods policy"
	}
	on := a.targeted(c.IncludeTargets).And(a.targeted(c.ExcludeTargets).Not())
	return on, map[Truth]string{
		True:    configuration + " is on for the account",
		False:   configuration + " is not on for this account",
		Unknown: "whether " + configuration + " is on for this account was not told",
	}[on]
}

func methodConfiguration(s *entra.Snapshot, id string) *entra.MethodConfiguration {
	i := slices.IndexFunc(s.MethodsPolicy.Configurations, func(c entra.MethodConfiguration) bool { return strings.EqualFold(c.ID, id) })
	if i < 0 {
		return nil
	}
	return &s.MethodsPolicy.Configurations[i]
}

// Targeted says whether a list of the authentication methods policy names the account: itself,
// a group that it is in, or everybody.
func Targeted(s *entra.Snapshot, u *entra.User, list entra.Maybe[[]entra.Target]) Truth {
	return subject{s, u}.targeted(list)
}

func (a subject) targeted(list entra.Maybe[[]entra.Target]) Truth {
	if !list.Known() {
		return Unknown
	}
	in := False
	for _, t := range list.Or(nil) {
		switch {
		case t.ID == "":
			in = in.Or(Unknown)
		case strings.EqualFold(t.ID, "all_users") || strings.EqualFold(t.ID, a.u.ID):
			in = True
		default:
			in = in.Or(a.inGroup(t.ID))
		}
	}
	return in
}

// aaguidAllowed judges a passkey by the profiles that the account's targets name, one that
// allows it suffices; where they name none, by the configuration's own restrictions.
func (a subject) aaguidAllowed(m entra.Method) (Truth, string) {
	c := methodConfiguration(a.s, "Fido2")
	named, told := a.profiles(c)
	profiles, _ := c.PasskeyProfiles.Value()
	switch {
	case !told, len(named) == 0 && len(profiles) > 0:
		return Unknown, "which passkey profile holds for the account was not told"
	case len(named) == 0:
		return restricted(c.KeyRestrictions, m)
	}
	allowed, why := False, "no passkey profile of the account allows it"
	for _, id := range named {
		i := slices.IndexFunc(profiles, func(p entra.PasskeyProfile) bool { return strings.EqualFold(p.ID, id) })
		if i < 0 {
			allowed, why = allowed.Or(Unknown), "a passkey profile of the account was not read"
			continue
		}
		ok, _ := restricted(profiles[i].KeyRestrictions, m)
		allowed = allowed.Or(ok.And(typeAllowed(profiles[i], m)))
	}
	switch allowed {
	case True:
		why = "accepted by a passkey profile"
	case Unknown:
		why = "whether a passkey profile allows it was not told"
	}
	return allowed, why
}

// profiles are the profiles that the targets of the account name; told is false when a target
// may name more.
func (a subject) profiles(c *entra.MethodConfiguration) (named []string, told bool) {
	told = true
	none := len(c.PasskeyProfiles.Or(nil)) == 0
	for _, t := range c.IncludeTargets.Or(nil) {
		if a.targeted(entra.Some([]entra.Target{t})) == False {
			continue
		}
		named = append(named, t.AllowedPasskeyProfiles.Or(nil)...)
		told = told && (t.AllowedPasskeyProfiles.Known() || none)
	}
	return named, told
}

func typeAllowed(p entra.PasskeyProfile, m entra.Method) Truth {
	types, ok := p.PasskeyTypes.Value()
	kind, has := m.PasskeyType.Value()
	switch {
	case p.PasskeyTypes.IsNull():
		return True
	case !ok || !m.PasskeyType.Known():
		return Unknown
	case !has:
		kind = "deviceBound"
	}
	return truth(slices.ContainsFunc(strings.Split(types, ","), func(t string) bool { return strings.EqualFold(strings.TrimSpace(t), kind) }))
}

// restricted judges a passkey's model by key restrictions.
func restricted(of entra.Maybe[entra.KeyRestrictions], m entra.Method) (Truth, string) {
	r, ok := of.Value()
	enforced, known := r.IsEnforced.Value()
	switch {
	case of.IsNull() || ok && known && !enforced:
		return True, "accepted, no key restrictions"
	case !ok || !known:
		return Unknown, "the key restrictions were not told"
	}
	id, has := m.AAGUID.Value()
	kind, named := r.EnforcementType.Value()
	if !has || !named || !r.AAGUIDs.Known() {
		return Unknown, "the key's model or the key restrictions were not told"
	}
	listed := contains(r.AAGUIDs, id)
	switch kind {
	case "allow":
		return listed, "key restrictions allow a list of models; on it: " + listed.String()
	case "block":
		return listed.Not(), "key restrictions block a list of models; on it: " + listed.String()
	}
	return Unknown, fmt.Sprintf("key restrictions of a kind that we do not know (%s)", kind)
}

// strong says whether the account has a passkey or certificate that would be accepted: the
// only methods that hang on no telephone, no person's device and no MFA service. A method
// of another kind meets a demand for MFA only while that hangs together: Unknown.
func (a subject) strong() (Truth, string) {
	keys, whole := Keys(a.s, a.u)
	usable := False
	for _, k := range keys {
		if k.Usable == True {
			return True, k.Why
		}
		usable = usable.Or(k.Usable)
	}
	switch {
	case whole != True:
		return Unknown, "its authentication methods were not read"
	case usable == Unknown:
		return Unknown, keys[0].Why
	}
	if other := a.otherMethod(); other != "" {
		return Unknown, "only by " + other + ", which hangs on a device or a service"
	}
	if len(keys) > 0 {
		return False, keys[0].Why
	}
	return False, "no passkey and no certificate is registered"
}

// otherMethod is the type of a method that could meet a demand for MFA in good times.
func (a subject) otherMethod() string {
	for _, m := range a.u.Methods.Or(nil) {
		switch m.Type {
		case typeFIDO2, typeX509, typePassword, "emailAuthenticationMethod", "":
		default:
			return m.Type
		}
	}
	return ""
}
