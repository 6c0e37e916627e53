package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Enveloped is an HTTP request as a platform's event carries it.
type Enveloped struct {
	Origin   Origin
	Method   string
	Host     string
	Path     string
	RawQuery string
	Header   http.Header
	Body     string
	Base64   bool // the body is in base64
}

// errEnvelope is what Request returns for a body that is not in base64 as it should be.
var errEnvelope = errors.New("httpapi: the envelope holds no proper body")

// Request returns the request as if it had come over a connection.
func (e Enveloped) Request(ctx context.Context) (*http.Request, error) {
	body := []byte(e.Body)
	if e.Base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return nil, errEnvelope
		}
	}
	r := &http.Request{
		Method:        e.Method,
		Host:          e.Host,
		URL:           &url.URL{Path: e.Path, RawQuery: e.RawQuery},
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        e.Header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	return r.WithContext(WithOrigin(ctx, e.Origin)), nil
}

// Response is an HTTP response that is handed on in an envelope.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// SingleHeader is the header with one value to a name, for an envelope that has no
// room for more.
func (r Response) SingleHeader() map[string]string {
	single := make(map[string]string, len(r.Header))
	for name, values := range r.Header {
		single[name] = strings.Join(values, ", ")
	}
	return single
}

// Record serves r and returns the response.
func Record(h http.Handler, r *http.Request) Response {
	w := recorder{Response: Response{Status: http.StatusOK, Header: http.Header{}}}
	h.ServeHTTP(&w, r)
	w.Response.Body = w.body.Bytes()
	return w.Response
}

// recorder is an http.ResponseWriter that keeps what is written.
type recorder struct {
	Response
	body bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.Response.Header }
func (w *recorder) WriteHeader(status int)      { w.Status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
