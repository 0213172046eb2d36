package state

// The simulator's own keys on objects, which never leave it.
const (
	// Password is a user's password, in plain text: this is a simulator.
	Password = "_password"
	// Secrets is an application's or service principal's client secrets: an object from
	// keyId (as in passwordCredentials) to the secret's text.
	Secrets = "_secrets"
	// VisibleAt is the instant from which readers see a new object (RFC 3339).
	VisibleAt = "_visibleAt"
	// KnownAt is the instant from which readers see a log record (RFC 3339).
	KnownAt = "_knownAt"
)

// DeviceUser marks the user whom credentials.json names: a normal administrator, not an
// emergency account. A tenant without one gets one.
const DeviceUser = "_deviceUser"
