package memory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/store/memory"
	"phoneverify/core"
	"phoneverify/core/coretest"
)

func TestLedger(t *testing.T) {
	coretest.Ledger(t, func(t *testing.T, check func(*testing.T, coretest.LedgerHarness)) {
		synctest.Test(t, func(t *testing.T) {
			check(t, coretest.LedgerHarness{Ledger: memory.NewLedger(), Unit: time.Second, Pass: time.Sleep})
		})
	})
}

func TestLimiter(t *testing.T) {
	coretest.Limiter(t, func(t *testing.T, check func(*testing.T, coretest.LimiterHarness)) {
		synctest.Test(t, func(t *testing.T) {
			check(t, coretest.LimiterHarness{Limiter: memory.NewLimiter(20), Pace: core.PaceOf(20), Pass: time.Sleep})
		})
	})
}

// What is forgotten does not stay in memory, and what is not forgotten does.
func TestLedgerForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memory.NewLedger()
		lasting := core.Claim{Key: core.Digest{31: 1}, Lease: time.Second, Retain: time.Hour}
		finish(t, l, lasting)
		for n := range 100_000 {
			finish(t, l, core.Claim{
				Key:   core.Digest{byte(n), byte(n >> 8), byte(n >> 16)},
				Lease: time.Second, Retain: time.Second,
			})
			time.Sleep(time.Millisecond)
		}
		if n := l.Len(); n > 5_000 {
			t.Errorf("%d entries are kept, of which some thousand are not forgotten", n)
		}
		if s, err := l.Begin(t.Context(), lasting); err != nil || s.State != core.Finished {
			t.Errorf("the lasting key is in state %v, %v", s.State, err)
		}
	})
}

func finish(t *testing.T, l *memory.Ledger, c core.Claim) {
	t.Helper()
	s, err := l.Begin(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	c.Token = s.Token
	if err := l.Finish(t.Context(), c, core.Verdict{Result: "0"}); err != nil {
		t.Fatal(err)
	}
}
