package msapi

import (
	"context"

	"breakglass/internal/entra"
)

// domains: "List domains"; Domain.Read.All.
func (r *reader) domains(ctx context.Context) {
	all := collect(ctx, r, entra.PartDomains, v1,
		"/domains?$select=id,isInitial,isDefault,isVerified,authenticationType,passwordValidityPeriodInDays", 0, as[entra.Domain])
	r.put(func(s *entra.Snapshot) { s.Domains = all })
}

// securityDefaults: "Get identitySecurityDefaultsEnforcementPolicy"; Policy.Read.All.
func (r *reader) securityDefaults(ctx context.Context) {
	v := one(ctx, r, entra.PartSecurityDefaults, "/policies/identitySecurityDefaultsEnforcementPolicy", as[entra.SecurityDefaults])
	r.put(func(s *entra.Snapshot) { s.SecurityDefaults = v })
}

// authorizationPolicy: "Get authorizationPolicy"; Policy.Read.All.
func (r *reader) authorizationPolicy(ctx context.Context) {
	v := one(ctx, r, entra.PartAuthorizationPolicy, "/policies/authorizationPolicy", as[entra.AuthorizationPolicy])
	r.put(func(s *entra.Snapshot) { s.AuthorizationPolicy = v })
}
