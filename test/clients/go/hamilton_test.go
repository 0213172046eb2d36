package clients

import (
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manicminer/hamilton/auth"
	"github.com/manicminer/hamilton/environments"
	"github.com/manicminer/hamilton/msgraph"
	"github.com/manicminer/hamilton/odata"
)

// hamiltonsCloud is how hamilton is told of another cloud.
func hamiltonsCloud() environments.Environment {
	env := environments.Global
	env.AzureADEndpoint = environments.AzureADEndpoint(shared.Endpoints.Login)
	env.MsGraph.Endpoint = environments.ApiEndpoint(shared.Endpoints.Graph)
	return env
}

// hamilton points one of its clients at the simulated tenant; its paths have the
// tenant's id behind the version, and are beta for most things.
func hamilton(t *testing.T, app application, c *msgraph.Client) {
	t.Helper()
	env := hamiltonsCloud()
	a, err := auth.NewClientSecretAuthorizer(minute(t), env, env.MsGraph, auth.TokenVersion2, shared.Endpoints.TenantID, nil, app.ClientID, app.ClientSecret)
	if err != nil {
		t.Fatal(err)
	}
	c.Endpoint, c.Authorizer = env.MsGraph.Endpoint, a
	prefixed := false
	c.RequestMiddlewares = &[]msgraph.RequestMiddleware{func(r *http.Request) (*http.Request, error) {
		prefixed = prefixed || strings.HasPrefix(r.URL.Path, "/"+string(c.ApiVersion)+"/"+shared.Endpoints.TenantID+"/")
		return r, nil
	}}
	t.Cleanup(func() {
		if !prefixed {
			t.Error("hamilton sent no request with the tenant in its path")
		}
	})
}

func ptr[T any](v T) *T { return &v }

func hamiltonUser(name string) msgraph.User {
	return msgraph.User{
		AccountEnabled: ptr(true), DisplayName: ptr("Hamilton " + name), MailNickname: ptr("hamilton-" + name),
		UserPrincipalName: ptr("hamilton-" + name + "@" + shared.Endpoints.InitialDomain),
		PasswordProfile:   &msgraph.UserPasswordProfile{Password: ptr("Correct-Horse-9-Battery"), ForceChangePasswordNextSignIn: ptr(false)},
	}
}

// newHamiltonUser makes a user that the test's end takes away.
func newHamiltonUser(t *testing.T, name string) (*msgraph.UsersClient, *msgraph.User) {
	t.Helper()
	users := msgraph.NewUsersClient(shared.Endpoints.TenantID)
	hamilton(t, shared.Credentials.Operator, &users.BaseClient)
	u, status, err := users.Create(minute(t), hamiltonUser(name))
	if err != nil || status != http.StatusCreated || u.ID == nil {
		t.Fatalf("create: %d %v", status, err)
	}
	t.Cleanup(func() { _, _ = users.Delete(minute(t), *u.ID) })
	return users, u
}

func TestHamiltonsUsers(t *testing.T) {
	users, u := newHamiltonUser(t, "user")
	// The library waits until the new user is seen: the simulated replication takes two seconds.
	got, _, err := users.Get(minute(t), *u.ID, odata.Query{Select: []string{"id", "displayName", "accountEnabled", "userType"}})
	if err != nil || *got.DisplayName != "Hamilton user" || !*got.AccountEnabled {
		t.Fatalf("get: %+v %v", got, err)
	}
	list, _, err := users.List(minute(t), odata.Query{Filter: "startswith(userPrincipalName,'hamilton-user')", OrderBy: odata.OrderBy{}})
	if err != nil || len(*list) != 1 {
		t.Fatalf("list: %v %v", list, err)
	}
	if _, err := users.Update(minute(t), msgraph.User{DirectoryObject: msgraph.DirectoryObject{ID: u.ID}, Department: ptr(msgraph.StringNullWhenEmpty("IT"))}); err != nil {
		t.Fatalf("update: %v", err)
	}
	if _, status, err := users.GetManager(minute(t), *u.ID); status != http.StatusNotFound {
		t.Errorf("manager of a user without one: %d %v", status, err)
	}
	if _, err := users.Delete(minute(t), *u.ID); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if _, _, err := users.GetDeleted(minute(t), *u.ID, odata.Query{}); err != nil {
		t.Errorf("the deleted user is not in the bin: %v", err)
	}
	if _, _, err := users.RestoreDeleted(minute(t), *u.ID); err != nil {
		t.Errorf("restore: %v", err)
	}
}

func TestHamiltonsGroups(t *testing.T) {
	_, u := newHamiltonUser(t, "member")
	groups := msgraph.NewGroupsClient(shared.Endpoints.TenantID)
	hamilton(t, shared.Credentials.Operator, &groups.BaseClient)
	g, status, err := groups.Create(minute(t), msgraph.Group{
		DisplayName: ptr("hamilton exclusions"), MailNickname: ptr("hamilton"), MailEnabled: ptr(false), SecurityEnabled: ptr(true),
	})
	if err != nil || status != http.StatusCreated {
		t.Fatalf("create: %d %v", status, err)
	}
	g.Members = &msgraph.Members{msgraph.DirectoryObject{ODataId: ptr(odata.Id(shared.url("/beta/directoryObjects/", *u.ID))), ID: u.ID}}
	for range 2 { // the second time the member is there already, which the library tells from a failure
		if _, err := groups.AddMembers(minute(t), g); err != nil {
			t.Fatalf("add a member: %v", err)
		}
	}
	if ids, _, err := groups.ListMembers(minute(t), *g.ID); err != nil || !slices.Equal(*ids, []string{*u.ID}) {
		t.Errorf("members: %v %v", ids, err)
	}
	if _, status, err := groups.GetMember(minute(t), *g.ID, *u.ID); err != nil || status != http.StatusOK {
		t.Errorf("member: %d %v", status, err)
	}
	if _, err := groups.RemoveMembers(minute(t), *g.ID, &[]string{*u.ID}); err != nil {
		t.Errorf("remove: %v", err)
	}
	if ids, _, err := groups.ListMembers(minute(t), *g.ID); err != nil || len(*ids) != 0 {
		t.Errorf("members after the removal: %v %v", ids, err)
	}
	if _, err := groups.Delete(minute(t), *g.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
}

func TestHamiltonsConditionalAccess(t *testing.T) {
	shared.replication(t, 0)
	policies := msgraph.NewConditionalAccessPoliciesClient(shared.Endpoints.TenantID)
	hamilton(t, shared.Credentials.Operator, &policies.BaseClient)
	all, _, err := policies.List(minute(t), odata.Query{})
	if want := len(shared.objects(t, "identity/conditionalAccess/policies")); err != nil || len(*all) != want || want == 0 {
		t.Fatalf("list: %v, the tenant has %d", err, want)
	}
	p, _, err := policies.Create(minute(t), msgraph.ConditionalAccessPolicy{
		DisplayName: ptr("hamilton's"), State: ptr(msgraph.ConditionalAccessPolicyStateDisabled),
		Conditions: &msgraph.ConditionalAccessConditionSet{
			Applications:   &msgraph.ConditionalAccessApplications{IncludeApplications: &[]string{"All"}},
			ClientAppTypes: &[]msgraph.ConditionalAccessClientAppType{"all"},
			Users:          &msgraph.ConditionalAccessUsers{IncludeUsers: &[]string{"All"}, ExcludeUsers: &[]string{shared.Credentials.DeviceUser.ID}},
		},
		GrantControls: &msgraph.ConditionalAccessGrantControls{Operator: ptr("OR"), BuiltInControls: &[]msgraph.ConditionalAccessGrantControl{"mfa"}},
	})
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	t.Cleanup(func() {
		if _, err := policies.Delete(minute(t), *p.ID); err != nil {
			t.Errorf("delete: %v", err)
		}
	})
	if _, err := policies.Update(minute(t), msgraph.ConditionalAccessPolicy{ID: p.ID, State: ptr(msgraph.ConditionalAccessPolicyStateEnabledForReportingButNotEnforced)}); err != nil {
		t.Fatalf("update: %v", err)
	}
	got, _, err := policies.Get(minute(t), *p.ID, odata.Query{})
	if err != nil || *got.State != msgraph.ConditionalAccessPolicyStateEnabledForReportingButNotEnforced || !slices.Equal(*got.Conditions.Users.ExcludeUsers, []string{shared.Credentials.DeviceUser.ID}) {
		t.Errorf("get: %+v %v", got, err)
	}
}

func TestHamiltonsRoles(t *testing.T) {
	shared.replication(t, 0) // the library does not wait for a new assignment
	_, u := newHamiltonUser(t, "holder")
	definitions := msgraph.NewRoleDefinitionsClient(shared.Endpoints.TenantID)
	hamilton(t, shared.Credentials.Operator, &definitions.BaseClient)
	readers, _, err := definitions.List(minute(t), odata.Query{Filter: "displayName eq 'Global Reader'"})
	if err != nil || len(*readers) != 1 {
		t.Fatalf("definitions: %v %v", readers, err)
	}
	assignments := msgraph.NewRoleAssignmentsClient(shared.Endpoints.TenantID)
	hamilton(t, shared.Credentials.Operator, &assignments.BaseClient)
	a, _, err := assignments.Create(minute(t), msgraph.UnifiedRoleAssignment{
		DirectoryScopeId: ptr("/"), PrincipalId: u.ID, RoleDefinitionId: (*readers)[0].ID,
	})
	if err != nil {
		t.Fatalf("assign: %v", err)
	}
	if got, _, err := assignments.List(minute(t), odata.Query{Filter: "principalId eq '" + *u.ID + "'"}); err != nil || len(*got) != 1 {
		t.Errorf("assignments: %v %v", got, err)
	}
	roles := msgraph.NewDirectoryRolesClient(shared.Endpoints.TenantID)
	hamilton(t, shared.Credentials.Operator, &roles.BaseClient)
	role, _, err := roles.GetByTemplateId(minute(t), *(*readers)[0].TemplateId)
	if err != nil {
		t.Fatalf("directory role: %v", err)
	}
	if ids, _, err := roles.ListMembers(minute(t), *role.ID); err != nil || !slices.Contains(*ids, *u.ID) {
		t.Errorf("members of the role: %v %v", ids, err)
	}
	if _, err := assignments.Delete(minute(t), *a.ID); err != nil {
		t.Errorf("delete: %v", err)
	}
}

// What else an inventory reads.
func TestHamiltonsLists(t *testing.T) {
	tid, reader := shared.Endpoints.TenantID, shared.Credentials.Reader
	operatorToken(t)
	shared.advance(t, 10*time.Minute) // the logs are behind
	domains := msgraph.NewDomainsClient(tid)
	hamilton(t, reader, &domains.BaseClient)
	if got, _, err := domains.List(minute(t), odata.Query{}); err != nil || len(*got) == 0 {
		t.Errorf("domains: %v", err)
	}
	methods := msgraph.NewAuthenticationMethodsClient(tid)
	hamilton(t, reader, &methods.BaseClient)
	if got, _, err := methods.List(minute(t), shared.Credentials.DeviceUser.ID, odata.Query{}); err != nil || len(*got) < 2 {
		t.Errorf("methods: %v %v", got, err)
	}
	locations := msgraph.NewNamedLocationsClient(tid)
	hamilton(t, reader, &locations.BaseClient)
	if _, _, err := locations.List(minute(t), odata.Query{}); err != nil {
		t.Errorf("locations: %v", err)
	}
	signIns := msgraph.NewSignInReportsClient(tid)
	hamilton(t, reader, &signIns.BaseClient)
	if got, _, err := signIns.List(minute(t), odata.Query{Top: 5}); err != nil || len(*got) == 0 {
		t.Errorf("sign-ins: %v", err)
	}
	audits := msgraph.NewDirectoryAuditReportsClient(tid)
	hamilton(t, reader, &audits.BaseClient)
	if got, _, err := audits.List(minute(t), odata.Query{Top: 5}); err != nil || len(*got) == 0 {
		t.Errorf("audits: %v", err)
	}
}

// hamilton signs its assertion RS256 with x5t, the older form.
func TestHamiltonByCertificate(t *testing.T) {
	app, env := shared.Credentials.Reader, hamiltonsCloud()
	cert, key := keyPair(t, app)
	if _, err := x509.ParseCertificate(cert.Bytes); err != nil {
		t.Fatal(err)
	}
	conf := auth.ClientCredentialsConfig{
		Environment: env, TenantID: shared.Endpoints.TenantID, ClientID: app.ClientID, PrivateKey: pem.EncodeToMemory(key), Certificate: pem.EncodeToMemory(cert),
		Scopes: []string{env.MsGraph.DefaultScope()}, TokenVersion: auth.TokenVersion2,
	}
	token, err := conf.TokenSource(minute(t), auth.ClientCredentialsAssertionType).Token()
	if err != nil {
		t.Fatal(err)
	}
	wantApp(t, app, token.AccessToken, inside(t, token.AccessToken))
}
