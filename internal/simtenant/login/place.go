package login

import (
	"net/netip"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// place is where an address lies, in the simulated world.
type place struct{ country, region, city string }

// places is the simulated table of addresses: the ranges kept for documentation (RFC 5737,
// RFC 3849) stand for countries, loopback for the office in Berlin. Any other address has
// no known country.
var places = []struct {
	prefix netip.Prefix
	place
}{
	{netip.MustParsePrefix("127.0.0.0/8"), place{"DE", "Berlin", "Berlin"}},
	{netip.MustParsePrefix("::1/128"), place{"DE", "Berlin", "Berlin"}},
	{netip.MustParsePrefix("192.0.2.0/24"), place{"DE", "Hessen", "Frankfurt am Main"}},
	{netip.MustParsePrefix("198.51.100.0/24"), place{"US", "Washington", "Redmond"}},
	{netip.MustParsePrefix("203.0.113.0/24"), place{"JP", "Tokyo", "Tokyo"}},
	{netip.MustParsePrefix("2001:db8:de::/48"), place{"DE", "Hessen", "Frankfurt am Main"}},
	{netip.MustParsePrefix("2001:db8:a::/48"), place{"US", "Washington", "Redmond"}},
}

func placeOf(ip string) place {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return place{}
	}
	a = a.Unmap()
	for _, p := range places {
		if p.prefix.Contains(a) {
			return p.place
		}
	}
	return place{}
}

const compliantNetwork = "3d46dbda-8382-466a-856d-eb00cbc6b910" // "All Compliant Network locations" [M]

// locations: inside an included place and no excluded one.
func (e *evaluation) locations(c state.Object) (verdict, string) {
	l := c.Object("locations")
	include, exclude := list(l, "includeLocations"), list(l, "excludeLocations")
	if len(include) == 0 && len(exclude) == 0 {
		return yes, ""
	}
	in, why := e.within(include)
	out, whyOut := e.within(exclude)
	switch {
	case in == no || out == yes:
		return no, ""
	case in == unknown:
		return unknown, why
	case out == unknown:
		return unknown, whyOut
	}
	return yes, ""
}

// within is whether the sign-in comes from one of the places.
func (e *evaluation) within(ids []string) (verdict, string) {
	out, why := no, ""
	for _, id := range ids {
		v, w := e.from(id)
		if v == yes {
			return yes, ""
		}
		if v == unknown {
			out, why = unknown, w
		}
	}
	return out, why
}

func (e *evaluation) from(id string) (verdict, string) {
	switch id {
	case "all":
		return yes, ""
	case "alltrusted":
		return is(e.trusted()), ""
	case "00000000-0000-0000-0000-000000000000": // the trusted addresses of per-user MFA: this tenant has none
		return no, ""
	case compliantNetwork:
		return is(e.in.CompliantNetwork), ""
	}
	loc := e.tx.Get("identity/conditionalAccess/namedLocations", id)
	switch typeOf(loc) {
	case "ipNamedLocation":
		return is(e.inRanges(loc)), ""
	case "countryNamedLocation":
		return e.inCountries(loc)
	case "compliantNetworkNamedLocation":
		return is(e.in.CompliantNetwork), ""
	}
	return unknown, "the named location " + id
}

// trusted is true inside any address range marked as trusted.
func (e *evaluation) trusted() bool {
	return e.tx.Find("identity/conditionalAccess/namedLocations", func(l state.Object) bool {
		return typeOf(l) == "ipNamedLocation" && l.Bool("isTrusted") && e.inRanges(l)
	}) != nil
}

func (e *evaluation) inRanges(loc state.Object) bool {
	ip, err := netip.ParseAddr(e.in.IP)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	return slices.ContainsFunc(objects(loc, "ipRanges"), func(r state.Object) bool {
		p, err := netip.ParsePrefix(r.String("cidrAddress"))
		return err == nil && p.Contains(ip)
	})
}

func (e *evaluation) inCountries(loc state.Object) (verdict, string) {
	if m := loc.String("countryLookupMethod"); m != "" && m != "clientIpAddress" {
		return unknown, "the country of a telephone's position"
	}
	country := strings.ToUpper(e.in.Country)
	if country == "" {
		country = placeOf(e.in.IP).country
	}
	if country == "" {
		return is(loc.Bool("includeUnknownCountriesAndRegions")), ""
	}
	return is(slices.ContainsFunc(loc.Strings("countriesAndRegions"), func(c string) bool { return strings.EqualFold(c, country) })), ""
}
