package core

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// ShownCause is what an operator may be shown of an error met on the way to an API. The
// texts of libraries can quote what the other side sent, a person's data or a key: shown
// are only the errors that the caller knows, and those whose texts hold addresses and
// certificates' names; of any other otherwise, or if that is nil the type of what is
// innermost.
func ShownCause(err, otherwise error, known ...error) error {
	for _, k := range known {
		if errors.Is(err, k) {
			return k
		}
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return e
	}
	if otherwise != nil {
		return otherwise
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return fmt.Errorf("an error of type %T", err)
}
