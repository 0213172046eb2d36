package main

import (
	"os"
	"path/filepath"
	"testing"

	"breakglass/internal/entra"
)

// TestHugeFileIsNotReadWhole: a file of a terabyte (without content: it takes no room) is seen
// to be too large without a terabyte of memory.
func TestHugeFileIsNotReadWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 40); err != nil {
		t.Skip("this file system has no sparse files:", err)
	}
	_ = f.Close()
	data, err := readFile(path)
	if err != nil || len(data) != entra.MaxFile+1 {
		t.Errorf("%d bytes were read, %v", len(data), err)
	}
}
