package msapi_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"breakglass/internal/msapi"
)

// A script stands in for xdg-open, so this story plays on Linux.
func TestAPersonSignsInInTheBrowser(t *testing.T) {
	sc := newScene(t, "empty")
	dir := t.TempDir()
	pipe := filepath.Join(dir, "opened")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\nprintf %%s \"$1\" > %s\n", pipe)
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	answers := sc.answers(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if page, err := os.ReadFile(pipe); err != nil {
			t.Error(err)
		} else {
			sc.person(t, string(page), answers)
		}
	}()
	c := sc.client(t, func(o *msapi.Options) {
		o.SignIn = msapi.SignIn{Method: msapi.MethodBrowser, ClientID: sc.creds.Operator.ClientID}
	})
	who, err := c.Identity(t.Context())
	<-done
	if err != nil || who.Kind != "user" {
		t.Errorf("signed in as %+v (%v)", who, err)
	}
}
