// Package tc3 verifies the signatures of Tencent Cloud API 3.0 on an *http.Request:
// TC3-HMAC-SHA256, in the Authorization header, and the older v1 (HmacSHA1 and
// HmacSHA256), in the parameters of a GET or of a POST form.
//
// Whoever holds a [Verifier] can be called by Tencent's own SDKs and tools, with
// nothing but the address changed. The algorithms are those of the documents
// "Signature Method v3" and "Signature Method" of Tencent Cloud API.
package tc3

import (
	"crypto/hmac"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"phoneverify/core"
)

// Skew is by how much a request's time may differ from ours, either way.
const Skew = 5 * time.Minute

// Key is what a SecretId stands for.
type Key struct {
	Secret core.Private // the SecretKey
	Token  core.Private // of temporary credentials; "" for a key that lasts
}

// Verifier verifies requests to one service.
type Verifier struct {
	Service string                            // as "faceid": the scope that a TC3 signature must name
	Lookup  func(secretID string) (Key, bool) // false: there is no such key

	// AnyAddress takes what Tencent's Node SDK signs at an address that is not the service's
	// own: a scope that names the first label of the host, and the host without its port.
	AnyAddress bool
}

// Verify returns the SecretId that signed r, whose body, already read, is body.
// Every error is a [core.Error] of Kind Unauthenticated with one of the API's own
// AuthFailure codes.
func (v Verifier) Verify(r *http.Request, body []byte) (secretID string, err error) {
	s, err := parse(r, body)
	if err != nil {
		return "", err
	}
	if s.scheme == schemeTC3 && s.service != v.Service {
		if !v.AnyAddress || s.service != firstLabel(r.Host) {
			return "", failure("SignatureFailure", "The credential scope is not of this service.")
		}
		if s, err = parse(withoutPort(r), body); err != nil {
			return "", err
		}
	}
	if age := time.Since(s.time); age > Skew || age < -Skew {
		return "", failure("SignatureExpire", "The request's time differs from the server's by more than five minutes.")
	}
	key, ok := v.Lookup(s.secretID)
	if !ok {
		return "", failure("SecretIdNotFound", "The SecretId is not known.")
	}
	if !hmac.Equal([]byte(s.given), []byte(s.expected(key.Secret))) {
		return "", failure("SignatureFailure", "The signature does not match.")
	}
	if !hmac.Equal([]byte(s.token), []byte(key.Token)) {
		return "", failure("TokenFailure", "The token is not that of the SecretId.")
	}
	return s.secretID, nil
}

// firstLabel is what precedes the first dot, as "127" in 127.0.0.1:8080.
func firstLabel(host string) string {
	label, _, _ := strings.Cut(host, ".")
	return label
}

// withoutPort is the request, as if its host had no port.
func withoutPort(r *http.Request) *http.Request {
	bare := *r
	bare.Host = strings.TrimSuffix(r.Host, ":"+(&url.URL{Host: r.Host}).Port())
	return &bare
}

// signature is what a request claims: who signed it, when, and what with.
type signature struct {
	scheme   string // schemeTC3, or the SignatureMethod of v1
	secretID string
	token    string
	time     time.Time
	date     string // of a TC3 scope
	service  string // of a TC3 scope
	toSign   string // the text that was signed
	given    string // the signature on it, as it was written
}

const (
	schemeTC3    = "TC3-HMAC-SHA256"
	schemeSHA1   = "HmacSHA1"
	schemeSHA256 = "HmacSHA256"
)

// parse reads the signature of a request, by whichever scheme it has.
func parse(r *http.Request, body []byte) (signature, error) {
	if authorization := strings.Join(r.Header.Values("Authorization"), ","); authorization != "" {
		return parseTC3(r, body, authorization)
	}
	return parseV1(r, body)
}

// expected is the signature as it must be under secret.
func (s signature) expected(secret core.Private) string {
	if s.scheme == schemeTC3 {
		return s.expectedTC3(secret)
	}
	return s.expectedV1(secret)
}

// parseTime reads Unix seconds, written as plain digits.
func parseTime(seconds string) (time.Time, error) {
	n, err := strconv.ParseUint(seconds, 10, 40)
	if err != nil {
		return time.Time{}, malformed("The timestamp is missing or is not in seconds.")
	}
	return time.Unix(int64(n), 0).UTC(), nil
}

func malformed(message string) error { return failure("InvalidAuthorization", message) }

func failure(code, message string) error {
	return &core.Error{Kind: core.Unauthenticated, Code: "AuthFailure." + code, Message: message}
}
