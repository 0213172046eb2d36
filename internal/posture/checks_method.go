package posture

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/config"
	"breakglass/internal/entra"
	"breakglass/internal/lockout"
)

// methodChecks are about how the account proves itself (BG-030 to BG-035).
func methodChecks() []Check {
	return []Check{
		{
			Code: "BG-030", Title: "Two keys are registered and would be accepted", Severity: High, account: twoKeys,
			Why: "Mandatory MFA at the portals and the Zero Trust Assessment want a passkey or certificate; one key alone is lost, broken or locked by eight wrong PINs. " +
				"Key restrictions bind keys that are registered already: a model struck off the list stops working the same hour.",
			Asks:   "Two passkeys (or certificates) of the account, each on and allowed for it in the authentication methods policy. A password-only account in the public cloud fails.",
			Parts:  []entra.Part{entra.PartMethods, entra.PartMethodsPolicy, entra.PartMemberOf},
			Remedy: enrol, Controls: slices.Concat(mcsb(), scuba("MS.AAD.3.6v1"), zt("21782", "21835", "21839")),
		},
		{
			Code: "BG-031", Title: "No method hangs on a person, a device or a service", Severity: High, account: noOtherMethod,
			Why: "A telephone, an authenticator app, a mailbox or a synced passkey is one person's, and is a way to take the account over. " +
				"An external provider or a push is one more outage. The Zero Trust Assessment does not count an account that has one.",
			Asks:   "Only the password, device-bound passkeys and certificates are registered.",
			Parts:  []entra.Part{entra.PartMethods},
			Remedy: "delete the method in the Entra admin center (the account, Authentication methods)", Controls: slices.Concat(mcsb(), zt("21835")),
		},
		{
			Code: "BG-032", Title: "Nobody can reset the password by self-service", Severity: High, account: noSelfService,
			Why: "Self-service password reset is on for administrators by default, apart from the other users' policy: two contacts registered for the account are " +
				"all it takes to own it.",
			Asks:   "allowedToUseSSPR is false, or the account has no telephone, mail address or app that a reset could use.",
			Parts:  []entra.Part{entra.PartAuthorizationPolicy, entra.PartUser, entra.PartMethods},
			Remedy: "set allowedToUseSSPR to false in the authorization policy, or remove the account's telephones, mail addresses and apps", Controls: nist("AC-2"),
		},
		{
			Code: "BG-033", Title: "Per-user MFA is off", Severity: Medium, account: perUserMFAOff, Mends: true,
			Why:    "Per-user MFA stands outside Conditional Access: an account that is excluded from every policy is still stopped by it.",
			Asks:   "perUserMfaState is disabled.",
			Parts:  []entra.Part{entra.PartPerUserMFA},
			Remedy: planApply,
		},
		{
			Code: "BG-034", Title: "The registration campaign leaves the account alone", Severity: Low, account: noCampaign,
			Why: "The campaign nudges whoever signs in to set up an authenticator app: in a drill or a crisis the account ends up on somebody's telephone.",
			Asks: "The campaign is off, or excludes the account, by itself or through a group. " +
				"Its state `default` is Microsoft's choice and counts as on.",
			Parts:  []entra.Part{entra.PartMethodsPolicy, entra.PartMemberOf},
			Remedy: "exclude the exclusion group from the registration campaign (Entra admin center, Authentication methods)",
		},
		{
			Code: "BG-035", Title: "The keys are not all of one model", Severity: Low, tenant: keysDiffer,
			Why:    "A flaw in one vendor's key, or one line in the key restrictions, would take away every key of every account at once.",
			Asks:   "The registered keys of the accounts are of at least two models, or one account has a certificate.",
			Parts:  []entra.Part{entra.PartMethods},
			Remedy: "enrol keys of another vendor for one of the accounts", Controls: mcsb(),
		},
	}
}

func (j *judge) sovereign() bool {
	return slices.Contains([]string{"usgov-l4", "usgov-l5", "china"}, j.s.Cloud)
}

func twoKeys(j *judge, a *account) result {
	if a.want.Posture == config.PosturePasswordOnly && j.sovereign() {
		return notApplicable("the account's posture is password-only, and this cloud has no mandatory MFA")
	}
	keys, whole := lockout.Keys(j.s, a.u)
	good, maybe := 0, 0
	var why []string
	for _, k := range keys {
		switch k.Usable {
		case lockout.True:
			good++
		case lockout.Unknown:
			maybe++
		}
		why = append(why, k.Why)
	}
	said := "none is registered"
	if len(why) > 0 {
		said = few(why)
	}
	switch {
	case good >= 2:
		return pass("%s", said)
	case whole != lockout.True:
		return unsure("the account's authentication methods were not read whole")
	case good+maybe >= 2:
		return unsure("of %s, %d would be accepted for certain: %s", plural(len(keys), "key"), good, said)
	}
	return fail("two keys are asked for, %d would be accepted: %s", good, said)
}

func noOtherMethod(j *judge, a *account) result {
	methods, ok := a.u.Methods.Value()
	doubt := ""
	for _, m := range methods {
		kind, told := m.PasskeyType.Value()
		switch m.Type {
		case "passwordAuthenticationMethod", "x509CertificateAuthenticationMethod":
		case "fido2AuthenticationMethod":
			if kind == "synced" {
				return fail("the passkey %q is synced: it lives in a person's account with a vendor", m.DisplayName.Or(m.ID))
			}
			if !m.PasskeyType.Known() || told && kind != "deviceBound" {
				doubt = fmt.Sprintf("whether the passkey %q is bound to its key was not told", m.DisplayName.Or(m.ID))
			}
		case "":
			doubt = "the type of a method was not told"
		default:
			return fail("%s is registered", strings.TrimSuffix(m.Type, "AuthenticationMethod"))
		}
	}
	switch {
	case !ok || !j.s.Complete(entra.PartMethods.Of(a.u.ID)):
		return unsure("the account's authentication methods were not read whole")
	case doubt != "":
		return unsure("%s", doubt)
	}
	return pass("only the password and %s", plural(len(methods)-1, "key"))
}

func noSelfService(j *judge, a *account) result {
	on, told := j.s.AuthorizationPolicy.AllowedToUseSSPR.Value()
	if told && !on && j.s.Complete(entra.PartAuthorizationPolicy) {
		return pass("administrators cannot reset their own passwords")
	}
	contact, known := j.contact(a)
	switch {
	case contact == "" && known:
		return pass("the account has no contact that a reset could use")
	case contact != "" && told && on:
		return fail("administrators may reset their own passwords, and the account has %s", contact)
	case contact != "":
		return unsure("the account has %s, and whether administrators may reset their own passwords was not told", contact)
	}
	return unsure("whether a self-service reset is possible was not told")
}

// contact is what a self-service reset could use; known when nothing was left out.
func (j *judge) contact(a *account) (what string, known bool) {
	switch {
	case a.u.MobilePhone.Or("") != "":
		return "a mobile phone", true
	case len(a.u.BusinessPhones.Or(nil)) > 0:
		return "a business phone", true
	case len(a.u.OtherMails.Or(nil)) > 0:
		return "another mail address", true
	}
	methods, ok := a.u.Methods.Value()
	whole := ok && j.s.Complete(entra.PartMethods.Of(a.u.ID)) && a.u.MobilePhone.Known() && a.u.BusinessPhones.Known() && a.u.OtherMails.Known()
	for _, m := range methods {
		switch m.Type {
		case "passwordAuthenticationMethod", "x509CertificateAuthenticationMethod", "fido2AuthenticationMethod":
		case "":
			whole = false
		default:
			return "the method " + strings.TrimSuffix(m.Type, "AuthenticationMethod"), true
		}
	}
	return "", whole
}

func perUserMFAOff(_ *judge, a *account) result {
	switch state, _ := a.u.PerUserMFA.Value(); state {
	case "disabled":
		return pass("per-user MFA is disabled")
	case "enabled", "enforced":
		return fail("per-user MFA is %s", state)
	}
	return unsure("the state of per-user MFA was not told")
}

func noCampaign(j *judge, a *account) result {
	state, ok := j.s.MethodsPolicy.CampaignState.Value()
	switch {
	case !ok || !j.s.Complete(entra.PartMethodsPolicy):
		return unsure("the state of the registration campaign was not told")
	case state == "disabled":
		return pass("the registration campaign is off")
	}
	switch lockout.Targeted(j.s, a.u, j.s.MethodsPolicy.CampaignExclude) {
	case lockout.True:
		return pass("the registration campaign (%s) excludes the account", state)
	case lockout.False:
		return fail("the registration campaign is %s and does not exclude the account", state)
	}
	return unsure("the registration campaign is %s, and whether it excludes the account was not told", state)
}

func keysDiffer(j *judge) result {
	models := map[string]bool{}
	certificate, doubt, n := false, false, 0
	for _, a := range j.accounts {
		if a.u == nil {
			doubt = true
			continue
		}
		keys, whole := lockout.Keys(j.s, a.u)
		doubt = doubt || whole != lockout.True
		for _, k := range keys {
			n++
			model, ok := k.Method.AAGUID.Value()
			switch {
			case k.Method.Type == "x509CertificateAuthenticationMethod":
				certificate = true
			case ok:
				models[strings.ToLower(model)] = true
			default:
				doubt = true
			}
		}
	}
	switch {
	case len(models) > 1 || certificate && n > 1:
		return pass("the registered keys are of more than one kind")
	case doubt:
		return unsure("not all keys of all accounts were seen")
	case n == 0:
		return fail("no key is registered")
	}
	return fail("all registered keys are of one model")
}
