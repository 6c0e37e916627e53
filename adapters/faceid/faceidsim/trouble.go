package faceidsim

import (
	"context"
	"net/http"
	"time"
)

// Trouble is what happens to one request. Its parts are in the order in which they
// happen; a request that is not scripted otherwise is answered at once and truly.
type Trouble struct {
	Delay  time.Duration // before anything else
	Status int           // a bare HTTP status, and no more: nothing is charged
	Code   string        // this error of the API's
	Result string        // this result, charged if it is one that is
	Reset  bool          // the connection breaks, after what is charged was charged
	Hang   bool          // no answer ever comes, after what is charged was charged
}

// Script makes the next requests that are signed and inside the quota run into
// trouble, one each, in this order. A zero Trouble lets one pass.
func (s *Simulator) Script(troubles ...Trouble) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, troubles...)
}

// magicTrouble comes with a phone. See the package's documentation.
var magicTrouble = map[string]Trouble{
	"16100000201": {Delay: 2 * time.Second, Result: "0"},
	"16100000202": {Status: http.StatusBadGateway},
	"16100000203": {Result: "0", Reset: true},
	"16100000204": {Result: "0", Hang: true},
}

// busyTwice is the phone that is answered -11, -11, 0, over and over.
const busyTwice = "16100000205"

func (s *Simulator) busyThenMatch() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy < 2 {
		s.busy++
		return "-11"
	}
	s.busy = 0
	return "0"
}

// nextTrouble returns what happens to a request: what the script says, else On, else its
// phone.
func (s *Simulator) nextTrouble(p parameters) Trouble {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.script) > 0 {
		next := s.script[0]
		s.script = s.script[1:]
		return next
	}
	if s.On != nil {
		if t := s.On(p.request()); t != (Trouble{}) {
			return t
		}
	}
	if plain, bad := decrypt(p); bad == nil {
		return magicTrouble[plain.get("Phone")]
	}
	return Trouble{}
}

// wait waits out the delay. It is false if the caller went away meanwhile.
func (t Trouble) wait(ctx context.Context) bool {
	if t.Delay == 0 {
		return true
	}
	select {
	case <-time.After(t.Delay):
		return true
	case <-ctx.Done():
		return false
	}
}

// afterCharge breaks the connection, now or once the caller has gone, if the trouble
// is of that kind.
func (t Trouble) afterCharge(ctx context.Context) {
	if t.Hang {
		<-ctx.Done()
	}
	if t.Hang || t.Reset {
		panic(http.ErrAbortHandler)
	}
}
