package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"breakglass/internal/entra"
)

// refuseExisting is the error for files that are there already, unless they may be replaced.
func refuseExisting(force bool, paths ...string) error {
	if force {
		return nil
	}
	var there []string
	for _, p := range paths {
		if _, err := os.Lstat(p); err == nil {
			there = append(there, p)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return badFile{fmt.Errorf("look for %s: %w", p, err)}
		}
	}
	if there == nil {
		return nil
	}
	return withHint(usageError{fmt.Errorf("%s: already there, and not overwritten", strings.Join(there, ", "))}, "give another --config, or --force to replace")
}

// readFile reads a file that people name. Of one that is larger than any of ours it reads so
// much that whoever decodes it sees that, and no more.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, entra.MaxFile+1))
}

// replaceFile writes a file whole or not at all: beside it first, then in its place.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
