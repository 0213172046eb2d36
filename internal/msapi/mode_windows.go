package msapi

import "io/fs"

// LooseMode cannot be told from mode bits on Windows, where access lists decide.
func LooseMode(fs.FileMode) bool { return false }
