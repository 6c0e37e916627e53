package coretest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"phoneverify/core"
)

// LimiterHarness is a limiter that has given out no slot, and the time it lives in.
type LimiterHarness struct {
	Limiter core.Limiter
	Pace    core.Pace           // that the limiter keeps
	Slack   time.Duration       // by how much its answers may be off; 0 in a bubble
	Pass    func(time.Duration) // lets the limiter's time pass
}

// Limiter checks that a limiter does what [core.Limiter] says.
func Limiter(t *testing.T, with func(*testing.T, func(*testing.T, LimiterHarness))) {
	limiterSuite.run(t, with)
}

var limiterSuite = suite[LimiterHarness]{
	{"the first slot is now", func(t *testing.T, h LimiterHarness) {
		h.reserve(t, 0, 0)
	}},
	{"slots are one interval apart", func(t *testing.T, h LimiterHarness) {
		for n := range 10 {
			h.reserve(t, time.Minute, time.Duration(n)*h.Pace.Interval)
		}
	}},
	{"time that passes brings slots nearer, and saves none up", func(t *testing.T, h LimiterHarness) {
		h.reserve(t, time.Minute, 0)
		h.reserve(t, time.Minute, h.Pace.Interval)
		h.Pass(h.Pace.Interval)
		h.reserve(t, time.Minute, h.Pace.Interval)
		h.Pass(10 * h.Pace.Interval)
		h.reserve(t, time.Minute, 0)
		h.reserve(t, time.Minute, h.Pace.Interval)
	}},
	{"a slot too far off is refused, and not taken", func(t *testing.T, h LimiterHarness) {
		h.reserve(t, time.Minute, 0)
		h.reserve(t, time.Minute, h.Pace.Interval)
		for range 3 {
			_, err := h.Limiter.Reserve(t.Context(), h.Pace.Interval)
			e, ok := errors.AsType[*core.Error](err)
			if !ok || !errors.Is(err, core.RateLimited) {
				t.Fatalf("got %v, want a core.Error of kind RateLimited", err)
			}
			h.near(t, e.RetryAfter, 2*h.Pace.Interval)
		}
		h.reserve(t, time.Minute, 2*h.Pace.Interval)
	}},
	{"after a pause the slots go on", func(t *testing.T, h LimiterHarness) {
		if err := h.Limiter.Pause(t.Context(), 5*h.Pace.Interval); err != nil {
			t.Fatal(err)
		}
		h.reserve(t, time.Minute, 5*h.Pace.Interval)
		h.reserve(t, time.Minute, 6*h.Pace.Interval)
	}},
	{"a pause shorter than the queue changes nothing", func(t *testing.T, h LimiterHarness) {
		for n := range 4 {
			h.reserve(t, time.Minute, time.Duration(n)*h.Pace.Interval)
		}
		if err := h.Limiter.Pause(t.Context(), h.Pace.Interval); err != nil {
			t.Fatal(err)
		}
		h.reserve(t, time.Minute, 4*h.Pace.Interval)
	}},
	{"64 at once get 64 slots", func(t *testing.T, h LimiterHarness) {
		began := time.Now()
		var mu sync.Mutex
		var earliest, latest []time.Duration // what each slot can have been
		together(64, func(int) {
			before := time.Since(began)
			wait, err := h.Limiter.Reserve(t.Context(), time.Minute)
			after := time.Since(began)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			earliest, latest = append(earliest, before+wait), append(latest, after+wait)
		})
		slices.Sort(latest)
		first := slices.Min(earliest)
		for i, slot := range latest {
			if want := time.Duration(i) * h.Pace.Interval; slot-first < want-h.Slack {
				t.Errorf("slot %d is %v after the first, want %v", i, slot-first, want)
			}
		}
	}},
}

func (h LimiterHarness) reserve(t *testing.T, within, want time.Duration) {
	t.Helper()
	wait, err := h.Limiter.Reserve(t.Context(), within)
	if err != nil {
		t.Fatal(err)
	}
	h.near(t, wait, want)
}

func (h LimiterHarness) near(t *testing.T, got, want time.Duration) {
	t.Helper()
	if got < want-h.Slack || got > want+h.Slack {
		t.Fatalf("the wait is %v, want %v", got, want)
	}
}
