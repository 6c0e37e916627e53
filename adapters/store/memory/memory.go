// Package memory keeps a ledger and a limiter in this process: for one instance that
// stays up, for tests and for trying things out. What it knows dies with the process.
package memory

import (
	"context"
	"strconv"
	"sync"
	"time"

	"phoneverify/core"
)

var (
	_ core.Ledger  = (*Ledger)(nil)
	_ core.Limiter = (*Limiter)(nil)
)

// Ledger is a [core.Ledger] in a map. Make one with [NewLedger].
type Ledger struct {
	mu      sync.Mutex
	entries map[core.Digest]entry
	tokens  uint64 // given out so far
	sweepAt int    // the number of entries at which to look for forgotten ones
}

// entry is what is known of a key.
type entry struct {
	state   core.State // Held, Finished, or AbandonedSending
	payload core.Digest
	token   string
	sent    bool // while Held: whether it may have been sent
	verdict core.Verdict
	until   time.Time // the end of the lease, while Held
	forget  time.Time // from then on the entry is as if it were not there
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{entries: map[core.Digest]entry{}, sweepAt: 1024}
}

// Begin implements [core.Ledger].
func (l *Ledger) Begin(_ context.Context, c core.Claim) (core.Standing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.sweep(now)
	standing := l.stand(c, now)
	switch standing.State {
	case core.Fresh, core.AbandonedBeforeSending:
	case core.AbandonedSending:
		if !c.Resend {
			return standing, nil
		}
	default:
		return standing, nil
	}
	l.tokens++
	standing.Token = strconv.FormatUint(l.tokens, 10)
	l.entries[c.Key] = entry{
		state: core.Held, payload: c.Payload, token: standing.Token,
		sent:  standing.State == core.AbandonedSending,
		until: now.Add(c.Lease), forget: now.Add(c.Lease + c.Retain),
	}
	return standing, nil
}

// stand returns how c's key stands, with no token.
func (l *Ledger) stand(c core.Claim, now time.Time) core.Standing {
	e, ok := l.entries[c.Key]
	switch {
	case !ok || !now.Before(e.forget):
		return core.Standing{State: core.Fresh}
	case e.payload != c.Payload:
		return core.Standing{State: core.OtherPayload}
	case e.state != core.Held:
		return core.Standing{State: e.state, Verdict: e.verdict}
	case now.Before(e.until):
		return core.Standing{State: core.Held}
	case e.sent:
		return core.Standing{State: core.AbandonedSending}
	}
	return core.Standing{State: core.AbandonedBeforeSending}
}

// Sending implements [core.Ledger].
func (l *Ledger) Sending(_ context.Context, c core.Claim, on bool) error {
	return l.step(c, func(e *entry, now time.Time) {
		e.sent = on
		e.until = now.Add(c.Lease)
		e.forget = now.Add(c.Lease + c.Retain)
	})
}

// Finish implements [core.Ledger].
func (l *Ledger) Finish(_ context.Context, c core.Claim, v core.Verdict) error {
	return l.step(c, func(e *entry, now time.Time) {
		e.state, e.verdict = core.Finished, v
		e.forget = now.Add(c.Retain)
	})
}

// Release implements [core.Ledger].
func (l *Ledger) Release(_ context.Context, c core.Claim, sent bool) error {
	return l.step(c, func(e *entry, now time.Time) {
		e.state = core.AbandonedSending
		e.forget = now.Add(c.Retain)
		if !sent {
			*e = entry{} // forgotten at once
		}
	})
}

// step changes the entry of a claim that still holds.
func (l *Ledger) step(c core.Claim, change func(*entry, time.Time)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	e, ok := l.entries[c.Key]
	if !ok || e.state != core.Held || e.token != c.Token || !now.Before(e.forget) {
		return core.ErrClaimLost
	}
	change(&e, now)
	l.entries[c.Key] = e
	return nil
}

// sweep drops forgotten entries whenever their number has doubled since the last
// sweep, so that a step costs the same on the average however many there are.
func (l *Ledger) sweep(now time.Time) {
	if len(l.entries) < l.sweepAt {
		return
	}
	for key, e := range l.entries {
		if !now.Before(e.forget) {
			delete(l.entries, key)
		}
	}
	l.sweepAt = max(1024, 2*len(l.entries))
}

// Limiter is a [core.Limiter] for this process alone. Make one with [NewLimiter].
type Limiter struct {
	pace core.Pace
	mu   sync.Mutex
	next time.Time // the earliest time of the next slot
}

// NewLimiter returns a limiter of perSecond requests (> 0) a second.
func NewLimiter(perSecond float64) *Limiter {
	return &Limiter{pace: core.PaceOf(perSecond)}
}

// Reserve implements [core.Limiter].
func (l *Limiter) Reserve(_ context.Context, within time.Duration) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait, next, ok := l.pace.Reserve(l.next, time.Now(), within)
	if !ok {
		return 0, core.NoSlot(wait)
	}
	l.next = next
	return wait, nil
}

// Pause implements [core.Limiter].
func (l *Limiter) Pause(_ context.Context, d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.next) {
		l.next = until
	}
	return nil
}
