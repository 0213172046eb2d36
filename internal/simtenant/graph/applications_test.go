package graph

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/internal/simtenant/state"
)

const writeApps = "Application.ReadWrite.All"

// registered is a new application with its service principal.
func (h *house) registered(name string) (application, principal state.Object) {
	h.t.Helper()
	a := h.want(201, app(writeApps), "POST", "/v1.0/applications", map[string]any{"displayName": name}).body
	return a, h.want(201, app(writeApps), "POST", "/v1.0/servicePrincipals", map[string]any{"appId": a.String("appId")}).body
}

// certificate is a self-signed one, in base64 as keyCredentials want it.
func certificate(t *testing.T, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "watch"}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func TestApplicationIsRegisteredWithItsPrincipal(t *testing.T) {
	h := newHouse(t)
	a, sp := h.registered("watch")
	if a.String("appId") == "" || a.String("appId") == a.ID() || sp.String("appId") != a.String("appId") || sp.String("appOwnerOrganizationId") != houseTenant {
		t.Errorf("application %v, principal %v", a, sp)
	}
	for _, at := range []string{"/v1.0/applications/" + a.ID(), "/v1.0/applications(appId='" + a.String("appId") + "')"} {
		if got := h.want(200, app(writeApps), "GET", at, nil); got.body.ID() != a.ID() {
			t.Errorf("%s: %v", at, got.body)
		}
	}
	if got := h.want(200, app(writeApps), "GET", "/v1.0/servicePrincipals?$filter=appId%20eq%20'"+a.String("appId")+"'", nil).ids(); !slices.Equal(got, []string{sp.ID()}) {
		t.Errorf("found %v", got)
	}
	if r := h.want(409, app(writeApps), "POST", "/v1.0/servicePrincipals", map[string]any{"appId": a.String("appId")}); r.code() != "Request_MultipleObjectsWithSameKeyValue" {
		t.Errorf("got %s", r.code())
	}
	h.want(400, app(writeApps), "POST", "/v1.0/servicePrincipals", map[string]any{"appId": houseTenant})
	h.want(400, app(writeApps), "POST", "/v1.0/applications", map[string]any{"displayName": "x", "colour": "red"})
	h.want(400, app(writeApps), "PATCH", "/v1.0/applications/"+a.ID(), map[string]any{"appId": houseTenant})
	h.want(400, app(writeApps), "PATCH", "/v1.0/applications/"+a.ID(), map[string]any{"identifierUris": []string{"https://elsewhere.example/x"}})
	h.want(204, app(writeApps), "PATCH", "/v1.0/applications/"+a.ID(), map[string]any{"displayName": "watcher", "web": map[string]any{"redirectUris": []string{"http://localhost"}}})
	got := h.want(200, app(writeApps), "GET", "/v1.0/applications/"+a.ID(), nil).body
	if web := got.Object("web"); web["implicitGrantSettings"] == nil || len(web.Strings("redirectUris")) != 1 {
		t.Errorf("a nested PATCH replaced the whole: %v", web)
	}
	if got := h.want(200, app(writeApps), "GET", "/v1.0/servicePrincipals/"+sp.ID(), nil).body; got.String("displayName") != "watcher" {
		t.Errorf("the principal is called %q", got.String("displayName"))
	}
	h.want(204, app(writeApps), "DELETE", "/v1.0/applications/"+a.ID(), nil)
	h.want(404, app(writeApps), "GET", "/v1.0/servicePrincipals/"+sp.ID(), nil)
	h.want(200, app(writeApps), "POST", "/v1.0/directory/deletedItems/"+a.ID()+"/restore", nil)
	h.want(200, app(writeApps), "GET", "/v1.0/applications/"+a.ID(), nil)
}

func TestOnlyAdministratorsAndOwnersManageApplications(t *testing.T) {
	h := newHouse(t)
	a, _ := h.registered("watch")
	at := "/v1.0/applications/" + a.ID()
	h.want(403, app("Application.Read.All"), "PATCH", at, map[string]any{"notes": "x"})
	h.want(403, app("Application.ReadWrite.OwnedBy"), "PATCH", at, map[string]any{"notes": "x"})
	h.want(403, user(houseUser, writeApps), "PATCH", at, map[string]any{"notes": "x"})
	h.want(204, app(writeApps), "POST", at+"/owners/$ref", ref(houseUser))
	h.want(400, app(writeApps), "POST", at+"/owners/$ref", ref(houseUser))
	h.want(204, user(houseUser, writeApps), "PATCH", at, map[string]any{"notes": "x"})
	if got := h.want(200, app(writeApps+" User.Read.All"), "GET", at+"/owners", nil).ids(); !slices.Equal(got, []string{houseUser}) {
		t.Errorf("owners %v", got)
	}
	h.want(204, app(writeApps), "DELETE", at+"/owners/"+houseUser+"/$ref", nil)
	h.want(404, app(writeApps), "DELETE", at+"/owners/"+houseUser+"/$ref", nil)
	mine := h.want(201, app("Application.ReadWrite.OwnedBy"), "POST", "/v1.0/applications", map[string]any{"displayName": "own"}).body
	h.want(204, app("Application.ReadWrite.OwnedBy"), "PATCH", "/v1.0/applications/"+mine.ID(), map[string]any{"notes": "x"})
}

func TestSecretIsShownOnceAndCertificatesOnRequest(t *testing.T) {
	h := newHouse(t)
	a, sp := h.registered("watch")
	at := "/v1.0/applications/" + a.ID()
	added := h.want(200, app(writeApps), "POST", at+"/addPassword", map[string]any{"passwordCredential": map[string]any{"displayName": "first", "endDateTime": "2026-09-01T00:00:00Z"}}).body
	secret := added.String("secretText")
	if len(secret) < 30 || added.String("hint") != secret[:3] || added.String("endDateTime") != "2026-09-01T00:00:00Z" {
		t.Errorf("got %v", added)
	}
	if got := h.want(200, app(writeApps), "GET", at, nil); strings.Contains(got.text, secret) || !strings.Contains(got.text, added.String("keyId")) {
		t.Errorf("the secret is shown again or its entry is missing: %s", got.text)
	}
	h.want(400, app(writeApps), "POST", at+"/addPassword", map[string]any{"passwordCredential": map[string]any{"secretText": "mine"}})
	h.want(400, app(writeApps), "PATCH", at, map[string]any{"passwordCredentials": []any{map[string]any{"displayName": "x"}}})
	h.want(204, app(writeApps), "POST", at+"/removePassword", map[string]any{"keyId": added.String("keyId")})
	h.want(400, app(writeApps), "POST", at+"/removePassword", map[string]any{"keyId": added.String("keyId")})

	key := func(k string) map[string]any {
		return map[string]any{"keyCredentials": []any{map[string]any{"type": "AsymmetricX509Cert", "usage": "Verify", "key": k}}}
	}
	good := certificate(t, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	h.want(400, app(writeApps), "PATCH", at, key("bm90IGEgY2VydA=="))
	h.want(400, app(writeApps), "PATCH", at, key(certificate(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))))
	h.want(204, app(writeApps), "PATCH", at, key(good))
	if got := h.want(200, app(writeApps), "GET", at, nil); strings.Contains(got.text, good) || !strings.Contains(got.text, `"endDateTime":"2027-01-01T00:00:00Z"`) {
		t.Errorf("without $select: %s", got.text)
	}
	if got := h.want(200, app(writeApps), "GET", at+"?$select=keyCredentials", nil); !strings.Contains(got.text, good) {
		t.Errorf("with $select: %s", got.text)
	}

	kept := h.want(200, app(writeApps), "GET", at, nil).body["keyCredentials"].([]any)
	both := append(slices.Clone(kept), map[string]any{"type": "AsymmetricX509Cert", "usage": "Verify", "key": certificate(t, time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC))})
	h.want(204, app(writeApps), "PATCH", at, map[string]any{"keyCredentials": both})
	if got := h.want(200, app(writeApps), "GET", at+"?$select=keyCredentials", nil); !strings.Contains(got.text, good) || len(got.body["keyCredentials"].([]any)) != 2 {
		t.Errorf("adding a second certificate: %s", got.text)
	}
	h.want(400, app(writeApps), "PATCH", at, map[string]any{"keyCredentials": []any{map[string]any{"keyId": houseTenant}}})

	t.Run("the instance property lock keeps credentials off the principal", func(t *testing.T) {
		h.t = t
		h.want(200, app(writeApps), "POST", "/v1.0/servicePrincipals/"+sp.ID()+"/addPassword", map[string]any{})
		h.want(204, app(writeApps), "PATCH", at, map[string]any{"servicePrincipalLockConfiguration": map[string]any{"isEnabled": true, "allProperties": true}})
		h.want(400, app(writeApps), "POST", "/v1.0/servicePrincipals/"+sp.ID()+"/addPassword", map[string]any{})
		h.want(400, app(writeApps), "PATCH", "/v1.0/servicePrincipals/"+sp.ID(), key(good))
	})
	if got := h.audits(); !slices.Contains(got, "Update application - Certificates and secrets management") || !slices.Contains(got, "Add service principal credentials") {
		t.Errorf("records %v", got)
	}
}

func TestFederatedCredentialsBelongToTheirApplication(t *testing.T) {
	h := newHouse(t)
	a, _ := h.registered("watch")
	at := "/v1.0/applications/" + a.ID() + "/federatedIdentityCredentials"
	cred := map[string]any{"name": "ci", "issuer": "https://ci.example", "subject": "repo:x", "audiences": []string{"api://AzureADTokenExchange"}}
	made := h.want(201, app(writeApps), "POST", at, cred).body
	h.want(409, app(writeApps), "POST", at, cred)
	h.want(400, app(writeApps), "POST", at, map[string]any{"name": "x", "issuer": "y", "subject": "z", "audiences": []string{}})
	h.want(400, app(writeApps), "POST", at, map[string]any{"name": "x", "audiences": []string{"a"}})
	h.want(204, app(writeApps), "PATCH", at+"/"+made.ID(), map[string]any{"subject": "repo:y"})
	h.want(400, app(writeApps), "PATCH", at+"/"+made.ID(), map[string]any{"name": "other"})
	if got := h.want(200, app(writeApps), "GET", at, nil); !slices.Equal(got.values("subject"), []any{"repo:y"}) || strings.Contains(got.text, "_application") {
		t.Errorf("got %s", got.text)
	}
	h.want(204, app(writeApps), "DELETE", at+"/"+made.ID(), nil)
	h.want(404, app(writeApps), "GET", at+"/"+made.ID(), nil)
}

// graphPrincipal is the id of Microsoft Graph's service principal.
func (h *house) graphPrincipal() string {
	h.t.Helper()
	return h.want(200, app("Application.Read.All"), "GET", "/v1.0/servicePrincipals(appId='"+Audience+"')?$select=id", nil).body.ID()
}

func TestApplicationPermissionsAreGranted(t *testing.T) {
	h := newHouse(t)
	_, sp := h.registered("watch")
	g := h.graphPrincipal()
	at := "/v1.0/servicePrincipals/" + sp.ID() + "/appRoleAssignments"
	grant := map[string]any{"principalId": sp.ID(), "resourceId": g, "appRoleId": AppRoleID("User.Read.All")}
	granter := "AppRoleAssignment.ReadWrite.All Application.Read.All"
	h.want(403, app("AppRoleAssignment.ReadWrite.All"), "POST", at, grant)
	h.want(403, app(writeApps), "POST", at, grant)
	made := h.want(201, app(granter), "POST", at, grant).body
	h.want(400, app(granter), "POST", at, grant)
	h.want(400, app(granter), "POST", at, map[string]any{"principalId": sp.ID(), "resourceId": g, "appRoleId": houseTenant})
	to := h.want(200, app(granter), "GET", "/v1.0/servicePrincipals/"+g+"/appRoleAssignedTo?$filter=principalId%20eq%20"+sp.ID(), nil)
	if !slices.Equal(to.ids(), []string{made.ID()}) || to.values("principalDisplayName")[0] != "watch" {
		t.Errorf("assigned to: %s", to.text)
	}
	h.want(400, app(granter), "GET", "/v1.0/servicePrincipals/"+g+"/appRoleAssignedTo?$filter=principalId%20eq%20'"+sp.ID()+"'", nil)
	h.want(204, app(granter), "DELETE", "/v1.0/servicePrincipals/"+g+"/appRoleAssignedTo/"+made.ID(), nil)
	if got := h.want(200, app(granter), "GET", at, nil).ids(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}

	t.Run("an application administrator does not consent to Graph's", func(t *testing.T) {
		h.t = t
		h.giveRole(houseUser, roleCloudAppAdministrator, "/")
		h.want(403, user(houseUser, granter), "POST", at, grant)
		h.want(201, user(houseGA, granter), "POST", at, grant)
	})
	if got := h.audits(); !slices.Contains(got, "Add app role assignment to service principal") || !slices.Contains(got, "Remove app role assignment from service principal") {
		t.Errorf("records %v", got)
	}
}

func TestDelegatedConsentIsOnePerClientAndResource(t *testing.T) {
	h := newHouse(t)
	_, sp := h.registered("operator")
	g := h.graphPrincipal()
	const consent = "DelegatedPermissionGrant.ReadWrite.All"
	body := map[string]any{"clientId": sp.ID(), "consentType": "AllPrincipals", "resourceId": g, "scope": "User.Read.All"}
	h.want(403, app(writeApps), "POST", "/v1.0/oauth2PermissionGrants", body)
	made := h.want(201, app(consent), "POST", "/v1.0/oauth2PermissionGrants", body).body
	h.want(409, app(consent), "POST", "/v1.0/oauth2PermissionGrants", body)
	h.want(400, app(consent), "POST", "/v1.0/oauth2PermissionGrants", map[string]any{"clientId": sp.ID(), "consentType": "Principal", "resourceId": g, "scope": "x"})
	h.want(404, app(consent), "POST", "/v1.0/oauth2PermissionGrants", map[string]any{"clientId": houseTenant, "consentType": "AllPrincipals", "resourceId": g})
	h.want(204, app(consent), "PATCH", "/v1.0/oauth2PermissionGrants/"+made.ID(), map[string]any{"scope": "User.Read.All Group.Read.All"})
	if got := h.want(200, app(consent), "GET", "/v1.0/servicePrincipals/"+sp.ID()+"/oauth2PermissionGrants", nil); !slices.Equal(got.values("scope"), []any{"User.Read.All Group.Read.All"}) {
		t.Errorf("got %s", got.text)
	}
	h.want(204, app(consent), "DELETE", "/v1.0/oauth2PermissionGrants/"+made.ID(), nil)
	h.want(404, app(consent), "GET", "/v1.0/oauth2PermissionGrants/"+made.ID(), nil)
	want := []string{"Add delegated permission grant", "Consent to application", "Update delegated permission grant", "Remove delegated permission grant"}
	if got := h.audits(); !slices.Equal(got[len(got)-4:], want) {
		t.Errorf("records %v", got)
	}
}

func TestDomainsAreReadAndOnlyPartlyChanged(t *testing.T) {
	h := newHouse(t, func(d *state.Document) {
		d.Objects["federationConfiguration"] = []state.Object{{"id": "55555555-0000-4000-8000-000000000001", "_domain": "fed.example", "issuerUri": "urn:adfs", "federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp"}}
	})
	r := h.want(200, app("Domain.Read.All"), "GET", "/v1.0/domains?$select=id,isInitial,passwordValidityPeriodInDays", nil)
	if !slices.Equal(r.ids(), []string{houseDomain, "fed.example"}) || !slices.Equal(r.values("isInitial"), []any{true, false}) {
		t.Errorf("got %s", r.text)
	}
	if got := h.want(200, app("Domain-InternalFederation.Read.All"), "GET", "/v1.0/domains/fed.example/federationConfiguration", nil); !slices.Equal(got.values("issuerUri"), []any{"urn:adfs"}) {
		t.Errorf("got %s", got.text)
	}
	write := app("Domain.ReadWrite.All")
	h.want(403, app("Domain.Read.All"), "PATCH", "/v1.0/domains/fed.example", map[string]any{"authenticationType": "Managed"})
	h.want(204, write, "PATCH", "/v1.0/domains/fed.example", map[string]any{"authenticationType": "Managed"})
	h.want(400, write, "PATCH", "/v1.0/domains/"+houseDomain, map[string]any{"authenticationType": "Federated"})
	h.want(400, write, "PATCH", "/v1.0/domains/"+houseDomain, map[string]any{"isInitial": false})
	h.want(204, write, "PATCH", "/v1.0/domains/"+houseDomain, map[string]any{"passwordValidityPeriodInDays": 2147483647})
	if got := h.audits(); !slices.Equal(got, []string{"Set domain authentication", "Update domain"}) {
		t.Errorf("records %v", got)
	}
}
