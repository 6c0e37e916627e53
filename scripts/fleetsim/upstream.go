package main

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/adapters/httpapi"
)

// upstream is the simulator at a distance: an answer takes its time on the way, so that
// there is a middle of a call to be killed in.
type upstream struct {
	sim    *faceidsim.Simulator
	server *httptest.Server

	mu      sync.Mutex
	random  *rand.Rand
	trouble float64
}

func startUpstream(o options) *upstream {
	u := &upstream{sim: new(faceidsim.Simulator), random: rand.New(rand.NewPCG(o.seed, 2)), trouble: o.trouble}
	u.server = httptest.NewServer(u)
	return u
}

func (u *upstream) close() {
	u.server.CloseClientConnections()
	u.server.Close()
}

// troubles are what can happen to a call. Of these only the reset is charged.
var troubles = []faceidsim.Trouble{
	{Result: "-11"},
	{Code: "InternalError"},
	{Status: http.StatusBadGateway},
	{Reset: true},
}

// ServeHTTP lets the simulator answer, and the answer take its time.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	delay := 20*time.Millisecond + time.Duration(u.random.Int64N(int64(100*time.Millisecond)))
	if u.random.Float64() < u.trouble {
		u.sim.Script(troubles[u.random.IntN(len(troubles))])
	}
	u.mu.Unlock()
	response := httpapi.Record(u.sim, r)
	time.Sleep(delay)
	for name, values := range response.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(response.Status)
	w.Write(response.Body)
}
