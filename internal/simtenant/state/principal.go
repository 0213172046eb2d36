package state

import "net/http"

// Principal is who a verified access token speaks for.
type Principal struct {
	// ObjectID is the user or the service principal.
	ObjectID string
	// AppID is the client application.
	AppID string
	// User is true for delegated access (a person is behind it).
	User bool
	// Grants are the permissions in the token: roles of an application, scopes of a user.
	Grants []string
	// Audience is the resource the token is for, as its app id or URI.
	Audience string
	// Methods are the token's amr values ("pwd", "mfa", "fido").
	Methods []string
	// AuthContexts are the satisfied acrs values ("c1").
	AuthContexts []string
}

// Verifier finds the principal of a request, or answers it with the right 401 and returns false.
type Verifier func(w http.ResponseWriter, r *http.Request, audience string) (Principal, bool)
