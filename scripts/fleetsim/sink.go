package main

import (
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"phoneverify/adapters/httpapi"
	"phoneverify/functions/platform"
)

// sink is a webhook that takes results, and refuses some.
type sink struct {
	receiver *platform.Receiver // checks signatures, and remembers events
	server   *httptest.Server

	mu       sync.Mutex
	random   *rand.Rand
	refusals float64
	refused  int
	wrong    int            // deliveries that no receiver should take
	taken    map[string]int // deliveries that were answered 200, by the id of their event
}

func startSink(o options) *sink {
	s := &sink{receiver: platform.StartReceiver(), random: rand.New(rand.NewPCG(o.seed, 4)), refusals: o.refusals, taken: map[string]int{}}
	s.server = httptest.NewServer(s)
	return s
}

func (s *sink) close() {
	s.server.CloseClientConnections()
	s.server.Close()
	s.receiver.Close()
}

// settings are those of a function whose results come here.
func (s *sink) settings() map[string]string {
	settings := maps.Clone(s.receiver.Env())
	settings["PHONEVERIFY_RESULTS"] = s.server.URL
	return settings
}

// refusal is how a delivery is not taken. Its parts are in the order in which they happen.
type refusal struct {
	records bool // the event is there, and its sender does not learn it
	hangs   bool // until the sender has gone
	status  int  // else the connection breaks
}

var refusals = []refusal{
	{status: http.StatusInternalServerError},
	{status: http.StatusFound},
	{},
	{records: true},
	{hangs: true},
	{records: true, hangs: true},
}

// ServeHTTP takes an event, or refuses it.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refused := s.refusal()
	if refused == nil {
		w.WriteHeader(s.record(r, true))
		return
	}
	if refused.records {
		s.record(r, false)
	} else {
		io.Copy(io.Discard, r.Body)
	}
	if refused.hangs {
		<-r.Context().Done()
	}
	if refused.status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Location", "/elsewhere")
	w.WriteHeader(refused.status)
}

// refusal is what happens to the next delivery, nil if it is taken.
func (s *sink) refusal() *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.random.Float64() >= s.refusals {
		return nil
	}
	s.refused++
	return &refusals[s.random.IntN(len(refusals))]
}

// record remembers an event, and that it is taken if its sender is to learn it. It
// returns the answer's status.
func (s *sink) record(r *http.Request, taken bool) int {
	id, _, _ := strings.Cut(r.Header.Get("webhook-id"), "-")
	status := httpapi.Record(s.receiver, r).Status
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case status != http.StatusOK:
		s.wrong++
	case taken:
		s.taken[id]++
	}
	return status
}

// took is how often an event of this id was taken.
func (s *sink) took(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[id]
}
