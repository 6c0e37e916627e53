package core_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"phoneverify/core"
)

// However requests come, no second (and 30 ms) has more slots than the quota, and a
// crowd gets at least 95 % of it.
func TestPaceKeepsTheQuotaAndUsesIt(t *testing.T) {
	for _, perSecond := range []float64{0.5, 1, 20, 333} {
		pace := core.PaceOf(perSecond)
		now := time.Now()
		var next time.Time
		var slots []time.Time
		for range 5000 {
			if rand.N(10) == 0 {
				now = now.Add(rand.N(3 * time.Second))
			}
			wait, after, ok := pace.Reserve(next, now, time.Hour*24*365)
			if !ok || wait < 0 {
				t.Fatalf("no slot, %v", wait)
			}
			next = after
			slots = append(slots, now.Add(wait))
		}
		if !slices.IsSortedFunc(slots, time.Time.Compare) {
			t.Error("the slots are not in order")
		}
		quota := max(1, int(perSecond))
		for i := quota; i < len(slots); i++ {
			if gap := slots[i].Sub(slots[i-quota]); perSecond >= 1 && gap < time.Second+29*time.Millisecond {
				t.Fatalf("%v a second: %d slots in %v", perSecond, quota+1, gap)
			}
		}
		if used := 1 / (pace.Interval.Seconds() * perSecond); used < 0.95 {
			t.Errorf("%v a second: %.0f %% are used", perSecond, 100*used)
		}
	}
}

func TestPaceRefuses(t *testing.T) {
	pace := core.Pace{Interval: time.Second}
	now := time.Now()
	next := now.Add(2 * time.Second)
	if wait, after, ok := pace.Reserve(next, now, time.Second); ok || wait != 2*time.Second || !after.Equal(next) {
		t.Errorf("got %v, %v, %v", wait, after.Sub(now), ok)
	}
	if wait, after, ok := pace.Reserve(next, now, 2*time.Second); !ok || wait != 2*time.Second || !after.Equal(next.Add(time.Second)) {
		t.Errorf("got %v, %v, %v", wait, after.Sub(now), ok)
	}
}
