package login

import (
	"net/http"
	"net/url"
	"strings"

	"breakglass/internal/simtenant/state"
)

// resolve answers 90002 for a tenant that is not this one; otherwise it gives the
// addresses and the tenant's id.
func (s *Server) resolve(w http.ResponseWriter, r *http.Request, segment string) (e ends, tid string, ok bool) {
	kind := unknownTenant
	s.st.View(func(tx *state.Tx) {
		e, tid, kind = s.ends(tx.World(), r.Host), tx.TenantID(), s.tenantOf(tx, segment)
	})
	if kind == unknownTenant {
		err := refuse(90002, segment)
		body := s.errorBody(w, r, err)
		body["error"] = "invalid_tenant"
		writeJSON(w, http.StatusBadRequest, body)
		return e, tid, false
	}
	return e, tid, true
}

// discoveryV2 is the OpenID metadata of the v2.0 endpoints.
func (s *Server) discoveryV2(w http.ResponseWriter, r *http.Request, segment string) {
	e, tid, ok := s.resolve(w, r, segment)
	if !ok {
		return
	}
	issuer := e.login + "/" + tid + "/v2.0"
	if l := strings.ToLower(segment); l == "common" || l == "organizations" {
		issuer = e.login + "/{tenantid}/v2.0"
	}
	at := e.login + "/" + pathTenant(segment, tid)
	writeJSON(w, http.StatusOK, s.metadata(e, at, issuer, "/v2.0"))
}

// discoveryV1 is the metadata of the older endpoints, whose issuer access tokens for
// Microsoft's own resources bear.
func (s *Server) discoveryV1(w http.ResponseWriter, r *http.Request, segment string) {
	e, tid, ok := s.resolve(w, r, segment)
	if !ok {
		return
	}
	at := e.login + "/" + pathTenant(segment, tid)
	writeJSON(w, http.StatusOK, s.metadata(e, at, e.issuerV1+"/"+tid+"/", ""))
}

func pathTenant(segment, tid string) string {
	if l := strings.ToLower(segment); l == "common" || l == "organizations" {
		return l
	}
	return tid
}

func (s *Server) metadata(e ends, at, issuer, v string) map[string]any {
	host := strings.TrimPrefix(e.login, "https://")
	return map[string]any{
		"token_endpoint": at + "/oauth2" + v + "/token",
		"token_endpoint_auth_methods_supported": []string{
			"client_secret_post", "private_key_jwt", "client_secret_basic",
		},
		"jwks_uri":                              at + "/discovery" + v + "/keys",
		"response_modes_supported":              []string{"query", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"response_types_supported":              []string{"code"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"issuer":                                issuer,
		"request_uri_parameter_supported":       false,
		"userinfo_endpoint":                     e.graph + "/oidc/userinfo",
		"authorization_endpoint":                at + "/oauth2" + v + "/authorize",
		"device_authorization_endpoint":         at + "/oauth2" + v + "/devicecode",
		"code_challenge_methods_supported":      []string{"S256"},
		"http_logout_supported":                 true,
		"frontchannel_logout_supported":         true,
		"end_session_endpoint":                  at + "/oauth2" + v + "/logout",
		"claims_supported": []string{
			"sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
			"aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash", "c_hash", "email",
		},
		"kerberos_endpoint":     at + "/kerberos",
		"tenant_region_scope":   "EU",
		"cloud_instance_name":   strings.TrimPrefix(host, "login."),
		"cloud_graph_host_name": e.cloud.azureADGraph,
		"msgraph_host":          strings.TrimPrefix(e.graph, "https://"),
		"rbac_url":              "https://pas.windows.net",
	}
}

// jwks is the tenant's signing keys.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request, segment string) {
	e, tid, ok := s.resolve(w, r, segment)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, s.keys().set(e.login+"/"+tid+"/v2.0"))
}

// instanceDiscovery says which hosts are one cloud (MSAL-Python asks it, msal-node too).
func (s *Server) instanceDiscovery(w http.ResponseWriter, r *http.Request, _ string) {
	at := r.URL.Query().Get("authorization_endpoint")
	u, err := url.Parse(at)
	if at == "" || err != nil || u.Host == "" {
		s.fail(w, r, refuse(900144, "authorization_endpoint"))
		return
	}
	var e ends
	var tid string
	kind := unknownTenant
	segment, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	s.st.View(func(tx *state.Tx) {
		e, tid, kind = s.ends(tx.World(), r.Host), tx.TenantID(), s.tenantOf(tx, segment)
	})
	if kind == unknownTenant {
		segment = tid
	}
	host := strings.TrimPrefix(e.login, "https://")
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": e.login + "/" + segment + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []any{map[string]any{
			"preferred_network": host, "preferred_cache": host, "aliases": []string{host},
		}},
	})
}

// userRealm says whether a user's domain is managed or federated; libraries ask before a
// user name and password grant.
func (s *Server) userRealm(w http.ResponseWriter, r *http.Request, upn string) {
	_, name, _ := strings.Cut(upn, "@")
	body := map[string]any{"ver": "1.0", "account_type": "Unknown"}
	s.st.View(func(tx *state.Tx) {
		d, host := domain(tx, name), strings.TrimPrefix(s.ends(tx.World(), r.Host).login, "https://")
		if d == nil {
			return
		}
		body["account_type"], body["domain_name"] = "Managed", d.ID()
		body["cloud_instance_name"], body["cloud_audience_urn"] = strings.TrimPrefix(host, "login."), "urn:federation:MicrosoftOnline"
		if d.String("authenticationType") == "Federated" {
			body["account_type"], body["federation_protocol"] = "Federated", "WSTrust"
			body["federation_metadata_url"] = s.base() + "/_idp/mex"
			body["federation_active_auth_url"] = s.base() + "/_idp/usernamemixed"
		}
	})
	writeJSON(w, http.StatusOK, body)
}

// cloudMetadata is Azure's description of a cloud, by which Terraform, the Azure CLI and
// others find every address. api-version 2022-09-01 is one object; older versions, and
// the Azure CLI, take a list (R: go-azure-sdk, azure-cli-core).
func (s *Server) cloudMetadata(w http.ResponseWriter, r *http.Request, _ string) {
	var e ends
	s.st.View(func(tx *state.Tx) { e = s.ends(tx.World(), r.Host) })
	c := e.cloud
	doc := map[string]any{
		"name":                                  c.name,
		"portal":                                e.portal,
		"authentication":                        map[string]any{"loginEndpoint": e.login, "audiences": []string{"https://" + c.armClassic + "/", "https://" + c.arm + "/"}, "tenant": "common", "identityProvider": "AAD"},
		"media":                                 "https://rest.media.azure.net",
		"graph":                                 "https://" + c.azureADGraph + "/",
		"graphAudience":                         "https://" + c.azureADGraph + "/",
		"microsoftGraphResourceId":              e.graph + "/",
		"resourceManager":                       e.arm + "/",
		"activeDirectoryDataLake":               "https://datalake.azure.net/",
		"batch":                                 "https://batch.core.windows.net/",
		"vmImageAliasDoc":                       e.arm + "/vm-alias.json",
		"sqlManagement":                         "https://" + c.armClassic + ":8443/",
		"gallery":                               "https://gallery.azure.com/",
		"logAnalyticsResourceId":                "https://" + c.logs,
		"synapseAnalyticsResourceId":            "https://dev.azuresynapse.net",
		"appInsightsResourceId":                 "https://api.applicationinsights.io",
		"attestationResourceId":                 "https://attest.azure.net",
		"ossrDbmsResourceId":                    "https://ossrdbms-aad." + c.sql,
		"suffixes":                              map[string]any{"keyVaultDns": c.keyVault, "storage": c.storage, "sqlServerHostname": c.sql, "acrLoginServer": c.registry, "storageSyncEndpointSuffix": "afs.azure.net"},
		"appInsightsTelemetryChannelResourceId": "https://dc.applicationinsights.azure.com/v2/track",
	}
	if v := r.URL.Query().Get("api-version"); v < "2022-09-01" {
		writeJSON(w, http.StatusOK, []any{doc})
		return
	}
	writeJSON(w, http.StatusOK, doc)
}
