package simtenant

import (
	"fmt"
	"strings"
	"time"

	"breakglass/internal/simtenant/state"
)

// A user of a scene; with changes what differs from an ordinary cloud user who signed in
// yesterday. It returns the id.
func (s *scene) user(upn, display string, with state.Object) string {
	id := s.id("user", upn)
	local, _, _ := strings.Cut(upn, "@")
	given, surname, _ := strings.Cut(display, " ")
	u := state.Object{
		"id": id, "userPrincipalName": upn, "displayName": display, "givenName": given, "surname": surname, "mailNickname": local,
		"accountEnabled": true, "userType": "Member", "usageLocation": "DE", "createdDateTime": s.ago(900 * day), "creationType": nil,
		"mail": upn, "businessPhones": []any{}, "otherMails": []any{}, "proxyAddresses": []any{"SMTP:" + upn}, "mobilePhone": nil, "jobTitle": nil,
		"department": nil, "officeLocation": nil, "preferredLanguage": "en", "passwordPolicies": "None",
		"passwordProfile":            map[string]any{"forceChangePasswordNextSignIn": false, "forceChangePasswordNextSignInWithMfa": false, "password": nil},
		"lastPasswordChangeDateTime": s.ago(60 * day), "signInSessionsValidFromDateTime": s.ago(60 * day),
		"onPremisesSyncEnabled": nil, "onPremisesImmutableId": nil, "onPremisesLastSyncDateTime": nil, "employeeLeaveDateTime": nil,
		"securityIdentifier": sid(id), "assignedLicenses": []any{}, "assignedPlans": []any{}, "showInAddressList": nil, "deletedDateTime": nil,
		"identities":     []any{map[string]any{"signInType": "userPrincipalName", "issuer": s.initial, "issuerAssignedId": upn}},
		"signInActivity": s.lastSignIn(day),
	}
	for k, v := range with {
		u[k] = v
	}
	s.tx.Put("users", u)
	return id
}

// sid is the security identifier that Entra derives from an object's id.
func sid(id string) string {
	var n [4]uint32
	hex := strings.ReplaceAll(id, "-", "")
	for i := range n {
		_, _ = fmt.Sscanf(hex[i*8:i*8+8], "%08x", &n[i]) // eight hex digits of a GUID
	}
	return fmt.Sprintf("S-1-12-1-%d-%d-%d-%d", n[0], n[1], n[2], n[3])
}

// lastSignIn is signInActivity; zero is an account that never signed in.
func (s *scene) lastSignIn(ago time.Duration) any {
	if ago == 0 {
		return nil
	}
	return map[string]any{
		"lastSignInDateTime": s.ago(ago), "lastSignInRequestId": s.id("request", fmt.Sprint(ago)),
		"lastNonInteractiveSignInDateTime": s.ago(ago / 2), "lastNonInteractiveSignInRequestId": s.id("request", fmt.Sprint(ago/2)),
		"lastSuccessfulSignInDateTime": s.ago(ago), "lastSuccessfulSignInRequestId": s.id("request", fmt.Sprint(ago)),
	}
}

// staff is the people whom every tenant has besides its administrators, on its everyday
// domain, each with a telephone as second factor.
func (s *scene) staff(dom string) {
	for _, p := range [][3]string{
		{"priya.raman", "Priya Raman", "Finance"},
		{"jonas.weber", "Jonas Weber", "Sales"},
		{"mei.tanaka", "Mei Tanaka", "Sales"},
		{"luca.rossi", "Luca Rossi", "Operations"},
		{"sara.lind", "Sara Lind", "People"},
		{"tomas.novak", "Tomas Novak", "Operations"},
		{"amina.diallo", "Amina Diallo", "Finance"},
	} {
		id := s.user(p[0]+"@"+dom, p[1], state.Object{"department": p[2], "signInActivity": s.lastSignIn(9 * time.Hour)})
		s.authenticator(id, "Phone of "+strings.Fields(p[1])[0])
	}
	s.user("guest_partner.example#EXT#@"+s.initial, "Dana Partner", state.Object{"userType": "Guest", "creationType": "Invitation", "externalUserState": "Accepted", "mail": "dana@partner.example"})
}

// method registers one authentication method of a user.
func (s *scene) method(user, kind string, props state.Object) {
	m := state.Object{
		"id": s.id("method", user+kind+fmt.Sprint(props["displayName"], props["phoneNumber"])), "_user": user,
		"@odata.type": "#microsoft.graph." + kind + "AuthenticationMethod", "createdDateTime": s.ago(200 * day),
	}
	for k, v := range props {
		m[k] = v
	}
	s.tx.Put("authenticationMethods", m)
}

func (s *scene) authenticator(user, name string) {
	s.method(user, "microsoftAuthenticator", state.Object{"displayName": name, "deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.2606.3812"})
}

// Models of security keys by their AAGUID, from two vendors.
var keyModels = map[string]string{
	"2fc0579f-8113-47ea-b116-bb5a8db9202a": "YubiKey 5 Series with NFC",
	"d41f5a69-b817-4144-a13c-9ebd6d9254d6": "ATKey.Card CTAP2.0",
}

// key registers a device-bound passkey.
func (s *scene) key(user, name, aaguid string) {
	s.method(user, "fido2", state.Object{
		"displayName": name, "aaGuid": aaguid, "model": keyModels[aaguid], "attestationLevel": "attested", "attestationCertificates": []any{}, "passkeyType": "deviceBound",
	})
}

// phone registers a mobile number.
func (s *scene) phone(user, number string) {
	s.method(user, "phone", state.Object{"_id": "3179e48a-750b-4051-897c-87b9720928f7", "phoneNumber": number, "phoneType": "mobile", "smsSignInState": "notAllowedByPolicy"})
}

// group makes a security group with members (users or groups, by id).
func (s *scene) group(name, about string, assignable bool, members ...string) string {
	id := s.id("group", name)
	s.tx.Put("groups", state.Object{
		"id": id, "displayName": name, "description": about, "mailNickname": strings.ReplaceAll(name, " ", ""), "mailEnabled": false, "securityEnabled": true,
		"groupTypes": []any{}, "isAssignableToRole": assignable, "createdDateTime": s.ago(700 * day), "renewedDateTime": s.ago(700 * day), "securityIdentifier": sid(id),
		"visibility": "Private", "proxyAddresses": []any{}, "deletedDateTime": nil, "membershipRule": nil, "mail": nil,
	})
	for _, m := range members {
		s.tx.Link("members", id, m)
	}
	return id
}

// direct assigns a role outside of PIM.
func (s *scene) direct(principal, role string) {
	s.tx.Put(state.RoleAssignments, state.Object{
		"id": state.AssignmentID(role, principal, "/"), "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/",
	})
}

// permanent assigns a role through PIM, active and without end.
func (s *scene) permanent(principal, role string) { s.active(principal, role, 400*day, 0, "") }

// active assigns through PIM: since, and until when from now (0 for ever); used is the
// eligibility that an activation rests on.
func (s *scene) active(principal, role string, since, left time.Duration, used string) {
	sched := state.Object{
		"id": s.id("schedule", principal+role), "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/", "appScopeId": nil,
		"createdUsing": s.id("request", principal+role), "createdDateTime": s.ago(since), "modifiedDateTime": nil, "status": "Provisioned",
		"assignmentType": "Assigned", "memberType": "Direct", "scheduleInfo": s.span(since, left),
	}
	a := state.Object{
		"id": state.AssignmentID(role, principal, "/"), "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/",
		"_schedule": sched.ID(), "_startsAt": s.ago(since),
	}
	if left > 0 {
		a["_endsAt"], sched["_endsAt"] = s.ago(-left), s.ago(-left)
	}
	if used != "" {
		a["_activatedUsing"], sched["_activatedUsing"], sched["assignmentType"] = used, used, "Activated"
	}
	s.tx.Put("roleManagement/directory/roleAssignmentSchedules", sched)
	s.tx.Put(state.RoleAssignments, a)
}

// span is a schedule's time: since, and until when from now (0 for ever).
func (s *scene) span(since, left time.Duration) map[string]any {
	e := map[string]any{"type": "noExpiration", "endDateTime": nil, "duration": nil}
	if left > 0 {
		e = map[string]any{"type": "afterDateTime", "endDateTime": s.ago(-left), "duration": nil}
	}
	return map[string]any{"startDateTime": s.ago(since), "recurrence": nil, "expiration": e}
}

// eligible makes a principal eligible for a role (left 0: for ever) and returns the schedule's id.
func (s *scene) eligible(principal, role string, left time.Duration) string {
	id := s.id("eligibility", principal+role)
	s.tx.Put("roleManagement/directory/roleEligibilitySchedules", state.Object{
		"id": id, "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/", "appScopeId": nil,
		"createdUsing": s.id("request", "eligible"+principal+role), "createdDateTime": s.ago(300 * day), "modifiedDateTime": nil,
		"status": "Provisioned", "memberType": "Direct", "scheduleInfo": s.span(300*day, left),
	})
	return id
}
