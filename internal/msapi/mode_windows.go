package msapi

import "io/fs"

// looseMode cannot be told from mode bits on Windows, where access lists decide.
func looseMode(fs.FileMode) bool { return false }
