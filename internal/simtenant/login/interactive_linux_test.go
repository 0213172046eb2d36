package login

import (
	"context"
	"crypto/tls"
	"html"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The library starts the desktop's browser. A script of that name hands the address to
// the test, which is the browser then.
func TestAzureIdentitySignsInThroughABrowser(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	pipe := filepath.Join(dir, "address")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skipf("no pipe: %v", err)
	}
	script := "#!/bin/sh\nprintf %s \"$1\" > '" + pipe + "'\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil { //nolint:gosec // a script must be executable
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	cred, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: w.clientOptions(), DisableInstanceDiscovery: true, TenantID: tenantID, ClientID: toolApp,
	})
	if err != nil {
		t.Fatal(err)
	}
	type answer struct {
		token string
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		tk, err := cred.GetToken(context.Background(), graphScope)
		done <- answer{tk.Token, err}
	}()
	if err := w.beTheBrowser(pipe); err != nil {
		t.Fatal(err)
	}
	got := <-done
	if got.err != nil {
		t.Fatal(got.err)
	}
	if p, _ := w.who(got.token, GraphApp); p.ObjectID != benID || !p.User {
		t.Errorf("principal is %+v", p)
	}
}

// beTheBrowser signs Ben in at the address that comes through the pipe and follows the way back.
func (w *world) beTheBrowser(pipe string) error {
	address, err := os.ReadFile(pipe)
	if err != nil {
		return err
	}
	b := w.browser().open(string(address)).password("ben@contoso.onmicrosoft.com", "Battery-Staple-8").shows("Stay signed in?").submit("stay", "no")
	if b.final == nil && strings.Contains(b.page, `name="code"`) { // the library asked for the answer as a form
		b.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
		var pairs []string
		for _, part := range strings.Split(b.page, `<input type="hidden" name="`)[1:] {
			name, rest, _ := strings.Cut(part, `" value="`)
			value, _, _ := strings.Cut(rest, `"`)
			pairs = append(pairs, name, html.UnescapeString(value))
		}
		b.submit(pairs...)
		return nil
	}
	res, err := http.Get(b.final.String()) //nolint:noctx // the way back to the library on this machine
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
