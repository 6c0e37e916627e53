package faceid

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	connectTimeout = 3 * time.Second
	idleTimeout    = 30 * time.Second // the SDK's own; shorter than the API's side keeps them
	sleepGap       = 15 * time.Second

	// maxAnswer is how much is read of an answer, which has some 200 bytes.
	maxAnswer = 64 << 10
)

var (
	errRedirect = errors.New("faceid: the answer is a redirect, which is not followed")
	errTooLarge = errors.New("faceid: the answer is larger than 64 KB")
	errNotJSON  = errors.New("faceid: the answer is of a kind that was not asked for")
)

// transport carries requests to the API. Connections are reused, but not after a gap
// between requests in which the machine may have been frozen, as functions are: those
// then idle are dead though no timer has run, and what is written to a dead connection
// is perhaps charged and never answered. So are redirects refused: they would carry a
// person's data to another address.
type transport struct {
	base http.RoundTripper

	mu   sync.Mutex
	last time.Time // of the last request, by the wall clock
}

// newTransport returns a transport over HTTP/1.1, where a request has one connection
// to itself, so that "it got a connection" tells whether it may have been sent.
func newTransport() *transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &transport{base: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    20,
		MaxResponseHeaderBytes: maxAnswer,
		DisableCompression:     true,
		Protocols:              protocols,
	}}
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.awoke(time.Now()) {
		t.closeIdle()
	}
	response, err := t.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if err := acceptable(response); err != nil {
		response.Body.Close()
		return nil, err
	}
	response.Body = &limitedBody{ReadCloser: response.Body, left: maxAnswer}
	return response, nil
}

// awoke reports whether the last request was long ago by the wall clock, which goes
// on while a frozen machine's monotonic clock may not.
func (t *transport) awoke(now time.Time) bool {
	now = now.Round(0)
	t.mu.Lock()
	defer t.mu.Unlock()
	gap := now.Sub(t.last)
	t.last = now
	return gap > sleepGap || gap < 0
}

func (t *transport) closeIdle() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// acceptable refuses what the SDK would follow, unpack or leave open.
func acceptable(response *http.Response) error {
	contentType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return errRedirect
	case response.Header.Get("Content-Encoding") != "",
		contentType == "text/event-stream", contentType == "application/octet-stream":
		return errNotJSON
	}
	return nil
}

// limitedBody is a body that fails, rather than ends, where it is too long. It then
// closes itself, which the SDK does not.
type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		b.Close()
		return 0, errTooLarge
	}
	return n, err
}
