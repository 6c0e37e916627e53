package core

import (
	"context"
	"time"
)

// trail is what one verification did, for its log line.
type trail struct {
	began    time.Time
	deadline time.Time // see deadline
	attempts int
	waited   time.Duration // for the holder of the key, for slots, between attempts
	upstream time.Duration // in attempts

	wasUnknown bool // the key's outcome, before this call
}

// remaining is the time until the deadline, 0 or less if it is over or ctx is done.
func (t *trail) remaining(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	return time.Until(t.deadline)
}

// wait sleeps for d or until ctx is done, whose error it then returns.
func (t *trail) wait(ctx context.Context, d time.Duration) error {
	began := time.Now()
	defer func() { t.waited += time.Since(began) }()
	return sleep(ctx, d)
}
