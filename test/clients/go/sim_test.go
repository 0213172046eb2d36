package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sim is a running `breakglass sim` and the files that it wrote.
type sim struct {
	dir  string
	stop func()

	Endpoints struct {
		Base, Login, Graph, Arm, TenantID, InitialDomain string
	}
	Credentials struct {
		ControlToken     string
		Reader, Operator application
		DeviceUser       struct{ ID, UserPrincipalName, Password string }
	}
}

type application struct {
	ClientID, ClientSecret, CertificateFile, ServicePrincipalID string
}

// shared is the process that all tests of this package talk to.
var shared *sim

func TestMain(m *testing.M) {
	if os.Getenv(insideEnv) != "" {
		os.Exit(m.Run()) // inside the private network the test starts its own
	}
	os.Exit(withSim(m))
}

func withSim(m *testing.M) int {
	dir, err := os.MkdirTemp("", "clients")
	if err != nil {
		return complain(err)
	}
	defer os.RemoveAll(dir)
	if err := buildProduct(dir); err != nil {
		return complain(err)
	}
	if shared, err = startSim(filepath.Join(dir, "sim")); err != nil {
		return complain(err)
	}
	defer shared.stop()
	trustOnly(filepath.Join(shared.dir, "ca.pem"))
	return m.Run()
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

const productEnv = "BREAKGLASS_BIN"

// buildProduct makes the product's binary unless the caller brought one.
func buildProduct(dir string) error {
	if os.Getenv(productEnv) != "" {
		return nil
	}
	bin := filepath.Join(dir, "breakglass")
	cmd := exec.Command("go", "build", "-o", bin, "./cmd/breakglass")
	cmd.Dir = "../../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the product: %w\n%s", err, out)
	}
	return os.Setenv(productEnv, bin)
}

// trustOnly lets clients keep their default transport: Go reads the roots from this file,
// and no proxy stands between.
func trustOnly(ca string) {
	_ = os.Setenv("SSL_CERT_FILE", ca)
	_ = os.Setenv("SSL_CERT_DIR", filepath.Dir(ca)+"/none")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		_ = os.Unsetenv(name)
	}
}

// startSim starts the process and waits until it says that it is ready.
func startSim(dir string, args ...string) (*sim, error) {
	cmd := exec.Command(os.Getenv(productEnv), append([]string{"sim", "--dir", dir}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the simulated tenant: %w", err)
	}
	s := &sim{dir: dir, stop: func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		s.stop()
		return nil, fmt.Errorf("the simulated tenant said %q, %w: %s", line, err, stderr.String())
	}
	return s, errors.Join(s.read("endpoints.json", &s.Endpoints), s.read("credentials.json", &s.Credentials))
}

func (s *sim) read(name string, into any) error {
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// call is one request by hand and its answer.
func call(t *testing.T, token, method, url string, body any) (int, map[string]any) {
	t.Helper()
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return send(t, req)
}

func send(t *testing.T, req *http.Request) (int, map[string]any) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	if len(b) > 0 && json.Unmarshal(b, &out) != nil {
		out["text"] = string(b)
	}
	return res.StatusCode, out
}

// control uses the remote control of the simulated tenant.
func (s *sim) control(t *testing.T, path string, body any) map[string]any {
	t.Helper()
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	status, out := call(t, s.Credentials.ControlToken, method, s.Endpoints.Base+"/_sim/"+path, body)
	if status/100 != 2 {
		t.Fatalf("control %s: %d %v", path, status, out)
	}
	return out
}

// objects is how many objects of a collection the tenant really has.
func (s *sim) objects(t *testing.T, collection string) []map[string]any {
	t.Helper()
	all, _ := s.control(t, "state", nil)["objects"].(map[string]any)
	list, _ := all[collection].([]any)
	out := make([]map[string]any, 0, len(list))
	for _, o := range list {
		out = append(out, o.(map[string]any))
	}
	return out
}

// replication sets how long new objects stay unseen, for the time of one test; otherwise it
// is the two seconds of the shipped tenants.
func (s *sim) replication(t *testing.T, delay time.Duration) {
	t.Helper()
	s.control(t, "events", map[string]any{"replicationDelay": delay.String()})
	t.Cleanup(func() { s.control(t, "events", map[string]any{"replicationDelay": "2s"}) })
}

func (s *sim) advance(t *testing.T, by time.Duration) {
	t.Helper()
	s.control(t, "clock", map[string]any{"advance": by.String()})
}

// url is an address of Graph; parts are joined as they are.
func (s *sim) url(parts ...string) string { return s.Endpoints.Graph + strings.Join(parts, "") }
