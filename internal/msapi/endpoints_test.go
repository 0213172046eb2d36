package msapi

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestMicrosoftsClouds(t *testing.T) {
	for _, name := range []string{"", "public", "usgov-l4", "usgov-l5", "china"} {
		e, err := Cloud(name)
		if err != nil || e.check() != nil || !e.known() {
			t.Errorf("%q: %+v, %v", name, e, err)
		}
	}
	if _, err := Cloud("germany"); err == nil || !strings.Contains(err.Error(), "usgov-l4") {
		t.Errorf("an unknown cloud: %v", err)
	}
}

func TestAnEndpointsFile(t *testing.T) {
	write := func(text string) string {
		name := filepath.Join(t.TempDir(), "endpoints.json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	e, err := LoadEndpoints(write(`{"base":"https://h:1","login":"https://h:1","graph":"https://h:1/g","arm":"https://h:1","tenantId":"t","other":1}`))
	if err != nil || e.Name != "custom" || e.known() || e.TenantID != "t" {
		t.Fatalf("%+v, %v", e, err)
	}
	if got := scope(e.GraphAudience, e.Graph); got != "https://h:1/g/.default" {
		t.Errorf("scope %q", got)
	}
	if got := scope(e.armAudience(), e.ARM); got != "https://management.azure.com/.default" {
		t.Errorf("where one base serves all, ARM's scope is %q", got)
	}
	for text, words := range map[string]string{
		`{`: "unexpected end",
		`{"login":"https://h","graph":"https://h"}`:                       `"arm" is missing`,
		`{"login":"https://h","graph":"http://h","arm":"https://h"}`:      "must be an https URL",
		`{"login":"https://u:p@h","graph":"https://h","arm":"https://h"}`: "must be an https URL",
		`{"login":"https://h?x=1","graph":"https://h","arm":"https://h"}`: "must be an https URL",
		`{"name":1}`:                            "cannot unmarshal",
		strings.Repeat(" ", maxEndpointsFile+1): "larger than",
	} {
		if _, err := LoadEndpoints(write(text)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%.40s: %v, want %q", text, err, words)
		}
	}
	if _, err := LoadEndpoints(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was read")
	}
}

func TestAClientThatCannotBeMade(t *testing.T) {
	good, _ := Cloud("public")
	for name, o := range map[string]Options{
		"no endpoints":   {TenantID: ourTenant},
		"no tenant":      {Endpoints: good},
		"no such method": {Endpoints: good, TenantID: ourTenant, SignIn: SignIn{Method: "password"}},
		"no certificate": {Endpoints: good, TenantID: ourTenant, SignIn: SignIn{Method: MethodCertificate, ClientID: "x", CertificateFile: "none"}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: a client was made", name)
		}
	}
}

func TestASecretFileThatOthersCanReadIsRefused(t *testing.T) {
	good, _ := Cloud("public")
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte("the-secret-value"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := Options{Endpoints: good, TenantID: ourTenant, SignIn: SignIn{Method: MethodSecret, ClientID: "x", SecretFile: name}}
	_, err := New(o)
	if err == nil || !strings.Contains(err.Error(), "0600") || strings.Contains(err.Error(), "the-secret-value") {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(o); err != nil {
		t.Error(err)
	}
	if o.SignIn.Warning() == "" {
		t.Error("a client secret goes without a warning")
	}
}

func TestLimitsOfOnesOwn(t *testing.T) {
	e, _ := Cloud("public")
	for name, c := range map[string]struct {
		limits *[]Limit
		lanes  int
		good   bool
	}{
		"Microsoft's": {nil, 2, true},
		"none":        {&[]Limit{}, 0, true},
		"one":         {&[]Limit{{Paths: []string{"/users"}, Requests: 2, Per: "3s"}}, 1, true},
		"no time":     {&[]Limit{{Paths: []string{"/users"}, Requests: 2, Per: "soon"}}, 0, false},
		"no requests": {&[]Limit{{Paths: []string{"/users"}, Per: "1s"}}, 0, false},
	} {
		e.Limits = c.limits
		if err := e.check(); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		} else if c.good && len(lanes(e.limits())) != c.lanes {
			t.Errorf("%s: %d lanes", name, len(lanes(e.limits())))
		}
	}
}

func TestKeyThatOthersCanReadIsWarnedOf(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("access lists decide there, not mode bits")
	}
	file := filepath.Join(t.TempDir(), "watch.pem")
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o640: true, 0o604: true} {
		if err := errors.Join(os.WriteFile(file, []byte("a key"), 0o600), os.Chmod(file, mode)); err != nil {
			t.Fatal(err)
		}
		s := SignIn{Method: MethodCertificate, CertificateFile: file}
		if got := s.Warning() != ""; got != warned {
			t.Errorf("mode %o: warned %t", mode, got)
		}
	}
}
