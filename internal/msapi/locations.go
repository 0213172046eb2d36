package msapi

import (
	"context"
	"encoding/json"

	"breakglass/internal/entra"
)

// namedLocations: "List namedLocations"; Policy.Read.All.
func (r *reader) namedLocations(ctx context.Context) {
	all := collect(ctx, r, entra.PartNamedLocations, v1, "/identity/conditionalAccess/namedLocations", 0, decodeLocation)
	r.put(func(s *entra.Snapshot) { s.NamedLocations = all })
}

func decodeLocation(raw json.RawMessage) (entra.NamedLocation, error) {
	var v struct {
		ODataType   string              `json:"@odata.type"`
		ID          string              `json:"id"`
		DisplayName entra.Maybe[string] `json:"displayName"`
		IsTrusted   entra.Maybe[bool]   `json:"isTrusted"`
		IPRanges    entra.Maybe[[]struct {
			CIDR string `json:"cidrAddress"`
		}] `json:"ipRanges"`
		Countries      entra.Maybe[[]string] `json:"countriesAndRegions"`
		IncludeUnknown entra.Maybe[bool]     `json:"includeUnknownCountriesAndRegions"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return entra.NamedLocation{}, err
	}
	if v.ID == "" {
		return entra.NamedLocation{}, errMissing("id")
	}
	out := entra.NamedLocation{
		ID: v.ID, Type: kind(v.ODataType), DisplayName: v.DisplayName, IsTrusted: v.IsTrusted,
		Countries: v.Countries, IncludeUnknown: v.IncludeUnknown,
	}
	if ranges, ok := v.IPRanges.Value(); ok {
		cidrs := make([]string, 0, len(ranges))
		for _, r := range ranges {
			cidrs = append(cidrs, r.CIDR)
		}
		out.IPRanges = entra.Some(cidrs)
	}
	return out, nil
}
