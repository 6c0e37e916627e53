// Package queuetest holds the conformance suite of [queue.Sink], which every sink passes
// with its peer: what takes its events, over a [Line] that can be broken.
package queuetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"phoneverify/adapters/queue"
)

// Harness is a sink and the peer behind it, which has taken no event yet.
type Harness struct {
	Sink     queue.Sink
	Received func() []string   // JSON of the events that the peer has taken, so far
	Refuse   func(text string) // the peer takes no event, and says text of each; "" ends it
	Line     *Line             // between the two, nil if they have no network
	Secrets  []string          // that no error may show
}

const (
	limit = 5 * time.Second        // for one Publish, whatever its context allows
	brief = 300 * time.Millisecond // such a limit, where a check waits for it
	slack = time.Second            // how much later than it should a slow machine may return
)

// Sink checks that a sink does what [queue.Sink] says. Each check has a harness of its
// own, and says how long its sink may take to publish an event.
func Sink(t *testing.T, open func(t *testing.T, limit time.Duration) Harness) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.check(t, open(t, limit)) })
	}
	for _, c := range lineChecks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			if h := open(t, c.limit); h.Line != nil {
				c.check(t, h)
			}
		})
	}
}

var checks = []struct {
	name  string
	check func(*testing.T, Harness)
}{
	{"an event arrives byte for byte", func(t *testing.T, h Harness) {
		for n := range 3 {
			h.publish(t, Event(n))
		}
		h.received(t, Event(0), Event(1), Event(2))
	}},
	{"of 50 at once, all arrive", func(t *testing.T, h Harness) {
		var all sync.WaitGroup
		var events []queue.Event
		for n := range 50 {
			events = append(events, Event(n))
			all.Go(func() {
				if err := h.Sink.Publish(t.Context(), Event(n)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		h.received(t, events...)
	}},
	{"once the context is done, nothing is published", func(t *testing.T, h Harness) {
		h.publish(t, Event(1)) // so that all is set up
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		h.fails(t, ctx, Event(2), slack)
		h.publish(t, Event(3))
		h.received(t, Event(1), Event(3))
	}},
	{"a refusal is an error that repeats nothing, and is over when it is", func(t *testing.T, h Harness) {
		h.Refuse(said)
		h.fails(t, t.Context(), Event(1), limit+slack)
		h.Refuse("")
		h.publish(t, Event(2))
		h.Refuse(said)
		h.fails(t, t.Context(), Event(3), limit+slack)
		h.Refuse("")
		h.publish(t, Event(4))
		h.received(t, Event(2), Event(4))
	}},
}

// lineChecks are of what can happen between a sink and its peer.
var lineChecks = []struct {
	name  string
	limit time.Duration
	check func(*testing.T, Harness)
}{
	{"a peer that is away is found out in bounded time, and found when it is back", brief, func(t *testing.T, h Harness) {
		h.Line.Down()
		h.fails(t, t.Context(), Event(1), brief+slack)
		h.Line.Up()
		h.publish(t, Event(2))
		h.Line.Down()
		h.fails(t, t.Context(), Event(3), brief+slack)
		h.Line.Up()
		h.publish(t, Event(4))
		h.received(t, Event(2), Event(4))
	}},
	{"a peer that hangs is left at the deadline", limit, func(t *testing.T, h Harness) {
		h.Line.Hang()
		for n := range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), brief/4)
			h.fails(t, ctx, Event(n), brief/4+slack)
			cancel()
		}
		h.Line.Up()
		h.arrives(t, Event(2))
	}},
	{"a peer that comes to hang is left at the sink's own limit", brief, func(t *testing.T, h Harness) {
		h.publish(t, Event(1))
		h.Line.Hang()
		h.fails(t, t.Context(), Event(2), brief+slack)
		h.Line.Up()
		h.arrives(t, Event(3))
	}},
	{"a connection that broke while it was idle costs nothing", limit, func(t *testing.T, h Harness) {
		for n := range 3 {
			h.publish(t, Event(n))
			h.Line.Cut()
		}
	}},
	{"a connection that leads nowhere costs one event's time at most", brief, func(t *testing.T, h Harness) {
		h.publish(t, Event(1))
		h.Line.Strand()
		h.Sink.Publish(t.Context(), Event(2))
		h.arrives(t, Event(3))
	}},
}

// said is what a peer says of what it refuses.
const said = "sesame says the peer"

// canary is in every event.
const canary = "canary-order"

// Event returns the nth event of a test. Its texts are such as a sink could spoil.
func Event(n int) queue.Event {
	return queue.Event{
		ID:   fmt.Sprintf("%064x", 0xca4a47<<20+n),
		Type: []string{queue.Completed, queue.Failed, queue.Unknown}[n%3],
		Time: time.Date(2026, 11, 23, 8, 7, 35, n*1e6, time.UTC),
		Data: struct{ Id, Description, Isp string }{
			fmt.Sprintf(canary+"-%d", n), "验证通过 <b>&amp;</b> \u2028 \\ \" \x7f\n", "e\u0301 🀄 %20 + \ufeff",
		},
	}
}

// publish publishes what must arrive.
func (h Harness) publish(t *testing.T, e queue.Event) {
	t.Helper()
	if err := h.Sink.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// fails publishes what must fail within a time, with an error that tells nothing.
func (h Harness) fails(t *testing.T, ctx context.Context, e queue.Event, within time.Duration) {
	t.Helper()
	began := time.Now()
	err := h.Sink.Publish(ctx, e)
	if took := time.Since(began); took > within {
		t.Errorf("returned after %v, want %v", took, within)
	}
	if err == nil {
		t.Fatal("got no error")
	}
	t.Log(err)
	for _, secret := range append([]string{said, canary, e.ID}, h.Secrets...) {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

// arrives publishes an event that must arrive, when others may have.
func (h Harness) arrives(t *testing.T, e queue.Event) {
	t.Helper()
	h.publish(t, e)
	for _, got := range h.Received() {
		if got == string(e.JSON()) {
			return
		}
	}
	t.Errorf("the peer has not taken the event that was published")
}

// received checks that the peer has taken these events and no others, each at least once.
func (h Harness) received(t *testing.T, events ...queue.Event) {
	t.Helper()
	missing := map[string]bool{}
	for _, e := range events {
		missing[string(e.JSON())] = true
	}
	want := len(missing)
	for _, got := range h.Received() {
		if _, known := missing[got]; !known {
			t.Errorf("the peer has taken what was not published: %s", got)
		}
		missing[got] = false
	}
	for event, lost := range missing {
		if lost {
			t.Errorf("the peer has not taken one of %d: %s", want, event)
		}
	}
}
