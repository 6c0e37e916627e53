package faceidsim_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"time"
)

// impatient gives a request three seconds.
type impatient struct{ http.RoundTripper }

func (i impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	response, err := i.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body) // before the time is over
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, err
}

// redirect sends every request to another address, with the host it was signed for.
type redirect struct{ scheme, host string }

func to(address string) http.RoundTripper {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return redirect{u.Scheme, u.Host}
}

func (d redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := r.Clone(r.Context())
	sent.URL.Scheme, sent.URL.Host = d.scheme, d.host
	if sent.Host == "" {
		sent.Host = r.URL.Host
	}
	return http.DefaultTransport.RoundTrip(sent)
}
