package msapi

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
)

// Endpoints are the hosts of one cloud. All are https, without a slash at the end; a path
// in front of the API is allowed. The JSON form is the endpoints file of docs/clouds.md.
type Endpoints struct {
	// Name is public, usgov-l4, usgov-l5, china or a name of one's own.
	Name string `json:"name"`
	// Base is the one base URL of a simulated tenant; empty elsewhere.
	Base string `json:"base,omitempty"`
	// Login is the authority host, Graph and ARM the API hosts.
	Login        string `json:"login"`
	Graph        string `json:"graph"`
	ARM          string `json:"arm"`
	LogAnalytics string `json:"logAnalytics,omitempty"`
	Portal       string `json:"portal,omitempty"`
	// GraphAudience and ARMAudience are what tokens are asked for; default Graph and ARM.
	GraphAudience string `json:"graphAudience,omitempty"`
	ARMAudience   string `json:"armAudience,omitempty"`
	// TenantID is the tenant that the file is for; empty for a whole cloud.
	TenantID string `json:"tenantId,omitempty"`
	// Limits are how fast Graph may be asked; absent means Microsoft's, [] means no limit.
	Limits *[]Limit `json:"limits,omitempty"`
}

// clouds are Microsoft's own. Login, Graph and portal hosts: "National cloud deployments" of
// the Graph documentation; ARM and Log Analytics hosts are from memory, so an endpoints file
// can correct them.
var clouds = []Endpoints{
	{
		Name: "public", Login: "https://login.microsoftonline.com", Graph: "https://graph.microsoft.com",
		ARM: "https://management.azure.com", LogAnalytics: "https://api.loganalytics.io", Portal: "https://portal.azure.com",
	},
	{
		Name: "usgov-l4", Login: "https://login.microsoftonline.us", Graph: "https://graph.microsoft.us",
		ARM: "https://management.usgovcloudapi.net", LogAnalytics: "https://api.loganalytics.us", Portal: "https://portal.azure.us",
	},
	{
		Name: "usgov-l5", Login: "https://login.microsoftonline.us", Graph: "https://dod-graph.microsoft.us",
		ARM: "https://management.usgovcloudapi.net", LogAnalytics: "https://api.loganalytics.us", Portal: "https://portal.azure.us",
	},
	{
		Name: "china", Login: "https://login.chinacloudapi.cn", Graph: "https://microsoftgraph.chinacloudapi.cn",
		ARM: "https://management.chinacloudapi.cn", LogAnalytics: "https://api.loganalytics.azure.cn", Portal: "https://portal.azure.cn",
	},
}

// Cloud is the endpoints of one of Microsoft's clouds by name; "" means public.
func Cloud(name string) (Endpoints, error) {
	if name == "" {
		name = "public"
	}
	names := make([]string, 0, len(clouds))
	for _, e := range clouds {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Endpoints{}, fmt.Errorf("unknown cloud %q: it is one of %s, or needs --endpoints FILE", name, strings.Join(names, ", "))
}

// maxEndpointsFile is far more than any such file needs.
const maxEndpointsFile = 1 << 20

// LoadEndpoints reads an endpoints file (docs/clouds.md). Members that are not ours are
// ignored, because the file may serve other programs too.
func LoadEndpoints(path string) (Endpoints, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Endpoints{}, fmt.Errorf("read the endpoints file: %w", err)
	}
	if info.Size() > maxEndpointsFile {
		return Endpoints{}, fmt.Errorf("read the endpoints file: %s is larger than %d bytes", path, maxEndpointsFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Endpoints{}, fmt.Errorf("read the endpoints file: %w", err)
	}
	var e Endpoints
	if err := json.Unmarshal(data, &e); err != nil {
		return Endpoints{}, fmt.Errorf("read the endpoints file %s: %w", path, err)
	}
	if e.Name == "" {
		e.Name = "custom"
	}
	if err := e.check(); err != nil {
		return Endpoints{}, fmt.Errorf("read the endpoints file %s: %w", path, err)
	}
	return e, nil
}

// check says which member is missing or is no base URL that a token may be sent to.
func (e Endpoints) check() error {
	for _, m := range []struct{ name, value string }{{"login", e.Login}, {"graph", e.Graph}, {"arm", e.ARM}} {
		if m.value == "" {
			return fmt.Errorf("%q is missing: the base URL of the %s host", m.name, m.name)
		}
		u, err := url.Parse(m.value)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return fmt.Errorf("%q is %q: it must be an https URL of host and, if need be, port and path", m.name, m.value)
		}
	}
	for _, l := range e.limits() {
		if err := l.check(); err != nil {
			return err
		}
	}
	return nil
}

func (e Endpoints) limits() []Limit {
	if e.Limits == nil {
		return microsoftLimits
	}
	return *e.Limits
}

// known is true for one of Microsoft's own authority hosts, which may be asked to confirm
// each other; every other authority must be taken at its word, also offline.
func (e Endpoints) known() bool {
	return slices.ContainsFunc(clouds, func(c Endpoints) bool { return c.Login == strings.TrimSuffix(e.Login, "/") })
}

// armAudience is what tokens for ARM are asked for. Where one base URL serves everything, as
// in a simulated tenant, it names Graph, and ARM needs its name in the public cloud.
func (e Endpoints) armAudience() string {
	if e.ARMAudience == "" && e.Base != "" {
		return "https://management.azure.com"
	}
	return e.ARMAudience
}

// scope is the OAuth scope for everything that was consented to at an audience.
func scope(audience, host string) string {
	if audience == "" {
		audience = host
	}
	return strings.TrimSuffix(audience, "/") + "/.default"
}
