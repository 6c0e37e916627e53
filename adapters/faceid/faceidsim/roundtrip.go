package faceidsim

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
)

// errReset is what a client sees of a connection that breaks before the answer.
var errReset = errors.New("faceidsim: connection reset by peer")

// RoundTrip implements [http.RoundTripper] by handing the request to the simulator,
// with no network in between. It tells of its connection to net/http/httptrace, as
// http.Transport does, and like it returns once the request's context is done.
func (s *Simulator) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	body, err := drain(r.Body)
	if err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(ctx); trace != nil {
		if trace.GetConn != nil {
			trace.GetConn(r.URL.Host)
		}
		if trace.GotConn != nil {
			trace.GotConn(httptrace.GotConnInfo{})
		}
	}
	arrived := r.Clone(ctx)
	arrived.Body = io.NopCloser(bytes.NewReader(body))
	if arrived.Host == "" {
		arrived.Host = r.URL.Host
	}
	answered := make(chan *http.Response, 1)
	go func() { answered <- s.serve(arrived) }()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case response := <-answered:
		if response == nil {
			return nil, errReset
		}
		response.Request = r
		return response, nil
	}
}

func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer body.Close()
	return io.ReadAll(body)
}

// serve returns the handler's response, nil if it broke the connection off.
func (s *Simulator) serve(r *http.Request) (response *http.Response) {
	defer func() {
		if e := recover(); e != nil {
			if e != http.ErrAbortHandler {
				panic(e)
			}
			response = nil
		}
	}()
	w := &recorder{status: http.StatusOK, header: http.Header{}}
	s.ServeHTTP(w, r)
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.header,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
	}
}

// recorder is an http.ResponseWriter that keeps what is written.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
