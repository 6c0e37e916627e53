package core

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstBackoff = 200 * time.Millisecond
	maxBackoff   = 5 * time.Second
)

// backoff returns how long to wait before the retry that follows failure n (from
// 0): exponential with full jitter, and not less than after.
func backoff(n int, after time.Duration) time.Duration {
	ceiling := maxBackoff
	if n < 10 {
		ceiling = min(firstBackoff<<n, maxBackoff)
	}
	return max(rand.N(ceiling), after)
}

const (
	firstPoll = 20 * time.Millisecond
	maxPoll   = 500 * time.Millisecond
)

// poll returns how long to wait before looking at a key again that another call
// holds, the nth time (from 0): soon at first, then ever less often, and jittered so
// that a crowd of waiters does not read in step.
func poll(n int) time.Duration {
	ceiling := maxPoll
	if n < 8 {
		ceiling = min(firstPoll<<n, maxPoll)
	}
	return ceiling/2 + rand.N(ceiling/2)
}

// sleep waits for d, or until ctx is done, whose error it then returns.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
