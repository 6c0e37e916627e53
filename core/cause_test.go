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
		err  error
		want string
	}{
		"known":       {fmt.Errorf("secret: %w", known), "known"},
		"connection":  {&url.Error{Op: "Post", URL: "secret", Err: dial}, "dial tcp: connection refused"},
		"certificate": {&url.Error{Op: "Post", URL: "secret", Err: untrusted}, "tls: failed to verify certificate: unknown authority"},
		"other":       {fmt.Errorf("secret: %w", &url.Error{Op: "secret", Err: errors.New("secret")}), "an error of type *errors.errorString"},
	} {
		if got := core.ShownCause(c.err, known); got.Error() != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
