package plan

import (
	"fmt"
	"net/url"
	"strings"

	"breakglass/internal/entra"
)

const neverExpires = "DisablePasswordExpiration"

// find resolves the accounts of the file: existing ones are adopted, the others get a
// placeholder. An account that can be neither found nor shown to be absent is left alone.
func (m *maker) find() {
	for _, want := range m.d.Accounts {
		a := &subject{want: want}
		if u := want.Resolve(m.s); u != nil {
			a.id, a.ok = u.ID, m.adoptable(a, u)
		} else if m.absent(a) {
			a.id, a.ok = "{account:"+want.ID+"}", true
		}
		if !a.ok {
			continue
		}
		m.accounts = append(m.accounts, a)
		m.p.Accounts = append(m.p.Accounts, Account{
			ID: want.ID, Object: a.id, UserPrincipalName: want.UserPrincipalName, Allowed: want.Allowed(),
		})
	}
}

// absent says whether the tenant is known not to have the account, so that it may be created.
func (m *maker) absent(a *subject) bool {
	if a.want.ObjectID != "" {
		m.open(a.want.ID, "account "+a.name(), "no user with object id "+a.want.ObjectID+" was read; an account is never created in place of one that the file names by id",
			"correct object_id, or remove it to have the account created")
		return false
	}
	part := entra.PartUser.Of(a.want.UserPrincipalName)
	r := m.s.Reading(part)
	if strings.Contains(r.Source, "/directory/deletedItems/") {
		m.open(a.want.ID, "account "+a.name(), "an account of this name was deleted: "+r.Detail, "restore it, and it is adopted; or delete it for good to have a new one created")
		return false
	}
	if r.Unread == entra.UnreadNotFound || (r.Unread == "" && r.Items == 0) {
		if local, domain, ok := strings.Cut(a.want.UserPrincipalName, "@"); !ok || local == "" || !strings.EqualFold(domain, m.d.Tenant.InitialDomain) {
			m.open(a.want.ID, "account "+a.name(), "its name is not on the initial domain "+m.d.Tenant.InitialDomain, "correct user_principal_name")
			return false
		}
		return true
	}
	m.openUnread(a.want.ID, "account "+a.name(), part)
	return false
}

// adoptable holds the safety checks of adoption: what fails them is not written to.
func (m *maker) adoptable(a *subject, u *entra.User) bool {
	refuse := func(why, next string) bool {
		m.open(a.want.ID, "account "+a.name()+" is not adopted", why, next)
		return false
	}
	upn := u.UserPrincipalName.Or("")
	if !u.UserPrincipalName.Known() || !u.UserType.Known() || !u.OnPremisesSyncEnabled.Known() || !u.OnPremisesImmutableID.Known() {
		m.openUnread(a.want.ID, "account "+a.name()+" is not adopted", entra.PartUser.Of(u.ID))
		return false
	}
	switch sign := personal(u); {
	case u.UserType.Or("Member") != "Member" || strings.Contains(upn, "#EXT#"):
		return refuse("it is a guest", "name another account, or let breakglass create one")
	case u.OnPremisesSyncEnabled.Or(false) || u.OnPremisesImmutableID.Or("") != "":
		return refuse("it comes from a directory on-premises, which keeps power over it", "name a cloud-only account, or let breakglass create one")
	case sign != "":
		return refuse("it looks like a person's account: "+sign, "clear that property if the account is nobody's, or let breakglass create one")
	}
	if onDomain(upn, m.d.Tenant.InitialDomain) {
		return true
	}
	switch methods, ok := methodsOf(m.s, u); {
	case !ok:
		m.openUnread(a.want.ID, "account "+a.name()+" is not adopted: it is not on the initial domain, and whether it may be renamed is unknown", entra.PartMethods.Of(u.ID))
		return false
	case passkeys(methods) > 0:
		return refuse(upn+" is not on the initial domain, and renaming would orphan its registered passkeys", "delete its passkeys, apply, and enrol them again; or name another account")
	case !onDomain(a.want.UserPrincipalName, m.d.Tenant.InitialDomain):
		return refuse("the name in the file is not on the initial domain either", "correct user_principal_name")
	}
	return true
}

func onDomain(upn, domain string) bool {
	return domain != "" && strings.HasSuffix(strings.ToLower(upn), "@"+strings.ToLower(domain))
}

// personal is the property by which an account looks like a person's, empty for none.
func personal(u *entra.User) string {
	for _, p := range []struct {
		name  string
		value string
	}{{"givenName", u.GivenName.Or("")}, {"surname", u.Surname.Or("")}, {"jobTitle", u.JobTitle.Or("")}} {
		if strings.TrimSpace(p.value) != "" {
			return p.name + " is set"
		}
	}
	if _, leaves := u.EmployeeLeave.Value(); leaves {
		return "employeeLeaveDateTime is set"
	}
	return ""
}

// methodsOf are the registered methods, when the list was read whole.
func methodsOf(s *entra.Snapshot, u *entra.User) ([]entra.Method, bool) {
	methods, ok := u.Methods.Value()
	return methods, ok && s.Complete(entra.PartMethods.Of(u.ID))
}

func passkeys(methods []entra.Method) int {
	n := 0
	for _, m := range methods {
		if m.Type == "fido2AuthenticationMethod" {
			n++
		}
	}
	return n
}

func (m *maker) makeAccounts() {
	for _, a := range m.accounts {
		if u := m.s.User(a.id); u != nil {
			m.adopt(a, u)
			continue
		}
		m.create(a)
	}
}

// addFor adds a step of one account, after the account's earlier ones.
func (m *maker) addFor(a *subject, st Step) bool {
	st.ID, st.Account = st.ID+"-"+a.want.ID, a.want.ID
	st.After = append(append([]string(nil), a.after...), st.After...)
	if !m.add(st) {
		return false
	}
	a.after = append(a.after, st.ID)
	return true
}

func (m *maker) create(a *subject) {
	upn := a.want.UserPrincipalName
	nickname, _, _ := strings.Cut(upn, "@")
	yes, policies := true, neverExpires
	b := userBody{
		AccountEnabled: &yes, DisplayName: &a.want.DisplayName, MailNickname: &nickname, UserPrincipalName: &upn,
		PasswordPolicies: &policies, PasswordProfile: &passwordProfile{Password: RandomPassword},
	}
	if a.want.UsageLocation != "" {
		b.UsageLocation = &a.want.UsageLocation
	}
	m.addFor(a, Step{
		ID: "create",
		Sentence: fmt.Sprintf("Create the emergency account %s as a cloud-only user whose password never expires. Its first password is random and kept by nobody, so the account is unusable until it is sealed.",
			a.name()),
		Request: Request{Method: "POST", Version: "v1.0", Path: pathUsers, Body: body(b)},
		Creates: a.id,
		Undo:    Undo{Sentence: "Delete the account; it can be restored for 30 days.", Request: &Request{Method: "DELETE", Version: "v1.0", Path: pathUsers + "/" + a.id}},
		Verify: Verify{
			Request: get(pathUsers + "/" + url.PathEscape(upn) + "?$select=id,userPrincipalName,displayName,accountEnabled,passwordPolicies,createdDateTime"),
			Conditions: []Condition{
				{Path: "userPrincipalName", Is: raw(upn)},
				{Path: "displayName", Is: raw(a.want.DisplayName)},
				{Path: "accountEnabled", Is: raw(true)},
				{Path: "passwordPolicies", Is: raw(neverExpires)},
			},
		},
		Touches: []Touch{touch(m.s, onUserName+upn, "the name "+upn, "taken")},
	})
}
