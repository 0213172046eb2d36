package simtenant

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"

	"breakglass/internal/simtenant/logs"
	"breakglass/internal/simtenant/state"
)

// Role template ids that the shipped tenants use.
const (
	roleGA           = "62e90394-69f5-4237-9190-012177145e10"
	rolePRA          = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	rolePAA          = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	roleCAAdmin      = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
	roleUserAdmin    = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	roleHelpdesk     = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	roleExchange     = "29232cdf-9323-42fd-ade2-1d097af3e4de"
	roleIntune       = "3a2c62db-5318-420d-8d74-23affee5d9d5"
	roleSecurity     = "194ae4cb-b126-40b2-bd5b-6091b380977d"
	roleGlobalReader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	roleSync         = "d29b2b05-8046-44ba-8758-1e26182fcf32"
	roleAppAdmin     = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
)

// A scene builds one tenant: a state of its own with a stopped clock, and helpers that
// write objects in Graph's shape. Ids follow from the tenant's name and the object's, so
// they are the same at every start.
type scene struct {
	name    string
	tenant  string
	initial string // the initial domain
	now     time.Time
	tx      *state.Tx
	logs    *logs.Log
	st      *state.State
	records int // sign-ins written so far
}

func newScene(name string, now time.Time) *scene {
	clock := &state.Clock{}
	clock.Set(now.UTC().Truncate(time.Second), true)
	tenant := uuid.NewSHA1(uuid.NameSpaceDNS, []byte("breakglass/"+name)).String()
	s := &scene{name: name, tenant: tenant, now: clock.Now(), logs: logs.New(7)}
	s.st = state.New(state.Document{TenantID: tenant}, clock)
	return s
}

// document is the finished tenant in plain JSON values.
func (s *scene) document() state.Document {
	d := s.st.Document()
	data, err := json.Marshal(d)
	if err == nil {
		d, err = state.Decode(data)
	}
	if err != nil { // the scenes are ours and a test decodes each
		panic("simtenant: a shipped tenant is not JSON: " + err.Error())
	}
	return d
}

// play runs a scene as one act.
func (s *scene) play(build func(*scene)) {
	_ = s.st.Update(func(tx *state.Tx) error { // build cannot fail
		s.tx = tx
		build(s)
		return nil
	})
}

// id is the stable id of a thing of this tenant.
func (s *scene) id(kind, name string) string {
	return uuid.NewSHA1(uuid.MustParse(s.tenant), []byte(kind+"/"+name)).String()
}

// ago is an instant in the past, as Graph writes it.
func (s *scene) ago(d time.Duration) string { return state.Timestamp(s.now.Add(-d)) }

const day = 24 * time.Hour

// A domain of the tenant: managed unless federated, passwords valid for days (0: for ever).
type domain struct {
	name      string
	federated bool
	days      int
}

// begin sets the world, the organization, its domains (the first is the initial one) and
// the subscription: "free", "p1" or "p2".
func (s *scene) begin(company, licence string, domains ...domain) {
	s.initial = domains[0].name
	*s.tx.World() = state.World{
		Cloud: "public", MandatoryMFA: true, Throttle: true,
		ReplicationDelay: 2 * time.Second, LogDelay: 2 * time.Minute, LogDisorder: 90 * time.Second,
	}
	verified := []any{}
	for i, d := range domains {
		days, kind := d.days, "Managed"
		if days == 0 {
			days = 2147483647
		}
		if d.federated {
			kind = "Federated"
		}
		last := i == len(domains)-1
		s.tx.Put("domains", state.Object{
			"id": d.name, "authenticationType": kind, "availabilityStatus": nil, "isAdminManaged": true, "isDefault": last, "isInitial": i == 0,
			"isRoot": true, "isVerified": true, "supportedServices": []any{"Email", "OfficeCommunicationsOnline"},
			"passwordValidityPeriodInDays": days, "passwordNotificationWindowInDays": 14, "state": nil, "manufacturer": nil, "model": nil,
		})
		verified = append(verified, map[string]any{
			"name": d.name, "type": kind, "isDefault": last, "isInitial": i == 0, "capabilities": "Email, OfficeCommunicationsOnline",
		})
	}
	s.tx.Put("organization", state.Object{
		"id": s.tenant, "displayName": company, "tenantType": "AAD", "createdDateTime": s.ago(6 * 365 * day), "countryLetterCode": "DE",
		"defaultUsageLocation": "DE", "preferredLanguage": "en", "verifiedDomains": verified, "onPremisesSyncEnabled": nil,
		"technicalNotificationMails": []any{"it@" + domains[len(domains)-1].name}, "businessPhones": []any{}, "assignedPlans": []any{}, "provisionedPlans": []any{},
		"securityComplianceNotificationMails": []any{}, "securityComplianceNotificationPhones": []any{}, "marketingNotificationEmails": []any{},
	})
	s.subscribe(licence)
	s.firstParty()
}

// subscribe adds the tenant's subscription with the plans that decide what Entra offers.
func (s *scene) subscribe(licence string) {
	p1 := map[string]any{"servicePlanId": "41781fb2-bc02-4b7c-bd55-b576c07bb09d", "servicePlanName": "AAD_PREMIUM", "provisioningStatus": "Success", "appliesTo": "User"}
	p2 := map[string]any{"servicePlanId": "eec0eb4f-6444-4f95-aba0-50c24d67f998", "servicePlanName": "AAD_PREMIUM_P2", "provisioningStatus": "Success", "appliesTo": "User"}
	mail := map[string]any{"servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0", "servicePlanName": "EXCHANGE_S_ENTERPRISE", "provisioningStatus": "Success", "appliesTo": "User"}
	sku, number, plans := "06ebc4ee-1bb5-47dd-8120-11324bc54e06", "SPE_E5", []any{p1, p2, mail}
	switch licence {
	case "p1":
		sku, number, plans = "05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3", []any{p1, mail}
	case "free":
		sku, number, plans = "3b555118-da6a-4418-894f-7df1e2096870", "O365_BUSINESS_ESSENTIALS", []any{mail}
	}
	s.tx.Put("subscribedSkus", state.Object{
		"id": s.tenant + "_" + sku, "accountId": s.tenant, "accountName": strings.Split(s.initial, ".")[0], "appliesTo": "User",
		"capabilityStatus": "Enabled", "consumedUnits": 11, "skuId": sku, "skuPartNumber": number, "subscriptionIds": []any{s.id("subscription", sku)},
		"prepaidUnits": map[string]any{"enabled": 25, "suspended": 0, "warning": 0, "lockedOut": 0}, "servicePlans": plans,
	})
}

// microsoftApps is Microsoft's applications that such a tenant has service principals of.
var microsoftApps = [][2]string{
	{"c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "Azure Portal"},
	{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI"},
	{"1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell"},
	{"14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools"},
	{"de8bc8b5-d9f9-48b1-a8ad-b748da725064", "Graph Explorer"},
	{"00000002-0000-0000-c000-000000000000", "Windows Azure Active Directory"},
	{"00000002-0000-0ff1-ce00-000000000000", "Office 365 Exchange Online"},
	{"00000003-0000-0ff1-ce00-000000000000", "Office 365 SharePoint Online"},
	{"00000006-0000-0ff1-ce00-000000000000", "Microsoft Office 365 Portal"},
	{"cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", "Microsoft Teams Services"},
	{"0000000a-0000-0000-c000-000000000000", "Microsoft Intune"},
	{"d4ebce55-015a-49b5-a083-c84d1797ae8c", "Microsoft Intune Enrollment"},
	{"29d9ed98-a469-4536-ade2-f981bc1d605e", "Microsoft Authentication Broker"},
	{"01fc33a7-78ba-4d2f-a4b7-768e336e890e", "MS-PIM"},
	{"ca7f3f0b-7d91-482c-8e09-c5d840d0eac5", "Log Analytics API"},
	{"461e8683-5575-4561-ac7f-899cc907d62a", "AzNS AAD Webhook"},
}

// firstParty adds Microsoft's service principals; Graph and ARM are added for every tenant
// by graph.Complete.
func (s *scene) firstParty() {
	for _, a := range microsoftApps {
		s.tx.Put("servicePrincipals", state.Object{
			"id": s.id("sp", a[0]), "appId": a[0], "displayName": a[1], "appDisplayName": a[1], "accountEnabled": true,
			"appOwnerOrganizationId": "f8cdef31-a31e-4b4a-93e4-5f571e91255a", "appRoleAssignmentRequired": false, "servicePrincipalType": "Application",
			"signInAudience": "AzureADMultipleOrgs", "servicePrincipalNames": []any{a[0]}, "createdDateTime": s.ago(5 * 365 * day),
			"tags": []any{}, "appRoles": []any{}, "oauth2PermissionScopes": []any{}, "keyCredentials": []any{}, "passwordCredentials": []any{},
		})
	}
}
