// Package webhook is the [queue.Sink] that posts events to a URL, signed as Standard
// Webhooks 1.0.0 says (https://www.standardwebhooks.com):
//
//	POST /hooks HTTP/1.1
//	Content-Type: application/cloudevents+json; charset=utf-8
//	webhook-id: 9c1f…-completed      the event's id and type: the same whenever it is delivered again
//	webhook-timestamp: 1795421255    when it was sent, in Unix seconds
//	webhook-signature: v1,K5oZ…      HMAC-SHA256 of id.timestamp.body, in base64
//
// Any 2xx takes the event. Anything else does not, a redirect included: it would carry
// the event to an address that nobody has vouched for.
package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

var _ queue.Sink = (*Sink)(nil)

const (
	patience       = 5 * time.Second // for one event
	connectTimeout = 3 * time.Second

	// idleTimeout is after how long a connection is not used again. net/http sees to it
	// by the wall clock too, which goes on while a function's machine is frozen.
	idleTimeout = 15 * time.Second

	maxHeader = 64 << 10 // of an answer, in bytes
	maxBody   = 16 << 10 // that is read of one, so that its connection can be used again
)

// Config is where events go.
type Config struct {
	URL    *url.URL     // as [ParseURL] returns it
	Secret core.Private // as [ParseSecret] returns it

	Transport http.RoundTripper // carries the requests; nil for the network
}

// Sink posts events. It is safe for concurrent use.
type Sink struct {
	url       *url.URL
	key       func() core.Private // a func, which fmt does not look into
	transport http.RoundTripper
	patience  time.Duration
}

// New returns a sink. It connects to nothing yet.
func New(c Config) *Sink {
	s := &Sink{c.URL, func() core.Private { return c.Secret }, c.Transport, patience}
	if s.transport == nil {
		s.transport = newTransport()
	}
	return s
}

// newTransport returns the network's. It speaks HTTP/1.1, where a request that is given
// up takes its connection with it: over HTTP/2 a connection that leads nowhere would be
// used again.
func newTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    64,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
		Protocols:              protocols,
	}
}

// Publish implements [queue.Sink].
func (s *Sink) Publish(ctx context.Context, e queue.Event) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	status, err := s.post(ctx, e)
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("webhook: %w", ctx.Err())
	case err != nil:
		return fmt.Errorf("webhook: %w", core.ShownCause(err, nil, io.EOF, io.ErrUnexpectedEOF))
	case status >= 300 && status < 400:
		return errRedirect
	case status < 200 || status > 299:
		return fmt.Errorf("webhook: the answer is HTTP status %d", status)
	}
	return nil
}

var errRedirect = errors.New("webhook: the answer is a redirect, which is not followed")

// post sends an event and returns the answer's status. It asks the transport itself,
// which follows no redirect.
func (s *Sink) post(ctx context.Context, e queue.Event) (status int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	body := e.JSON()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	sign(request.Header, s.key(), e.DeliveryID(), time.Now(), body)
	request.Header.Set("Content-Type", queue.ContentType)
	request.Header.Set("User-Agent", "phoneverify")
	// net/http's word for "send it once more if a connection that was idle turns out to
	// be dead". Nothing of it is sent.
	request.Header["Idempotency-Key"] = nil
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	io.CopyN(io.Discard, response.Body, maxBody) // whatever it says, the status is the answer
	return response.StatusCode, nil
}
