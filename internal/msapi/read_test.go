package msapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/internal/entra"
	"breakglass/internal/msapi"
	"breakglass/internal/simtenant"
	"breakglass/internal/simtenant/state"
	"breakglass/test/contract"
)

// tenantParts are the parts of a reading that belong to no single object.
var tenantParts = []entra.Part{
	entra.PartTenant, entra.PartDomains, entra.PartPlans, entra.PartSecurityDefaults, entra.PartPolicies, entra.PartPoliciesBeta,
	entra.PartNamedLocations, entra.PartStrengths, entra.PartMethodsPolicy, entra.PartAuthorizationPolicy, entra.PartRoleAssignments,
	entra.PartActiveRoles, entra.PartEligibleRoles, entra.PartRoleSettings, entra.PartUnits, entra.PartClients, entra.PartAppPowers, entra.PartPolicyChanges,
}

func TestAHealthyTenantIsReadWhole(t *testing.T) {
	sc := newScene(t, "healthy")
	accounts := sc.emergency()
	s := sc.read(t, msapi.ReadOptions{Accounts: accounts, Groups: []string{sc.group(t, "Emergency access exclusions")}, Units: []string{"Emergency access"}})
	for _, p := range tenantParts {
		if r := s.Reading(p); r.Unread != "" || r.Source == "" || r.ReadAt.IsZero() {
			t.Errorf("%s: %+v", p, r)
		}
	}
	if s.Tenant.ID != sc.creds.TenantID || s.Reader.Kind != "application" || !slices.Contains(s.Reader.Grants, "Policy.Read.All") || s.Licence() != entra.LicenceP2 {
		t.Errorf("tenant %+v, reader %+v, licence %s", s.Tenant, s.Reader, s.Licence())
	}
	if len(accounts) != 2 || len(s.Policies) == 0 {
		t.Fatalf("%d accounts, %d policies", len(accounts), len(s.Policies))
	}
	for _, id := range accounts {
		u := s.User(id)
		if u == nil || !u.AccountEnabled.Or(false) || len(u.Methods.Or(nil)) != 3 || u.PerUserMFA.Or("") != "disabled" || !u.SignInActivity.Known() || u.Risk.Or(entra.UserRisk{}).State.Or("") == "" {
			t.Fatalf("account read as %+v", u)
		}
		if !slices.ContainsFunc(u.MemberOf.Or(nil), func(m entra.Membership) bool { return m.RoleTemplateID.Or("") == entra.RoleGlobalAdministrator }) {
			t.Errorf("%s is no Global Administrator among %+v", id, u.MemberOf)
		}
		if !slices.ContainsFunc(s.ActiveRoles, func(i entra.RoleInstance) bool {
			return i.PrincipalID == id && i.RoleID == entra.RoleGlobalAdministrator && i.End.IsNull() && !i.Start.IsNull()
		}) {
			t.Errorf("%s has no permanent assignment among %+v", id, s.ActiveRoles)
		}
	}
	for _, p := range s.Policies {
		if !slices.Equal(p.Versions, []string{"v1.0", "beta"}) {
			t.Errorf("policy %q appeared in %v", p.DisplayName.Or(""), p.Versions)
		}
	}
	g := s.Groups[slices.IndexFunc(s.Groups, func(g entra.Group) bool { return g.Members.Known() })]
	if len(g.Members.Or(nil)) != 2 || !s.Complete(entra.PartGroupMembers.Of(g.ID)) {
		t.Errorf("exclusion group %+v", g)
	}
	if len(s.AdministrativeUnits) != 1 || len(s.AdministrativeUnits[0].Members.Or(nil)) != 1 {
		t.Errorf("units %+v", s.AdministrativeUnits)
	}
}

func (sc *scene) group(t testing.TB, name string) string {
	t.Helper()
	var id string
	sc.State().View(func(tx *state.Tx) {
		id = tx.Find("groups", func(o state.Object) bool { return o.String("displayName") == name }).String("id")
	})
	return id
}

// What we ask and what comes back fits Microsoft's own descriptions.
func TestReadingKeepsToMicrosoftsContracts(t *testing.T) {
	c := contract.Open(t)
	record := contract.Recorder(t, c)
	for _, name := range simtenant.Names() {
		sc := newScene(t, name, func(o *simtenant.Options) {
			o.Record = func(e simtenant.Exchange) {
				if strings.Contains(e.URL, "/v1.0/") || strings.Contains(e.URL, "/beta/") {
					record(contract.Exchange{
						Method: e.Method, URL: e.URL, RequestHeader: e.RequestHeader, ResponseHeader: e.Header,
						RequestBody: e.RequestBody, ResponseBody: e.Body, Status: e.Status,
					})
				}
			}
		})
		accounts := append(sc.emergency(), "nobody@"+sc.Endpoints().InitialDomain)
		sc.read(t, msapi.ReadOptions{Accounts: accounts, Groups: []string{"no-such-group"}})
	}
}

func TestTheFreeLicenceLeavesPartsOutAndSaysSo(t *testing.T) {
	sc := newScene(t, "broken-free")
	s := sc.read(t, msapi.ReadOptions{Accounts: sc.emergency()})
	for _, p := range []entra.Part{
		entra.PartPolicies, entra.PartPoliciesBeta, entra.PartNamedLocations, entra.PartActiveRoles, entra.PartEligibleRoles, entra.PartRoleSettings,
		entra.PartSignInActivity.Of(s.Users[0].ID),
	} {
		if r := s.Reading(p); r.Unread != entra.UnreadLicence || !strings.Contains(r.Needs, "licence Microsoft Entra ID P") {
			t.Errorf("%s: %+v", p, r)
		}
	}
	for _, p := range []entra.Part{entra.PartRoleAssignments, entra.PartSecurityDefaults, entra.PartMethodsPolicy, entra.PartUser.Of(s.Users[0].ID)} {
		if !s.Complete(p) {
			t.Errorf("%s needs no licence: %+v", p, s.Reading(p))
		}
	}
	if s.Licence() != entra.LicenceFree {
		t.Errorf("licence is %s", s.Licence())
	}
}

// Taking one permission away leaves its parts unread, says which permission it was, and
// leaves the other parts as they are.
func TestOneMissingPermissionCostsItsPartsOnly(t *testing.T) {
	sc := newScene(t, "healthy")
	accounts := sc.emergency()
	for permission, parts := range map[string][]entra.Part{
		"Domain.Read.All":                   {entra.PartDomains},
		"AuditLog.Read.All":                 {entra.PartPolicyChanges, "signInActivity:*"},
		"RoleManagement.Read.Directory":     {entra.PartRoleAssignments, entra.PartActiveRoles, entra.PartEligibleRoles, entra.PartRoleSettings},
		"Directory.Read.All":                {entra.PartConsents},
		"UserAuthenticationMethod.Read.All": {"methods:*"},
		"AdministrativeUnit.Read.All":       {entra.PartUnits},
		"Application.Read.All":              {entra.PartClients, entra.PartAppPowers},
		"IdentityRiskyUser.Read.All":        {"risk:*"},
		"User.Read.All":                     {"user:*"},
		"Policy.Read.All":                   {entra.PartSecurityDefaults, entra.PartAuthorizationPolicy, "perUserMfa:*"},
	} {
		t.Run(permission, func(t *testing.T) {
			// Directory.Read.All covers most of the others, so it is not among the rest.
			sc.grant(slices.DeleteFunc(names(false), func(n string) bool { return n == permission || n == "Directory.Read.All" })...)
			s := sc.read(t, msapi.ReadOptions{Accounts: accounts})
			for _, p := range parts {
				if name, ok := strings.CutSuffix(string(p), "*"); ok {
					p = entra.Part(name).Of(accounts[0])
				}
				r := s.Reading(p)
				if r.Unread != entra.UnreadPermission || !strings.Contains(r.Detail, "grant") {
					t.Errorf("%s: %+v", p, r)
				}
				if _, own, _ := strings.Cut(r.Needs, " "); own != permission {
					t.Errorf("%s needs %q, what was taken is %s", p, r.Needs, permission)
				}
			}
			if !s.Complete(entra.PartPlans) {
				t.Error("a part that needs another permission went too")
			}
		})
	}
}

func TestAnAccountThatIsNotThere(t *testing.T) {
	sc := newScene(t, "healthy")
	accounts := sc.emergency()
	gone := accounts[0]
	if _, err := sc.operator(t).Send(t.Context(), http.MethodDelete, "v1.0", "/users/"+gone, nil); err != nil {
		t.Fatal(err)
	}
	never := "nobody@" + sc.Endpoints().InitialDomain
	s := sc.read(t, msapi.ReadOptions{Accounts: []string{gone, accounts[1], never}})
	if r := s.Reading(entra.PartUser.Of(gone)); r.Unread != entra.UnreadNotFound || !strings.Contains(r.Detail, "deleted") {
		t.Errorf("a deleted account: %+v", r)
	}
	if r := s.Reading(entra.PartUser.Of(never)); r.Unread != entra.UnreadNotFound || strings.Contains(r.Detail, "deleted") {
		t.Errorf("an account that never was: %+v", r)
	}
	if s.User(accounts[1]) == nil || s.User(gone) != nil {
		t.Error("the wrong accounts were read")
	}
}

// One part that fails, in any way, never fails the reading, and is never complete.
func TestOnePartThatFailsNeverFailsTheReading(t *testing.T) {
	faults := map[string]simtenant.Fault{
		"throttled without end": {Action: simtenant.Throttled, Times: -1},
		"failing without end":   {Action: simtenant.Status, Status: 503, Times: -1},
		"HTML":                  {Action: simtenant.Status, Status: 200, Body: "html", Times: -1},
		"forbidden":             {Action: simtenant.Forbidden, Times: -1},
		"cut without end":       {Action: simtenant.CutBody, Times: -1},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t, "healthy")
			f.Path = "/v1.0/identity/conditionalAccess/policies"
			if err := sc.Fail(f); err != nil {
				t.Fatal(err)
			}
			s := sc.read(t, msapi.ReadOptions{Accounts: sc.emergency()})
			if s.Complete(entra.PartPolicies) || s.Reading(entra.PartPolicies).Detail == "" {
				t.Errorf("policies: %+v", s.Reading(entra.PartPolicies))
			}
			if !s.Complete(entra.PartPoliciesBeta) || !s.Complete(entra.PartDomains) {
				t.Error("other parts went too")
			}
			if data, err := s.Encode(); err != nil {
				t.Error(err)
			} else if again, err := entra.Decode(data); err != nil || again.Complete(entra.PartPolicies) {
				t.Errorf("the file says otherwise: %v", err)
			}
		})
	}
	t.Run("and a fault that passes is waited out", func(t *testing.T) {
		sc := newScene(t, "healthy")
		for _, f := range []simtenant.Fault{
			{Action: simtenant.Throttled, Path: "/conditionalAccess/policies", Times: 3},
			{Action: simtenant.Throttled, RetryAfter: "7", Path: "/authentication/methods", Times: 2},
			{Action: simtenant.DropBefore, Path: "/domains"},
			{Action: simtenant.CutBody, Path: "/auditLogs"},
		} {
			if err := sc.Fail(f); err != nil {
				t.Fatal(err)
			}
		}
		s := sc.read(t, msapi.ReadOptions{Accounts: sc.emergency()})
		for p, r := range s.Readings {
			if r.Unread != "" {
				t.Errorf("%s: %+v", p, r)
			}
		}
	})
}

func TestReadingFailsWhenThereIsNothingToRead(t *testing.T) {
	t.Run("another tenant", func(t *testing.T) {
		sc := newScene(t, "healthy")
		c := sc.client(t, func(o *msapi.Options) {
			o.SignIn.TenantID = o.TenantID
			o.TenantID = "99999999-9999-4999-8999-999999999999"
		})
		_, err := c.Read(t.Context(), msapi.ReadOptions{})
		if !errors.Is(err, msapi.ErrWrongTenant) {
			t.Errorf("got %v", err)
		}
		if slices.ContainsFunc(sc.exchanges, func(e simtenant.Exchange) bool { return strings.Contains(e.URL, "/v1.0/") }) {
			t.Error("something was read before that")
		}
	})
	t.Run("no network", func(t *testing.T) {
		sc := newScene(t, "healthy")
		_ = sc.Close()
		_, err := sc.client(t).Read(t.Context(), msapi.ReadOptions{})
		if e, ok := errors.AsType[*msapi.Error](err); !ok || e.Hint() == "" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		sc := newScene(t, "healthy")
		ctx, cancel := context.WithCancel(t.Context())
		var once sync.Once
		c := sc.client(t, func(o *msapi.Options) { o.Progress = func(msapi.Progress) { once.Do(cancel) } })
		if _, err := c.Read(ctx, msapi.ReadOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// crowd adds users to a tenant, all of them members of a group that a policy excludes.
func (sc *scene) crowd(n int) {
	_ = sc.State().Update(func(tx *state.Tx) error { // cannot fail
		group := tx.Find("groups", func(o state.Object) bool { return o.String("displayName") == "Projects" })
		for i := range n {
			id := fmt.Sprintf("0000%04x-1111-4111-8111-%012x", i>>16, i)
			tx.Put("users", state.Object{
				"id": id, "displayName": fmt.Sprintf("Person %d", i), "userPrincipalName": fmt.Sprintf("person%d@%s", i, "fabrikam.example"),
				"accountEnabled": true, "userType": "Member",
			})
			if group != nil {
				tx.Link("members", group.String("id"), id)
			}
		}
		return nil
	})
}

func TestTheCostDoesNotGrowWithTheNumberOfUsers(t *testing.T) {
	requests := func(crowd int) int {
		sc := newScene(t, "healthy")
		sc.crowd(crowd)
		sc.read(t, msapi.ReadOptions{Accounts: sc.emergency()})
		return len(sc.exchanges)
	}
	few, many := requests(10), requests(10_000)
	if few != many {
		t.Errorf("10 more users cost %d requests, 10,000 cost %d", few, many)
	}
}

func TestAnAccountIsFoundByItsName(t *testing.T) {
	sc := newScene(t, "healthy")
	var upn string
	id := sc.emergency()[0]
	sc.State().View(func(tx *state.Tx) { upn = tx.Get("users", id).String("userPrincipalName") })
	s := sc.read(t, msapi.ReadOptions{Accounts: []string{strings.ToUpper(upn)}})
	u := s.UserByName(upn)
	if u == nil || !s.Complete(entra.PartUser.Of(u.ID)) || !s.Complete(entra.PartMethods.Of(u.ID)) {
		t.Errorf("read %+v", u)
	}
}

func TestProgressTellsWhatIsRead(t *testing.T) {
	sc := newScene(t, "healthy")
	var mu sync.Mutex
	var last msapi.Progress
	texts := map[string]bool{}
	c := sc.client(t, func(o *msapi.Options) {
		o.Progress = func(p msapi.Progress) {
			mu.Lock()
			defer mu.Unlock()
			if p.Done < last.Done {
				return // told by another goroutine a moment later
			}
			last, texts[p.Text] = p, true
		}
	})
	s, err := c.Read(t.Context(), msapi.ReadOptions{Accounts: sc.emergency()})
	if err != nil {
		t.Fatal(err)
	}
	if last.Text != "read the tenant" || last.Done != len(s.Readings) || last.Total != last.Done || !texts["read policies"] && !texts["read domains"] {
		t.Errorf("at the end it said %+v of %d parts: %v", last, len(s.Readings), texts)
	}
}

// The pace that the service demands is kept in real time: one test that truly waits.
func TestTheTenantsOwnThrottlingIsMet(t *testing.T) {
	if testing.Short() {
		t.Skip("waits some seconds")
	}
	sc := newScene(t, "healthy")
	sc.throttle(sc.Tenant, true)
	begin := time.Now()
	s, err := sc.client(t, func(o *msapi.Options) { o.Wait = nil }).Read(t.Context(), msapi.ReadOptions{Accounts: sc.emergency()})
	if err != nil {
		t.Fatal(err)
	}
	for p, r := range s.Readings {
		if r.Unread == entra.UnreadThrottled {
			t.Errorf("%s was throttled: %s", p, r.Detail)
		}
	}
	if d := time.Since(begin); d > 15*time.Second {
		t.Errorf("it took %v", d)
	}
}

func BenchmarkRead(b *testing.B) {
	sc := newScene(b, "healthy")
	accounts := sc.emergency()
	c := sc.client(b)
	for b.Loop() {
		if _, err := c.Read(b.Context(), msapi.ReadOptions{Accounts: accounts}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sc.exchanges))/float64(b.N), "requests/op")
}
