package config

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// cloudHosts are Microsoft's services that act for a tenant: with the tenant locked or
// taken, what runs there is locked or taken too.
var cloudHosts = []string{
	"onmicrosoft.com", "onmicrosoft.us", "partner.onmschina.cn",
	"office.com", "office365.com", "office365.us", "protection.outlook.com", "sharepoint.com", "microsoft.com",
	"azure.com", "azure.us", "azure.cn", "azurewebsites.net", "windows.net", "azure-api.net", "powerplatform.com",
}

// needsTenant says why a host does not work without the watched tenant; empty when it does.
func (l *linter) needsTenant(host string) string {
	domains := append([]string{l.d.Tenant.InitialDomain}, l.known.Domains...)
	for _, d := range domains {
		if within(host, d) {
			return "a domain of the tenant that is watched"
		}
	}
	for _, d := range cloudHosts {
		if within(host, d) {
			return "a Microsoft service that belongs to a tenant"
		}
	}
	return ""
}

// within says whether host is domain or below it.
func within(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}

var hostName = regexp.MustCompile(`^(?i)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$`)

// hosts finds the host names in a setting: an address, a URL, host:port, or several of them.
func hosts(setting string) []string {
	var found []string
	for _, word := range strings.FieldsFunc(setting, func(r rune) bool { return strings.ContainsRune(" ,;<>", r) }) {
		h := word
		if u, err := url.Parse(word); err == nil && u.Host != "" {
			h = u.Hostname()
		} else if _, domain, ok := strings.Cut(word, "@"); ok {
			h = domain
		}
		h, _, _ = strings.Cut(h, ":")
		if h = strings.TrimSuffix(h, "."); hostName.MatchString(h) {
			found = append(found, h)
		}
	}
	return found
}

var (
	secretKey = regexp.MustCompile(`(^|_)(password|passwd|pass|secret|token|api_?key|routing_key|integration_key|sas|credential|bearer)s?$`)
	// secretURL are addresses that are secrets themselves: whoever has one can post.
	secretURL = regexp.MustCompile(`(?i)hooks\.slack\.com/|discord(app)?\.com/api/webhooks/|webhook\.office\.com/|api\.telegram\.org/bot|[?&](sig|code|token|key|api_key|access_token)=|://[^/@\s]+:[^/@\s]+@`)
)

// channelSecrets finds secrets among a channel's settings, by the key's name or by the form
// of the address. The value stays out of the message.
func (l *linter) channelSecrets(c Channel, path string) {
	for _, key := range sortedKeys(c.Settings) {
		if secretKey.MatchString(key) || secretURL.MatchString(c.Settings[key]) {
			l.report("channel-secret", path+".settings."+key, "move it to a file of mode 0600 and name that in secret_file; renew it, since it has been in the plan", "the setting %s of channel %s is a secret", key, c.ID)
		}
	}
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
