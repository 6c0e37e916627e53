package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// timeout is for one invocation, as a function's own is.
const timeout = 30 * time.Second

// runtimeAPI is Lambda as one function sees it.
type runtimeAPI struct {
	*http.Server
	address string
	events  chan []byte
	handed  chan time.Time // when the event was handed out
	answers chan answer
}

// answer is what the function said to an event.
type answer struct {
	came   time.Time
	body   []byte
	failed bool // it came as an error
}

func startRuntimeAPI() (*runtimeAPI, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := &runtimeAPI{
		address: listener.Addr().String(),
		events:  make(chan []byte),
		handed:  make(chan time.Time, 1),
		answers: make(chan answer, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", api.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", api.take(false))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", api.take(true))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", api.take(true))
	api.Server = &http.Server{Handler: mux}
	go api.Serve(listener)
	return api, nil
}

// next hands out an event, once there is one.
func (api *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	select {
	case event := <-api.events:
		now := time.Now()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(now.Add(timeout).UnixMilli(), 10))
		w.Header().Set("Content-Type", "application/json")
		w.Write(event)
		api.handed <- now
	case <-r.Context().Done():
	}
}

// take takes the function's answer.
func (api *runtimeAPI) take(failed bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		a := answer{came: time.Now(), body: body, failed: failed || err != nil}
		w.WriteHeader(http.StatusAccepted)
		api.answers <- a
	}
}

// invoke hands out an event as soon as it is asked for one, and waits for the answer,
// which must be a match. It gives up when the function has gone.
func (api *runtimeAPI) invoke(event []byte, gone <-chan struct{}) (handed, came time.Time, err error) {
	late := time.After(timeout)
	select {
	case api.events <- event:
		handed = <-api.handed
	case <-gone:
		return handed, came, fmt.Errorf("it ended before it asked for an event")
	case <-late:
		return handed, came, fmt.Errorf("it did not ask for an event in %v", timeout)
	}
	select {
	case a := <-api.answers:
		return handed, a.came, a.check()
	case <-gone:
		return handed, came, fmt.Errorf("it ended before it answered")
	case <-late:
		return handed, came, fmt.Errorf("it did not answer in %v", timeout)
	}
}

// check checks that the answer is a match.
func (a answer) check() error {
	var envelope struct{ Response struct{ Result string } }
	if a.failed || json.Unmarshal(a.body, &envelope) != nil || envelope.Response.Result != "0" {
		return fmt.Errorf("it answered %.200s", a.body)
	}
	return nil
}
