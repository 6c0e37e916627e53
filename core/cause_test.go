package core_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"

	"phoneverify/core"
)

// Of an error beneath, what is known to hold no secret is shown, and else its type.
func TestShownCause(t *testing.T) {
	known := errors.New("known")
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	untrusted := &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
	for name, c := range map[string]struct {
		err, otherwise error
		want           string
	}{
		"known":                {fmt.Errorf("secret: %w", known), nil, "known"},
		"connection":           {&url.Error{Op: "Post", URL: "secret", Err: dial}, nil, "dial tcp: connection refused"},
		"certificate":          {&url.Error{Op: "Post", URL: "secret", Err: untrusted}, nil, "tls: failed to verify certificate: unknown authority"},
		"connection, answered": {fmt.Errorf("HTTP 400: %w", dial), errors.New("status 400"), "dial tcp: connection refused"},
		"otherwise":            {errors.New("secret"), errors.New("status 400"), "status 400"},
		"other":                {fmt.Errorf("secret: %w", &url.Error{Op: "secret", Err: errors.New("secret")}), nil, "an error of type *errors.errorString"},
	} {
		if got := core.ShownCause(c.err, c.otherwise, known); got.Error() != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
