package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"breakglass/internal/msapi"
)

// azTenant names the directory of the simulated tenant that the stand-in for Azure CLI talks to.
const azTenant = "BREAKGLASS_TEST_AZ"

// azureCLIStandIn is the stand-in for `az` on the PATH of these tests: `az account show` and `az
// rest`, of which the printed script makes use.
func azureCLIStandIn() {
	if err := standInForAzureCLI(os.Getenv(azTenant), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

func standInForAzureCLI(dir string, args []string) error {
	flags := map[string]string{}
	for i := 0; i+1 < len(args); i++ {
		if name, ok := strings.CutPrefix(args[i], "--"); ok {
			flags[name] = args[i+1]
		}
	}
	data, err := os.ReadFile(dir + "/credentials.json")
	if err != nil {
		return err
	}
	var creds struct {
		TenantID string `json:"tenantId"`
		Operator struct{ ClientID, ClientSecret, ServicePrincipalID string }
	}
	if err := json.Unmarshal(data, &creds); err != nil {
		return err
	}
	switch {
	case args[0] == "account":
		fmt.Println(creds.TenantID)
		return nil
	case strings.HasSuffix(flags["url"], "/v1.0/me"):
		fmt.Println(creds.Operator.ServicePrincipalID)
		return nil
	}
	roots, err := trust(dir+"/ca.pem", false)
	if err != nil {
		return err
	}
	endpoints, err := msapi.LoadEndpoints(dir + "/endpoints.json")
	if err != nil {
		return err
	}
	client := clientTrusting(roots)
	res, err := client.PostForm(endpoints.Login+"/"+creds.TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {creds.Operator.ClientID}, "client_secret": {creds.Operator.ClientSecret}, "scope": {"https://graph.microsoft.com/.default"},
	})
	if err != nil {
		return err
	}
	var token struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil {
		return err
	}
	req, err := http.NewRequest(flags["method"], flags["url"], strings.NewReader(flags["body"]))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.Token)
	if name, value, ok := strings.Cut(flags["headers"], "="); ok {
		req.Header.Set(name, value)
	}
	if res, err = client.Do(req); err != nil {
		return err
	}
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s(%s)", res.Status, body)
	}
	if q := flags["query"]; q != "" {
		var object map[string]any
		if err := json.Unmarshal(body, &object); err != nil {
			return err
		}
		fmt.Println(object[q])
	}
	return nil
}

func clientTrusting(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
}

// shell runs a printed script with the stand-in for Azure CLI.
func (s *stage) shell(script string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), "sh")
	cmd.Stdin = strings.NewReader(script)
	cmd.Env = append(os.Environ(), azTenant+"="+s.dir, "WAIT=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("the script: %v\n%s\n%s", err, out.String(), script)
	}
	return out.String()
}

// What a person does with the printed script is what --apply would have done; the same for
// the way back.
func TestThePrintedScriptDoesWhatApplyDoes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the script is for a POSIX shell")
	}
	s := newStage(t, "healthy", nil)
	flags := []string{s.config(), "--make-certificate", s.path("keys"), "--operator", s.Credentials().DeviceUser.UserPrincipalName}
	script := s.must([]int{exitOK}, append([]string{"onboard", "--print", "script"}, flags...)...).stdout
	if strings.Contains(script, "PRIVATE KEY") || strings.Contains(script, "{app:") || strings.Contains(script, "{sp:") {
		t.Fatalf("the script holds what it should not:\n%s", script)
	}
	if out := s.shell(script); !strings.Contains(out, "client id of breakglass operator: ") {
		t.Errorf("the script says\n%s", out)
	}
	if again := s.must([]int{exitOK}, append([]string{"onboard"}, flags...)...); !strings.Contains(again.stdout, "Nothing to write") {
		t.Errorf("left after the script:\n%s", again.stdout)
	}
	s.shell(s.must([]int{exitOK}, "offboard", "--print", "script", s.config()).stdout)
	if again := s.must([]int{exitOK}, "offboard", s.config(), "--json"); !strings.Contains(again.stdout, `"steps": []`) {
		t.Errorf("left after the script of offboard:\n%s", again.stdout)
	}
}

// The portal's pages name everything that a person must set.
func TestThePortalStepsNameEverything(t *testing.T) {
	s := newStage(t, "healthy", nil)
	me := s.Credentials().DeviceUser.UserPrincipalName
	text := s.must([]int{exitOK}, "onboard", "--print", "portal", s.config(), "--federated", "https://issuer.example,repo:a/b", "--operator", me).stdout
	for _, p := range msapi.WatchPermissions() {
		if p.Core != strings.Contains(text, p.Name) && p.Name != "User-LifeCycleInfo.Read.All" {
			t.Errorf("%s: core is %v, named is %v", p.Name, p.Core, !p.Core)
		}
	}
	for _, want := range append(operatorScopes(), me, "https://issuer.example", "repo:a/b", "property lock", "Owners: remove every owner", "Assignment required: Yes", "breakglass-watch", "http://localhost") {
		if !strings.Contains(text, want) {
			t.Errorf("the portal steps do not name %s", want)
		}
	}
	if strings.Contains(strings.ToLower(text), "new client secret") {
		t.Error("the portal steps make a secret")
	}
}
