package plan

import (
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/entra"
)

// redirectLoopback is where a browser sign-in on this machine returns to.
const redirectLoopback = "http://localhost"

// operator plans the public client for people.
func (m *registrar) operator(w OperatorIdentity) error {
	a, err := m.ours(partOperator)
	if err != nil {
		return err
	}
	access, err := permissionIDs(w.Scopes, m.r.Graph.Scopes, "Scope")
	if err != nil {
		return err
	}
	for _, p := range w.Users {
		if !p.Enabled.Or(true) {
			return &RefusedError{Reason: p.UserPrincipalName + " is disabled", Next: "name somebody who can sign in"}
		}
	}
	if a == nil && len(w.Users) == 0 {
		return &RefusedError{Reason: "nobody was named who may use " + OperatorName, Next: "name them: --operator NAME@DOMAIN, repeated"}
	}
	i := idsOf(partOperator, a)
	if a == nil {
		yes := true
		m.register(i, "Register "+OperatorName+": a public client of this tenant only, for people who sign in themselves", applicationBody{
			Access: onlyGraph(access), PublicFallback: &yes, PublicClient: &entra.Redirects{URIs: []string{redirectLoopback}},
		})
		m.disown(i, pathApplications, i.app, nil, true)
	} else {
		m.keepApplication(i, a, onlyGraph(access))
		m.keepPublic(i, a)
		m.disown(i, pathApplications, i.app, a.Owners, false)
	}
	m.operatorPrincipal(i, a)
	m.people(i, a, w)
	if a != nil && a.Principal != nil {
		m.grant(i, a, nil) // a client for people holds no application permission
	}
	m.operatorSwitch(i, a, w)
	return nil
}

// keepPublic keeps it a public client that returns to this machine only.
func (m *registrar) keepPublic(i ids, a *entra.Application) {
	if !a.PublicFallback.Or(false) {
		yes := true
		m.patch(i, "public", "Let "+OperatorName+" sign people in without a secret of its own", applicationBody{PublicFallback: &yes}, "isFallbackPublicClient", false)
	}
	if !slices.Equal(a.PublicClient.URIs, []string{redirectLoopback}) {
		m.patch(i, "redirect", "Return browser sign-ins of "+OperatorName+" to this machine and nowhere else",
			applicationBody{PublicClient: &entra.Redirects{URIs: []string{redirectLoopback}}}, "publicClient", a.PublicClient)
	}
	if n := len(a.Web.URIs) + len(a.SinglePage.URIs); n > 0 {
		m.open(fmt.Sprintf("%d further redirect addresses of %s", n, OperatorName), "we register none but "+redirectLoopback+", so somebody else did",
			"look at them in the portal (Authentication) and remove those that nobody can explain")
	}
	if len(a.Certificates)+len(a.Federated) > 0 {
		m.open("credentials of "+OperatorName, "a public client needs none, so somebody else made them", "remove them in the portal (Certificates & secrets)")
	}
}

func (m *registrar) operatorPrincipal(i ids, a *entra.Application) {
	if a == nil || a.Principal == nil {
		m.principal(i, "Give "+OperatorName+" its service principal: only people assigned to it may use it, and it is off between uses",
			map[string]any{"appRoleAssignmentRequired": true, "accountEnabled": false})
		m.disown(i, pathPrincipals, i.sp, nil, true)
		return
	}
	if !a.Principal.AssignmentRequired.Or(false) {
		at := pathPrincipals + "/" + i.sp
		set := map[string]bool{"appRoleAssignmentRequired": true}
		m.add(Step{
			ID: "operator-assignment", Sentence: "Let nobody use " + OperatorName + " who is not assigned to it", Needs: needsApps,
			Request: Request{Method: "PATCH", Version: "v1.0", Path: at, Body: body(set)},
			Undo:    Undo{Sentence: "Let everybody in the tenant use it"},
			Verify:  Verify{Request: get(at + "?$select=id,appRoleAssignmentRequired"), Conditions: []Condition{{Path: "appRoleAssignmentRequired", Is: raw(true)}}},
		})
	}
	m.disown(i, pathPrincipals, i.sp, a.Principal.Owners, false)
}

// people assigns and consents for those named, and takes others off.
func (m *registrar) people(i ids, a *entra.Application, w OperatorIdentity) {
	p := &entra.Principal{}
	if a != nil && a.Principal != nil {
		p = a.Principal
	}
	scope := strings.Join(w.Scopes, " ")
	for _, u := range w.Users {
		m.assign(i, p, u)
		m.consent(i, p, u, scope)
	}
	if w.Users == nil {
		m.keepConsents(i, p, scope)
		return
	}
	named := func(id string) bool {
		return slices.ContainsFunc(w.Users, func(u entra.Person) bool { return strings.EqualFold(u.ID, id) })
	}
	for _, g := range p.Assigned {
		if !named(g.PrincipalID) {
			m.unassign(i, g, fmt.Sprintf("Take %s off %s: not named any more", g.PrincipalName, OperatorName))
		}
	}
	for _, c := range p.Consents {
		if !named(c.PrincipalID.Or("")) || !strings.EqualFold(c.ResourceID, m.r.Graph.ID) {
			m.unconsent(i, c, "Take back a consent of "+OperatorName+" that is not one of the people named: "+holderOf(c))
		}
	}
}

// keepConsents holds what is there to the scopes: nobody was named, so nobody comes or goes.
func (m *registrar) keepConsents(i ids, p *entra.Principal, scope string) {
	for _, c := range p.Consents {
		switch id, ok := c.PrincipalID.Value(); {
		case !ok:
			m.unconsent(i, c, "Take back a consent of "+OperatorName+" that is not for one person: "+holderOf(c))
		case strings.EqualFold(c.ResourceID, m.r.Graph.ID):
			m.consent(i, p, entra.Person{ID: id, UserPrincipalName: id}, scope)
		}
	}
}

func holderOf(c entra.Consent) string {
	if id, ok := c.PrincipalID.Value(); ok && id != "" {
		return "for " + id
	}
	return "for everybody in the tenant"
}

func (m *registrar) assign(i ids, p *entra.Principal, u entra.Person) {
	if slices.ContainsFunc(p.Assigned, func(g entra.RoleGrant) bool { return strings.EqualFold(g.PrincipalID, u.ID) }) {
		return
	}
	at := pathPrincipals + "/" + i.sp + "/appRoleAssignedTo"
	m.add(Step{
		ID: "operator-assign-" + u.ID, Sentence: fmt.Sprintf("Let %s use %s", u.UserPrincipalName, OperatorName), Needs: needsRole,
		Request: Request{Method: "POST", Version: "v1.0", Path: at, Body: body(map[string]string{
			"principalId": u.ID, "resourceId": i.sp, "appRoleId": roleDefault,
		})},
		Undo:   Undo{Sentence: "Delete the assignment"},
		Verify: Verify{Request: get(at), Conditions: []Condition{{Path: "value", Any: raw(map[string]string{"principalId": u.ID})}}},
	})
}

func (m *registrar) unassign(i ids, g entra.RoleGrant, sentence string) {
	at := pathPrincipals + "/" + i.sp + "/appRoleAssignedTo"
	m.add(Step{
		ID: i.part + "-unassign-" + g.ID, Sentence: sentence, Needs: needsRole,
		Request: Request{Method: "DELETE", Version: "v1.0", Path: at + "/" + g.ID},
		Undo: Undo{Sentence: "Assign them again", Request: &Request{Method: "POST", Version: "v1.0", Path: at, Body: body(map[string]string{
			"principalId": g.PrincipalID, "resourceId": g.ResourceID, "appRoleId": g.RoleID,
		})}},
		Verify: Verify{Request: get(at), Conditions: []Condition{{Path: "value", None: raw(map[string]string{"id": g.ID})}}},
	})
}

type consentBody struct {
	ClientID    string `json:"clientId,omitempty"`
	ConsentType string `json:"consentType,omitempty"`
	PrincipalID string `json:"principalId,omitempty"`
	ResourceID  string `json:"resourceId,omitempty"`
	Scope       string `json:"scope"`
}

// consent grants the delegated permissions to one person, never to everybody.
func (m *registrar) consent(i ids, p *entra.Principal, u entra.Person, scope string) {
	list := pathConsents + "?$filter=clientId eq '" + i.sp + "'"
	st := Step{ID: "operator-consent-" + u.ID, Needs: needsConsent}
	for _, c := range p.Consents {
		if !strings.EqualFold(c.PrincipalID.Or(""), u.ID) || !strings.EqualFold(c.ResourceID, m.r.Graph.ID) {
			continue
		}
		if sameWords(c.Scope, scope) {
			return
		}
		at := pathConsents + "/" + c.ID
		st.Sentence = fmt.Sprintf("Bring what %s may do on behalf of %s to what plans need", OperatorName, u.UserPrincipalName)
		st.Request = Request{Method: "PATCH", Version: "v1.0", Path: at, Body: body(consentBody{Scope: scope})}
		st.Undo = Undo{Sentence: "Set the permissions back", Request: &Request{Method: "PATCH", Version: "v1.0", Path: at, Body: body(consentBody{Scope: c.Scope})}}
		st.Verify = Verify{Request: get(at), Conditions: []Condition{{Path: "scope", Is: raw(scope)}}}
		m.add(st)
		return
	}
	st.Sentence = fmt.Sprintf("Consent, for %s alone, to what plans need", u.UserPrincipalName)
	st.Request = Request{Method: "POST", Version: "v1.0", Path: pathConsents, Body: body(consentBody{
		ClientID: i.sp, ConsentType: "Principal", PrincipalID: u.ID, ResourceID: m.r.Graph.ID, Scope: scope,
	})}
	st.Undo = Undo{Sentence: "Delete the grant"}
	st.Verify = Verify{Request: get(list), Conditions: []Condition{{Path: "value", Any: raw(map[string]string{
		"principalId": u.ID, "resourceId": m.r.Graph.ID, "scope": scope,
	})}}}
	m.add(st)
}

func (m *registrar) unconsent(i ids, c entra.Consent, sentence string) {
	again := consentBody{ClientID: i.sp, ConsentType: c.ConsentType, PrincipalID: c.PrincipalID.Or(""), ResourceID: c.ResourceID, Scope: c.Scope}
	m.add(Step{
		ID: i.part + "-unconsent-" + c.ID, Sentence: sentence, Needs: needsConsent,
		Request: Request{Method: "DELETE", Version: "v1.0", Path: pathConsents + "/" + c.ID},
		Undo:    Undo{Sentence: "Grant it again", Request: &Request{Method: "POST", Version: "v1.0", Path: pathConsents, Body: body(again)}},
		Verify: Verify{
			Request:    get(pathConsents + "?$filter=clientId eq '" + i.sp + "'"),
			Conditions: []Condition{{Path: "value", None: raw(map[string]string{"id": c.ID})}},
		},
	})
}

func sameWords(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(slices.Compact(x), slices.Compact(y))
}

// operatorSwitch: off between uses. An existing one is switched only when asked.
func (m *registrar) operatorSwitch(i ids, a *entra.Application, w OperatorIdentity) {
	on := a != nil && a.Principal != nil && a.Principal.Enabled.Or(true)
	switch {
	case w.Enabled != nil && *w.Enabled != on && *w.Enabled:
		m.switchPrincipal(i, true, "Switch "+OperatorName+" on for this use; switch it off again after it")
	case w.Enabled != nil && *w.Enabled != on:
		m.switchPrincipal(i, false, "Switch "+OperatorName+" off until the next use")
	case w.Enabled == nil && on:
		m.open(OperatorName+" is switched on", "it is to be off between uses", "breakglass onboard --disable-operator --apply")
	}
}
