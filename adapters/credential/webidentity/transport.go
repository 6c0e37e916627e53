package webidentity

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

var errRedirect = errors.New("the answer is a redirect, which is not followed")

// transport carries tokens and keys: it follows no redirect, and keeps no connection
// for the hour until it is used again.
type transport struct{ http.Transport }

func newTransport() *transport {
	return &transport{http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSHandshakeTimeout: 3 * time.Second,
		DisableKeepAlives:   true,
		DisableCompression:  true,
	}}
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(r)
	if err == nil && response.StatusCode >= 300 && response.StatusCode < 400 {
		response.Body.Close()
		return nil, errRedirect
	}
	return response, err
}

// connection is what may be shown of an error that is not an answer: addresses and
// types, but no text that could quote one.
func connection(err error) error {
	if errors.Is(err, errRedirect) {
		return errRedirect
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e
	}
	return fmt.Errorf("an error of type %T", err)
}
