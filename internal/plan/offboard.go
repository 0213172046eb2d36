package plan

import (
	"fmt"
	"slices"
	"time"

	"breakglass/internal/entra"
)

// Offboard is the way back: every grant, assignment, service principal and registration of
// ours goes, the operator last, because its own sign-in may be the one in use. Accounts,
// exclusions, units and custody are not touched. What else bears our tag is in Open.
func Offboard(r *entra.Registrations, now time.Time) *Onboarding {
	m := newRegistrar(r, now)
	for _, part := range []string{partWatch, partOperator} {
		for i := range r.Applications {
			if a := &r.Applications[i]; slices.Contains(a.Tags, tagOf(part)) && a.DisplayName == displayOf(part) {
				m.o.Clients[part] = a.AppID
				m.remove(part, a)
			}
		}
	}
	for _, a := range r.Applications {
		if !isPart(a) {
			m.open(fmt.Sprintf("the application %q (client id %s) bears our tag", a.DisplayName, a.AppID), "onboarding did not make it under this name", "look at it in the portal, and delete it there when nobody needs it")
		}
	}
	for _, s := range r.Strays {
		m.open(fmt.Sprintf("the service principal %q (object id %s) bears our tag", s.DisplayName, s.ID), "its application is not one of ours", "look at it in the portal, and delete it there when nobody needs it")
	}
	return m.o
}

func isPart(a entra.Application) bool {
	return slices.ContainsFunc([]string{partWatch, partOperator}, func(part string) bool {
		return slices.Contains(a.Tags, tagOf(part)) && a.DisplayName == displayOf(part)
	})
}

// remove takes one application away, what it may do first.
func (m *registrar) remove(part string, a *entra.Application) {
	i := idsOf(part, a)
	m.disarm(i, a)
	if p := a.Principal; p != nil {
		for _, g := range p.Granted {
			m.revokeRole(i, g, "Take back "+m.titleOf(g)+" from "+a.DisplayName)
		}
		for _, c := range p.Consents {
			m.unconsent(i, c, "Take back the delegated permissions of "+a.DisplayName+" "+holderOf(c))
		}
		for _, g := range p.Assigned {
			m.unassign(i, g, "Take "+g.PrincipalName+" off "+a.DisplayName)
		}
		m.gone(part+"-delete-principal-"+p.ID, "Delete the service principal of "+a.DisplayName, pathPrincipals, p.ID)
	}
	m.gone(part+"-delete-"+a.ID, "Delete the registration of "+a.DisplayName+"; it stays in the bin for 30 days, disarmed", pathApplications, a.ID)
}

// disarm takes away what one could sign in with, so that a restored application is harmless.
func (m *registrar) disarm(i ids, a *entra.Application) {
	at := pathApplications + "/" + i.app
	for _, f := range a.Federated {
		list := at + "/federatedIdentityCredentials"
		m.add(Step{
			ID: i.part + "-unfederate-" + f.ID, Needs: needsApps,
			Sentence: fmt.Sprintf("Trust tokens of %s for %s no more", f.Issuer, f.Subject),
			Request:  Request{Method: "DELETE", Version: "v1.0", Path: list + "/" + f.ID},
			Undo: Undo{Sentence: "Make the federated credential again", Request: &Request{Method: "POST", Version: "v1.0", Path: list, Body: body(entra.FederatedCredential{
				Name: f.Name, Issuer: f.Issuer, Subject: f.Subject, Audiences: f.Audiences,
			})}},
			Verify: Verify{Request: get(list), Conditions: []Condition{{Path: "value", None: raw(map[string]string{"id": f.ID})}}},
		})
	}
	if len(a.Certificates) > 0 {
		certificates := func(list []entra.KeyCredential) Request {
			return Request{Method: "PATCH", Version: "v1.0", Path: at, Body: body(map[string]any{"keyCredentials": list})}
		}
		undo := certificates(a.Certificates)
		m.add(Step{
			ID: i.part + "-certificates", Sentence: "Remove the certificates of " + a.DisplayName, Needs: needsApps,
			Request: certificates([]entra.KeyCredential{}), Undo: Undo{Sentence: "Put the certificates back", Request: &undo},
			Verify: Verify{Request: get(at + "?$select=id,keyCredentials"), Conditions: []Condition{{Path: "keyCredentials", Is: raw([]any{})}}},
		})
	}
	for _, s := range a.Secrets {
		m.removeSecret(i, a, s)
	}
}

// gone deletes an object, which can be restored for 30 days ("Restore deleted item").
func (m *registrar) gone(id, sentence, set, object string) {
	m.add(Step{
		ID: id, Sentence: sentence, Needs: needsApps,
		Request: Request{Method: "DELETE", Version: "v1.0", Path: set + "/" + object},
		Undo: Undo{Sentence: "Restore it within 30 days; its grants do not come back", Request: &Request{
			Method: "POST", Version: "v1.0", Path: "/directory/deletedItems/" + object + "/restore",
		}},
		Verify: Verify{
			Request:    get(set + "?$filter=id eq '" + object + "'&$select=id"),
			Conditions: []Condition{{Path: "value", None: raw(map[string]string{"id": object})}},
		},
	})
}
