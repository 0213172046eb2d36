package msapi_test

import (
	"regexp"
	"strings"
	"testing"

	"breakglass/internal/entra"
	"breakglass/internal/lockout"
	"breakglass/internal/msapi"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
)

// verdicts judges the accounts of a reading, in their order.
func verdicts(s *entra.Snapshot, accounts []string) string {
	var b strings.Builder
	for _, id := range accounts {
		a := lockout.Analyze(s, id)
		b.WriteString(string(a.Verdict))
		for _, x := range a.Blockers {
			b.WriteString(" " + string(x.Kind) + map[bool]string{true: "!", false: "?"}[x.Certain])
		}
		b.WriteString("\n")
	}
	return b.String()
}

// A reading of each shipped tenant, written, read back and anonymised, is judged the same;
// and nothing that a tenant's people named survives in it.
func TestAnAnonymisedReadingIsJudgedTheSame(t *testing.T) {
	for _, name := range simtenant.Names() {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t, name)
			accounts := sc.emergency()
			s := sc.read(t, msapi.ReadOptions{Accounts: append(accounts, "gone@"+sc.Endpoints().InitialDomain)})
			data, err := s.Encode()
			if err != nil {
				t.Fatal(err)
			}
			again, err := entra.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			for p, r := range again.Readings {
				if r != s.Readings[p] {
					t.Errorf("%s: read %+v, the file says %+v", p, s.Readings[p], r)
				}
			}
			masked := again.Anonymise()
			var maskedAccounts []string
			for _, id := range accounts {
				for i, u := range again.Users {
					if u.ID == id {
						maskedAccounts = append(maskedAccounts, masked.Users[i].ID)
					}
				}
			}
			want := verdicts(s, accounts)
			if got := verdicts(again, accounts); got != want {
				t.Errorf("from the file:\n%swant:\n%s", got, want)
			}
			if got := verdicts(masked, maskedAccounts); got != want {
				t.Errorf("anonymised:\n%swant:\n%s", got, want)
			}
			text, err := masked.Encode()
			if err != nil {
				t.Fatal(err)
			}
			sc.leaks(t, string(text))
		})
	}
}

// leaks looks for whatever the tenant's people named, and for its ids.
func (sc *scene) leaks(t *testing.T, text string) {
	t.Helper()
	low := strings.ToLower(text)
	look := func(what, value string) {
		v := strings.ToLower(value)
		if len(v) >= 5 && regexp.MustCompile(`(^|[^\pL\pN])`+regexp.QuoteMeta(v)+`($|[^\pL\pN])`).MatchString(low) {
			t.Errorf("the %s %q survived", what, value)
		}
	}
	sc.State().View(func(tx *state.Tx) {
		for _, coll := range []string{"users", "groups", "identity/conditionalAccess/policies", "identity/conditionalAccess/namedLocations", "directory/administrativeUnits"} {
			for _, o := range tx.List(coll) {
				look("id", o.String("id"))
				look("user name", o.String("userPrincipalName"))
				if name := o.String("displayName"); !strings.HasPrefix(name, "Microsoft-managed") {
					look("display name", name)
				}
			}
		}
		for _, m := range tx.List("authenticationMethods") {
			look("method's name", m.String("displayName"))
			look("telephone", m.String("phoneNumber"))
		}
		for _, d := range tx.List("domains") {
			look("domain", d.String("id"))
		}
		look("tenant", tx.TenantID())
	})
}
