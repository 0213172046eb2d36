//go:build !windows

package msapi

import "io/fs"

// looseMode is true when others than the owner can read a secret's file.
func looseMode(m fs.FileMode) bool { return m.Perm()&0o077 != 0 }
