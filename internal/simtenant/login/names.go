package login

import (
	"net"
	"net/http"
	"strings"

	"breakglass/internal/simtenant/state"
)

// Application ids of Microsoft's that every tenant knows. ARM, portal and client ids: entra
// page "Planning for mandatory multifactor authentication"; the others [M].
const (
	GraphApp        = "00000003-0000-0000-c000-000000000000"
	ARMApp          = "797f4846-ba00-4fd7-ba43-dac1f8f63013"
	LogAnalyticsApp = "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5"

	aadGraphApp   = "00000002-0000-0000-c000-000000000000"
	portalApp     = "c44b4083-3bb0-49c1-b47d-974e53cbdf3c" // Azure portal, Entra and Intune admin centers
	m365AdminApp  = "00000006-0000-0ff1-ce00-000000000000" // Microsoft 365 admin center
	exchangeApp   = "00000002-0000-0ff1-ce00-000000000000"
	sharePointApp = "00000003-0000-0ff1-ce00-000000000000"
	teamsApp      = "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"
	mySignInsApp  = "19db86c3-b2b9-44cc-b339-36da233a3be2" // security info page
	azureCLI      = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
	azurePS       = "1950a258-227b-4e31-a9cf-717495945fc2"
	azureMobile   = "0c1307d4-29d6-4389-a11c-5cbe7f65d7fa"
	graphPS       = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
	graphExplorer = "de8bc8b5-d9f9-48b1-a8ad-b748da725064"
	m365CLI       = "31359c7f-bd7e-475c-86db-fdb8c937548e"
)

// cloud is the host names of one national cloud (Graph page "National cloud deployments";
// ARM and Log Analytics [M]).
type cloud struct {
	name                                                     string // as /metadata/endpoints names it
	login, graph, arm, armClassic, logs, portal              string
	storage, keyVault, sql, registry, issuerV1, azureADGraph string
}

var clouds = map[string]cloud{
	"public": {
		name: "AzureCloud", login: "login.microsoftonline.com", graph: "graph.microsoft.com", arm: "management.azure.com",
		armClassic: "management.core.windows.net", logs: "api.loganalytics.io", portal: "portal.azure.com", storage: "core.windows.net",
		keyVault: "vault.azure.net", sql: "database.windows.net", registry: "azurecr.io", issuerV1: "sts.windows.net", azureADGraph: "graph.windows.net",
	},
	"usgov-l4": {
		name: "AzureUSGovernment", login: "login.microsoftonline.us", graph: "graph.microsoft.us", arm: "management.usgovcloudapi.net",
		armClassic: "management.core.usgovcloudapi.net", logs: "api.loganalytics.us", portal: "portal.azure.us", storage: "core.usgovcloudapi.net",
		keyVault: "vault.usgovcloudapi.net", sql: "database.usgovcloudapi.net", registry: "azurecr.us", issuerV1: "sts.windows.net", azureADGraph: "graph.windows.net",
	},
	"china": {
		name: "AzureChinaCloud", login: "login.chinacloudapi.cn", graph: "microsoftgraph.chinacloudapi.cn", arm: "management.chinacloudapi.cn",
		armClassic: "management.core.chinacloudapi.cn", logs: "api.loganalytics.azure.cn", portal: "portal.azure.cn", storage: "core.chinacloudapi.cn",
		keyVault: "vault.azure.cn", sql: "database.chinacloudapi.cn", registry: "azurecr.cn", issuerV1: "sts.chinacloudapi.cn", azureADGraph: "graph.chinacloudapi.cn",
	},
}

func cloudNamed(name string) cloud {
	if name == "usgov-l5" {
		c := clouds["usgov-l4"]
		c.graph = "dod-graph.microsoft.us"
		return c
	}
	if c, ok := clouds[name]; ok {
		return c
	}
	return clouds["public"]
}

// ends is the base addresses that this tenant's clients are told: one for all on
// loopback, the cloud's own when the simulator runs under the cloud's names.
type ends struct {
	login, graph, arm, logs, portal, issuerV1 string
	cloud                                     cloud
}

// ends is the addresses for a client that reached us under a host name.
func (s *Server) ends(world *state.World, host string) ends {
	c, base := cloudNamed(world.Cloud), s.base()
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	switch strings.ToLower(host) {
	case c.login, c.graph, c.arm, c.logs, "login.windows.net", "login.microsoft.com", "login.partner.microsoftonline.cn":
		https := func(host string) string { return "https://" + host }
		return ends{https(c.login), https(c.graph), https(c.arm), https(c.logs), https(c.portal), https(c.issuerV1), c}
	}
	return ends{base, base, base, base, base, base, c}
}

// here is the address of sign-in for the browser or program that sent a request: the one it
// came by, so that a browser's session stays with the host that it signed in at. Not to be
// called within a transaction.
func (s *Server) here(r *http.Request) string {
	var login string
	s.st.View(func(tx *state.Tx) { login = s.ends(tx.World(), r.Host).login })
	return login
}

// resource is what a token is for.
type resource struct {
	appID string
	// uri is the audience as the client asked for it.
	uri  string
	name string
	// sp is the resource's service principal; nil when the tenant's file has none for one of Microsoft's own.
	sp state.Object
}

var firstPartyNames = map[string]string{
	GraphApp: "Microsoft Graph", ARMApp: "Windows Azure Service Management API", LogAnalyticsApp: "Log Analytics API",
	aadGraphApp: "Windows Azure Active Directory", portalApp: "Azure Portal", m365AdminApp: "Microsoft Office 365 Portal",
	exchangeApp: "Office 365 Exchange Online", sharePointApp: "Office 365 SharePoint Online", teamsApp: "Microsoft Teams Services",
	mySignInsApp: "My Signins", azureCLI: "Microsoft Azure CLI", azurePS: "Microsoft Azure PowerShell", azureMobile: "Azure Mobile App",
	graphPS: "Microsoft Graph Command Line Tools", graphExplorer: "Graph Explorer", m365CLI: "PnP Management Shell",
}

// ResourceApp is the application id of the resource that a URI, an application id or one
// of the words graph, arm and logAnalytics names; "" when this tenant knows none.
func (s *Server) ResourceApp(name string) string {
	var id string
	s.st.View(func(tx *state.Tx) {
		if res, ok := s.resource(tx, name); ok {
			id = res.appID
		}
	})
	return id
}

// resource finds a resource by URI or application id. The bare base URL is Graph: cloud
// metadata names one address for endpoint and resource (see cloudMetadata).
func (s *Server) resource(tx *state.Tx, uri string) (resource, bool) {
	key := strings.TrimRight(strings.ToLower(uri), "/")
	if id := s.wellKnown(tx, key); id != "" {
		return s.named(tx, id, uri), true
	}
	sp := tx.Find("servicePrincipals", func(o state.Object) bool {
		if strings.EqualFold(o.String("appId"), key) {
			return true
		}
		for _, n := range o.Strings("servicePrincipalNames") {
			if strings.EqualFold(strings.TrimRight(n, "/"), key) {
				return true
			}
		}
		return false
	})
	if sp == nil {
		return s.byIdentifierURI(tx, key, uri)
	}
	return resource{strings.ToLower(sp.String("appId")), uri, sp.String("displayName"), sp}, true
}

// byIdentifierURI finds the tenant's own applications, whose URI stands on the application object.
func (s *Server) byIdentifierURI(tx *state.Tx, key, uri string) (resource, bool) {
	app := tx.Find("applications", func(o state.Object) bool {
		for _, n := range o.Strings("identifierUris") {
			if strings.EqualFold(strings.TrimRight(n, "/"), key) {
				return true
			}
		}
		return false
	})
	if app == nil {
		return resource{}, false
	}
	res := s.named(tx, app.String("appId"), uri)
	return res, res.sp != nil
}

func (s *Server) named(tx *state.Tx, appID, uri string) resource {
	appID = strings.ToLower(appID)
	sp := servicePrincipal(tx, appID)
	name := firstPartyNames[appID]
	if sp != nil && sp.String("displayName") != "" {
		name = sp.String("displayName")
	}
	return resource{appID, uri, name, sp}
}

func servicePrincipal(tx *state.Tx, appID string) state.Object {
	if appID == "" {
		return nil
	}
	return tx.Find("servicePrincipals", func(o state.Object) bool { return strings.EqualFold(o.String("appId"), appID) })
}

// wellKnown is the application id behind Microsoft's own names, any cloud's spelling.
func (s *Server) wellKnown(tx *state.Tx, key string) string {
	switch key {
	case "graph", GraphApp:
		return GraphApp
	case "arm", ARMApp:
		return ARMApp
	case "loganalytics", LogAnalyticsApp:
		return LogAnalyticsApp
	case portalApp, m365AdminApp, aadGraphApp, exchangeApp, sharePointApp, teamsApp, mySignInsApp:
		return key
	case "":
		return ""
	}
	host := strings.TrimPrefix(key, "https://")
	c := cloudNamed(tx.World().Cloud)
	switch host {
	case c.graph, strings.TrimPrefix(strings.ToLower(s.base()), "https://"):
		return GraphApp
	case c.arm, c.armClassic:
		return ARMApp
	case c.logs:
		return LogAnalyticsApp
	case c.azureADGraph:
		return aadGraphApp
	}
	return ""
}

// tenantKind says what a path's tenant segment is: this tenant, or an address for any.
type tenantKind int

const (
	unknownTenant tenantKind = iota
	thisTenant
	anyTenant // common, organizations
)

// tenantOf judges a path's tenant segment.
func (s *Server) tenantOf(tx *state.Tx, segment string) tenantKind {
	switch strings.ToLower(segment) {
	case strings.ToLower(tx.TenantID()):
		return thisTenant
	case "common", "organizations":
		return anyTenant
	}
	if d := domain(tx, segment); d != nil && d["isVerified"] != false {
		return thisTenant
	}
	return unknownTenant
}

// domain is the domain object of a name; nil when the tenant has not got it.
func domain(tx *state.Tx, name string) state.Object {
	return tx.Find("domains", func(o state.Object) bool { return strings.EqualFold(o.ID(), name) })
}

// tenantName is the organisation's name, for texts.
func tenantName(tx *state.Tx) string {
	if o := tx.One("organization"); o != nil && o.String("displayName") != "" {
		return o.String("displayName")
	}
	return tx.TenantID()
}

// user is the user whom a name or object id names; nil when there is none.
func user(tx *state.Tx, name string) state.Object {
	if o := tx.Get("users", name); o != nil {
		return o
	}
	return tx.Find("users", func(o state.Object) bool { return name != "" && strings.EqualFold(o.String("userPrincipalName"), name) })
}
