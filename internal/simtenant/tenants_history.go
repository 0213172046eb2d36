package simtenant

import (
	"strconv"
	"time"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// signIn writes one interactive sign-in of a user some time ago; code 0 is a success.
func (s *scene) signIn(user string, ago time.Duration, app [2]string, code int, ip, country string) {
	u := s.tx.Get("users", user)
	requirement, methods := "multiFactorAuthentication", []any{"Password", "Mobile app notification"}
	result := "success"
	if code != 0 {
		requirement, methods, result = "singleFactorAuthentication", []any{"Password"}, "notApplied"
	}
	s.records++
	n := strconv.Itoa(s.records)
	s.logs.SignIn(s.tx, state.Object{
		"id": s.id("sign-in", n), "correlationId": s.id("correlation", n), "originalRequestId": s.id("sign-in", n), "uniqueTokenIdentifier": s.id("token", n),
		"createdDateTime": s.ago(ago), "userId": user, "userPrincipalName": u["userPrincipalName"], "userDisplayName": u["displayName"],
		"appId": app[0], "appDisplayName": app[1], "resourceId": "00000003-0000-0000-c000-000000000000", "resourceDisplayName": "Microsoft Graph",
		"ipAddress": ip, "userAgent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "conditionalAccessStatus": result,
		"authenticationRequirement": requirement, "authenticationMethodsUsed": methods,
		"status":       map[string]any{"errorCode": code, "failureReason": logs.FailureReason(code), "additionalDetails": nil},
		"deviceDetail": map[string]any{"deviceId": "", "displayName": "", "operatingSystem": "Windows10", "browser": "Edge 143.0.0", "isCompliant": false, "isManaged": false, "trustType": ""},
		"location":     map[string]any{"city": "", "state": "", "countryOrRegion": country, "geoCoordinates": map[string]any{"altitude": nil, "latitude": nil, "longitude": nil}},
	})
}

var (
	azurePortal = microsoftApps[0]
	webMail     = [2]string{"00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"}
)

// history is a week of everyday sign-ins, and one of a client that failed.
func (s *scene) history(admins ...string) {
	for i, u := range s.tx.List("users") {
		if u.String("userType") == "Guest" || !u.Bool("accountEnabled") || u["signInActivity"] == nil {
			continue
		}
		for d := range 5 {
			s.signIn(u.ID(), time.Duration(d)*day+time.Duration(7+i%5)*time.Hour, webMail, 0, "203.0.113.24", "DE")
		}
	}
	for _, a := range admins {
		s.signIn(a, 26*time.Hour, azurePortal, 0, "203.0.113.24", "DE")
		s.signIn(a, 3*time.Hour, azurePortal, 0, "203.0.113.24", "DE")
		s.signIn(a, 50*time.Hour, azurePortal, 50126, "198.51.100.77", "NL")
	}
}

// did writes an audit record of an administrator's act some time ago. Records with the
// same act belong together.
func (s *scene) did(admin string, ago time.Duration, act, service, category, operation, activity string, targets ...state.Object) {
	by := logs.By(s.tx, state.Principal{ObjectID: admin, User: true}, "203.0.113.24")
	rec := logs.Event(category, service, operation, activity, by, targets...)
	rec["activityDateTime"], rec["correlationId"] = logs.Instant(s.now.Add(-ago)), s.id("act", act)
	s.logs.Audit(s.tx, rec)
}

// lostExclusion is how a colleague took accounts out of a policy's exclusions.
func (s *scene) lostExclusion(admin, policy string, ago time.Duration, lost ...any) {
	after := s.tx.Get("identity/conditionalAccess/policies", policy)
	before := after.Clone()
	users := before.Object("conditions").Object("users")
	had := append([]any{}, lost...)
	for _, id := range users.Strings("excludeUsers") {
		had = append(had, id)
	}
	users["excludeUsers"] = had
	s.did(admin, ago, "exclusion"+policy, logs.ConditionalAccess, "Policy", "Update", "Update Conditional Access policy",
		logs.Target("Policy", after, logs.Changed("ConditionalAccessPolicy", before.Public(), after.Public())))
	s.did(admin, ago, "exclusion"+policy, logs.CoreDirectory, "Policy", "Update", "Update policy", logs.Target("Policy", after))
}

// joined is the record of a member added to a group.
func (s *scene) joined(admin, member, group string, ago time.Duration) {
	g := s.tx.Get("groups", group)
	s.did(admin, ago, "joined"+member+group, logs.CoreDirectory, "GroupManagement", "Assign", "Add member to group",
		logs.Target("User", s.tx.Get("users", member),
			logs.Changed("Group.ObjectID", nil, group), logs.Changed("Group.DisplayName", nil, g.String("displayName")), logs.Changed("Group.WellKnownObjectName", nil, nil)),
		logs.Target("Group", g))
}

// passwordSet is the three records of an administrator's password reset.
func (s *scene) passwordSet(admin, user string, ago time.Duration) {
	for _, activity := range []string{"Reset user password", "Update StsRefreshTokenValidFrom Timestamp", "Update PasswordProfile"} {
		s.did(admin, ago, "password"+user, logs.CoreDirectory, "UserManagement", "Update", activity, logs.Target("User", s.tx.Get("users", user)))
	}
}
