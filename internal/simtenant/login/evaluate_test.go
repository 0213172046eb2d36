package login

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/internal/simtenant/state"
)

type m = map[string]any

func list1(v ...string) []any {
	out := []any{}
	for _, s := range v {
		out = append(out, s)
	}
	return out
}

// everyone is a policy that blocks everybody from everything; change narrows it.
func everyone(change ...func(conditions, policy m)) state.Object {
	c := m{
		"users":          m{"includeUsers": list1("All")},
		"applications":   m{"includeApplications": list1("All")},
		"clientAppTypes": list1("all"),
	}
	p := m{"id": "f0000000-0000-4000-8000-000000000001", "displayName": "The policy", "state": "enabled", "conditions": c, "grantControls": m{"operator": "OR", "builtInControls": list1("block")}}
	for _, f := range change {
		f(c, p)
	}
	return state.Object(p)
}

func cond(key string, v any) func(c, p m)  { return func(c, _ m) { c[key] = v } }
func users(key string, v any) func(c, p m) { return func(c, _ m) { c["users"].(m)[key] = v } }
func apps(v m) func(c, p m)                { return func(c, _ m) { c["applications"] = v } }
func grant(v m) func(c, p m)               { return func(_, p m) { p["grantControls"] = v } }
func sessionControl(v m) func(c, p m)      { return func(_, p m) { p["sessionControls"] = v } }
func inState(s string) func(c, p m)        { return func(_, p m) { p["state"] = s } }

var (
	password = Method{Mode: "password"}
	push     = Method{Mode: "microsoftAuthenticatorPush"}
	passkey  = Method{Mode: "fido2"}
	toGraph  = []Target{{Resource: GraphApp}}
)

const (
	keyModel   = "ee882879-721c-4913-9775-3dfcce97072a"
	staffID    = "a1000000-0000-4000-8000-000000000001"
	coreID     = "a1000000-0000-4000-8000-000000000002"
	officeID   = "a2000000-0000-4000-8000-000000000001"
	abroadID   = "a2000000-0000-4000-8000-000000000002"
	strengthID = "a3000000-0000-4000-8000-000000000001"
)

// populated adds to the small tenant what the policies below speak of.
func populated(d *state.Document) {
	d.Objects["groups"] = []state.Object{{"id": staffID}, {"id": coreID}}
	d.Links = map[string]map[string][]string{"members": {staffID: {coreID}, coreID: {adaID}}}
	d.Objects["identity/conditionalAccess/namedLocations"] = []state.Object{
		{"id": officeID, "@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": true, "ipRanges": []any{m{"cidrAddress": "192.0.2.0/24"}}},
		{"id": abroadID, "@odata.type": "#microsoft.graph.countryNamedLocation", "countriesAndRegions": list1("US"), "includeUnknownCountriesAndRegions": false},
	}
	d.Objects["authenticationMethods"] = append(d.Objects["authenticationMethods"], state.Object{
		"id": "e0000000-0000-4000-8000-000000000002", "_user": adaID, "@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "aaGuid": keyModel,
	})
	d.Objects["policies/authenticationStrengthPolicies"] = []state.Object{{
		"id": strengthID, "displayName": "Our keys", "allowedCombinations": list1("fido2"),
		"combinationConfigurations": []any{m{
			"@odata.type": "#microsoft.graph.fido2CombinationConfiguration", "appliesToCombinations": list1("fido2"), "allowedAAGUIDs": list1(keyModel),
		}},
	}}
}

// result evaluates a sign-in of Ada's to Graph by password in a tenant with the policies.
func result(t *testing.T, in SignIn, change func(d *state.Document), policies ...state.Object) (Outcome, error) {
	t.Helper()
	w := newWorld(t, populated, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = policies
		if change != nil {
			change(d)
		}
	})
	if in.UserID == "" && in.ServicePrincipalID == "" {
		in.UserID = adaID
	}
	if in.Methods == nil {
		in.Methods = []Method{password}
	}
	if in.Targets == nil {
		in.Targets = toGraph
	}
	return w.srv.Evaluate(in)
}

func TestWhichPoliciesMeanASignIn(t *testing.T) {
	const other = "99999999-0000-4000-8000-000000000009"
	guests := func(kinds string, more m) m {
		g := m{"guestOrExternalUserTypes": kinds, "externalTenants": m{"membershipKind": "all"}}
		for k, v := range more {
			g[k] = v
		}
		return g
	}
	device := func(mode, rule string) any { return m{"deviceFilter": m{"mode": mode, "rule": rule}} }
	cases := []struct {
		name   string
		in     SignIn
		policy state.Object
		want   string // blocked, free, unknown
	}{
		{"all users and all resources", SignIn{}, everyone(), "blocked"},
		{"nobody", SignIn{}, everyone(users("includeUsers", list1("None"))), "free"},
		{"the user by id, in another case", SignIn{}, everyone(users("includeUsers", list1(strings.ToUpper(adaID)))), "blocked"},
		{"exclusion beats inclusion", SignIn{}, everyone(users("excludeUsers", list1(adaID))), "free"},
		{"excluded through a nested group", SignIn{}, everyone(users("excludeGroups", list1(staffID))), "free"},
		{"included through a nested group", SignIn{}, everyone(users("includeUsers", list1()), users("includeGroups", list1(staffID))), "blocked"},
		{"included by role", SignIn{}, everyone(users("includeUsers", list1()), users("includeRoles", list1(globalAdmin))), "blocked"},
		{"excluded by role", SignIn{}, everyone(users("excludeRoles", list1(globalAdmin))), "free"},
		{"a role the user has not got", SignIn{UserID: benID}, everyone(users("includeUsers", list1()), users("includeRoles", list1(globalAdmin))), "free"},
		{"all users are guests too", SignIn{UserID: guestID}, everyone(), "blocked"},
		{"guests in the old words", SignIn{UserID: guestID}, everyone(users("includeUsers", list1("GuestsOrExternalUsers"))), "blocked"},
		{"guests by kind", SignIn{UserID: guestID}, everyone(users("includeUsers", list1()), users("includeGuestsOrExternalUsers", guests("internalGuest,b2bCollaborationGuest", nil))), "blocked"},
		{"guests of another kind", SignIn{UserID: guestID}, everyone(users("includeUsers", list1()), users("includeGuestsOrExternalUsers", guests("b2bDirectConnectUser", nil))), "free"},
		{"guests of tenants named", SignIn{UserID: guestID}, everyone(users("includeUsers", list1()), users("includeGuestsOrExternalUsers", guests("b2bCollaborationGuest", m{"externalTenants": m{"membershipKind": "enumerated", "members": list1(other)}}))), "unknown"},
		{"guests, and the user is none", SignIn{}, everyone(users("includeUsers", list1()), users("includeGuestsOrExternalUsers", guests("b2bCollaborationGuest", nil))), "free"},

		{"another resource", SignIn{}, everyone(apps(m{"includeApplications": list1(exchangeApp)})), "free"},
		{"the resource by id", SignIn{}, everyone(apps(m{"includeApplications": list1(GraphApp)})), "blocked"},
		{"the resource excluded", SignIn{}, everyone(apps(m{"includeApplications": list1("All"), "excludeApplications": list1(GraphApp)})), "free"},
		{"Azure management means the portal", SignIn{Targets: Goals()["entra-portal"]}, everyone(apps(m{"includeApplications": list1(ARMApp)})), "blocked"},
		{"Azure management means the log queries", SignIn{Targets: Goals()["log-analytics"]}, everyone(apps(m{"includeApplications": list1(ARMApp)})), "blocked"},
		{"Azure management does not mean Graph", SignIn{}, everyone(apps(m{"includeApplications": list1(ARMApp)})), "free"},
		{"the admin portals", SignIn{Targets: Goals()["m365-admin"]}, everyone(apps(m{"includeApplications": list1("MicrosoftAdminPortals")})), "blocked"},
		{"Graph is no admin portal", SignIn{}, everyone(apps(m{"includeApplications": list1("MicrosoftAdminPortals")})), "free"},
		{"one blocked resource of a goal blocks the goal", SignIn{Targets: Goals()["azure-portal"]}, everyone(apps(m{"includeApplications": list1(GraphApp)})), "blocked"},
		{"registering security info", SignIn{Targets: Goals()["register-security-info"]}, everyone(apps(m{"includeUserActions": list1(registerSecurityInfo)})), "blocked"},
		{"a user action is not a resource", SignIn{}, everyone(apps(m{"includeUserActions": list1(registerSecurityInfo)})), "free"},
		{"an authentication context", SignIn{Targets: []Target{{Resource: GraphApp}, {AuthContext: "c1"}}}, everyone(apps(m{"includeAuthenticationContextClassReferences": list1("c1")})), "blocked"},
		{"another authentication context", SignIn{Targets: []Target{{Resource: GraphApp}, {AuthContext: "c2"}}}, everyone(apps(m{"includeAuthenticationContextClassReferences": list1("c1")})), "free"},
		{"baseline scopes, with an exclusion, since 2026", SignIn{Targets: []Target{{Resource: GraphApp, Baseline: true}}}, everyone(apps(m{"includeApplications": list1("All"), "excludeApplications": list1(exchangeApp)})), "blocked"},
		{"baseline scopes, with an exclusion, before", SignIn{BaselineSkipped: true, Targets: []Target{{Resource: GraphApp, Baseline: true}}}, everyone(apps(m{"includeApplications": list1("All"), "excludeApplications": list1(exchangeApp)})), "free"},
		{"baseline scopes excluded by name", SignIn{Targets: []Target{{Resource: GraphApp, Baseline: true}}}, everyone(apps(m{"includeApplications": list1("All"), "excludeApplications": list1(aadGraphApp)})), "free"},
		{"a filter for applications", SignIn{}, everyone(apps(m{"includeApplications": list1("All"), "applicationFilter": m{"mode": "exclude", "rule": "CustomSecurityAttribute.a_b -eq \"c\""}})), "unknown"},

		{"browser", SignIn{}, everyone(cond("clientAppTypes", list1("browser"))), "blocked"},
		{"legacy clients", SignIn{}, everyone(cond("clientAppTypes", list1("exchangeActiveSync", "other"))), "free"},
		{"a legacy client", SignIn{ClientAppType: "other"}, everyone(cond("clientAppTypes", list1("exchangeActiveSync", "other"))), "blocked"},
		{"a client type of the future", SignIn{}, everyone(cond("clientAppTypes", list1("telepathy"))), "unknown"},

		{"a platform", SignIn{Platform: "linux"}, everyone(cond("platforms", m{"includePlatforms": list1("linux")})), "blocked"},
		{"all platforms but one", SignIn{Platform: "windows"}, everyone(cond("platforms", m{"includePlatforms": list1("all"), "excludePlatforms": list1("windows")})), "free"},
		{"all platforms but known ones, from one that Entra does not recognise", SignIn{}, everyone(cond("platforms", m{"includePlatforms": list1("all"), "excludePlatforms": list1("windows", "macOS", "iOS", "android", "linux")})), "blocked"},

		{"anywhere but trusted places, from the office", SignIn{IP: "192.0.2.7"}, everyone(cond("locations", m{"includeLocations": list1("All"), "excludeLocations": list1("AllTrusted")})), "free"},
		{"anywhere but trusted places, from elsewhere", SignIn{IP: "203.0.113.7"}, everyone(cond("locations", m{"includeLocations": list1("All"), "excludeLocations": list1("AllTrusted")})), "blocked"},
		{"a country", SignIn{IP: "198.51.100.7"}, everyone(cond("locations", m{"includeLocations": list1(abroadID)})), "blocked"},
		{"another country", SignIn{IP: "192.0.2.7"}, everyone(cond("locations", m{"includeLocations": list1(abroadID)})), "free"},
		{"the country as told", SignIn{IP: "192.0.2.7", Country: "us"}, everyone(cond("locations", m{"includeLocations": list1(abroadID)})), "blocked"},
		{"a place that is gone", SignIn{IP: "192.0.2.7"}, everyone(cond("locations", m{"includeLocations": list1(other)})), "unknown"},
		{"all but the compliant network, through it", SignIn{CompliantNetwork: true}, everyone(cond("locations", m{"includeLocations": list1("All"), "excludeLocations": list1(compliantNetwork)})), "free"},

		{"devices meant by a filter", SignIn{Device: state.Object{"trustType": "AzureAd"}}, everyone(cond("devices", device("include", `device.trustType -eq "AzureAD"`))), "blocked"},
		{"devices left out by a filter", SignIn{Device: state.Object{"trustType": "AzureAd"}}, everyone(cond("devices", device("exclude", `device.trustType -eq "AzureAD"`))), "free"},
		{"a device nobody knows, left out by what it has", SignIn{}, everyone(cond("devices", device("exclude", `device.displayName -startsWith "PAW-"`))), "blocked"},
		{"a device nobody knows, meant by what it has not", SignIn{}, everyone(cond("devices", device("include", `device.isCompliant -ne True`))), "blocked"},
		{"a filter in words of the future", SignIn{}, everyone(cond("devices", device("include", `device.mood -eq "good"`))), "unknown"},

		{"user risk", SignIn{UserRisk: "high"}, everyone(cond("userRiskLevels", list1("high"))), "blocked"},
		{"no user risk", SignIn{}, everyone(cond("userRiskLevels", list1("high"))), "free"},
		{"sign-in risk", SignIn{SignInRisk: "medium"}, everyone(cond("signInRiskLevels", list1("high", "medium"))), "blocked"},
		{"insider risk", SignIn{InsiderRisk: "elevated"}, everyone(cond("insiderRiskLevels", "moderate,elevated")), "blocked"},
		{"device code flow", SignIn{Flow: "deviceCodeFlow"}, everyone(cond("authenticationFlows", m{"transferMethods": "deviceCodeFlow,authenticationTransfer"})), "blocked"},
		{"no device code flow", SignIn{}, everyone(cond("authenticationFlows", m{"transferMethods": "deviceCodeFlow"})), "free"},
		{"a condition of the future", SignIn{}, everyone(cond("times", m{"allDay": true})), "unknown"},
		{"a condition of the future, not configured", SignIn{}, everyone(cond("times", nil)), "blocked"},
		{"a condition of the future, but the user is excluded", SignIn{}, everyone(cond("times", m{"allDay": true}), users("excludeUsers", list1(adaID))), "free"},
		{"all conditions must hold", SignIn{Platform: "linux", UserRisk: "high"}, everyone(cond("platforms", m{"includePlatforms": list1("linux")}), cond("userRiskLevels", list1("low"))), "free"},

		{"report only", SignIn{}, everyone(inState("enabledForReportingButNotEnforced")), "free"},
		{"disabled", SignIn{}, everyone(inState("disabled")), "free"},
		{"for workloads", SignIn{}, everyone(users("includeUsers", list1("None")), cond("clientApplications", m{"includeServicePrincipals": list1("ServicePrincipalsInMyTenant")})), "free"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := result(t, c.in, nil, c.policy)
			got := map[bool]string{true: "free", false: "blocked"}[out.Granted()]
			if errors.As(err, new(NotModelled)) {
				got = "unknown"
			}
			if got != c.want {
				t.Errorf("sign-in is %s, want %s (%+v, %v)", got, c.want, out, err)
			}
			if got == "blocked" && out.Code != 53003 {
				t.Errorf("code is %d", out.Code)
			}
		})
	}
}

func TestABlockIsToldEvenBesideWhatIsNotModelled(t *testing.T) {
	strange := everyone(cond("times", m{"allDay": true}))
	strange["id"] = "f0000000-0000-4000-8000-000000000002"
	out, err := result(t, SignIn{}, nil, strange, everyone())
	if err != nil || out.Code != 53003 {
		t.Errorf("outcome is %+v, %v", out, err)
	}
}

func TestWhatSatisfiesGrantControls(t *testing.T) {
	strength := func(id string) m {
		return m{"operator": "OR", "builtInControls": list1(), "authenticationStrength": m{"id": id}}
	}
	compliant, joined := state.Object{"isCompliant": true}, state.Object{"trustType": "ServerAd"}
	cases := []struct {
		name  string
		in    SignIn
		grant m
		code  int
		needs []string
	}{
		{"MFA, by password", SignIn{}, m{"operator": "OR", "builtInControls": list1("mfa")}, 50076, []string{"mfa"}},
		{"MFA, by a user without a second factor", SignIn{UserID: benID}, m{"operator": "OR", "builtInControls": list1("mfa")}, 50079, []string{"mfa"}},
		{"MFA, by password and push", SignIn{Methods: []Method{password, push}}, m{"operator": "OR", "builtInControls": list1("mfa")}, 0, nil},
		{"MFA, by passkey", SignIn{Methods: []Method{passkey}}, m{"operator": "OR", "builtInControls": list1("mfa")}, 0, nil},
		{"MFA or compliant device, with the device", SignIn{Device: compliant}, m{"operator": "OR", "builtInControls": list1("mfa", "compliantDevice")}, 0, nil},
		{"MFA and compliant device, with the device", SignIn{Device: compliant}, m{"operator": "AND", "builtInControls": list1("mfa", "compliantDevice")}, 50076, []string{"mfa"}},
		{"MFA and compliant device, with MFA", SignIn{Methods: []Method{passkey}}, m{"operator": "AND", "builtInControls": list1("mfa", "compliantDevice")}, 53000, nil},
		{"MFA and compliant device, with neither: nothing helps", SignIn{}, m{"operator": "AND", "builtInControls": list1("mfa", "compliantDevice")}, 50076, nil},
		{"hybrid joined device", SignIn{Device: joined}, m{"operator": "OR", "builtInControls": list1("domainJoinedDevice")}, 0, nil},
		{"hybrid joined device, without", SignIn{}, m{"operator": "OR", "builtInControls": list1("domainJoinedDevice")}, 53001, nil},
		{"approved application", SignIn{}, m{"operator": "OR", "builtInControls": list1("approvedApplication")}, 53002, nil},
		{"protected application", SignIn{}, m{"operator": "OR", "builtInControls": list1("compliantApplication")}, 53009, nil},
		{"password change", SignIn{}, m{"operator": "AND", "builtInControls": list1("mfa", "passwordChange")}, 50076, []string{"mfa", "passwordChange"}},
		{"password changed", SignIn{Methods: []Method{password, push}, PasswordChanged: true}, m{"operator": "AND", "builtInControls": list1("mfa", "passwordChange")}, 0, nil},
		{"terms of use", SignIn{}, m{"operator": "OR", "termsOfUse": list1("t1")}, 50158, []string{"terms:t1"}},
		{"terms of use, accepted", SignIn{TermsAccepted: []string{"t1"}}, m{"operator": "OR", "termsOfUse": list1("t1")}, 0, nil},
		{"phishing resistant, by push", SignIn{Methods: []Method{password, push}}, strength("00000000-0000-0000-0000-000000000004"), 50076, []string{"strength:00000000-0000-0000-0000-000000000004"}},
		{"phishing resistant, by passkey", SignIn{Methods: []Method{passkey}}, strength("00000000-0000-0000-0000-000000000004"), 0, nil},
		{"MFA strength, by push", SignIn{Methods: []Method{password, push}}, strength("00000000-0000-0000-0000-000000000002"), 0, nil},
		{"our keys, by one of them", SignIn{Methods: []Method{passkey}}, strength(strengthID), 0, nil},
		{"nothing but a session control", SignIn{}, nil, 0, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := result(t, c.in, nil, everyone(grant(c.grant)))
			if err != nil || out.Code != c.code {
				t.Errorf("code is %d (%s), %v; want %d", out.Code, out.Reason, err, c.code)
			}
			if diff := cmp.Diff(c.needs, out.Needs); diff != "" {
				t.Errorf("needs (-want +got):\n%s", diff)
			}
			result := out.Policies[0].String("result")
			if (c.code == 0) != (result == "success") {
				t.Errorf("the policy's result is %s", result)
			}
		})
	}
	for _, control := range []string{"riskRemediation", "unknownFutureValue"} {
		if _, err := result(t, SignIn{}, nil, everyone(grant(m{"operator": "OR", "builtInControls": list1(control)}))); !errors.As(err, new(NotModelled)) {
			t.Errorf("%s: error is %v", control, err)
		}
	}
}

func TestAKeyOfAnotherModelDoesNotMeetACustomStrength(t *testing.T) {
	out, err := result(t, SignIn{Methods: []Method{passkey}}, func(d *state.Document) {
		d.Objects["authenticationMethods"][1]["aaGuid"] = "00000000-0000-0000-0000-00000000beef"
	}, everyone(grant(m{"operator": "OR", "authenticationStrength": m{"id": strengthID}})))
	if err != nil || out.Granted() {
		t.Errorf("outcome is %+v, %v", out, err)
	}
}

func TestTheLogSaysWhatEachPolicyDid(t *testing.T) {
	named := func(name string, p state.Object) state.Object {
		p["id"], p["displayName"] = state.NewID(), name
		return p
	}
	mfa := grant(m{"operator": "OR", "builtInControls": list1("mfa")})
	report := inState("enabledForReportingButNotEnforced")
	out, err := result(t, SignIn{Methods: []Method{passkey}}, nil,
		named("met", everyone(mfa)), named("elsewhere", everyone(mfa, apps(m{"includeApplications": list1(exchangeApp)}))), named("off", everyone(inState("disabled"))),
		named("would block", everyone(report)), named("would pass", everyone(report, mfa)), named("would not apply", everyone(report, users("excludeUsers", list1(adaID)))),
		named("would ask", everyone(report, grant(m{"operator": "OR", "termsOfUse": list1("t1")}))), named("would baffle", everyone(report, cond("times", "always"))),
	)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range out.Policies {
		got[p.String("displayName")] = p.String("result")
	}
	want := map[string]string{
		"met": "success", "elsewhere": "notApplied", "off": "notEnabled", "would block": "reportOnlyFailure", "would pass": "reportOnlySuccess",
		"would not apply": "reportOnlyNotApplied", "would ask": "reportOnlyInterrupted", "would baffle": "unknown",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if out.Status != "success" || out.Requirement != "multiFactorAuthentication" || !out.Granted() {
		t.Errorf("outcome is %+v", out)
	}
}

func TestWhatAsksForMoreOutsideConditionalAccess(t *testing.T) {
	defaults := func(d *state.Document) {
		d.Objects["policies/identitySecurityDefaultsEnforcementPolicy"] = []state.Object{{"id": "1", "isEnabled": true}}
	}
	mandatory := func(d *state.Document) { d.World.MandatoryMFA = true }
	perUser := func(d *state.Document) { d.Objects["users"][0]["_perUserMfaState"] = "enforced" }
	cases := []struct {
		name   string
		in     SignIn
		change func(*state.Document)
		code   int
	}{
		{"security defaults: an administrator", SignIn{}, defaults, 50076},
		{"security defaults: an administrator with a key", SignIn{Methods: []Method{passkey}}, defaults, 0},
		{"security defaults: a user who has not registered", SignIn{UserID: benID}, defaults, 50079},
		{"security defaults: a legacy client", SignIn{ClientAppType: "other"}, defaults, 530035},
		{"mandatory MFA: the portal", SignIn{Targets: Goals()["entra-portal"]}, mandatory, 50076},
		{"mandatory MFA: the portal, with a key", SignIn{Targets: Goals()["entra-portal"], Methods: []Method{passkey}}, mandatory, 0},
		{"mandatory MFA: an ARM write", SignIn{Targets: Goals()["arm-write"]}, mandatory, 50076},
		{"mandatory MFA: an ARM read", SignIn{Targets: Goals()["arm-read"]}, mandatory, 0},
		{"mandatory MFA: Graph", SignIn{}, mandatory, 0},
		{"mandatory MFA: not in China", SignIn{Targets: Goals()["entra-portal"]}, func(d *state.Document) { mandatory(d); d.World.Cloud = "china" }, 0},
		{"per-user MFA", SignIn{}, perUser, 50076},
		{"per-user MFA, met", SignIn{Methods: []Method{password, push}}, perUser, 0},
		{"a resource that asks for MFA", SignIn{Targets: []Target{{Resource: ARMApp}, {AuthContext: "p1"}}}, nil, 50076},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := result(t, c.in, c.change)
			if err != nil || out.Code != c.code {
				t.Errorf("code is %d (%s), %v; want %d", out.Code, out.Reason, err, c.code)
			}
			if c.code == 50076 && (out.Requirement != "multiFactorAuthentication" || len(out.Providers) == 0) {
				t.Errorf("nobody is named for the demand: %+v", out)
			}
		})
	}
}

func TestWhoCannotSignInAtAll(t *testing.T) {
	policy := func(config m) func(*state.Document) {
		return func(d *state.Document) {
			d.Objects["policies/authenticationMethodsPolicy"] = []state.Object{{
				"id": "1", "policyMigrationState": "migrationComplete", "authenticationMethodConfigurations": []any{config},
			}}
		}
	}
	everybody := []any{m{"id": "all_users", "targetType": "group"}}
	user := func(i int, props state.Object) func(*state.Document) {
		return func(d *state.Document) {
			for k, v := range props {
				d.Objects["users"][i][k] = v
			}
		}
	}
	withRestriction := func(kind string, models ...string) m {
		return m{"id": "Fido2", "state": "enabled", "includeTargets": everybody, "keyRestrictions": m{"isEnforced": true, "enforcementType": kind, "aaGuids": list1(models...)}}
	}
	key, phone := SignIn{Methods: []Method{passkey}}, SignIn{Methods: []Method{password, push}, Targets: []Target{{Resource: GraphApp}, {AuthContext: "p1"}}}
	cases := []struct {
		name   string
		in     SignIn
		change func(*state.Document)
		code   int
	}{
		{"nobody", SignIn{UserID: "a0000000-0000-4000-8000-00000000dead"}, nil, 50034},
		{"a disabled account", SignIn{}, user(0, state.Object{"accountEnabled": false}), 50057},
		{"a password to be changed", SignIn{}, user(0, state.Object{"passwordProfile": m{"forceChangePasswordNextSignIn": true}}), 50055},
		{"a password to be changed, with a key", key, user(0, state.Object{"passwordProfile": m{"forceChangePasswordNextSignIn": true}}), 0},
		{"a password past its time", SignIn{}, user(0, state.Object{"userPrincipalName": "ada@old.example", "lastPasswordChangeDateTime": "2025-10-01T00:00:00Z"}), 50055},
		{"a password past its time that does not expire", SignIn{}, user(0, state.Object{"userPrincipalName": "ada@old.example", "lastPasswordChangeDateTime": "2025-10-01T00:00:00Z", "passwordPolicies": "DisablePasswordExpiration"}), 0},
		{"a second factor alone", SignIn{Methods: []Method{push}}, nil, 50126},
		{"a key that nobody registered", SignIn{UserID: benID, Methods: []Method{passkey}}, nil, 50126},
		{"a key", key, nil, 0},
		{"a key, and passkeys are switched off", key, policy(m{"id": "Fido2", "state": "disabled", "includeTargets": everybody}), 135010},
		{"a key, and passkeys are for others", key, policy(m{"id": "Fido2", "state": "enabled", "includeTargets": []any{m{"id": "a1000000-0000-4000-8000-0000000000ff"}}}), 135010},
		{"a key, and passkeys are for a group around the user's", key, policy(m{"id": "Fido2", "state": "enabled", "includeTargets": []any{m{"id": staffID}}}), 0},
		{"a key, and the user is excluded", key, policy(m{"id": "Fido2", "state": "enabled", "includeTargets": everybody, "excludeTargets": []any{m{"id": staffID}}}), 135010},
		{"a key whose model is allowed", key, policy(withRestriction("allow", keyModel)), 0},
		{"a key whose model is not allowed any more", key, policy(withRestriction("allow", "00000000-0000-0000-0000-00000000beef")), 135010},
		{"a key whose model is blocked", key, policy(withRestriction("block", keyModel)), 135010},
		{"a key, by a passkey profile", key, policy(m{
			"id": "Fido2", "state": "enabled", "includeTargets": []any{m{"id": "all_users", "allowedPasskeyProfiles": list1("p1")}},
			"passkeyProfiles": []any{m{"id": "p1", "passkeyTypes": "deviceBound", "keyRestrictions": m{"isEnforced": true, "enforcementType": "allow", "aaGuids": list1(keyModel)}}},
		}), 0},
		{"a key that is not of the profile's kind", key, policy(m{
			"id": "Fido2", "state": "enabled", "includeTargets": []any{m{"id": "all_users", "allowedPasskeyProfiles": list1("p1")}},
			"passkeyProfiles": []any{m{"id": "p1", "passkeyTypes": "synced"}},
		}), 135010},
		{"a push", phone, nil, 0},
		{"a push, and the MFA service is down", phone, func(d *state.Document) { d.World.MFAServiceDown = true }, 50076},
		{"a key, and the MFA service is down", key, func(d *state.Document) { d.World.MFAServiceDown = true }, 0},
		{"a federated user at the own provider", SignIn{UserID: fredID, Methods: []Method{{Mode: "federatedSingleFactor"}}}, nil, 0},
		{"a federated user, and the provider is down", SignIn{UserID: fredID, Methods: []Method{{Mode: "federatedSingleFactor"}}}, func(d *state.Document) { d.World.IdentityProviderDown = true }, 50008},
		{"a federated user with a password here", SignIn{UserID: fredID}, nil, 50126},
		{"a managed user, and somebody's provider is down", SignIn{}, func(d *state.Document) { d.World.IdentityProviderDown = true }, 0},
		{"an application that is switched off", SignIn{AppID: toolApp}, func(d *state.Document) { d.Objects["servicePrincipals"][3]["accountEnabled"] = false }, 7000112},
		{"an application that asks for assignment", SignIn{AppID: toolApp}, func(d *state.Document) { d.Objects["servicePrincipals"][3]["appRoleAssignmentRequired"] = true }, 50105},
		{"an application that one is assigned to", SignIn{AppID: toolApp}, func(d *state.Document) {
			d.Objects["servicePrincipals"][3]["appRoleAssignmentRequired"] = true
			d.Objects["appRoleAssignments"] = append(d.Objects["appRoleAssignments"], state.Object{"id": "g9", "principalId": coreID, "resourceId": toolSP, "appRoleId": "00000000-0000-0000-0000-000000000000"})
		}, 0},
		{"an application that a group around one's group is assigned to", SignIn{AppID: toolApp}, func(d *state.Document) {
			d.Objects["servicePrincipals"][3]["appRoleAssignmentRequired"] = true
			d.Objects["appRoleAssignments"] = append(d.Objects["appRoleAssignments"], state.Object{"id": "g9", "principalId": staffID, "resourceId": toolSP, "appRoleId": "00000000-0000-0000-0000-000000000000"})
		}, 50105},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := result(t, c.in, c.change)
			if err != nil || out.Code != c.code {
				t.Errorf("code is %d (%s), %v; want %d", out.Code, out.Reason, err, c.code)
			}
		})
	}
}

func TestAnEligibleRoleDoesNotMeetAPolicyUntilItIsActive(t *testing.T) {
	p := everyone(users("includeUsers", list1()), users("includeRoles", list1(globalAdmin)))
	w := newWorld(t, func(d *state.Document) { d.Objects["identity/conditionalAccess/policies"] = []state.Object{p} })
	in := SignIn{UserID: benID, Methods: []Method{password}, Targets: toGraph}
	code := func() int { out, _ := w.srv.Evaluate(in); return out.Code }
	if code() != 0 {
		t.Error("blocked without the role")
	}
	w.edit(func(tx *state.Tx) {
		tx.Put(state.RoleAssignments, state.Object{"id": "ra2", "principalId": benID, "roleDefinitionId": globalAdmin, "directoryScopeId": "/administrativeUnits/x"})
	})
	if code() != 0 {
		t.Error("blocked by a role over one unit")
	}
	w.edit(func(tx *state.Tx) {
		tx.Put(state.RoleAssignments, state.Object{"id": "ra3", "principalId": benID, "roleDefinitionId": globalAdmin, "directoryScopeId": "/", "_endsAt": "2026-02-01T13:00:00Z"})
	})
	if code() != 53003 {
		t.Error("not blocked with the role activated")
	}
	w.st.Clock.Advance(2 * time.Hour)
	if code() != 0 {
		t.Error("blocked after the activation ended")
	}
}

func TestRiskOfAUserComesFromTheTenantAndEndsWithDismissal(t *testing.T) {
	w := newWorld(t, func(d *state.Document) {
		d.Objects["identity/conditionalAccess/policies"] = []state.Object{everyone(cond("userRiskLevels", list1("high")))}
		d.Objects["identityProtection/riskyUsers"] = []state.Object{{"id": adaID, "riskLevel": "high", "riskState": "atRisk"}}
	})
	in := SignIn{UserID: adaID, Methods: []Method{password}, Targets: toGraph}
	if out, _ := w.srv.Evaluate(in); out.Code != 53003 {
		t.Errorf("outcome is %+v", out)
	}
	w.set("identityProtection/riskyUsers", adaID, state.Object{"riskState": "dismissed"})
	if out, _ := w.srv.Evaluate(in); !out.Granted() {
		t.Errorf("after dismissal: %+v", out)
	}
}

func TestSignInFrequencyRunsOut(t *testing.T) {
	p := everyone(grant(nil), sessionControl(m{"signInFrequency": m{"isEnabled": true, "type": "hours", "value": float64(4), "frequencyInterval": "timeBased"}}))
	now := time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)
	for age, code := range map[time.Duration]int{3 * time.Hour: 0, 5 * time.Hour: 70043} {
		out, err := result(t, SignIn{AuthTime: now.Add(-age)}, nil, p)
		if err != nil || out.Code != code {
			t.Errorf("after %v: %+v, %v", age, out, err)
		}
	}
	always := everyone(grant(nil), sessionControl(m{"signInFrequency": m{"isEnabled": true, "frequencyInterval": "everyTime"}}))
	if out, _ := result(t, SignIn{AuthTime: now.Add(-10 * time.Minute)}, nil, always); out.Code != 70043 {
		t.Errorf("every time: %+v", out)
	}
}

func TestAPolicyForWorkloadsBlocksAnApplication(t *testing.T) {
	p := everyone(users("includeUsers", list1("None")), cond("clientApplications", m{"includeServicePrincipals": list1("ServicePrincipalsInMyTenant")}),
		cond("locations", m{"includeLocations": list1("All"), "excludeLocations": list1(officeID)}))
	for ip, code := range map[string]int{"192.0.2.9": 0, "203.0.113.9": 53003} {
		out, err := result(t, SignIn{ServicePrincipalID: daemonSP, IP: ip}, nil, p)
		if err != nil || out.Code != code {
			t.Errorf("from %s: %+v, %v", ip, out, err)
		}
	}
	if out, _ := result(t, SignIn{ServicePrincipalID: daemonSP, IP: "203.0.113.9"}, nil, everyone()); !out.Granted() {
		t.Errorf("a policy for users stopped an application: %+v", out)
	}
}

func TestTheRegistrationCampaignMayBePutOff(t *testing.T) {
	campaign := func(exclude []any) func(*state.Document) {
		return func(d *state.Document) {
			d.Objects["authenticationMethods"] = []state.Object{{"id": "e3", "_user": benID, "@odata.type": "#microsoft.graph.phoneAuthenticationMethod"}}
			d.Objects["policies/authenticationMethodsPolicy"] = []state.Object{{"id": "1", "registrationEnforcement": m{"authenticationMethodsRegistrationCampaign": m{
				"state": "enabled", "includeTargets": []any{m{"id": "all_users"}}, "excludeTargets": exclude,
			}}}}
		}
	}
	in := SignIn{UserID: benID, Methods: []Method{password, {Mode: "sms"}}}
	if out, err := result(t, in, campaign(nil)); err != nil || !out.Granted() || len(out.Offers) != 1 {
		t.Errorf("outcome is %+v, %v", out, err)
	}
	if out, _ := result(t, in, campaign([]any{m{"id": benID}})); len(out.Offers) != 0 {
		t.Errorf("excluded, but asked: %+v", out)
	}
}
