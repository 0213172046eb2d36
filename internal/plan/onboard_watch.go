package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"breakglass/internal/entra"
)

// watch plans the standing identity.
func (m *registrar) watch(w WatchIdentity) error {
	a, err := m.ours(partWatch)
	if err != nil {
		return err
	}
	names := slices.Clone(w.Permissions)
	if a != nil && a.Principal != nil { // chosen before, still allowed
		for _, g := range a.Principal.Granted {
			if n := m.roleName(g); slices.Contains(w.Tolerated, n) && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	access, err := permissionIDs(names, m.r.Graph.Roles, "Role")
	if err != nil {
		return err
	}
	i := idsOf(partWatch, a)
	if a == nil {
		b := applicationBody{Access: onlyGraph(access)}
		sentence := "Register " + WatchName + ": it reads, for this tenant only, locked, without any secret"
		if w.Certificate != nil {
			b.Certificates = []entra.KeyCredential{certificateOf(w.Certificate)}
			sentence += ", with a certificate valid until " + w.Certificate.NotAfter.UTC().Format("2 January 2006")
		}
		m.register(i, sentence, b)
		m.disown(i, pathApplications, i.app, nil, true)
	} else {
		m.keepApplication(i, a, onlyGraph(access))
		m.certificates(i, a, w)
		m.disown(i, pathApplications, i.app, a.Owners, false)
	}
	m.federate(i, a, w)
	m.watchPrincipal(i, a)
	m.grant(i, a, names)
	m.watchWays(a, w)
	return nil
}

// certificates adds the certificate beside those that are there: PATCH replaces the list.
func (m *registrar) certificates(i ids, a *entra.Application, w WatchIdentity) {
	if w.Certificate == nil {
		return
	}
	c := certificateOf(w.Certificate)
	if slices.ContainsFunc(a.Certificates, func(k entra.KeyCredential) bool { return k.Key == c.Key }) {
		return
	}
	all := append(slices.Clone(a.Certificates), c)
	at := pathApplications + "/" + i.app
	m.add(Step{
		ID: "watch-certificate", Needs: needsApps,
		Sentence: "Let " + WatchName + " sign in with the certificate valid until " + w.Certificate.NotAfter.UTC().Format("2 January 2006") +
			", beside the " + strconv.Itoa(len(a.Certificates)) + " that it has",
		Request: Request{Method: "PATCH", Version: "v1.0", Path: at, Body: body(applicationBody{Certificates: all})},
		Undo:    Undo{Sentence: "Remove this certificate from the application"},
		Verify: Verify{
			Request:    get(at + "?$select=id,keyCredentials"),
			Conditions: []Condition{{Path: "keyCredentials", Any: raw(map[string]string{"key": c.Key})}},
		},
	})
}

// federate trusts the tokens of another issuer.
func (m *registrar) federate(i ids, a *entra.Application, w WatchIdentity) {
	f := w.Federated
	if f == nil || a != nil && slices.ContainsFunc(a.Federated, func(h entra.FederatedCredential) bool {
		return h.Issuer == f.Issuer && h.Subject == f.Subject
	}) {
		return
	}
	n := 1
	if a != nil {
		n += len(a.Federated)
	}
	at := pathApplications + "/" + i.app + "/federatedIdentityCredentials"
	m.add(Step{
		ID: "watch-federate", Needs: needsApps,
		Sentence: fmt.Sprintf("Let tokens of %s for %s sign in as %s, so that no key lies anywhere", f.Issuer, f.Subject, WatchName),
		Request: Request{Method: "POST", Version: "v1.0", Path: at, Body: body(entra.FederatedCredential{
			Name: entra.TagOurs + "-" + strconv.Itoa(n), Issuer: f.Issuer, Subject: f.Subject, Audiences: []string{audienceExchange},
		})},
		Undo: Undo{Sentence: "Delete the federated credential"},
		Verify: Verify{Request: get(at), Conditions: []Condition{{Path: "value", Any: raw(map[string]string{
			"issuer": f.Issuer, "subject": f.Subject,
		})}}},
	})
}

func (m *registrar) watchPrincipal(i ids, a *entra.Application) {
	if a == nil || a.Principal == nil {
		m.principal(i, "Give "+WatchName+" its service principal in this tenant", nil)
		m.disown(i, pathPrincipals, i.sp, nil, true)
		return
	}
	if !a.Principal.Enabled.Or(true) {
		m.switchPrincipal(i, true, "Switch "+WatchName+" on: nothing is watched while it is off")
	}
	m.disown(i, pathPrincipals, i.sp, a.Principal.Owners, false)
}

// switchPrincipal lets a service principal sign in, or not.
func (m *registrar) switchPrincipal(i ids, on bool, sentence string) {
	at := pathPrincipals + "/" + i.sp
	set := func(v bool) Request {
		return Request{Method: "PATCH", Version: "v1.0", Path: at, Body: body(map[string]bool{"accountEnabled": v})}
	}
	undo := set(!on)
	m.add(Step{
		ID: i.part + "-" + map[bool]string{true: "enable", false: "disable"}[on], Sentence: sentence, Needs: needsApps,
		Request: set(on), Undo: Undo{Sentence: "Switch it back", Request: &undo},
		Verify: Verify{Request: get(at + "?$select=id,accountEnabled"), Conditions: []Condition{{Path: "accountEnabled", Is: raw(on)}}},
	})
}

// roleName is the name of a granted application permission of Graph, empty for others.
func (m *registrar) roleName(g entra.RoleGrant) string {
	if !strings.EqualFold(g.ResourceID, m.r.Graph.ID) {
		return ""
	}
	for name, id := range m.r.Graph.Roles {
		if strings.EqualFold(id, g.RoleID) {
			return name
		}
	}
	return ""
}

// grant consents to what is wanted and takes back what is not.
func (m *registrar) grant(i ids, a *entra.Application, names []string) {
	var have []entra.RoleGrant
	if a != nil && a.Principal != nil {
		have = a.Principal.Granted
	}
	for _, name := range names {
		if !slices.ContainsFunc(have, func(g entra.RoleGrant) bool { return m.roleName(g) == name }) {
			m.grantRole(i, name)
		}
	}
	for _, g := range have {
		if n := m.roleName(g); n == "" || !slices.Contains(names, n) {
			m.revokeRole(i, g, "Take a permission from "+displayOf(i.part)+" that it is not to have: "+m.titleOf(g))
		}
	}
}

func (m *registrar) titleOf(g entra.RoleGrant) string {
	if n := m.roleName(g); n != "" {
		return n
	}
	return g.RoleID + " of " + g.ResourceName
}

func (m *registrar) grantRole(i ids, name string) {
	id := m.r.Graph.Roles[name]
	m.add(Step{
		ID: i.part + "-grant-" + name, Sentence: "Consent to " + name + " for " + displayOf(i.part), Needs: needsRole,
		Request: Request{Method: "POST", Version: "v1.0", Path: pathPrincipals + "/" + m.r.Graph.ID + "/appRoleAssignedTo", Body: body(map[string]string{
			"principalId": i.sp, "resourceId": m.r.Graph.ID, "appRoleId": id,
		})},
		Undo: Undo{Sentence: "Delete the assignment of this permission"},
		Verify: Verify{
			Request:    get(pathPrincipals + "/" + i.sp + "/appRoleAssignments"),
			Conditions: []Condition{{Path: "value", Any: raw(map[string]string{"resourceId": m.r.Graph.ID, "appRoleId": id})}},
		},
	})
}

func (m *registrar) revokeRole(i ids, g entra.RoleGrant, sentence string) {
	at := pathPrincipals + "/" + i.sp + "/appRoleAssignments"
	m.add(Step{
		ID: i.part + "-revoke-" + g.ID, Sentence: sentence, Needs: needsRole,
		Request: Request{Method: "DELETE", Version: "v1.0", Path: at + "/" + g.ID},
		Undo: Undo{Sentence: "Grant it again", Request: &Request{Method: "POST", Version: "v1.0", Path: at, Body: body(map[string]string{
			"principalId": i.sp, "resourceId": g.ResourceID, "appRoleId": g.RoleID,
		})}},
		Verify: Verify{Request: get(at), Conditions: []Condition{{Path: "value", None: raw(map[string]string{"id": g.ID})}}},
	})
}

// watchWays says what a person should look at in the ways to sign in.
func (m *registrar) watchWays(a *entra.Application, w WatchIdentity) {
	if a == nil {
		if w.Certificate == nil && w.Federated == nil {
			m.open("a way to sign in as "+WatchName, "neither a certificate nor a federated credential was given, and we make no secrets",
				"run this again with --make-certificate DIR, --watch-certificate FILE or --federated ISSUER,SUBJECT")
		}
		return
	}
	if len(a.Certificates)+len(a.Federated) == 0 && w.Certificate == nil && w.Federated == nil {
		m.open("a way to sign in as "+WatchName, "it has neither a certificate nor a federated credential",
			"run this again with --make-certificate DIR, --watch-certificate FILE or --federated ISSUER,SUBJECT")
	}
	for _, k := range a.Certificates {
		switch {
		case !k.End.IsZero() && m.o.MadeAt.After(k.End):
			m.open("a certificate of "+WatchName+" is over", k.DisplayName+", since "+k.End.Format("2 January 2006"), "remove it in the portal once the new one works")
		case w.Certificate != nil && k.Key != certificateOf(w.Certificate).Key:
			m.open("another certificate can sign in as "+WatchName, k.DisplayName+", until "+k.End.Format("2 January 2006"),
				"remove it in the portal when the new one works, at once when you do not know it")
		}
	}
}

// memberOf is one member of a JSON object.
func memberOf(object json.RawMessage, name string) json.RawMessage {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(object, &all); err != nil {
		panic("a body of ours that does not decode: " + err.Error()) // it was encoded a line above
	}
	return all[name]
}
