package dynamodb

import (
	"sync"
	"time"
)

const (
	// drift is by how much an instance's clock may run faster or slower.
	drift = 200e-6

	// disagreement is by how much the machines behind DynamoDB's address may differ.
	disagreement = 5 * time.Millisecond

	// stepped is the least jump of the wall clock against the monotonic one that is
	// taken for one: the clock was set, or the machine was frozen.
	stepped = 5 * time.Millisecond
)

// clock estimates the store's time from the Date of its answers. An answer with Date D, to
// a request sent at s and received at r on our clock, was made within the second from D
// on and between s and r: the store's time less ours lies in [D - r, D + 1s - s]. So one answer
// tells the time to a second, and each one closer to where the store's seconds change
// narrows it, toward a round trip's duration.
type clock struct {
	now   func() time.Time
	exact bool // now is the store's time: in tests

	mu     sync.Mutex
	heard  bool          // lo, hi and trip are set
	lo, hi time.Duration // bounds of the store's time less ours
	trip   time.Duration // the shortest round trip
	at     time.Time     // when lo and hi were found, on our clock
}

// reading is what is known of the time at an instant.
type reading struct {
	own      time.Time     // on our clock
	earliest time.Time     // the store's time is that, or later
	spread   time.Duration // later by how much at most
	heard    bool          // it was heard from the store, not guessed
}

func newClock() *clock { return &clock{now: time.Now} }

// hear narrows the bounds by an answer. One that contradicts them shows that a clock was
// set, and starts anew.
func (c *clock) hear(sent, received, date time.Time) {
	if c.exact {
		return
	}
	trip := received.Sub(sent)
	if trip < 0 || jumped(sent, received) {
		return
	}
	lo := date.Sub(received.Round(0)) - disagreement
	hi := date.Add(time.Second).Sub(sent.Round(0)) + disagreement
	c.mu.Lock()
	defer c.mu.Unlock()
	oldLo, oldHi, ok := c.bounds(received)
	if ok && lo <= oldHi && hi >= oldLo {
		c.lo, c.hi, c.trip = max(lo, oldLo), min(hi, oldHi), min(trip, c.trip)
	} else {
		c.lo, c.hi, c.trip = lo, hi, trip
	}
	c.heard, c.at = true, received
}

// bounds returns the bounds as wide as they are by now.
func (c *clock) bounds(now time.Time) (lo, hi time.Duration, ok bool) {
	if !c.heard || jumped(c.at, now) {
		return 0, 0, false
	}
	since := time.Duration(drift * float64(now.Sub(c.at).Abs()))
	return c.lo - since, c.hi + since, true
}

// jumped reports whether the wall clock went differently from the monotonic one between
// two times.
func jumped(a, b time.Time) bool {
	return (b.Sub(a) - b.Round(0).Sub(a.Round(0))).Abs() > stepped
}

// read returns what is known of the time. The spread leaves out what is common to all
// instances: the round trip at its shortest, and the disagreement.
//
// Before the store was heard our own clock is taken for off by skew at most.
func (c *clock) read() reading {
	now := c.now()
	if c.exact {
		return reading{now, now, 0, true}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	lo, hi, ok := c.bounds(now)
	if !ok {
		return reading{now, now.Round(0).Add(-skew), 2 * skew, false}
	}
	spread := hi - lo - c.trip - 2*disagreement
	return reading{now, now.Round(0).Add(lo), max(0, spread), true}
}

// nextSecond returns when the store's second changes, at the earliest margin from now, on
// our clock: by the middle of what is known, or by our clock being right, as it mostly
// is, where that is to be trusted and may be.
func (c *clock) nextSecond(margin time.Duration, trust bool) time.Time {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	lo, hi, _ := c.bounds(now)
	offset := (lo + hi) / 2
	if trust && lo <= 0 && hi >= 0 {
		offset = 0
	}
	store := now.Round(0).Add(offset + margin)
	return now.Add(margin + time.Second - time.Duration(store.Nanosecond()))
}

// shortestTrip returns the shortest round trip so far.
func (c *clock) shortestTrip() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trip
}
