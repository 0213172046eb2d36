package msapi

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"breakglass/internal/entra"
)

const (
	changesSpan = 30 * 24 * time.Hour // as long as the log reaches back with a licence
	maxChanges  = 1000
)

// policyChanges: "List directoryAudits"; AuditLog.Read.All. The last write of each policy says
// whether another tool manages it. The log reaches back 7 days without a licence, else 30.
func (r *reader) policyChanges(ctx context.Context) {
	since := r.c.now().UTC().Add(-changesSpan).Truncate(time.Second).Format(time.RFC3339)
	path := "/auditLogs/directoryAudits?$filter=loggedByService eq 'Conditional Access' and activityDateTime ge " + since
	t := &take[[]entra.PolicyChange]{decode: decodeChanges}
	pages, err := r.c.list(ctx, v1, path, maxChanges, t.add)
	last := lastChanges(t.all)
	r.file(entra.PartPolicyChanges, "/"+v1+path, pages, len(last), firstError(err, t.bad))
	r.put(func(s *entra.Snapshot) { s.PolicyChanges = last })
}

// decodeChanges is one audit record; a record may concern several policies, or none.
func decodeChanges(raw json.RawMessage) ([]entra.PolicyChange, error) {
	var v struct {
		At        time.Time `json:"activityDateTime"`
		Initiated struct {
			User *struct {
				ID   string `json:"id"`
				UPN  string `json:"userPrincipalName"`
				Name string `json:"displayName"`
			} `json:"user"`
			App *struct {
				AppID     string `json:"appId"`
				Principal string `json:"servicePrincipalId"`
				Name      string `json:"displayName"`
			} `json:"app"`
		} `json:"initiatedBy"`
		Activity string `json:"activityDisplayName"`
		Targets  []struct {
			ID   string `json:"id"`
			Type string `json:"type"`
		} `json:"targetResources"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	change := entra.PolicyChange{At: v.At}
	switch u, a := v.Initiated.User, v.Initiated.App; {
	case u != nil && u.ID != "":
		change.ActorKind, change.Actor, change.ActorName = kindUser, u.ID, cmpOr(u.UPN, u.Name)
	case a != nil:
		change.ActorKind, change.Actor, change.ActorName = kindApplication, cmpOr(a.AppID, a.Principal), a.Name
	}
	if !strings.Contains(strings.ToLower(v.Activity), "policy") {
		return nil, nil
	}
	var all []entra.PolicyChange
	for _, target := range v.Targets {
		if isID(target.ID) {
			change.PolicyID = strings.ToLower(target.ID)
			all = append(all, change)
		}
	}
	return all, nil
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// lastChanges keeps the latest change of each policy, in the order of time.
func lastChanges(records [][]entra.PolicyChange) []entra.PolicyChange {
	last := map[string]entra.PolicyChange{}
	for _, rec := range records {
		for _, c := range rec {
			if have, ok := last[c.PolicyID]; !ok || c.At.After(have.At) {
				last[c.PolicyID] = c
			}
		}
	}
	out := make([]entra.PolicyChange, 0, len(last))
	for _, c := range last {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b entra.PolicyChange) int {
		if d := a.At.Compare(b.At); d != 0 {
			return d
		}
		return strings.Compare(a.PolicyID, b.PolicyID)
	})
	return out
}
