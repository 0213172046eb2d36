package plan

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/internal/entra"
)

// The two identities that onboarding makes. An application is ours when it bears
// entra.TagOurs, the tag of its part, and the display name of that part.
const (
	WatchName    = "breakglass watch"
	OperatorName = "breakglass operator"

	partWatch    = "watch"
	partOperator = "operator"
)

func tagOf(part string) string     { return entra.TagOurs + "-" + part }
func displayOf(part string) string { return entra.TagOurs + " " + part }

// Onboarding is the way from the registrations as read to those wanted, or to none. Its steps
// are plan steps; Carry does them.
type Onboarding struct {
	TenantID string    `json:"tenantId"`
	MadeAt   time.Time `json:"madeAt"`
	// Clients are the application ids known already, by identity (watch, operator).
	Clients map[string]string `json:"clients"`
	// Steps are done in this order. Never null: [] when nothing is to do.
	Steps []Step `json:"steps"`
	// Open is what a person must look at.
	Open []Open `json:"open"`
	// Self is who signed in: whoever makes an application becomes its owner, and is taken off.
	Self string `json:"signedInAs"`
}

// Wanted says which identities onboarding is to bring about; nil leaves one as it is.
type Wanted struct {
	Watch    *WatchIdentity
	Operator *OperatorIdentity
}

// WatchIdentity is the standing identity: an application that reads and cannot change the
// directory. It has a certificate or a federated credential, never a secret.
type WatchIdentity struct {
	// Permissions are the application permissions of Graph that it is to have; Tolerated are
	// further ones that it may keep when it has them (chosen in an earlier run).
	Permissions, Tolerated []string
	// Certificate, where set, is the public part to sign in with.
	Certificate *x509.Certificate
	// Federated, where set, is an issuer and a subject whose tokens sign in.
	Federated *entra.FederatedCredential
}

// OperatorIdentity is the public client through which named people write, under their own
// sign-in.
type OperatorIdentity struct {
	// Scopes are the delegated permissions of Graph that each of the users consents to.
	Scopes []string
	// Users are the only people who may use it. Nil leaves those who may as they are.
	Users []entra.Person
	// Enabled switches it on or off; nil leaves it, a new one is off.
	Enabled *bool
}

// OperatorScopes are the delegated permissions that the steps of plans need.
func OperatorScopes() []string {
	var out []string
	for _, k := range kinds() {
		for _, one := range k.needs.Delegated {
			out = append(out, strings.Split(one, " and ")...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Who may onboard. Consent to application permissions of Graph takes Privileged Role
// Administrator or Global Administrator; applications are made by application administrators
// ("Grant tenant-wide admin consent to an application").
var (
	needsApps = needs([]string{"Global Administrator", "Cloud Application Administrator", "Application Administrator"}, "", "Application.ReadWrite.All")
	needsRole = Needs{
		Delegated:   []string{"AppRoleAssignment.ReadWrite.All and Application.Read.All"},
		Application: []string{"AppRoleAssignment.ReadWrite.All and Application.Read.All"},
		Roles:       []string{"Global Administrator", "Privileged Role Administrator"},
	}
	needsConsent = needs([]string{"Global Administrator", "Privileged Role Administrator", "Cloud Application Administrator"}, "", "DelegatedPermissionGrant.ReadWrite.All")
)

const (
	pathApplications = "/applications"
	pathPrincipals   = "/servicePrincipals"
	pathConsents     = "/oauth2PermissionGrants"

	// roleDefault is access to an application without a role of its own ("Assign an
	// appRoleAssignment": the default app role).
	roleDefault = "00000000-0000-0000-0000-000000000000"
	// audienceExchange is what a federated token must be made for.
	audienceExchange = "api://AzureADTokenExchange"
	appGraph         = "00000003-0000-0000-c000-000000000000"
)

// Onboard is the onboarding that brings the wanted identities about. It changes nothing that
// does not bear our tags, and never makes a client secret. The error is a *RefusedError when
// what is there cannot be told apart, or a wanted permission does not exist in this cloud.
func Onboard(want Wanted, r *entra.Registrations, now time.Time) (*Onboarding, error) {
	m := newRegistrar(r, now)
	if want.Watch != nil {
		if err := m.watch(*want.Watch); err != nil {
			return nil, err
		}
	}
	if want.Operator != nil {
		if err := m.operator(*want.Operator); err != nil {
			return nil, err
		}
	}
	return m.o, nil
}

// registrar is an onboarding in the making.
type registrar struct {
	r *entra.Registrations
	o *Onboarding
}

func newRegistrar(r *entra.Registrations, now time.Time) *registrar {
	return &registrar{r: r, o: &Onboarding{
		TenantID: strings.ToLower(r.Tenant.ID), MadeAt: now.UTC().Truncate(time.Second),
		Clients: map[string]string{}, Steps: []Step{}, Open: []Open{}, Self: r.Reader.ObjectID,
	}}
}

func (m *registrar) open(what, why, next string) {
	m.o.Open = append(m.o.Open, Open{What: what, Why: why, Next: next})
}

func (m *registrar) add(st Step) { m.o.Steps = append(m.o.Steps, st) }

// ours is the application of a part, nil when there is none yet. Two of them are refused:
// nobody but a person can tell which one is in use.
func (m *registrar) ours(part string) (*entra.Application, error) {
	var found []*entra.Application
	for i, a := range m.r.Applications {
		if slices.Contains(a.Tags, tagOf(part)) && strings.EqualFold(a.DisplayName, displayOf(part)) {
			found = append(found, &m.r.Applications[i])
		}
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		m.o.Clients[part] = found[0].AppID
		return found[0], nil
	}
	return nil, &RefusedError{
		Reason: fmt.Sprintf("%d applications are called %q and bear the tag %s", len(found), displayOf(part), tagOf(part)),
		Next:   "find out which one is in use (client id), delete the other, then run this again",
	}
}

// ids names the objects of a part: what is there by id, what is not by placeholder.
type ids struct{ part, app, client, sp string }

func idsOf(part string, a *entra.Application) ids {
	i := ids{part, "{app:" + part + "}", "{client:" + part + "}", "{sp:" + part + "}"}
	if a != nil {
		i.app, i.client = a.ID, a.AppID
		if a.Principal != nil {
			i.sp = a.Principal.ID
		}
	}
	return i
}

type applicationBody struct {
	DisplayName    string                 `json:"displayName,omitempty"`
	Audience       string                 `json:"signInAudience,omitempty"`
	Tags           []string               `json:"tags,omitempty"`
	PublicFallback *bool                  `json:"isFallbackPublicClient,omitempty"`
	PublicClient   *entra.Redirects       `json:"publicClient,omitempty"`
	Lock           *entra.PropertyLock    `json:"servicePrincipalLockConfiguration,omitempty"`
	Access         []entra.RequiredAccess `json:"requiredResourceAccess,omitempty"`
	Certificates   []entra.KeyCredential  `json:"keyCredentials,omitempty"`
}

// register makes the application of a part.
func (m *registrar) register(i ids, sentence string, b applicationBody) {
	b.DisplayName, b.Audience, b.Tags = displayOf(i.part), "AzureADMyOrg", []string{entra.TagOurs, tagOf(i.part)}
	b.Lock = &entra.PropertyLock{Enabled: true, AllProperties: true}
	m.add(Step{
		ID: i.part + "-register", Sentence: sentence, Needs: needsApps, Creates: i.app,
		Request: Request{Method: "POST", Version: "v1.0", Path: pathApplications, Body: body(b)},
		Undo:    Undo{Sentence: "Delete the application (it stays restorable for 30 days)", Request: &Request{Method: "DELETE", Version: "v1.0", Path: pathApplications + "/" + i.app}},
		Verify: Verify{
			Request:    get(pathApplications + "?$filter=tags/any(t:t eq '" + tagOf(i.part) + "')&$select=id,appId,displayName,createdDateTime"),
			Conditions: []Condition{{Path: "value", Any: raw(map[string]string{"displayName": b.DisplayName})}},
		},
	})
}

// keepApplication brings an application that is there to its locked, single tenant form.
func (m *registrar) keepApplication(i ids, a *entra.Application, access []entra.RequiredAccess) {
	if a.SignInAudience != "AzureADMyOrg" {
		m.patch(i, "audience", "Let only this tenant's people and programs sign in to "+a.DisplayName, applicationBody{Audience: "AzureADMyOrg"},
			"signInAudience", a.SignInAudience)
	}
	if a.Lock == nil || !a.Lock.Enabled || !a.Lock.AllProperties {
		m.patch(i, "lock", "Lock the properties of "+a.DisplayName+"'s service principal, so that no credential can be added to it there",
			applicationBody{Lock: &entra.PropertyLock{Enabled: true, AllProperties: true}}, "servicePrincipalLockConfiguration", a.Lock)
	}
	if !sameAccess(a.RequiredAccess, access) {
		m.patch(i, "declare", "Declare the permissions of "+a.DisplayName+" in its registration, so that the portal shows the same as is granted",
			applicationBody{Access: access}, "requiredResourceAccess", a.RequiredAccess)
	}
	for _, s := range a.Secrets {
		m.removeSecret(i, a, s)
	}
}

// patch changes one property of an application.
func (m *registrar) patch(i ids, what, sentence string, b applicationBody, property string, was any) {
	id := i.part + "-" + what
	at := pathApplications + "/" + i.app
	undo := Undo{Sentence: "Set " + property + " back to what it was"}
	if was != nil {
		undo.Request = &Request{Method: "PATCH", Version: "v1.0", Path: at, Body: body(map[string]any{property: was})}
	}
	sent := body(b)
	m.add(Step{
		ID: id, Sentence: sentence, Needs: needsApps, Undo: undo,
		Request: Request{Method: "PATCH", Version: "v1.0", Path: at, Body: sent},
		Verify:  Verify{Request: get(at + "?$select=" + property), Conditions: []Condition{{Path: property, Is: memberOf(sent, property)}}},
	})
}

func (m *registrar) removeSecret(i ids, a *entra.Application, s entra.SecretID) {
	at := pathApplications + "/" + i.app
	m.add(Step{
		ID: i.part + "-secret-" + s.KeyID, Needs: needsApps,
		Sentence: "Remove a client secret from " + a.DisplayName + ": we never make one, so somebody else did",
		Request:  Request{Method: "POST", Version: "v1.0", Path: at + "/removePassword", Body: body(map[string]string{"keyId": s.KeyID})},
		Undo:     Undo{Sentence: "None: a removed secret cannot be put back; find out who made it (audit log: Certificates and secrets management)"},
		Verify: Verify{
			Request:    get(at + "?$select=passwordCredentials"),
			Conditions: []Condition{{Path: "passwordCredentials", None: raw(map[string]string{"keyId": s.KeyID})}},
		},
	})
}

// principal makes the service principal of a part.
func (m *registrar) principal(i ids, sentence string, more map[string]any) {
	b := map[string]any{"appId": i.client, "tags": []string{entra.TagOurs, tagOf(i.part)}}
	for k, v := range more {
		b[k] = v
	}
	m.add(Step{
		ID: i.part + "-principal", Sentence: sentence, Needs: needsApps, Creates: i.sp,
		Request: Request{Method: "POST", Version: "v1.0", Path: pathPrincipals, Body: body(b)},
		Undo:    Undo{Sentence: "Delete the service principal", Request: &Request{Method: "DELETE", Version: "v1.0", Path: pathPrincipals + "/" + i.sp}},
		Verify: Verify{
			Request:    get(pathPrincipals + "?$filter=appId eq '" + i.client + "'&$select=id,appId,displayName"),
			Conditions: []Condition{{Path: "value", Any: raw(map[string]string{"appId": i.client})}},
		},
	})
}

// disown takes owners off: an owner of an application can give it a credential and be it.
func (m *registrar) disown(i ids, set, id string, owners []string, made bool) {
	if made && m.o.Self != "" {
		owners = []string{m.o.Self}
	}
	for _, owner := range owners {
		what, sentence := "application", "Take an owner off "+displayOf(i.part)+"'s application: an owner could give it a credential and be it"
		if set == pathPrincipals {
			what, sentence = "service-principal", "Take an owner off "+displayOf(i.part)+"'s service principal"
		}
		if made {
			sentence += " (Entra makes whoever registers it its owner)"
		}
		at := set + "/" + id + "/owners"
		m.add(Step{
			ID: i.part + "-disown-" + what + "-" + owner, Sentence: sentence, Needs: needsApps,
			Request: Request{Method: "DELETE", Version: "v1.0", Path: at + "/" + owner + "/$ref"},
			Undo: Undo{Sentence: "Make them an owner again", Request: &Request{
				Method: "POST", Version: "v1.0", Path: at + "/$ref", Body: body(refBody{refPrefix + owner}),
			}},
			Verify: Verify{Request: get(at + "?$select=id"), Conditions: []Condition{{Path: "value", None: raw(map[string]string{"id": owner})}}},
		})
	}
}

// permissionIDs finds the ids of named permissions.
func permissionIDs(names []string, offered map[string]string, kind string) ([]entra.AccessItem, error) {
	var out []entra.AccessItem
	for _, n := range names {
		id, ok := offered[n]
		if !ok {
			return nil, &RefusedError{
				Reason: fmt.Sprintf("Microsoft Graph offers no %s permission %s in this tenant", map[string]string{"Role": "application", "Scope": "delegated"}[kind], n),
				Next:   "leave it out where it is optional (--optional), or see docs/permissions.md for this cloud",
			}
		}
		out = append(out, entra.AccessItem{ID: id, Type: kind})
	}
	return out, nil
}

func onlyGraph(items []entra.AccessItem) []entra.RequiredAccess {
	return []entra.RequiredAccess{{ResourceAppID: appGraph, Access: items}}
}

func sameAccess(have, want []entra.RequiredAccess) bool {
	flat := func(all []entra.RequiredAccess) []string {
		var out []string
		for _, r := range all {
			for _, a := range r.Access {
				out = append(out, strings.ToLower(r.ResourceAppID+" "+a.Type+" "+a.ID))
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(flat(have), flat(want))
}

// certificateOf is the entry for the public part of a certificate.
func certificateOf(c *x509.Certificate) entra.KeyCredential {
	return entra.KeyCredential{
		Type: "AsymmetricX509Cert", Usage: "Verify", DisplayName: "CN=" + c.Subject.CommonName, Key: base64.StdEncoding.EncodeToString(c.Raw),
		Start: c.NotBefore.UTC(), End: c.NotAfter.UTC(),
	}
}
