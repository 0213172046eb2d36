package clients

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// The library starts the desktop's browser. A script of its name hands the address to the
// test, which is the browser then.
func TestAzureIdentityByBrowser(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "address")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\nprintf %s \"$1\" > '" + pipe + "'\n"
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	cred, err := azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{
		ClientOptions: at(shared), DisableInstanceDiscovery: true, TenantID: shared.Endpoints.TenantID, ClientID: shared.Credentials.Operator.ClientID,
	})
	done := make(chan error, 1)
	go func() {
		address, err := os.ReadFile(pipe)
		if err == nil {
			err = newPerson(shared).signIn(string(address), "")
		}
		done <- err
	}()
	token, got := tokenOf(t, cred, err, scope(shared))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantPerson(t, token, got)
}
