package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"phoneverify/adapters/tc3"
	"phoneverify/core"
)

// Authenticator tells who sent a request.
type Authenticator interface {
	// Authenticate returns the caller's name, which may be "". An error is a
	// [core.Error] of Kind Unauthenticated.
	Authenticate(r *http.Request, body []byte) (caller string, err error)

	// Challenge is what WWW-Authenticate says to a caller who failed.
	Challenge() string
}

// Nobody lets no one in, and tells the log what to do about it.
type Nobody struct{ Hint string }

// Authenticate refuses.
func (n Nobody) Authenticate(*http.Request, []byte) (string, error) {
	return "", refusal{http.StatusForbidden, &core.Error{
		Kind: core.Unauthenticated, Code: "AuthFailure.UnauthorizedOperation", Cause: errors.New(n.Hint),
		Message: "Callers are refused until a way to authenticate them is set."}}
}

// Challenge is "": there is nothing that a caller could do.
func (Nobody) Challenge() string { return "" }

// Anyone lets everyone in.
type Anyone struct{}

// Authenticate returns "".
func (Anyone) Authenticate(*http.Request, []byte) (string, error) { return "", nil }

// Challenge is "": nobody fails.
func (Anyone) Challenge() string { return "" }

// Signed lets in who signs as Tencent Cloud API 3.0 says, with one of these secret
// keys, by their SecretId.
type Signed map[string]core.Private

// Authenticate returns the SecretId.
func (s Signed) Authenticate(r *http.Request, body []byte) (string, error) {
	verifier := tc3.Verifier{Service: "faceid", AnyAddress: true, Lookup: func(id string) (tc3.Key, bool) {
		secret, ok := s[id]
		return tc3.Key{Secret: secret}, ok
	}}
	return verifier.Verify(r, body)
}

// Challenge names the scheme.
func (Signed) Challenge() string { return "TC3-HMAC-SHA256" }

// Bearer lets in who has one of the tokens whose SHA-256 these are, by name.
type Bearer map[string][sha256.Size]byte

// Authenticate returns the name of the token.
func (b Bearer) Authenticate(r *http.Request, _ []byte) (string, error) {
	scheme, token, _ := strings.Cut(header(r, "Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", unauthenticated("AuthFailure.InvalidAuthorization", "The request has no bearer token.")
	}
	sum := sha256.Sum256([]byte(token))
	for name, want := range b {
		if subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
			return name, nil
		}
	}
	return "", unauthenticated("AuthFailure.TokenFailure", "The bearer token is not known.")
}

// Challenge names the scheme.
func (Bearer) Challenge() string { return "Bearer" }

func unauthenticated(code, message string) error {
	return &core.Error{Kind: core.Unauthenticated, Code: code, Message: message}
}
