package msapi

// Endpoints are the hosts of one cloud. All are https, without a slash at the end; a path
// in front of the API is allowed.
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
}

// LoadEndpoints reads an endpoints file (docs/clouds.md).
func LoadEndpoints(path string) (Endpoints, error) { return Endpoints{}, nil }

// Cloud is the endpoints of one of Microsoft's clouds by name.
func Cloud(name string) (Endpoints, error) { return Endpoints{}, nil }
