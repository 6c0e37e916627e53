package dynamodb

import "time"

// SetClock gives a ledger the instances' time.
func (l *Ledger) SetClock(now func() time.Time) { l.now = now }

// SetClock gives a client the instance's time. If exact, it is the store's too, whatever
// the store's answers say.
func (c *Client) SetClock(now func() time.Time, exact bool) {
	c.clock.now, c.clock.exact = now, exact
}

// Clock is the estimator of the store's time.
type Clock struct{ c *clock }

// NewClock returns a clock that has heard nothing.
func NewClock(now func() time.Time) Clock { return Clock{&clock{now: now}} }

// Hear takes an answer's date.
func (c Clock) Hear(sent, received, date time.Time) { c.c.hear(sent, received, date) }

// Bounds returns the bounds of the store's time less ours.
func (c Clock) Bounds() (lo, hi time.Duration, ok bool) { return c.c.bounds(c.c.now()) }

// Read returns what the limiter is told.
func (c Clock) Read() (earliest time.Time, spread time.Duration, heard bool) {
	r := c.c.read()
	return r.earliest, r.spread, r.heard
}

// What tests reckon with.
const (
	Disagreement = disagreement
	Skew         = skew
	Fine         = fine
	Late         = late
)

// Wrap returns api as a client.
func Wrap(api API) *Client { return listen(api) }
