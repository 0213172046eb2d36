package msapi

import (
	"context"
	"encoding/json"

	"breakglass/internal/entra"
)

const policiesPath = "/identity/conditionalAccess/policies"

// policies and policiesBeta: "List conditionalAccessPolicies"; Policy.Read.All. v1.0 leaves out
// what it cannot express, so beta is read as well, and the two are compared (entra.DecodePolicy).
func (r *reader) policies(ctx context.Context) {
	r.setPolicies(&r.v1, r.policyList(ctx, entra.PartPolicies, v1))
}

func (r *reader) policiesBeta(ctx context.Context) {
	r.setPolicies(&r.beta, r.policyList(ctx, entra.PartPoliciesBeta, beta))
}

func (r *reader) policyList(ctx context.Context, p entra.Part, version string) []rawPolicy {
	return collect(ctx, r, p, version, policiesPath, 0, decodeRawPolicy)
}

type rawPolicy struct {
	id  string
	raw json.RawMessage
}

func decodeRawPolicy(raw json.RawMessage) (rawPolicy, error) {
	var v struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return rawPolicy{}, err
	}
	if v.ID == "" {
		return rawPolicy{}, errMissing("id")
	}
	return rawPolicy{v.ID, raw}, nil
}

func (r *reader) setPolicies(into *map[string]json.RawMessage, list []rawPolicy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*into = map[string]json.RawMessage{}
	for _, p := range list {
		(*into)[p.id] = p.raw
		r.order = append(r.order, p.id)
	}
}

// joinPolicies makes one policy of its two versions.
func (r *reader) joinPolicies() {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, id := range r.order {
		if seen[id] {
			continue
		}
		seen[id] = true
		p, err := entra.DecodePolicy(r.v1[id], r.beta[id])
		if err != nil {
			// The entry was an object with an id, so this is one with an unheard-of shape: keep
			// it as a policy of which nothing is known.
			p = entra.Policy{ID: id, Versions: versionsOf(r.v1[id], r.beta[id]), Strange: strangeWhole(r.v1[id], r.beta[id])}
		}
		r.snap.Policies = append(r.snap.Policies, p)
	}
}

func versionsOf(a, b json.RawMessage) []string {
	var out []string
	if a != nil {
		out = append(out, v1)
	}
	if b != nil {
		out = append(out, beta)
	}
	return out
}

// strangeWhole is a policy that is strange from its root on.
func strangeWhole(a, b json.RawMessage) []entra.StrangeMember {
	if a != nil {
		return []entra.StrangeMember{{Version: v1, Value: a}}
	}
	return []entra.StrangeMember{{Version: beta, Value: b}}
}
