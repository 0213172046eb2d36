package clients

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-azure-sdk/sdk/auth"
	"github.com/hashicorp/go-azure-sdk/sdk/claims"
	"github.com/hashicorp/go-azure-sdk/sdk/client"
	"github.com/hashicorp/go-azure-sdk/sdk/client/msgraph"
	"github.com/hashicorp/go-azure-sdk/sdk/environments"
	"github.com/hashicorp/go-azure-sdk/sdk/odata"
	"software.sslmate.com/src/go-pkcs12"
)

// environment is what terraform-provider-azuread makes of `metadata_host`.
func environment(t *testing.T) *environments.Environment {
	t.Helper()
	env, err := environments.FromEndpoint(minute(t), shared.Endpoints.Base)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// graphOf is the SDK's client for Graph, signed in.
func graphOf(t *testing.T, env *environments.Environment, c auth.Credentials, version msgraph.ApiVersion) (*msgraph.Client, auth.Authorizer) {
	t.Helper()
	c.Environment, c.TenantID = *env, shared.Endpoints.TenantID
	authorizer, err := auth.NewAuthorizerFromCredentials(context.Background(), c, env.MicrosoftGraph)
	if err != nil {
		t.Fatal(err)
	}
	g, err := msgraph.NewClient(env.MicrosoftGraph, "test", version)
	if err != nil {
		t.Fatal(err)
	}
	g.SetAuthorizer(authorizer)
	return g, authorizer
}

func bySecret(app application) auth.Credentials {
	return auth.Credentials{EnableAuthenticatingUsingClientSecret: true, ClientID: app.ClientID, ClientSecret: app.ClientSecret}
}

// query is the SDK's way to hand over OData options.
type query odata.Query

func (q query) ToHeaders() *client.Headers   { return nil }
func (q query) ToOData() *odata.Query        { o := odata.Query(q); return &o }
func (q query) ToQuery() *client.QueryParams { return nil }

func get(t *testing.T, g *msgraph.Client, path string, q query, into any) *client.Response {
	t.Helper()
	req, err := g.NewRequest(minute(t), client.RequestOptions{
		ContentType: "application/json; charset=utf-8", ExpectedStatusCodes: []int{http.StatusOK}, HttpMethod: http.MethodGet, OptionsObject: q, Path: path,
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := req.ExecutePaged(minute(t))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := res.Unmarshal(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return res
}

type listed struct {
	Value []map[string]any `json:"value"`
}

func TestTerraformsLibraryFindsTheCloudByItsMetadata(t *testing.T) {
	env := environment(t)
	graph, _ := env.MicrosoftGraph.Endpoint()
	arm, _ := env.ResourceManager.Endpoint()
	if graph == nil || *graph != shared.Endpoints.Graph || arm == nil || *arm != shared.Endpoints.Arm || env.Authorization.LoginEndpoint != shared.Endpoints.Login {
		t.Errorf("endpoints: graph %v, ARM %v, login %v", graph, arm, env.Authorization.LoginEndpoint)
	}
}

// What the provider does before anything else: sign in, then read who it is from the token.
func TestTerraformsLibraryBySecret(t *testing.T) {
	app := shared.Credentials.Operator
	g, authorizer := graphOf(t, environment(t), bySecret(app), msgraph.VersionOnePointZero)
	token, err := authorizer.Token(minute(t), &http.Request{})
	if err != nil {
		t.Fatal(err)
	}
	who, err := claims.ParseClaims(token)
	if err != nil || who.ObjectId != app.ServicePrincipalID || who.TenantId != shared.Endpoints.TenantID {
		t.Errorf("claims %+v, %v", who, err)
	}
	var found listed
	get(t, g, "/servicePrincipals", query{Filter: "appId eq '" + app.ClientID + "'"}, &found)
	if len(found.Value) != 1 || found.Value[0]["id"] != app.ServicePrincipalID {
		t.Errorf("found %v", found.Value)
	}
}

// The SDK follows next links by itself: pages of one bring every user.
func TestTerraformsLibraryReadsAllPages(t *testing.T) {
	g, _ := graphOf(t, environment(t), bySecret(shared.Credentials.Reader), msgraph.VersionBeta)
	var users listed
	get(t, g, "/users", query{Top: 1, Select: []string{"id", "displayName"}}, &users)
	if want := len(shared.objects(t, "users")); len(users.Value) != want || want < 3 {
		t.Errorf("%d users, the tenant has %d", len(users.Value), want)
	}
	var policies listed
	get(t, g, "/identity/conditionalAccess/policies", query{}, &policies)
	if want := len(shared.objects(t, "identity/conditionalAccess/policies")); len(policies.Value) != want || want == 0 {
		t.Errorf("%d policies, the tenant has %d", len(policies.Value), want)
	}
}

// Terraform takes a PKCS#12 file; the SDK signs its assertion RS256 with x5t.
func TestTerraformsLibraryByCertificate(t *testing.T) {
	app := shared.Credentials.Operator
	g, _ := graphOf(t, environment(t), auth.Credentials{
		EnableAuthenticatingUsingClientCertificate: true, ClientID: app.ClientID, ClientCertificatePassword: "p12", ClientCertificateData: bundle(t, app, "p12"),
	}, msgraph.VersionOnePointZero)
	var org listed
	get(t, g, "/organization", query{}, &org)
	if len(org.Value) != 1 || org.Value[0]["id"] != shared.Endpoints.TenantID {
		t.Errorf("organization %v", org.Value)
	}
}

// In a GitHub workflow the SDK fetches the job's token itself.
func TestTerraformsLibraryInAWorkflow(t *testing.T) {
	app := shared.Credentials.Operator
	shared.replication(t, 0)
	trustBuildService(t, app)
	g, _ := graphOf(t, environment(t), auth.Credentials{
		EnableAuthenticationUsingGitHubOIDC: true, ClientID: app.ClientID,
		OIDCTokenRequestURL: shared.Endpoints.Base + "/_oidc/token?subject=" + url.QueryEscape(buildJob), OIDCTokenRequestToken: "of the workflow",
	}, msgraph.VersionOnePointZero)
	var org listed
	get(t, g, "/organization", query{}, &org)
	if len(org.Value) != 1 {
		t.Errorf("organization %v", org.Value)
	}
}

// bundle is an application's certificate and key as PKCS#12.
func bundle(t *testing.T, app application, password string) []byte {
	t.Helper()
	cert, key := keyPair(t, app)
	c, err := x509.ParseCertificate(cert.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	k, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pkcs12.Modern.Encode(k, c, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func keyPair(t *testing.T, app application) (cert, key *pem.Block) {
	t.Helper()
	rest, err := os.ReadFile(filepath.Join(shared.dir, app.CertificateFile))
	if err != nil {
		t.Fatal(err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			cert = block
		} else {
			key = block
		}
	}
	if cert == nil || key == nil {
		t.Fatalf("%s has no certificate and key", app.CertificateFile)
	}
	return cert, key
}

// A refusal reaches the provider's user as Graph said it.
func TestTerraformsLibraryShowsWhatGraphRefused(t *testing.T) {
	g, _ := graphOf(t, environment(t), bySecret(shared.Credentials.Reader), msgraph.VersionOnePointZero)
	req, err := g.NewRequest(minute(t), client.RequestOptions{
		ContentType: "application/json; charset=utf-8", ExpectedStatusCodes: []int{http.StatusCreated}, HttpMethod: http.MethodPost, Path: "/groups",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := req.Marshal(map[string]any{"displayName": "x", "mailNickname": "x", "mailEnabled": false, "securityEnabled": true}); err != nil {
		t.Fatal(err)
	}
	res, err := req.Execute(minute(t))
	if err == nil || res == nil || res.StatusCode != http.StatusForbidden || res.OData == nil || res.OData.Error == nil || res.OData.Error.Code == nil {
		t.Fatalf("got %v, %v", res, err)
	}
	if got := *res.OData.Error.Code; got != "Authorization_RequestDenied" {
		t.Errorf("code %q", got)
	}
}
