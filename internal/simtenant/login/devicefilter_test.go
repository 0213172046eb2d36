package login

import (
	"strings"
	"testing"

	"breakglass/internal/simtenant/state"
)

var paw = state.Object{
	"deviceId": "11111111-aaaa-4bbb-8ccc-222222222222", "displayName": "PAW-07", "trustType": "AzureAd", "isCompliant": true, "operatingSystem": "Windows",
	"physicalIds": list1("[OrderId]:4711", "[ZTDId]:x"), "extensionAttributes": m{"extensionAttribute1": "SAW"},
}

func TestWhichDevicesAFilterMeans(t *testing.T) {
	for rule, want := range map[string]struct{ known, stranger bool }{
		`device.displayName -startsWith "PAW-"`:                                                          {true, false},
		`device.displayName -notStartsWith "PAW-"`:                                                       {false, true},
		`device.displayName -endsWith '07'`:                                                              {true, false},
		`device.trustType -eq "AzureAD"`:                                                                 {true, false},
		`device.trustType -ne "ServerAD"`:                                                                {true, true},
		`device.isCompliant -eq True`:                                                                    {true, false},
		`device.isCompliant -ne true`:                                                                    {false, true},
		`device.operatingSystem -in ["Windows","macOS"]`:                                                 {true, false},
		`device.operatingSystem -notIn ["Windows"]`:                                                      {false, true},
		`device.physicalIds -contains "[OrderId]:4711"`:                                                  {true, false},
		`device.extensionAttribute1 -eq "SAW"`:                                                           {true, false},
		`device.extensionAttribute2 -eq "SAW"`:                                                           {false, false},
		`device.extensionAttribute2 -ne "SAW"`:                                                           {true, true},
		`device.isCompliant -eq True -and device.trustType -eq "ServerAD"`:                               {false, false},
		`device.isCompliant -eq True -or device.trustType -eq "ServerAD"`:                                {true, false},
		`device.isCompliant -eq False -or device.model -eq "X" -and device.model -eq "Y"`:                {false, false},
		`(device.isCompliant -eq True -or device.model -eq "X") -and device.displayName -contains "PAW"`: {true, false},
		`-not (device.isCompliant -eq True)`:                                                             {false, true},
		`(device.trustType -eq "Workplace") or not (device.isCompliant -eq True)`:                        {false, true},
	} {
		r, err := parseDeviceFilter(rule)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
			continue
		}
		if got := r.matches(paw); got != want.known {
			t.Errorf("%s: the known device: %v", rule, got)
		}
		if got := r.matches(nil); got != want.stranger {
			t.Errorf("%s: the unknown device: %v", rule, got)
		}
	}
}

func TestFiltersThatAreNotUnderstoodAreErrors(t *testing.T) {
	for _, rule := range []string{
		"", "device", "device.mood -eq \"good\"", "user.displayName -eq \"x\"", "device.displayName -like \"x\"", "device.displayName -eq", "device.displayName -eq x",
		"device.displayName -eq \"x", "(device.displayName -eq \"x\"", "device.displayName -eq \"x\")", "device.displayName -in [\"x\"", "device.displayName -in [\"x\" \"y\"]",
		"device.displayName -eq [\"x\",\"y\"]", "device.displayName -eq \"x\" -and", "-not", strings.Repeat("(", 3000), strings.Repeat("x", maxRule+1),
	} {
		if _, err := parseDeviceFilter(rule); err == nil {
			t.Errorf("%.60q is understood", rule)
		}
	}
}

// Whatever the rule: no panic, the same answer each time, and its negation answers the opposite.
func FuzzDeviceFilter(f *testing.F) {
	f.Add(`device.displayName -startsWith "PAW-" -and -not (device.isCompliant -ne True)`)
	f.Add(`device.operatingSystem -notIn ["Windows",'macOS'] -or device.physicalIds -contains "["`)
	f.Fuzz(func(t *testing.T, rule string) {
		r, err := parseDeviceFilter(rule)
		if err != nil {
			return
		}
		for _, d := range []state.Object{nil, paw} {
			first := r.matches(d)
			if r.matches(d) != first {
				t.Fatal("two answers to one question")
			}
			n, err := parseDeviceFilter("-not (" + rule + ")")
			if err != nil {
				if len(rule)+7 > maxRule {
					return
				}
				t.Fatalf("the negation is not understood: %v", err)
			}
			if n.matches(d) == first {
				t.Fatal("rule and negation agree")
			}
		}
	})
}

// Whatever comes as an assertion: no panic, and nothing unsigned is believed.
func FuzzAssertion(f *testing.F) {
	ring := newKeyring()
	f.Add(ring.sign(map[string]any{"iss": "a", "sub": "a", "aud": "b", "exp": 1}))
	f.Add("eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIiwic3ViIjoiYSIsImV4cCI6MX0.")
	f.Add("a.b.c")
	other := newKeyring()
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := readAssertion(raw)
		if err != nil {
			return
		}
		if a.issuer == "" || a.subject == "" || a.until.IsZero() {
			t.Fatalf("read without what an assertion must say: %+v", a)
		}
		if a.verify(other.private.Public()) == nil {
			t.Fatal("believed without a signature")
		}
		_ = a.names(ring.der)
		_ = a.hexThumbprint()
		_ = a.timely(a.until)
	})
}

// Whatever comes as a token: no panic, and only what this server signed is believed.
func FuzzToken(f *testing.F) {
	ring := newKeyring()
	f.Add("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.AAAA")
	f.Add(newKeyring().sign(map[string]any{"aud": GraphApp}))
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := ring.parse(raw); err == nil {
			t.Fatal("believed")
		}
	})
}

// Scopes and claims come from clients as they like.
func FuzzScopeAndClaims(f *testing.F) {
	f.Add("https://management.core.windows.net//.default openid", `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`)
	f.Add("User.Read offline_access", `{"access_token":{"xms_cc":{"values":["cp1"]}}}`)
	f.Fuzz(func(t *testing.T, scope, claims string) {
		if a, err := parseScope(scope); err == nil && a.resource == "" {
			t.Fatalf("no resource: %+v", a)
		}
		_, _ = parseClaims(claims)
	})
}

func TestTheDoubleSlashOfTheAzureCLIKeepsOne(t *testing.T) {
	a, err := parseScope("https://management.core.windows.net//.default offline_access openid profile")
	if err != nil || a.resource != "https://management.core.windows.net/" || !a.all || len(a.oidc) != 3 {
		t.Errorf("%+v, %v", a, err)
	}
}
