package sqs

import (
	"bytes"
	"io"
	"net/http"
)

// maxAnswer is how much is read of an answer, which has some 300 bytes.
const maxAnswer = 64 << 10

// carrier carries the SDK's requests. It follows no redirect: it would carry a token to
// another address.
type carrier struct{ http.RoundTripper }

// Do implements [sqs.HTTPClient]. A request whose connection was idle and turns out to be
// dead is sent once more, for which net/http wants a body that can be had again, and a
// header, of which nothing is sent.
func (c carrier) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	again := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r = r.Clone(r.Context())
	r.Body, _ = again()
	r.GetBody = again
	r.Header["Idempotency-Key"] = nil
	response, err := c.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxAnswer)
	}
	return response, err
}
