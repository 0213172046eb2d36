package msapi

import (
	"context"
	"encoding/json"

	"breakglass/internal/entra"
)

// strengths: "List authenticationStrengthPolicies"; Policy.Read.AuthenticationMethod. The answer
// carries each strength's combination configurations.
func (r *reader) strengths(ctx context.Context) {
	all := collect(ctx, r, entra.PartStrengths, v1, "/policies/authenticationStrengthPolicies", 0, decodeStrength)
	r.put(func(s *entra.Snapshot) { s.Strengths = all })
}

func decodeStrength(raw json.RawMessage) (entra.AuthenticationStrength, error) {
	s, err := as[entra.AuthenticationStrength](raw)
	if err != nil {
		return s, err
	}
	s.AllowedAAGUIDs = entra.Maybe[[]string]{}
	var v struct {
		Configurations *[]struct {
			ODataType      string    `json:"@odata.type"`
			AllowedAAGUIDs *[]string `json:"allowedAAGUIDs"`
		} `json:"combinationConfigurations"`
	}
	if json.Unmarshal(raw, &v) != nil || v.Configurations == nil {
		return s, nil // not told
	}
	s.AllowedAAGUIDs = entra.Null[[]string]()
	for _, c := range *v.Configurations {
		if kind(c.ODataType) != "fido2CombinationConfiguration" {
			continue
		}
		if c.AllowedAAGUIDs == nil {
			s.AllowedAAGUIDs = entra.Maybe[[]string]{}
			return s, nil
		}
		s.AllowedAAGUIDs = entra.Some(append(s.AllowedAAGUIDs.Or(nil), *c.AllowedAAGUIDs...))
	}
	return s, nil
}

// methodsPolicy: "Get authenticationMethodsPolicy"; Policy.Read.AuthenticationMethod.
func (r *reader) methodsPolicy(ctx context.Context) {
	v := one(ctx, r, entra.PartMethodsPolicy, "/policies/authenticationMethodsPolicy", decodeMethodsPolicy)
	r.put(func(s *entra.Snapshot) { s.MethodsPolicy = v })
}

func decodeMethodsPolicy(raw json.RawMessage) (entra.AuthenticationMethodsPolicy, error) {
	var v struct {
		MigrationState entra.Maybe[string] `json:"policyMigrationState"`
		Enforcement    struct {
			Campaign struct {
				State   entra.Maybe[string]         `json:"state"`
				Exclude entra.Maybe[[]entra.Target] `json:"excludeTargets"`
			} `json:"authenticationMethodsRegistrationCampaign"`
		} `json:"registrationEnforcement"`
		Configurations *[]json.RawMessage `json:"authenticationMethodConfigurations"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return entra.AuthenticationMethodsPolicy{}, err
	}
	if v.Configurations == nil {
		return entra.AuthenticationMethodsPolicy{}, errMissing("authenticationMethodConfigurations")
	}
	out := entra.AuthenticationMethodsPolicy{
		MigrationState: v.MigrationState, CampaignState: v.Enforcement.Campaign.State, CampaignExclude: v.Enforcement.Campaign.Exclude,
		Configurations: []entra.MethodConfiguration{},
	}
	for _, raw := range *v.Configurations {
		c, err := as[entra.MethodConfiguration](raw)
		if err != nil {
			return out, err
		}
		c.Type = kind(odataType(raw))
		out.Configurations = append(out.Configurations, c)
	}
	return out, nil
}

func odataType(raw json.RawMessage) string {
	var v struct {
		T string `json:"@odata.type"`
	}
	_ = json.Unmarshal(raw, &v) // an entry of another shape has no type
	return v.T
}

// methods: "List methods"; UserAuthenticationMethod.Read.All.
func (r *reader) methods(ctx context.Context) {
	eachUserList(ctx, r, entra.PartMethods, "/users/%s/authentication/methods", decodeMethod,
		func(u *entra.User, all []entra.Method) { u.Methods = entra.Some(all) })
}

func decodeMethod(raw json.RawMessage) (entra.Method, error) {
	m, err := as[entra.Method](raw)
	m.Type = kind(odataType(raw))
	if err == nil && m.Type == "" {
		return m, errMissing("@odata.type")
	}
	return m, err
}

// perUserMFA: "Get authentication method states", beta only; Policy.Read.All.
func (r *reader) perUserMFA(ctx context.Context) {
	eachUser(ctx, r, entra.PartPerUserMFA, beta, "/users/%s/authentication/requirements", func(u *entra.User, body []byte) error {
		v, err := as[struct {
			State entra.Maybe[string] `json:"perUserMfaState"`
		}](body)
		if err == nil && !v.State.Known() {
			return errMissing("perUserMfaState")
		}
		u.PerUserMFA = v.State
		return err
	})
}
