package msapi

// SignIn says how to get a token. Method decides which of the other fields count.
type SignIn struct {
	// Method is certificate, workload-identity, managed-identity, device-code, browser or secret.
	Method string
	// TenantID and ClientID name the tenant and the application. ClientID may be empty for a
	// system-assigned managed identity.
	TenantID, ClientID string
	// CertificateFile is a PEM or PKCS#12 file with certificate and key.
	CertificateFile string
	// SecretFile holds a client secret (warned: a certificate or a federated identity is better).
	SecretFile string
	// TokenFile is the file of a federated token (workload identity).
	TokenFile string
	// Prompt tells a person what to do for the device code method.
	Prompt func(message string)
}
