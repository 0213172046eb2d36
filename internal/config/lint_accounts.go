package config

import (
	"fmt"
	"slices"
	"strings"
)

// accounts judges the accounts one by one and together; quorums has its own file.
func (l *linter) accounts() {
	n := len(l.d.Accounts)
	if n < 2 {
		l.report("accounts-few", "accounts", "name a second account", "the plan has %d emergency account(s)", n)
	}
	if n > 2 {
		l.report("accounts-many", "accounts", "keep two; a third limited account is judged apart", "the plan has %d emergency accounts", n)
	}
	for i, a := range l.d.Accounts {
		path := fmt.Sprintf("accounts[%d]", i)
		l.name(a, path)
		l.posture(a, path)
		l.credentials(a, path)
	}
	l.accountsTwice()
	l.keysTwice()
	l.profile()
}

// telling are words in a name that say what the account is for.
var telling = []string{
	"breakglass", "breaktheglass", "glassbreak", "emergency", "emerg", "notfall", "urgence", "admin", "rescue",
	"recovery", "lastresort", "bgaccount", "firecall", "failsafe",
}

func (l *linter) name(a Account, path string) {
	local, domain, _ := strings.Cut(a.UserPrincipalName, "@")
	if !strings.EqualFold(domain, l.d.Tenant.InitialDomain) {
		l.report("upn-domain", path+".user_principal_name", "end it in @"+l.d.Tenant.InitialDomain, "%s is on %s, not on the initial domain %s", a.ID, domain, l.d.Tenant.InitialDomain)
	}
	for _, name := range []struct{ key, value string }{{"user_principal_name", local}, {"display_name", a.DisplayName}} {
		if word := tellingWord(name.value); word != "" {
			l.report("upn-telling", path+"."+name.key, "a name that nobody guesses; breakglass init proposes one. Rename before keys are enrolled: they do not survive it", "the %s of %s tells what it is: it contains %s", strings.ReplaceAll(name.key, "_", " "), a.ID, word)
		}
	}
}

func tellingWord(name string) string {
	squeezed := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_.'!#^~ ", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
	for _, word := range telling {
		if strings.Contains(squeezed, word) {
			return word
		}
	}
	if rest, ok := strings.CutPrefix(squeezed, "bg"); ok && strings.Trim(rest, "0123456789") == "" {
		return "bg"
	}
	return ""
}

func (l *linter) posture(a Account, path string) {
	if required := a.Posture == PosturePasskeyRequired; required != (a.Policy != "") {
		if required {
			l.report("policy-posture", path+".posture", "policy: the object id of the one policy that may apply", "%s is passkey-required and names no policy", a.ID)
		} else {
			l.report("policy-posture", path+".policy", "remove policy, or set posture: passkey-required", "%s names a policy and is %s", a.ID, a.Posture)
		}
	}
	if a.Posture == PosturePasswordOnly && l.d.Tenant.Cloud == defaultCloud {
		l.report("password-only", path+".posture", "enrol two security keys and set posture: excluded", "%s has a password alone; in the public cloud the portals will not let it in", a.ID)
	}
}

// credentials judges whether the plan says how the account opens.
func (l *linter) credentials(a Account, path string) {
	switch {
	case a.Password != PasswordUnknown && a.Quorum == nil:
		l.report("quorum-missing", path+".password", "name custodians and locations and add a quorum, or set password: unknown where two keys are enough", "the password of %s is to be sealed, and nothing says how it is split", a.ID)
	case a.Password == PasswordUnknown && a.Quorum != nil:
		l.report("quorum-idle", path+".quorum", "remove the quorum, or set password: sealed", "the password of %s is known to nobody, and has a quorum", a.ID)
	}
	switch n := len(a.Keys); {
	case a.Posture == PosturePasswordOnly && n == 0:
	case n == 0:
		l.report("keys-missing", path+".keys", "list the keys, where each lies and how its PIN is split", "%s has no security key in the plan", a.ID)
	case n == 1:
		l.report("keys-few", path+".keys", "add a second key in another location", "%s has one security key", a.ID)
	}
	l.keys(a, path)
}

func (l *linter) keys(a Account, path string) {
	for i, k := range a.Keys {
		if k.PIN == nil {
			l.report("pin-missing", fmt.Sprintf("%s.keys[%d]", path, i), "add pin with its locations and sheets", "how the PIN of key %s of %s is split is not said", k.ID, a.ID)
		}
	}
	if len(a.Keys) > 1 && !slices.ContainsFunc(a.Keys, func(k Key) bool { return k.Location != a.Keys[0].Location }) {
		l.report("keys-together", path+".keys", "move one to another location", "all keys of %s lie at %s", a.ID, a.Keys[0].Location)
	}
}

func (l *linter) accountsTwice() {
	for i, a := range l.d.Accounts {
		for _, b := range l.d.Accounts[:i] {
			path := fmt.Sprintf("accounts[%d]", i)
			switch {
			case strings.EqualFold(a.UserPrincipalName, b.UserPrincipalName):
				l.report("account-twice", path+".user_principal_name", "remove one of the two entries", "%s and %s are one account: both are %s", b.ID, a.ID, a.UserPrincipalName)
			case a.ObjectID != "" && strings.EqualFold(a.ObjectID, b.ObjectID):
				l.report("account-twice", path+".object_id", "remove one of the two entries", "%s and %s are one account: both have the object id %s", b.ID, a.ID, a.ObjectID)
			case a.ID == b.ID:
				l.report("account-twice", path+".id", "give each account an id of its own", "two accounts have the id %s", a.ID)
			}
		}
	}
}

// keysTwice finds a key listed twice by its serial, and keys that are all of one model.
func (l *linter) keysTwice() {
	serials, models := map[string]string{}, map[string]int{}
	keys := 0
	for i, a := range l.d.Accounts {
		for j, k := range a.Keys {
			keys++
			if k.AAGUID != "" {
				models[strings.ToLower(k.AAGUID)]++
			}
			name := k.ID + " of " + a.ID
			if first, twice := serials[k.Serial]; k.Serial != "" && twice {
				l.report("key-twice", fmt.Sprintf("accounts[%d].keys[%d].serial", i, j), "each key once", "%s and %s are one key: both have the serial %s", first, name, k.Serial)
			}
			serials[k.Serial] = name
		}
	}
	for model, n := range models {
		if n == keys && keys > 1 {
			l.report("keys-one-model", "accounts", "use another vendor's keys for one account", "all %d keys are of the model %s", keys, model)
		}
	}
}

// profile compares the postures with those that the tenant's profile promises.
func (l *linter) profile() {
	count := map[Posture]int{}
	for _, a := range l.d.Accounts {
		count[a.Posture]++
	}
	if len(l.d.Accounts) > 0 && count[PosturePasskeyRequired] == len(l.d.Accounts) {
		l.report("none-excluded", "accounts", "set one account to posture: excluded", "every account stands under a policy")
	}
	under, alone := count[PosturePasskeyRequired], count[PosturePasswordOnly]
	var fits bool
	switch l.d.Tenant.Profile {
	case "strict":
		fits = under == 1 && alone == 0
	case "classic":
		fits = under == 0 && alone == 1
	default:
		fits = under == 0 && alone == 0
	}
	if !fits {
		l.report("profile-postures", "tenant.profile", "change the profile or the postures; docs/configuration.md has what each profile is", "profile %s does not go with %d account(s) excluded, %d passkey-required, %d password-only",
			l.d.Tenant.Profile, count[PostureExcluded], under, alone)
	}
}
