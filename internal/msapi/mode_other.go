//go:build !windows

package msapi

import "io/fs"

// LooseMode is true when others than the owner can read a secret's file.
func LooseMode(m fs.FileMode) bool { return m.Perm()&0o077 != 0 }
