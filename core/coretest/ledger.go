package coretest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"phoneverify/core"
)

// LedgerHarness is an empty ledger and the time it lives in.
type LedgerHarness struct {
	Ledger core.Ledger
	Unit   time.Duration       // of leases: several steps fit well into one
	Pass   func(time.Duration) // lets the ledger's time pass
}

// Ledger checks that a ledger does what [core.Ledger] says.
func Ledger(t *testing.T, with func(*testing.T, func(*testing.T, LedgerHarness))) {
	ledgerSuite.run(t, with)
}

var ledgerSuite = suite[LedgerHarness]{
	{"a fresh key is granted, then held", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.stands(t, h.claim(1), core.Held)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.stands(t, h.claim(1), core.Held)
	}},
	{"keys are apart", func(t *testing.T, h LedgerHarness) {
		h.begin(t, h.claim(1), core.Fresh)
		h.begin(t, h.claim(2), core.Fresh)
	}},
	{"a verdict is remembered, whole, for as long as said", func(t *testing.T, h LedgerHarness) {
		want := core.Verdict{Result: "0", Description: "认证通过 \"ok\"\n", Isp: "移动", RequestID: "a5fdb909-5ee6"}
		c := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.ok(t, h.Ledger.Finish(t.Context(), c, want))
		if got := h.stands(t, h.claim(1), core.Finished).Verdict; got != want {
			t.Errorf("the verdict is %+v, want %+v", got, want)
		}
		h.Pass(c.Lease + h.Unit) // the lease has nothing to do with it
		h.stands(t, h.claim(1), core.Finished)
		h.Pass(c.Retain)
		h.begin(t, h.claim(1), core.Fresh)
	}},
	{"a claim that is forgotten takes no further step", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.Pass(c.Lease + c.Retain + h.Unit)
		h.shutOut(t, c)
	}},
	{"another payload is told of, in every state", func(t *testing.T, h LedgerHarness) {
		other := h.claim(1)
		other.Payload[0] = 0xff
		c := h.begin(t, h.claim(1), core.Fresh)
		h.stands(t, other, core.OtherPayload)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.stands(t, other, core.OtherPayload)
		h.ok(t, h.Ledger.Finish(t.Context(), c, core.Verdict{Result: "-4"}))
		h.stands(t, other, core.OtherPayload)
	}},
	{"a claim released unsent was never there", func(t *testing.T, h LedgerHarness) {
		other := h.claim(1)
		other.Payload[0] = 0xff
		c := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Release(t.Context(), c, false))
		h.begin(t, other, core.Fresh)
	}},
	{"a claim released unsent after Sending was never there", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.ok(t, h.Ledger.Release(t.Context(), c, false))
		h.begin(t, h.claim(1), core.Fresh)
	}},
	{"a claim released as sent stays unknown, for as long as said", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.ok(t, h.Ledger.Release(t.Context(), c, true))
		h.stands(t, h.claim(1), core.AbandonedSending)
		other := h.claim(1)
		other.Payload[0] = 0xff
		h.stands(t, other, core.OtherPayload)
		h.lost(t, h.Ledger.Finish(t.Context(), c, core.Verdict{Result: "0"}))
		h.stands(t, h.claim(1), core.AbandonedSending)
		h.Pass(c.Retain + h.Unit)
		h.begin(t, h.claim(1), core.Fresh)
	}},
	{"a key abandoned before sending is taken over, and its old holder is shut out", func(t *testing.T, h LedgerHarness) {
		old := h.begin(t, h.claim(1), core.Fresh)
		h.Pass(old.Lease + h.Unit/2)
		taken := h.begin(t, h.claim(1), core.AbandonedBeforeSending)
		h.shutOut(t, old)
		h.stands(t, h.claim(1), core.Held)
		h.ok(t, h.Ledger.Sending(t.Context(), taken, true))
		h.ok(t, h.Ledger.Finish(t.Context(), taken, core.Verdict{Result: "-9"}))
		h.shutOut(t, old)
		h.stands(t, h.claim(1), core.Finished)
	}},
	{"a key abandoned while sending is not granted", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.Pass(c.Lease + h.Unit/2)
		h.stands(t, h.claim(1), core.AbandonedSending)
		h.stands(t, h.claim(1), core.AbandonedSending)
	}},
	{"a key abandoned while sending is granted to who would resend, and its old holder is shut out", func(t *testing.T, h LedgerHarness) {
		old := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), old, true))
		resend := h.claim(1)
		resend.Resend = true
		h.stands(t, resend, core.Held)
		h.Pass(old.Lease + h.Unit/2)
		taken := h.begin(t, resend, core.AbandonedSending)
		h.shutOut(t, old)
		h.ok(t, h.Ledger.Finish(t.Context(), taken, core.Verdict{Result: "0"}))
		h.stands(t, h.claim(1), core.Finished)
	}},
	{"a key released as sent is granted to who would resend", func(t *testing.T, h LedgerHarness) {
		old := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), old, true))
		h.ok(t, h.Ledger.Release(t.Context(), old, true))
		resend := h.claim(1)
		resend.Resend = true
		h.begin(t, resend, core.AbandonedSending)
		h.shutOut(t, old)
	}},
	{"a resent key that is abandoned before it is sent again is unknown still", func(t *testing.T, h LedgerHarness) {
		old := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), old, true))
		h.ok(t, h.Ledger.Release(t.Context(), old, true))
		resend := h.claim(1)
		resend.Resend = true
		taken := h.begin(t, resend, core.AbandonedSending)
		h.Pass(taken.Lease + h.Unit/2)
		h.stands(t, h.claim(1), core.AbandonedSending)
	}},
	{"a late answer is taken while nobody has taken over", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.Pass(c.Lease + h.Unit/2)
		h.stands(t, h.claim(1), core.AbandonedSending)
		h.ok(t, h.Ledger.Finish(t.Context(), c, core.Verdict{Result: "0"}))
		h.stands(t, h.claim(1), core.Finished)
	}},
	{"a key abandoned between two attempts is taken over", func(t *testing.T, h LedgerHarness) {
		old := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), old, true))
		h.ok(t, h.Ledger.Sending(t.Context(), old, false))
		h.stands(t, h.claim(1), core.Held)
		h.Pass(old.Lease + h.Unit/2)
		h.begin(t, h.claim(1), core.AbandonedBeforeSending)
		h.shutOut(t, old)
	}},
	{"Sending renews the lease", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		for _, on := range []bool{true, false, true} {
			h.Pass(c.Lease * 3 / 4)
			h.ok(t, h.Ledger.Sending(t.Context(), c, on))
		}
		h.stands(t, h.claim(1), core.Held)
	}},
	{"a token that was never given opens nothing", func(t *testing.T, h LedgerHarness) {
		forged := h.claim(1)
		forged.Token = "forged"
		h.shutOut(t, forged)
		h.begin(t, h.claim(1), core.Fresh)
		h.shutOut(t, forged)
		h.stands(t, h.claim(1), core.Held)
	}},
	{"a finished claim takes no further step", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.ok(t, h.Ledger.Sending(t.Context(), c, true))
		h.ok(t, h.Ledger.Finish(t.Context(), c, core.Verdict{Result: "0"}))
		h.shutOut(t, c)
		h.stands(t, h.claim(1), core.Finished)
	}},
	{"of 64 that begin a key at once, one is granted it", func(t *testing.T, h LedgerHarness) {
		var granted atomic.Int32
		together(64, func(int) {
			standing, err := h.Ledger.Begin(t.Context(), h.claim(1))
			switch {
			case err != nil:
				t.Error(err)
			case standing.Token != "":
				granted.Add(1)
			case standing.State != core.Held:
				t.Errorf("state %d, want Held", standing.State)
			}
		})
		if granted.Load() != 1 {
			t.Errorf("%d were granted the key", granted.Load())
		}
	}},
	{"of 64 that take over a key at once, one is granted it", func(t *testing.T, h LedgerHarness) {
		c := h.begin(t, h.claim(1), core.Fresh)
		h.Pass(c.Lease + h.Unit/2)
		var granted atomic.Int32
		together(64, func(int) {
			standing, err := h.Ledger.Begin(t.Context(), h.claim(1))
			if err != nil {
				t.Error(err)
			} else if standing.Token != "" {
				granted.Add(1)
			}
		})
		if granted.Load() != 1 {
			t.Errorf("%d were granted the key", granted.Load())
		}
	}},
}

// claim returns a claim of the nth key.
func (h LedgerHarness) claim(n byte) core.Claim {
	return core.Claim{
		Key:     core.Digest{0: n},
		Payload: core.Digest{0: n, 31: 1},
		Lease:   2 * h.Unit,
		Retain:  8 * h.Unit,
	}
}

// begin begins a key that must be granted from the state want.
func (h LedgerHarness) begin(t *testing.T, c core.Claim, want core.State) core.Claim {
	t.Helper()
	standing, err := h.Ledger.Begin(t.Context(), c)
	h.ok(t, err)
	if standing.State != want || standing.Token == "" {
		t.Fatalf("Begin: state %d, token %q; want state %d and a token", standing.State, standing.Token, want)
	}
	c.Token = standing.Token
	return c
}

// stands begins a key that must not be granted.
func (h LedgerHarness) stands(t *testing.T, c core.Claim, want core.State) core.Standing {
	t.Helper()
	standing, err := h.Ledger.Begin(t.Context(), c)
	h.ok(t, err)
	if standing.State != want || standing.Token != "" {
		t.Fatalf("Begin: state %d, token %q; want state %d and no token", standing.State, standing.Token, want)
	}
	return standing
}

func (h LedgerHarness) ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h LedgerHarness) lost(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, core.ErrClaimLost) {
		t.Fatalf("got %v, want ErrClaimLost", err)
	}
}

// shutOut checks that c can take no step.
func (h LedgerHarness) shutOut(t *testing.T, c core.Claim) {
	t.Helper()
	h.lost(t, h.Ledger.Sending(t.Context(), c, true))
	h.lost(t, h.Ledger.Sending(t.Context(), c, false))
	h.lost(t, h.Ledger.Finish(t.Context(), c, core.Verdict{Result: "forged"}))
	h.lost(t, h.Ledger.Release(t.Context(), c, false))
	h.lost(t, h.Ledger.Release(t.Context(), c, true))
}
