package msapi

import (
	"context"
	"encoding/json"
	"slices"

	"breakglass/internal/entra"
)

// sku is a subscribedSku: a subscription with the plans it brings.
type sku struct {
	CapabilityStatus entra.Maybe[string]  `json:"capabilityStatus"`
	ServicePlans     *[]entra.ServicePlan `json:"servicePlans"`
}

// plans: "List subscribedSkus"; LicenseAssignment.Read.All. A plan bought twice counts once
// for each state of its subscriptions.
func (r *reader) plans(ctx context.Context) {
	const path = "/subscribedSkus"
	t := &take[sku]{decode: decodeSKU}
	pages, err := r.c.list(ctx, v1, path, 0, t.add)
	if err == nil {
		err = t.bad
	}
	var all []entra.ServicePlan
	for _, s := range t.all {
		for _, p := range *s.ServicePlans {
			p.CapabilityStatus = s.CapabilityStatus
			same := func(q entra.ServicePlan) bool {
				return q.ServicePlanID == p.ServicePlanID && q.CapabilityStatus == p.CapabilityStatus
			}
			if !slices.ContainsFunc(all, same) {
				all = append(all, p)
			}
		}
	}
	r.file(entra.PartPlans, "/"+v1+path, pages, len(all), err)
	r.put(func(s *entra.Snapshot) { s.Plans = all })
}

func decodeSKU(raw json.RawMessage) (sku, error) {
	s, err := as[sku](raw)
	if err == nil && s.ServicePlans == nil {
		return s, errMissing("servicePlans")
	}
	return s, err
}

// errMissing is an entry without a member that it cannot do without.
type errMissing string

func (e errMissing) Error() string { return "no " + string(e) }
