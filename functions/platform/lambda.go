package platform

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Lambda is a binary under a Runtime API server of its own.
type Lambda struct {
	Process
	server *httptest.Server
	queue  chan *invocation

	mu      sync.Mutex
	pending map[string]*invocation // handed out, by request id
	n       int
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	handed   time.Time
	result   chan Result
}

// StartLambda starts a binary with env, which are NAME=value, and the environment that
// Lambda adds.
func StartLambda(binary string, env ...string) (*Lambda, error) {
	l := &Lambda{Process: newProcess(), queue: make(chan *invocation), pending: map[string]*invocation{}}
	l.server = httptest.NewServer(l)
	env = append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(l.server.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=phoneverify", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "TZ=:UTC")
	if err := l.start(binary, env); err != nil {
		l.server.Close()
		return nil, err
	}
	return l, nil
}

// Close ends the process and the server.
func (l *Lambda) Close() {
	l.Process.Close()
	l.server.CloseClientConnections()
	l.server.Close()
}

// Invoke hands out one event. Its deadline is the invocation's, which may be over.
func (l *Lambda) Invoke(ctx context.Context, event []byte, deadline time.Time) (Result, error) {
	l.mu.Lock()
	l.n++
	i := &invocation{id: "request-" + strconv.Itoa(l.n), event: event, deadline: deadline, result: make(chan Result, 1)}
	l.pending[i.id] = i
	l.mu.Unlock()
	select {
	case l.queue <- i:
	case <-l.ended:
		return Result{}, l.errEnded()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	select {
	case r := <-i.result:
		return r, nil
	case <-l.ended:
		return Result{}, l.errEnded()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// ServeHTTP is the Runtime API.
func (l *Lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/2018-06-01/runtime/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	if path == "invocation/next" {
		l.next(w, r)
		return
	}
	id, what, _ := strings.Cut(strings.TrimPrefix(path, "invocation/"), "/")
	l.mu.Lock()
	i := l.pending[id]
	delete(l.pending, id)
	l.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	came := time.Now()
	if i == nil || err != nil {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	if what == "response" {
		i.result <- Result{Payload: body, Handed: i.handed, Came: came}
		return
	}
	failure := fmt.Sprint(string(body), r.Header.Get("Lambda-Runtime-Function-XRay-Error-Cause"))
	i.result <- Result{Failure: failure, Handed: i.handed, Came: came}
}

// next waits for an event and hands it out.
func (l *Lambda) next(w http.ResponseWriter, r *http.Request) {
	select {
	case i := <-l.queue:
		l.mu.Lock()
		i.handed = time.Now()
		l.mu.Unlock()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:123456789012:function:phoneverify")
		w.Write(i.event)
	case <-r.Context().Done():
	case <-l.ended:
	}
}
