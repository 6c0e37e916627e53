package dynamodb_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"phoneverify/adapters/store/dynamodb"
)

// noon is a time without a monotonic clock, on a whole second.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// own is an instance's clock, at a time since noon.
type own struct{ now time.Time }

func (o *own) at(d time.Duration) time.Time { o.now = noon.Add(d); return o.now }

func ms(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// listening returns a clock and what lets it hear of an answer: when, by our clock, it was
// asked for and came, and its second.
func listening() (dynamodb.Clock, *own, func(sent, received time.Duration, second int)) {
	o := &own{noon}
	c := dynamodb.NewClock(func() time.Time { return o.now })
	return c, o, func(sent, received time.Duration, second int) {
		s := noon.Add(sent)
		c.Hear(s, o.at(received), noon.Add(time.Duration(second)*time.Second))
	}
}

func wantBounds(t *testing.T, c dynamodb.Clock, lo, hi time.Duration) {
	t.Helper()
	gotLo, gotHi, ok := c.Bounds()
	const slack = 50 * time.Microsecond // of drift
	if !ok || (gotLo-lo).Abs() > slack || (gotHi-hi).Abs() > slack {
		t.Errorf("the store is between %v and %v ahead (%v), want %v and %v", gotLo, gotHi, ok, lo, hi)
	}
}

func TestClock(t *testing.T) {
	const d = dynamodb.Disagreement
	t.Run("before an answer, our own clock is a second off", func(t *testing.T) {
		c, _, _ := listening()
		earliest, spread, heard := c.Read()
		if heard || !earliest.Equal(noon.Add(-dynamodb.Skew)) || spread != 2*dynamodb.Skew {
			t.Errorf("got %v, %v, %v", earliest, spread, heard)
		}
	})
	t.Run("one answer tells a second", func(t *testing.T) {
		c, _, hear := listening()
		hear(ms(300), ms(310), 0)
		wantBounds(t, c, -ms(310)-d, ms(700)+d)
		earliest, spread, heard := c.Read()
		if !heard || !earliest.Equal(noon.Add(-d)) || spread != time.Second {
			t.Errorf("got %v, %v, %v", earliest, spread, heard)
		}
	})
	t.Run("answers before and after a second tell it", func(t *testing.T) {
		c, _, hear := listening()
		hear(ms(985), ms(995), 0)
		wantBounds(t, c, -ms(995)-d, ms(15)+d)
		hear(ms(1005), ms(1015), 1)
		wantBounds(t, c, -ms(15)-d, ms(15)+d)
		if _, spread, _ := c.Read(); (spread - ms(20)).Abs() > ms(0.1) {
			t.Errorf("the spread is %v, want 30 ms less a round trip of 10 ms", spread)
		}
		hear(ms(1500), ms(1510), 1) // tells nothing more
		wantBounds(t, c, -ms(15.1)-d, ms(15.1)+d)
	})
	t.Run("what was found widens with time", func(t *testing.T) {
		c, o, hear := listening()
		hear(ms(995), ms(1000), 0)
		hear(ms(1000), ms(1005), 1)
		o.at(ms(1005) + 100*time.Second)
		wantBounds(t, c, -ms(5)-d-ms(20), ms(5)+d+ms(20))
	})
	t.Run("a clock that was set starts anew", func(t *testing.T) {
		for _, second := range []int{-3, 3} {
			c, _, hear := listening()
			hear(ms(995), ms(1000), 0)
			hear(ms(1000), ms(1005), 1)
			hear(ms(1300), ms(1310), second)
			s := time.Duration(second) * time.Second
			wantBounds(t, c, s-ms(1310)-d, s-ms(300)+d)
		}
	})
	t.Run("an answer from before its question tells nothing", func(t *testing.T) {
		c, _, hear := listening()
		hear(ms(300), ms(200), 0)
		if _, _, heard := c.Read(); heard {
			t.Error("it was taken")
		}
	})
}

// Whatever the offset, the bounds hold it, and soon lie closely around it.
func TestClockConverges(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		offset := ms(2000*r.Float64() - 1000) // of the store's clock
		rate := 1 + (r.Float64()-0.5)*2*100e-6
		now := time.Duration(0) // by our clock
		o := &own{noon}
		c := dynamodb.NewClock(func() time.Time { return o.now })
		for n := range 400 {
			now += ms(200 * r.Float64())
			sent := now
			made := sent + ms(1+3*r.Float64())
			now = made + ms(1+3*r.Float64())
			store := func(own time.Duration) time.Time {
				return noon.Add(offset + time.Duration(rate*float64(own)))
			}
			c.Hear(noon.Add(sent), o.at(now), store(made).Truncate(time.Second))
			lo, hi, _ := c.Bounds()
			if truth := store(now).Sub(o.now); truth < lo || truth > hi {
				t.Fatalf("seed %d: after %d answers the bounds %v and %v do not hold %v", seed, n, lo, hi, truth)
			}
			if _, spread, _ := c.Read(); n > 300 && spread > ms(60) {
				t.Fatalf("seed %d: after %d answers the spread is %v", seed, n, spread)
			}
		}
	}
}
