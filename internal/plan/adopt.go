package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// adopt brings an existing account to what is wanted, one property at a time.
func (m *maker) adopt(a *subject, u *entra.User) {
	if u.IsManagementRestricted.Or(false) && m.unfit(a, u) {
		m.open(a.want.ID, "changes of account "+a.name(), "it is in a restricted unit, inside which nobody can change it", "take it out of the unit, then make the plan again")
		return
	}
	m.rename(a, u)
	m.relabel(a, u)
	m.neverExpire(a, u)
	m.enable(a, u)
	m.perUserMFA(a, u)
}

// unfit says whether a property of the user itself is to change.
func (m *maker) unfit(a *subject, u *entra.User) bool {
	return !strings.EqualFold(u.UserPrincipalName.Or(""), a.want.UserPrincipalName) || len(relabelling(a, u)) > 0 ||
		u.PasswordPolicies.Or("") != neverExpires || !u.AccountEnabled.Or(true)
}

// patch is a step that sets properties of a user and reads them back.
func (m *maker) patch(a *subject, u *entra.User, st Step, props, was map[string]any) {
	names := slices.Sorted(maps.Keys(props))
	st.Request = Request{Method: "PATCH", Version: "v1.0", Path: pathUsers + "/" + u.ID, Body: body(props)}
	if was != nil {
		st.Undo.Request = &Request{Method: "PATCH", Version: "v1.0", Path: pathUsers + "/" + u.ID, Body: body(was)}
	}
	st.Verify.Request = get(pathUsers + "/" + u.ID + "?$select=id," + strings.Join(names, ","))
	for _, n := range names {
		st.Verify.Conditions = append(st.Verify.Conditions, Condition{Path: n, Is: raw(props[n])})
	}
	fields := append([]string{"id", "userType", "onPremisesSyncEnabled", "userPrincipalName"}, names...)
	slices.Sort(fields)
	st.Touches = []Touch{touch(m.s, onUser+u.ID, "account "+a.name(), slices.Compact(fields)...)}
	m.addFor(a, st)
}

// rename gives the account the name of the file. A change of the name orphans registered
// passkeys (Microsoft page "Enable passkeys (FIDO2)", known issues), so it comes before
// enrolment or not at all.
func (m *maker) rename(a *subject, u *entra.User) {
	upn := u.UserPrincipalName.Or("")
	if strings.EqualFold(upn, a.want.UserPrincipalName) {
		return
	}
	methods, ok := methodsOf(m.s, u)
	switch {
	case !ok:
		m.openUnread(a.want.ID, "renaming account "+a.want.ID+" from "+upn, entra.PartMethods.Of(u.ID))
		return
	case passkeys(methods) > 0:
		m.open(a.want.ID, "account "+a.want.ID+" keeps the name "+upn, "a new name would orphan its registered passkeys", "write the name it has into the file, or delete its passkeys, apply, and enrol them again")
		return
	}
	m.patch(a, u, Step{
		ID:       "rename",
		Sentence: fmt.Sprintf("Rename the account %s from %s to %s, before passkeys are enrolled.", a.want.ID, upn, a.want.UserPrincipalName),
		Undo:     Undo{Sentence: "Rename it back, also before passkeys are enrolled."},
	}, map[string]any{"userPrincipalName": a.want.UserPrincipalName}, map[string]any{"userPrincipalName": upn})
}

// relabelling are the harmless labels that differ from the file.
func relabelling(a *subject, u *entra.User) map[string]any {
	props := map[string]any{}
	if u.DisplayName.Known() && a.want.DisplayName != "" && u.DisplayName.Or("") != a.want.DisplayName {
		props["displayName"] = a.want.DisplayName
	}
	if u.UsageLocation.Known() && a.want.UsageLocation != "" && u.UsageLocation.Or("") != a.want.UsageLocation {
		props["usageLocation"] = a.want.UsageLocation
	}
	return props
}

func (m *maker) relabel(a *subject, u *entra.User) {
	props := relabelling(a, u)
	if len(props) == 0 {
		return
	}
	was := map[string]any{}
	var said []string
	if v, ok := props["displayName"]; ok {
		was["displayName"] = u.DisplayName.Or("")
		said = append(said, fmt.Sprintf("its display name %q instead of %q", v, u.DisplayName.Or("")))
	}
	if v, ok := props["usageLocation"]; ok {
		was["usageLocation"] = nil
		if at, set := u.UsageLocation.Value(); set {
			was["usageLocation"] = at
		}
		said = append(said, fmt.Sprintf("its usage location %v", v))
	}
	m.patch(a, u, Step{
		ID: "label", Sentence: "Give the account " + a.name() + " " + strings.Join(said, " and ") + ".",
		Undo: Undo{Sentence: "Write the former values back."},
	}, props, was)
}

func (m *maker) neverExpire(a *subject, u *entra.User) {
	if !u.PasswordPolicies.Known() {
		m.openUnread(a.want.ID, "whether the password of account "+a.name()+" expires", entra.PartUser.Of(u.ID))
		return
	}
	was := u.PasswordPolicies.Or("None")
	if strings.EqualFold(was, neverExpires) {
		return
	}
	m.patch(a, u, Step{
		ID:       "never-expires",
		Sentence: fmt.Sprintf("Set the password of the account %s never to expire (its password policies are %q now).", a.name(), was),
		Undo:     Undo{Sentence: "Write the former password policies back."},
	}, map[string]any{"passwordPolicies": neverExpires}, map[string]any{"passwordPolicies": was})
}

func (m *maker) enable(a *subject, u *entra.User) {
	on, ok := u.AccountEnabled.Value()
	if !ok {
		m.openUnread(a.want.ID, "whether account "+a.name()+" is enabled", entra.PartUser.Of(u.ID))
		return
	}
	if on {
		return
	}
	m.patch(a, u, Step{
		ID:       "enable",
		Sentence: fmt.Sprintf("Enable the account %s, which is switched off. Whoever knows its present password can sign in from then on, until it is sealed.", a.name()),
		Undo:     Undo{Sentence: "Disable the account."},
	}, map[string]any{"accountEnabled": true}, map[string]any{"accountEnabled": false})
}

func (m *maker) perUserMFA(a *subject, u *entra.User) {
	state, ok := u.PerUserMFA.Value()
	if !ok {
		m.openUnread(a.want.ID, "per-user MFA of account "+a.name(), entra.PartPerUserMFA.Of(u.ID))
		return
	}
	if state == "disabled" {
		return
	}
	path := pathUsers + "/" + u.ID + "/authentication/requirements"
	m.addFor(a, Step{
		ID:       "per-user-mfa",
		Sentence: fmt.Sprintf("Switch per-user MFA off for the account %s (it is %s): it works outside Conditional Access, so no exclusion helps against it.", a.name(), state),
		Request:  Request{Method: "PATCH", Version: "beta", Path: path, Body: body(mfaBody{State: "disabled"})},
		Undo: Undo{
			Sentence: "Write the former state back.",
			Request:  &Request{Method: "PATCH", Version: "beta", Path: path, Body: body(mfaBody{State: state})},
		},
		Verify: Verify{
			Request:    Request{Method: "GET", Version: "beta", Path: path},
			Conditions: []Condition{{Path: "perUserMfaState", Is: raw("disabled")}},
		},
		Touches: []Touch{touch(m.s, onUser+u.ID, "account "+a.name(), "perUserMfaState", "userType", "onPremisesSyncEnabled")},
	})
}
