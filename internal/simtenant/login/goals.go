package login

import (
	"slices"
	"strings"
)

// adminPortals are the members of the group MicrosoftAdminPortals (page "Conditional
// Access: Target resources"; the application ids of the Exchange and Defender portals [M]).
// The group grows.
var adminPortals = []string{portalApp, m365AdminApp, "497effe9-df71-4043-a8bb-14cf78c4b63b", "80ccca67-54bd-44ab-8625-4b79c4dc7775"}

// office365 are members of the group Office365 (same page; ids [M]).
var office365 = []string{exchangeApp, sharePointApp, teamsApp, "4765445b-32c6-49b0-83e6-1d93765276ca"}

// covers is true when a policy's entry for an application means a resource. The Azure
// management API stands for the portals and the services in front of it (same page).
func covers(entry, res string) bool {
	switch strings.ToLower(entry) {
	case "all":
		return true
	case "none":
		return false
	case "office365":
		return slices.Contains(office365, res)
	case "microsoftadminportals":
		return slices.Contains(adminPortals, res)
	case ARMApp:
		return res == ARMApp || res == portalApp || res == m365AdminApp || res == LogAnalyticsApp
	}
	return strings.EqualFold(entry, res)
}

func anyCovers(entries []string, res string) bool {
	return slices.ContainsFunc(entries, func(e string) bool { return covers(e, res) })
}

// targetsOf is what one token request reaches: the resource, the portal when the client is
// one, the authentication contexts asked for.
func targetsOf(c client, a asked, res resource) []Target {
	out := []Target{{Resource: res.appID, Baseline: a.baseline() && res.appID == GraphApp}}
	if slices.Contains(adminPortals, c.appID) && c.appID != res.appID {
		out = append(out, Target{Resource: c.appID})
	}
	for _, x := range a.claims.contexts {
		out = append(out, Target{AuthContext: x})
	}
	return out
}
