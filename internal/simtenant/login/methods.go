package login

import (
	"slices"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// Method is one proof that a user gave, in the words of authentication strengths
// (authenticationMethodModes: password, fido2, microsoftAuthenticatorPush, sms, …), or
// "external" for an external authentication method.
type Method struct {
	Mode string
	// ID is the method's object in the tenant; "" any of the user's of this kind.
	ID string
	// AAGUID is the passkey's model; "" as the object says.
	AAGUID string
}

// first is true when the proof can open a sign-in by itself.
func (m Method) first() bool { return singleFactor(m.Mode) || multiFactor(m.Mode) }

func singleFactor(mode string) bool {
	return slices.Contains([]string{"password", "federatedSingleFactor", "x509CertificateSingleFactor", "qrCodePin"}, mode)
}

// multiFactor is true for proofs that are two factors in one (page "Conditional Access
// authentication strength").
func multiFactor(mode string) bool {
	return slices.Contains([]string{
		"fido2", "windowsHelloForBusiness", "x509CertificateMultiFactor", "deviceBasedPush",
		"temporaryAccessPassOneTime", "temporaryAccessPassMultiUse", "federatedMultiFactor",
	}, mode)
}

func secondFactor(mode string) bool {
	return slices.Contains([]string{"microsoftAuthenticatorPush", "softwareOath", "hardwareOath", "sms", "voice", "external"}, mode)
}

// SatisfiesMFA is true when the proofs together are multifactor authentication.
func SatisfiesMFA(proofs []Method) bool {
	var one, two bool
	for _, m := range proofs {
		if multiFactor(m.Mode) {
			return true
		}
		if m.Mode == "password" || m.Mode == "federatedSingleFactor" || m.Mode == "x509CertificateSingleFactor" || m.Mode == "qrCodePin" {
			one = true
		}
		two = two || secondFactor(m.Mode)
	}
	return one && two
}

// kinds says what object a proof needs to be registered and which configuration of the
// authentication methods policy rules it.
var kinds = map[string]struct {
	object, config string
	service        bool // goes through the MFA service
}{
	"fido2":                       {"fido2AuthenticationMethod", "Fido2", false},
	"windowsHelloForBusiness":     {"windowsHelloForBusinessAuthenticationMethod", "", false},
	"x509CertificateSingleFactor": {"x509CertificateAuthenticationMethod", "X509Certificate", false},
	"x509CertificateMultiFactor":  {"x509CertificateAuthenticationMethod", "X509Certificate", false},
	"microsoftAuthenticatorPush":  {"microsoftAuthenticatorAuthenticationMethod", "MicrosoftAuthenticator", true},
	"deviceBasedPush":             {"microsoftAuthenticatorAuthenticationMethod", "MicrosoftAuthenticator", true},
	"sms":                         {"phoneAuthenticationMethod", "Sms", true},
	"voice":                       {"phoneAuthenticationMethod", "Voice", true},
	"softwareOath":                {"softwareOathAuthenticationMethod", "SoftwareOath", false},
	"hardwareOath":                {"hardwareOathAuthenticationMethod", "HardwareOath", false},
	"temporaryAccessPassOneTime":  {"temporaryAccessPassAuthenticationMethod", "TemporaryAccessPass", false},
	"temporaryAccessPassMultiUse": {"temporaryAccessPassAuthenticationMethod", "TemporaryAccessPass", false},
	"qrCodePin":                   {"qrCodePinAuthenticationMethod", "QRCodePin", false},
	"external":                    {"externalAuthenticationMethod", "", false},
}

// Methods is every proof that a user has registered, usable or not, the password first.
func Methods(tx *state.Tx, userID string) []Method {
	u := tx.Get("users", userID)
	if u == nil {
		return nil
	}
	out := []Method{{Mode: "password"}}
	if federated(tx, u) {
		out = []Method{{Mode: "federatedSingleFactor"}}
	}
	for _, o := range registered(tx, u) {
		for _, mode := range modesOf(o) {
			out = append(out, Method{Mode: mode, ID: o.ID(), AAGUID: o.String("aaGuid")})
		}
	}
	return out
}

// registered is the user's authentication method objects.
func registered(tx *state.Tx, u state.Object) []state.Object {
	return slices.DeleteFunc(tx.List("authenticationMethods"), func(o state.Object) bool {
		return !strings.EqualFold(o.String("_user"), u.ID())
	})
}

// typeOf is an object's type without Microsoft's prefix.
func typeOf(o state.Object) string {
	return strings.TrimPrefix(o.String("@odata.type"), "#microsoft.graph.")
}

// modesOf is the proofs that a registered object can give.
func modesOf(o state.Object) []string {
	switch typeOf(o) {
	case "fido2AuthenticationMethod":
		return []string{"fido2"}
	case "windowsHelloForBusinessAuthenticationMethod":
		return []string{"windowsHelloForBusiness"}
	case "x509CertificateAuthenticationMethod":
		return []string{"x509CertificateMultiFactor"}
	case "microsoftAuthenticatorAuthenticationMethod":
		return []string{"microsoftAuthenticatorPush"}
	case "phoneAuthenticationMethod":
		return []string{"sms", "voice"}
	case "softwareOathAuthenticationMethod":
		return []string{"softwareOath"}
	case "hardwareOathAuthenticationMethod":
		return []string{"hardwareOath"}
	case "temporaryAccessPassAuthenticationMethod":
		if o.Bool("isUsableOnce") {
			return []string{"temporaryAccessPassOneTime"}
		}
		return []string{"temporaryAccessPassMultiUse"}
	case "externalAuthenticationMethod":
		return []string{"external"}
	case "qrCodePinAuthenticationMethod":
		return []string{"qrCodePin"}
	}
	return nil
}

// federated is true when the user's domain leaves sign-in to another identity provider.
func federated(tx *state.Tx, u state.Object) bool {
	_, name, _ := strings.Cut(u.String("userPrincipalName"), "@")
	return domain(tx, name).String("authenticationType") == "Federated"
}

// unusable is why a proof does not count, with the error the sign-in ends with when it was
// the first one; 0 when it counts.
func unusable(tx *state.Tx, u state.Object, m Method) (int, string) {
	switch m.Mode {
	case "password":
		if federated(tx, u) {
			return 50126, "the user's domain is federated: its identity provider checks the password"
		}
		return 0, ""
	case "federatedSingleFactor", "federatedMultiFactor":
		switch {
		case !federated(tx, u):
			return 50008, "the user's domain is not federated"
		case tx.World().IdentityProviderDown:
			return 50008, "the identity provider does not answer"
		}
		return 0, ""
	}
	kind, ok := kinds[m.Mode]
	if !ok {
		return 50126, "there is no such method: " + m.Mode
	}
	if kind.service && tx.World().MFAServiceDown {
		return 500121, "the MFA service is down"
	}
	o := registeredAs(tx, u, m, kind.object)
	if o == nil {
		return 50126, "the user has not registered " + m.Mode
	}
	if strings.HasPrefix(m.Mode, "temporaryAccessPass") && !passValid(o, tx.Now()) {
		return 50126, "the Temporary Access Pass is used up or past its time"
	}
	if !methodAllowed(tx, u, kind.config, o, m) {
		return 135010, "the authentication methods policy does not allow " + m.Mode + " for this user"
	}
	return 0, ""
}

func registeredAs(tx *state.Tx, u state.Object, m Method, kind string) state.Object {
	for _, o := range registered(tx, u) {
		same := m.ID == "" || strings.EqualFold(m.ID, o.ID())
		model := m.AAGUID == "" || strings.EqualFold(m.AAGUID, o.String("aaGuid"))
		if typeOf(o) == kind && same && model {
			return o
		}
	}
	return nil
}

// passValid is true within a Temporary Access Pass's time, and before its only use.
func passValid(o state.Object, now time.Time) bool {
	from := o.Time("startDateTime")
	if from.IsZero() {
		from = o.Time("createdDateTime")
	}
	until := from.Add(time.Duration(number(o["lifetimeInMinutes"])) * time.Minute)
	return !now.Before(from) && now.Before(until) && !o.Bool("_used") && o["isUsable"] != false
}

// number reads a JSON or Go number; 0 when it is none.
func number(v any) int {
	switch v := v.(type) {
	case float64:
		return int(v)
	case int:
		return v
	case int64:
		return int(v)
	}
	return 0
}

// legacyToo are the methods that the older MFA and self-service policies allow as well
// until the migration is complete (page "How to migrate MFA and SSPR policy settings").
var legacyToo = []string{"MicrosoftAuthenticator", "Sms", "Voice", "SoftwareOath", "HardwareOath"}

// methodAllowed is whether the authentication methods policy lets the user use a method.
func methodAllowed(tx *state.Tx, u state.Object, config string, o state.Object, m Method) bool {
	policy := tx.One("policies/authenticationMethodsPolicy")
	if config == "" || policy == nil {
		return true
	}
	if policy.String("policyMigrationState") != "migrationComplete" && slices.Contains(legacyToo, config) {
		return true
	}
	for _, c := range objects(policy, "authenticationMethodConfigurations") {
		if !strings.EqualFold(c.ID(), config) {
			continue
		}
		in := targeted(tx, u, objects(c, "includeTargets"))
		out := targeted(tx, u, objects(c, "excludeTargets"))
		if c.String("state") != "enabled" || len(in) == 0 || len(out) > 0 {
			return false
		}
		return config != "Fido2" || passkeyAllowed(c, in, o, m)
	}
	return false
}

// targeted is the targets of a configuration that mean the user.
func targeted(tx *state.Tx, u state.Object, targets []state.Object) []state.Object {
	groups := nestedGroups(tx, u.ID())
	return slices.DeleteFunc(targets, func(t state.Object) bool {
		id := strings.ToLower(t.ID())
		return id != "all_users" && id != strings.ToLower(u.ID()) && !slices.Contains(groups, id)
	})
}

// passkeyAllowed is whether key restrictions let a key sign in: they bind at every use, not
// at registration only (page "Enable passkeys (FIDO2)"). Profiles, where the targets
// name some, stand in place of the configuration's own restrictions; one that allows suffices.
func passkeyAllowed(c state.Object, in []state.Object, o state.Object, m Method) bool {
	aaguid := m.AAGUID
	if aaguid == "" {
		aaguid = o.String("aaGuid")
	}
	profiles := objects(c, "passkeyProfiles")
	named := false
	for _, t := range in {
		for _, id := range t.Strings("allowedPasskeyProfiles") {
			i := slices.IndexFunc(profiles, func(p state.Object) bool { return strings.EqualFold(p.ID(), id) })
			if i < 0 {
				continue
			}
			named = true
			if keyAllowed(profiles[i].Object("keyRestrictions"), aaguid) && typeAllowed(profiles[i], o) {
				return true
			}
		}
	}
	return !named && keyAllowed(c.Object("keyRestrictions"), aaguid)
}

func keyAllowed(r state.Object, aaguid string) bool {
	if !r.Bool("isEnforced") {
		return true
	}
	listed := slices.ContainsFunc(r.Strings("aaGuids"), func(a string) bool { return strings.EqualFold(a, aaguid) })
	return listed == (r.String("enforcementType") != "block")
}

// typeAllowed compares device-bound and synced.
func typeAllowed(profile, o state.Object) bool {
	types, kind := profile.String("passkeyTypes"), o.String("passkeyType")
	if kind == "" {
		kind = "deviceBound"
	}
	return types == "" || strings.Contains(strings.ToLower(types), strings.ToLower(kind))
}

// staleOf is why a password must be changed before it opens anything; "" when it need not.
func staleOf(tx *state.Tx, u state.Object) string {
	p := u.Object("passwordProfile")
	if p.Bool("forceChangePasswordNextSignIn") || p.Bool("forceChangePasswordNextSignInWithMfa") {
		return "the password must be changed at the next sign-in"
	}
	if strings.Contains(u.String("passwordPolicies"), "DisablePasswordExpiration") {
		return ""
	}
	_, name, _ := strings.Cut(u.String("userPrincipalName"), "@")
	days := number(domain(tx, name)["passwordValidityPeriodInDays"])
	changed := u.Time("lastPasswordChangeDateTime")
	if days == 0 || days >= 1<<31-1 || changed.IsZero() {
		return ""
	}
	if tx.Now().After(changed.AddDate(0, 0, days)) {
		return "the password has expired"
	}
	return ""
}
