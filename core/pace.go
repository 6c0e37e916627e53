package core

import "time"

// Pace is the arithmetic of a quota: the generic cell rate algorithm with no burst,
// one slot after another, Interval apart. It is pure: a store keeps one instant (the
// earliest time of the next slot) and makes Reserve one atomic step on it.
type Pace struct {
	Interval time.Duration
}

// jitterGuard is by how much the network may squeeze requests together without the
// quota being broken: the API counts them when they arrive, not when they left.
const jitterGuard = 30 * time.Millisecond

// PaceOf returns the pace for a quota of perSecond requests (> 0): that many slots in
// one second and a guard of 30 ms, which uses 97 % of the quota.
func PaceOf(perSecond float64) Pace {
	return Pace{Interval: time.Duration(float64(time.Second+jitterGuard) / perSecond)}
}

// Reserve takes a slot: the first at or after both next and now. It returns the
// time until the slot, and the earliest time of the slot after it. Where the wait is
// longer than within, it takes none: ok is false and after is next, unchanged.
func (p Pace) Reserve(next, now time.Time, within time.Duration) (wait time.Duration, after time.Time, ok bool) {
	slot := now
	if next.After(now) {
		slot = next
	}
	if wait = slot.Sub(now); wait > within {
		return wait, next, false
	}
	return wait, slot.Add(p.Interval), true
}

// NoSlot is the error of a [Limiter] whose next slot is wait away, too far.
func NoSlot(wait time.Duration) error {
	return &Error{Kind: RateLimited, Code: "RequestLimitExceeded", RetryAfter: wait,
		Message: "The quota of requests has no slot before the deadline."}
}
