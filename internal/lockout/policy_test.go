package lockout

import (
	"encoding/json"
	"testing"

	"breakglass/internal/entra"
)

// Each case changes a healthy tenant in one way and says what that means for account A.
func TestWhatAPolicyDoesToAnAccount(t *testing.T) {
	tests := []struct {
		name     string
		change   func(s *entra.Snapshot)
		excluded Truth
		verdict  Verdict
	}{
		{"healthy", func(*entra.Snapshot) {}, True, Survives},
		{"exclusion forgotten, block", func(s *entra.Snapshot) { s.Policies[0] = blocks(policy("p-1", "x", accountB)) }, False, Fails},
		{"exclusion forgotten, MFA that the passkey meets", func(s *entra.Snapshot) { s.Policies[0] = policy("p-1", "x", accountB) }, False, Survives},
		{"report-only block", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			s.Policies[0].State = some(stateReportOnly)
		}, False, Survives},
		{"disabled block", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			s.Policies[0].State = some(stateOff)
		}, False, Survives},
		{"a state that we do not know", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			s.Policies[0].State = some("paused")
		}, False, CouldNotTell},
		{"a state that was not told", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			s.Policies[0].State = entra.Maybe[string]{}
		}, False, CouldNotTell},
		{"exclude beats include by name", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x", accountA))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers = ids(accountA) })
		}, True, Survives},
		{"exclude is case-blind", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x", "AAAAAAAA-0000-4000-8000-000000000001"))
		}, True, Survives},
		{"excluded through a nested group", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.ExcludeGroups = ids(groupX) })
			s.Users[0].MemberOf = some([]entra.Membership{{ID: groupX, Type: "group"}})
		}, True, Survives},
		{"excluded group, memberships not read", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.ExcludeGroups = ids(groupX) })
			unreadPart(s, entra.PartMemberOf.Of(accountA), entra.UnreadPermission)
		}, Unknown, CouldNotTell},
		{"included through a group", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers, u.IncludeGroups = ids(), ids(groupX) })
			s.Users[0].MemberOf = some([]entra.Membership{{ID: groupX, Type: "group"}})
		}, False, Fails},
		{"a group that the account is not in", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers, u.IncludeGroups = ids(), ids(groupX) })
		}, True, Survives},
		{"included as Global Administrator", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) {
				u.IncludeUsers, u.IncludeRoles = ids(), ids(entra.RoleGlobalAdministrator)
			})
		}, False, Fails},
		{"a role that the account is only eligible for does not match", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers, u.IncludeRoles = ids(), ids(exchange) })
			s.EligibleRoles = []entra.RoleInstance{{RoleID: exchange, PrincipalID: accountA, Scope: some("/")}}
		}, True, Survives},
		{"a role through a group matches", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers, u.IncludeRoles = ids(), ids(exchange) })
			s.Users[0].MemberOf = some([]entra.Membership{{ID: groupX, Type: "group"}})
			s.RoleAssignments = append(s.RoleAssignments, entra.RoleAssignment{ID: "r", RoleID: exchange, PrincipalID: groupX, Scope: some("/")})
		}, False, Fails},
		{"a role scoped to a unit does not match", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers, u.IncludeRoles = ids(), ids(exchange) })
			s.RoleAssignments = append(s.RoleAssignments, entra.RoleAssignment{ID: "r", RoleID: exchange, PrincipalID: accountA, Scope: some("/administrativeUnits/1")})
		}, True, Survives},
		{"guests are other people", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) {
				u.IncludeUsers = ids("GuestsOrExternalUsers")
				u.IncludeGuests = some(json.RawMessage(`{"guestOrExternalUserTypes":"b2bCollaborationGuest"}`))
			})
		}, True, Survives},
		{"a word in includeUsers that we do not know", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers = ids("AllAgentUsers") })
		}, Unknown, CouldNotTell},
		{"strange member, not excluded", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x", accountB))
			s.Policies[0].Strange = []entra.StrangeMember{{Path: "conditions.times", Version: "beta"}}
		}, Unknown, CouldNotTell},
		{"strange member, excluded", func(s *entra.Snapshot) {
			s.Policies[0].Strange = []entra.StrangeMember{{Path: "conditions.times", Version: "beta"}}
		}, True, Survives},
		{"in beta only, not excluded", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x", accountB)
			s.Policies[0].Versions = []string{"beta"}
		}, Unknown, CouldNotTell},
		{"workload policy", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers = ids("None") })
			c := s.Policies[0].Conditions.Or(entra.Conditions{})
			c.ClientApplications = some(entra.ClientApplications{Include: ids("ServicePrincipalsInMyTenant")})
			s.Policies[0].Conditions = some(c)
		}, True, Survives},
		{"a policy for agents, with conditions of its own", func(s *entra.Snapshot) {
			s.Policies[0] = agents()
		}, True, Survives},
		{"a policy for agents that says something about users too", func(s *entra.Snapshot) {
			s.Policies[0] = agents()
			s.Policies[0].Strange = append(s.Policies[0].Strange, entra.StrangeMember{Path: "conditions.users.includePets", Version: "beta"})
		}, Unknown, CouldNotTell},
		{"in v1.0 only, not excluded", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x", accountB)
			s.Policies[0].Versions = []string{"v1.0"}
		}, Unknown, CouldNotTell},
		{"versions not recorded, not excluded", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x", accountB)
			s.Policies[0].Versions = nil
		}, Unknown, CouldNotTell},
		{"legacy clients only", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			c := s.Policies[0].Conditions.Or(entra.Conditions{})
			c.ClientAppTypes = ids("exchangeActiveSync", "other")
			s.Policies[0].Conditions = some(c)
		}, False, Survives},
		{"the guest of another tenant", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.IncludeUsers = ids("GuestsOrExternalUsers") })
			s.Users[0].UserType = some("Guest")
		}, False, Fails},
		{"guests excluded: which of them was not read", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			users(&s.Policies[0], func(u *entra.UserCondition) { u.ExcludeGuests = some(json.RawMessage(`{}`)) })
			s.Users[0].UserType = some("Guest")
		}, Unknown, CouldNotTell},
		{"terms of use", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			g := grant("OR")
			g.TermsOfUse = ids("agreement")
			s.Policies[0].GrantControls = some(g)
		}, False, CouldNotTell},
		{"a factor of another provider", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			g := grant("OR")
			g.CustomFactors = ids("acme")
			s.Policies[0].GrantControls = some(g)
		}, False, Fails},
		{"controls not told", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			s.Policies[0].GrantControls = entra.Maybe[entra.GrantControls]{}
		}, False, CouldNotTell},
		{"user action: registering a key is blocked", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			apps(&s.Policies[0], entra.ApplicationCondition{IncludeApplications: ids(), IncludeUserActions: ids("urn:user:registersecurityinfo"), IncludeContexts: ids(), Filter: entra.Null[json.RawMessage]()})
		}, False, Fails},
		{"authentication context", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			apps(&s.Policies[0], entra.ApplicationCondition{IncludeApplications: ids(), IncludeUserActions: ids(), IncludeContexts: ids("c1"), Filter: entra.Null[json.RawMessage]()})
		}, False, Fails},
		{"names no resource at all", func(s *entra.Snapshot) {
			s.Policies[0] = blocks(policy("p-1", "x"))
			apps(&s.Policies[0], entra.ApplicationCondition{IncludeApplications: ids("None"), IncludeUserActions: ids(), IncludeContexts: ids(), Filter: entra.Null[json.RawMessage]()})
		}, True, Survives},
		{"session controls only", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			s.Policies[0].GrantControls = entra.Null[entra.GrantControls]()
			s.Policies[0].SessionControls = some(json.RawMessage(`{"signInFrequency":{"isEnabled":true},"secureSignInSession":null}`))
		}, False, Survives},
		{"token protection may refuse", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			s.Policies[0].GrantControls = entra.Null[entra.GrantControls]()
			s.Policies[0].SessionControls = some(json.RawMessage(`{"secureSignInSession":{"isEnabled":true}}`))
		}, False, CouldNotTell},
		{"compliant device or MFA", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			s.Policies[0].GrantControls = some(grant("OR", "compliantDevice", "mfa"))
		}, False, Survives},
		{"compliant device and MFA", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			s.Policies[0].GrantControls = some(grant("AND", "mfa", "compliantDevice"))
		}, False, Fails},
		{"a control that we do not know", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			s.Policies[0].GrantControls = some(grant("OR", "riddle"))
		}, False, CouldNotTell},
		{"two controls, the operator not told", func(s *entra.Snapshot) {
			s.Policies[0] = policy("p-1", "x")
			g := grant("OR", "mfa", "compliantDevice")
			g.Operator = entra.Maybe[string]{}
			s.Policies[0].GrantControls = some(g)
		}, False, CouldNotTell},
		{"a strength that the key meets", func(s *entra.Snapshot) {
			s.Policies[0] = strengthPolicy()
		}, False, Survives},
		{"a strength of other models", func(s *entra.Snapshot) {
			s.Policies[0] = strengthPolicy()
			s.Strengths[0].AllowedAAGUIDs = ids(token2)
		}, False, Fails},
		{"a strength that was not read", func(s *entra.Snapshot) {
			s.Policies[0] = strengthPolicy()
			s.Strengths = nil
		}, False, CouldNotTell},
		{"policies not read", func(s *entra.Snapshot) {
			s.Policies = nil
			unreadPart(s, entra.PartPolicies, entra.UnreadPermission)
		}, Unknown, CouldNotTell},
		{"beta not read: v1.0 may hide a policy", func(s *entra.Snapshot) { unreadPart(s, entra.PartPoliciesBeta, entra.UnreadThrottled) }, Unknown, CouldNotTell},
		{"no licence for Conditional Access, ever", func(s *entra.Snapshot) {
			s.Policies, s.Plans = nil, nil
			unreadPart(s, entra.PartPolicies, entra.UnreadLicence)
			unreadPart(s, entra.PartPoliciesBeta, entra.UnreadLicence)
		}, True, Survives},
		{"a licence that lapsed leaves its policies", func(s *entra.Snapshot) {
			s.Policies = nil
			s.Plans = []entra.ServicePlan{{ServicePlanID: planP1, ServicePlanName: "AAD_PREMIUM", CapabilityStatus: some("Deleted")}}
			unreadPart(s, entra.PartPolicies, entra.UnreadLicence)
			unreadPart(s, entra.PartPoliciesBeta, entra.UnreadLicence)
		}, Unknown, CouldNotTell},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := healthy()
			test.change(s)
			got := Analyze(s, accountA)
			if got.Excluded != test.excluded || got.Verdict != test.verdict {
				t.Errorf("excluded %v, verdict %v; want %v, %v\n%s", got.Excluded, got.Verdict, test.excluded, test.verdict, dump(t, got))
			}
		})
	}
}

// agents is a policy for agent identities, as beta tells it.
func agents() entra.Policy {
	p := blocks(policy("p-1", "Block high-risk agents"))
	users(&p, func(u *entra.UserCondition) { u.IncludeUsers = ids("None") })
	c := p.Conditions.Or(entra.Conditions{})
	c.ClientApplications = some(entra.ClientApplications{Include: ids()})
	p.Conditions = some(c)
	p.Strange = []entra.StrangeMember{{Path: "conditions.agentIdRiskLevels", Version: "beta"}, {Path: "conditions.clientApplications.includeAgentIdServicePrincipals", Version: "beta"}}
	return p
}

func strengthPolicy() entra.Policy {
	p := policy("p-1", "Passkey for the second account")
	g := grant("OR")
	g.Strength = some(entra.StrengthRef{ID: strength4, DisplayName: some("Phishing-resistant MFA")})
	p.GrantControls = some(g)
	return p
}

func apps(p *entra.Policy, a entra.ApplicationCondition) {
	c := p.Conditions.Or(entra.Conditions{})
	c.Applications = some(a)
	p.Conditions = some(c)
}

func unreadPart(s *entra.Snapshot, p entra.Part, why entra.Unread) {
	s.Readings[p] = entra.Reading{Source: "/" + string(p), ReadAt: readAt, Unread: why}
}

func dump(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// A policy that the plan lets apply is judged, but does not count against the exclusion.
func TestAnAllowedPolicyIsJudgedAndDoesNotCount(t *testing.T) {
	s := healthy()
	s.Policies[0] = strengthPolicy()
	got := Analyze(s, accountA, "P-1")
	if got.Excluded != True || got.Verdict != Survives || !got.Standings[0].Allowed {
		t.Errorf("the allowed policy counted: %s", dump(t, got))
	}
	s.Policies[0] = blocks(s.Policies[0])
	if got := Analyze(s, accountA, "p-1"); got.Verdict != Fails {
		t.Errorf("an allowed policy that blocks leaves the verdict %v", got.Verdict)
	}
}

// What is off today is listed with the moment from which it counts, worst first.
func TestBlockersAreOrderedMostDeadlyFirst(t *testing.T) {
	s := healthy()
	off, report, on := blocks(policy("off", "off")), blocks(policy("report", "report")), blocks(policy("on", "on"))
	off.State, report.State = some(stateOff), some(stateReportOnly)
	s.Policies = []entra.Policy{off, report, on}
	var got []When
	for _, b := range Analyze(s, accountA).Blockers {
		got = append(got, b.When)
	}
	want := []When{Now, MaySwitchOn, OneClick}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("moments %v, want %v", got, want)
		}
	}
}

func TestASituationNarrowsAPolicy(t *testing.T) {
	p := policy("p", "x")
	c := p.Conditions.Or(entra.Conditions{})
	c.Platforms = some(entra.Platforms{Include: ids("all"), Exclude: ids("linux")})
	c.Locations = some(entra.Locations{Include: ids("All"), Exclude: ids("AllTrusted")})
	c.AuthenticationFlows = some(entra.AuthenticationFlows{TransferMethods: some("deviceCodeFlow, authenticationTransfer")})
	c.SignInRiskLevels = ids("high")
	c.Applications = some(entra.ApplicationCondition{IncludeApplications: ids("MicrosoftAdminPortals", "app-1"), ExcludeApplications: ids("app-2"), IncludeUserActions: ids(), IncludeContexts: ids(), Filter: entra.Null[json.RawMessage]()})
	for name, test := range map[string]struct {
		sit  Situation
		want Truth
	}{
		"any sign-in":               {Situation{}, True},
		"windows":                   {Situation{Platform: "windows"}, True},
		"linux is left out":         {Situation{Platform: "linux"}, False},
		"device code":               {Situation{Flow: "deviceCodeFlow"}, True},
		"another flow":              {Situation{Flow: "none"}, False},
		"no risk":                   {Situation{SignInRisk: "none"}, False},
		"high risk":                 {Situation{SignInRisk: "high"}, True},
		"the named application":     {Situation{Resource: "app-1"}, True},
		"the excluded application":  {Situation{Resource: "app-2"}, False},
		"perhaps an admin portal":   {Situation{Resource: "app-3"}, Unknown},
		"a location, trust unread":  {Situation{Location: "loc-1"}, Unknown},
		"registering a key":         {Situation{UserAction: "urn:user:registersecurityinfo"}, False},
		"a context":                 {Situation{Context: "c1"}, False},
		"a device, some filter":     {Situation{Device: "laptop", Client: "browser", Platform: "windows"}, True},
		"any device, filter absent": {Situation{Device: "laptop"}, True},
	} {
		if got := test.sit.meets(c); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
