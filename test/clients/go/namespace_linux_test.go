package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
)

const (
	insideEnv  = "BREAKGLASS_CLIENTS_INSIDE" // set in the process inside the private network
	programEnv = "BREAKGLASS_CLIENTS_PROGRAM"
)

// cloudNames are what an unmodified client calls.
var cloudNames = []string{"login.microsoftonline.com", "graph.microsoft.com", "management.azure.com"}

// Clients that know only Microsoft's own names reach the simulated tenant in a network of
// their own: a namespace with nothing but a loopback interface, a hosts file that sends the
// cloud's names there, and port 443. Nothing can leave it.
func TestUnmodifiedClientsInAPrivateNetwork(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		insidePrivateNetwork(t)
		return
	}
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("a network namespace needs root")
		}
		t.Skip("a network namespace needs root")
	}
	program := filepath.Join(t.TempDir(), "unmodified")
	if out, err := exec.Command("go", "build", "-o", program, "./unmodified").CombinedOutput(); err != nil {
		t.Fatalf("build the unmodified client: %v\n%s", err, out)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), insideEnv+"=1", programEnv+"="+program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	t.Logf("inside:\n%s", out)
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("inside the private network: %v", err)
	}
}

func insidePrivateNetwork(t *testing.T) {
	dir := t.TempDir()
	closeOff(t, dir)
	args := []string{"--listen", "127.0.0.1:443"}
	for _, name := range cloudNames {
		args = append(args, "--host", name)
	}
	s, err := startSim(filepath.Join(dir, "sim"), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	shared = s
	trustOnly(filepath.Join(s.dir, "ca.pem"))
	t.Run("Azure identity by default", unmodifiedProgram)
	t.Run("Azure identity by device code", unmodifiedDeviceCode)
	t.Run("MSAL in the browser", unmodifiedBrowser)
	t.Run("msal-node", unmodifiedNode)
}

// closeOff gives the process a loopback interface and a hosts file, and makes sure that
// there is no other way out.
func closeOff(t *testing.T, dir string) {
	t.Helper()
	hosts := filepath.Join(dir, "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost "+strings.Join(cloudNames, " ")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount(hosts, "/etc/hosts", "", syscall.MS_BIND, ""); err != nil {
		t.Fatalf("put the hosts file in place: %v", err)
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("switch on loopback: %v %s", err, out)
	}
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			t.Fatalf("the network is not private: %s", i.Name)
		}
	}
}

// credentialsEnv is all that an unmodified client is told.
func credentialsEnv(s *sim) []string {
	app := s.Credentials.Reader
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "AZURE_TENANT_ID=" + s.Endpoints.TenantID, "AZURE_CLIENT_ID=" + app.ClientID, "AZURE_CLIENT_SECRET=" + app.ClientSecret,
	}
}

// seen is what the unmodified clients print.
type seen struct {
	Users, Policies []string
	Subscriptions   int
}

func (got seen) check(t *testing.T) {
	t.Helper()
	for name, want := range map[string]int{
		"users": len(shared.objects(t, "users")), "policies": len(shared.objects(t, "identity/conditionalAccess/policies")), "subscriptions": len(shared.objects(t, "arm/subscriptions")),
	} {
		have := map[string]int{"users": len(got.Users), "policies": len(got.Policies), "subscriptions": got.Subscriptions}[name]
		if have != want || want == 0 {
			t.Errorf("%d %s, the tenant has %d", have, name, want)
		}
	}
}

// run starts a client and reads what it prints.
func run(t *testing.T, cmd *exec.Cmd) (got seen) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, stderr.String())
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}

// The program has azidentity's defaults: DefaultAzureCredential, instance discovery, the
// public cloud.
func unmodifiedProgram(t *testing.T) {
	cmd := exec.Command(os.Getenv(programEnv))
	cmd.Env = append(credentialsEnv(shared), "SSL_CERT_FILE="+filepath.Join(shared.dir, "ca.pem"))
	run(t, cmd).check(t)
}

func unmodifiedDeviceCode(t *testing.T) {
	p := newPerson(shared)
	var page string
	cred, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		TenantID: shared.Endpoints.TenantID, ClientID: shared.Credentials.Operator.ClientID,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			page = m.VerificationURL
			return p.signIn(m.VerificationURL, m.UserCode)
		},
	})
	token, got := tokenOf(t, cred, err, publicGraph)
	if got["oid"] != shared.Credentials.DeviceUser.ID || !strings.HasPrefix(page, "https://login.microsoftonline.com/") {
		t.Errorf("signed in %v at %s", got["oid"], page)
	}
	if status, me := call(t, token, http.MethodGet, "https://graph.microsoft.com/v1.0/me", nil); status != http.StatusOK || me["id"] != got["oid"] {
		t.Errorf("/me: %d %v", status, me)
	}
	if status, info := call(t, token, http.MethodGet, "https://graph.microsoft.com/oidc/userinfo", nil); status != http.StatusOK || info["sub"] == nil {
		t.Errorf("user info: %d %v", status, info)
	}
}

// The browser's session belongs to login.microsoftonline.com: the second sign-in asks for
// nothing.
func unmodifiedBrowser(t *testing.T) {
	c, err := public.New(shared.Credentials.Operator.ClientID, public.WithAuthority("https://login.microsoftonline.com/"+shared.Endpoints.TenantID))
	if err != nil {
		t.Fatal(err)
	}
	const redirect = "http://localhost:1/"
	p := newPerson(shared)
	for _, pages := range []bool{true, false} {
		address, err := c.AuthCodeURL(minute(t), shared.Credentials.Operator.ClientID, redirect, append(publicGraph.Scopes, "openid", "profile"))
		if err != nil {
			t.Fatal(err)
		}
		p.pages = nil
		back, err := p.signInUntil(address, redirect)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.AcquireTokenByAuthCode(minute(t), back.Query().Get("code"), redirect, publicGraph.Scopes)
		if err != nil {
			t.Fatal(err)
		}
		if got.Account.Environment != "login.microsoftonline.com" || len(p.pages) > 0 != pages {
			t.Errorf("signed in at %s after the pages %q", got.Account.Environment, p.pages)
		}
	}
}

func unmodifiedNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if _, e := os.Stat("../node/node_modules"); err != nil || e != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("node or its packages are missing: %v %v", err, e)
		}
		t.Skip("no node, or its packages are not installed")
	}
	cmd := exec.Command(node, "unmodified.mjs")
	cmd.Dir = "../node"
	cmd.Env = append(credentialsEnv(shared), "NODE_EXTRA_CA_CERTS="+filepath.Join(shared.dir, "ca.pem"))
	run(t, cmd).check(t)
}
