package core_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/store/memory"
	"phoneverify/core"
)

// upstream is a core.Upstream that answers by a script, then with a match.
type upstream struct {
	mu       sync.Mutex
	script   []func(context.Context) (core.Verdict, error)
	attempts []time.Time
	latency  time.Duration
}

func (u *upstream) Verify(ctx context.Context, _ core.Request) (core.Verdict, error) {
	u.mu.Lock()
	u.attempts = append(u.attempts, time.Now())
	answer := result("0")
	if len(u.script) > 0 {
		answer, u.script = u.script[0], u.script[1:]
	}
	u.mu.Unlock()
	select {
	case <-time.After(u.latency):
		return answer(ctx)
	case <-ctx.Done():
		return core.Verdict{}, &core.Error{Kind: core.Unknown, Code: "FailedOperation.OutcomeUnknown"}
	}
}

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.attempts)
}

func result(code string) func(context.Context) (core.Verdict, error) {
	return func(context.Context) (core.Verdict, error) {
		return core.Verdict{Result: code, Description: "text", Isp: "Telecom", RequestID: "id-" + code}, nil
	}
}

func fails(kind core.Kind, after time.Duration) func(context.Context) (core.Verdict, error) {
	return func(context.Context) (core.Verdict, error) {
		return core.Verdict{}, &core.Error{Kind: kind, Code: "Code", RetryAfter: after}
	}
}

// hangs until the attempt's deadline, then is unknown.
func hangs(ctx context.Context) (core.Verdict, error) {
	<-ctx.Done()
	return core.Verdict{}, &core.Error{Kind: core.Unknown, Code: "FailedOperation.OutcomeUnknown"}
}

// world is a verifier and what it works with.
type world struct {
	*core.Verifier
	upstream *upstream
	log      *bytes.Buffer
}

func newWorld(script ...func(context.Context) (core.Verdict, error)) *world {
	w := &world{upstream: &upstream{script: script}, log: new(bytes.Buffer)}
	w.Verifier = &core.Verifier{
		Upstream: w.upstream,
		Ledger:   punctual{memory.NewLedger()},
		Limiter:  memory.NewLimiter(20),
		Policy:   core.Policy{Secret: "0123456789abcdef0123456789abcdef"},
		Log:      slog.New(slog.NewJSONHandler(w.log, nil)),
	}
	return w
}

// punctual is a ledger that, like one across a network, does nothing for a context that
// is done.
type punctual struct{ core.Ledger }

func (l punctual) Begin(ctx context.Context, c core.Claim) (core.Standing, error) {
	if err := ctx.Err(); err != nil {
		return core.Standing{}, err
	}
	return l.Ledger.Begin(ctx, c)
}
func (l punctual) Sending(ctx context.Context, c core.Claim, on bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.Ledger.Sending(ctx, c, on)
}
func (l punctual) Finish(ctx context.Context, c core.Claim, v core.Verdict) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.Ledger.Finish(ctx, c, v)
}
func (l punctual) Release(ctx context.Context, c core.Claim, sent bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.Ledger.Release(ctx, c, sent)
}

// verify verifies the example under a key, within a time.
func (w *world) verify(t *testing.T, key core.Private, within time.Duration) (core.Answer, error) {
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return w.Verify(ctx, core.Call{Request: example, Key: key, Trigger: "test"})
}

// lastLine returns the last line of the log.
func (w *world) lastLine(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

func wantAnswer(t *testing.T, a core.Answer, err error, result string, replayed bool) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if a.Result != result || a.Replayed != replayed {
		t.Errorf("result %s, replayed %t; want %s, %t", a.Result, a.Replayed, result, replayed)
	}
}

func wantKind(t *testing.T, err error, want core.Kind) *core.Error {
	t.Helper()
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Kind != want || e.Code == "" {
		t.Fatalf("got %v, want a core.Error of kind %v with a code", err, want)
	}
	return e
}

func TestVerdictIsReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []string{"0", "-4", "-6", "-7", "-8", "-9", "-12", "-13", "-5"} {
			w := newWorld(result(code))
			first, err := w.verify(t, "k", time.Minute)
			wantAnswer(t, first, err, code, false)
			time.Sleep(13 * 24 * time.Hour)
			second, err := w.verify(t, "k", time.Minute)
			wantAnswer(t, second, err, code, true)
			if second.Verdict != first.Verdict {
				t.Errorf("%+v was replayed as %+v", first, second)
			}
			time.Sleep(2 * 24 * time.Hour)
			third, err := w.verify(t, "k", time.Minute)
			wantAnswer(t, third, err, "0", false)
		}
	})
}

func TestRequestWithoutKeyIsReplayedInTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for _, step := range []struct {
			after    time.Duration
			replayed bool
		}{{0, false}, {4 * time.Minute, true}, {2 * time.Minute, false}} {
			time.Sleep(step.after)
			a, err := w.verify(t, "", time.Minute)
			wantAnswer(t, a, err, "0", step.replayed)
		}
	})
}

// Callers have keys and fingerprints of their own.
func TestCallersDoNotShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for _, key := range []core.Private{"", "k"} {
			for _, caller := range []string{"", "a", "b"} {
				a, err := w.Verify(t.Context(), core.Call{Request: example, Key: key, Caller: caller})
				wantAnswer(t, a, err, "0", false)
			}
		}
		if n := w.upstream.count(); n != 6 {
			t.Errorf("%d attempts, want 6", n)
		}
	})
}

func TestFiftyAtOnceAreOneCharge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.upstream.latency = time.Second
		answers := make([]core.Answer, 50)
		errs := make([]error, 50)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i], errs[i] = w.verify(t, "k", time.Minute) })
		}
		all.Wait()
		first := 0
		for i, a := range answers {
			if errs[i] != nil || a.Verdict != answers[0].Verdict {
				t.Errorf("answer %d is %+v, %v", i, a, errs[i])
			}
			if !a.Replayed {
				first++
			}
		}
		if first != 1 || w.upstream.count() != 1 {
			t.Errorf("%d answers are first ones, of %d attempts; want 1 of 1", first, w.upstream.count())
		}
	})
}

func TestKeyOfAnotherRequestIsConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, err := w.verify(t, "k", time.Minute)
		wantAnswer(t, a, err, "0", false)
		for _, change := range []func(*core.Request){
			func(r *core.Request) { r.Name = "another" },
			func(r *core.Request) { r.IdCard, r.Name = r.IdCard[:17], r.IdCard[17:]+r.Name }, // the same, run together
			func(r *core.Request) { r.Iv = "x" },
			func(r *core.Request) { r.EncryptList, r.Iv, r.CiphertextBlob = []string{"Name"}, "i", "b" },
		} {
			other := example
			change(&other)
			_, err = w.Verify(t.Context(), core.Call{Request: other, Key: "k"})
			wantKind(t, err, core.Conflict)
		}
		if n := w.upstream.count(); n != 1 {
			t.Errorf("%d attempts, want 1", n)
		}
	})
}

// A key is not the fingerprint of a request, nor known without the secret.
func TestDigests(t *testing.T) {
	digest := func(secret core.Private, call core.Call) core.Digest {
		spy := new(spyLedger)
		v := core.Verifier{Upstream: new(upstream), Ledger: spy, Limiter: memory.NewLimiter(20), Policy: core.Policy{Secret: secret}}
		v.Verify(t.Context(), call)
		return spy.claim.Key
	}
	const secret = "0123456789abcdef0123456789abcdef"
	fingerprint := digest(secret, core.Call{Request: example})
	payload := func() core.Private {
		spy := new(spyLedger)
		v := core.Verifier{Ledger: spy, Policy: core.Policy{Secret: secret}}
		v.Verify(t.Context(), core.Call{Request: example})
		return core.Private(spy.claim.Payload[:])
	}()
	keys := map[core.Digest]string{fingerprint: "fingerprint"}
	for name, key := range map[string]core.Digest{
		"fingerprint under another secret": digest("another", core.Call{Request: example}),
		"key":                              digest(secret, core.Call{Request: example, Key: "k"}),
		"key under another secret":         digest("another", core.Call{Request: example, Key: "k"}),
		"key that is the payload":          digest(secret, core.Call{Request: example, Key: payload}),
		"key of a caller":                  digest(secret, core.Call{Request: example, Key: "k", Caller: "a"}),
		"key run together with a caller":   digest(secret, core.Call{Request: example, Key: "ak"}),
	} {
		if other, ok := keys[key]; ok {
			t.Errorf("%s is %s", name, other)
		}
		keys[key] = name
	}
}

// spyLedger keeps the claim that is begun, and grants none.
type spyLedger struct {
	core.Ledger
	claim core.Claim
}

func (l *spyLedger) Begin(_ context.Context, c core.Claim) (core.Standing, error) {
	l.claim = c
	return core.Standing{State: core.OtherPayload}, nil
}

func TestInvalidRequestGoesNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Ledger, w.Limiter = nil, nil
		_, err := w.Verify(t.Context(), core.Call{})
		wantKind(t, err, core.Invalid)
	})
}

// What is free is tried again, until it is answered.
func TestFreeFailuresAreRetried(t *testing.T) {
	for name, free := range map[string]func(context.Context) (core.Verdict, error){
		"busy":         result("-11"),
		"unavailable":  fails(core.Unavailable, 0),
		"rate limited": fails(core.RateLimited, 0),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(free, free, free)
				a, err := w.verify(t, "k", time.Minute)
				wantAnswer(t, a, err, "0", false)
				if n := w.upstream.count(); n != 4 {
					t.Errorf("%d attempts, want 4", n)
				}
				if n := w.lastLine(t)["attempts"]; n != 4.0 {
					t.Errorf("the log says %v attempts", n)
				}
			})
		})
	}
}

// What is not free, or would not pass, is tried once.
func TestOtherFailuresAreNotRetried(t *testing.T) {
	for kind, want := range map[core.Kind]core.Kind{
		core.Invalid: core.Invalid, core.Rejected: core.Rejected, core.Unknown: core.Unknown,
		core.Conflict: core.Unknown, core.InProgress: core.Unknown, core.Unauthenticated: core.Unknown, core.Internal: core.Unknown,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(fails(kind, 0))
			_, err := w.verify(t, "k", time.Minute)
			wantKind(t, err, want)
			if want == core.Unknown {
				_, err = w.verify(t, "k", time.Minute)
				wantKind(t, err, core.Unknown)
			}
			if n := w.upstream.count(); n != 1 {
				t.Errorf("%v: %d attempts, want 1", kind, n)
			}
		})
	}
}

// When there is no time for more, the last answer stands and the key is free again.
func TestBusyToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var script []func(context.Context) (core.Verdict, error)
		for range 100 {
			script = append(script, result("-11"))
		}
		w := newWorld(script...)
		began := time.Now()
		a, err := w.verify(t, "k", 20*time.Second)
		wantAnswer(t, a, err, "-11", false)
		if took := time.Since(began); took > 20*time.Second-500*time.Millisecond {
			t.Errorf("it took %v of 20 s", took)
		}
		if n := w.upstream.count(); n < 4 || n > 40 {
			t.Errorf("%d attempts", n)
		}
		w.upstream.script = nil
		a, err = w.verify(t, "k", 20*time.Second)
		wantAnswer(t, a, err, "0", false)
	})
}

// The same when it is the quota that leaves no room for another attempt.
func TestBusyAndThenNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(result("-11"))
		time.AfterFunc(time.Millisecond, func() { w.Limiter.Pause(context.Background(), time.Hour) })
		a, err := w.verify(t, "k", 20*time.Second)
		wantAnswer(t, a, err, "-11", false)
	})
}

// Between two attempts a key is not being sent: who takes it over then may send it.
func TestCrashBetweenAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(fails(core.Unavailable, 10*time.Second))
		ctx, crash := context.WithCancel(t.Context())
		whole := w.Ledger
		dying := *w.Verifier
		dying.Ledger = crashing{whole, "finish"}
		go dying.Verify(ctx, core.Call{Request: example, Key: "k"})
		time.Sleep(time.Second)
		crash()
		a, err := w.verify(t, "k", 2*time.Minute)
		wantAnswer(t, a, err, "0", false)
	})
}

// Who waits for a slot before another attempt is not taken to have been cut short.
func TestDuplicateDuringRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(result("-11"))
		first := make(chan core.Answer)
		go func() {
			a, err := w.verify(t, "k", 2*time.Minute)
			if err != nil {
				t.Error(err)
			}
			first <- a
		}()
		time.Sleep(time.Millisecond)
		w.Limiter.Pause(t.Context(), 20*time.Second)
		time.Sleep(16 * time.Second) // longer than an attempt's lease
		a, err := w.verify(t, "k", time.Minute)
		b := <-first
		if err != nil || a.Result != "0" || b.Result != "0" || a.Replayed == b.Replayed || w.upstream.count() != 2 {
			t.Errorf("got %+v, %v and %+v after %d attempts", a, err, b, w.upstream.count())
		}
	})
}

// slow is a ledger that takes its time to mark a key as being sent.
type slow struct {
	core.Ledger
	delay time.Duration
}

func (l slow) Sending(ctx context.Context, c core.Claim, on bool) error {
	time.Sleep(l.delay)
	return l.Ledger.Sending(ctx, c, on)
}

// An attempt that would not end in time is not begun, however late that is known.
func TestSlowLedgerSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		whole := w.Ledger
		w.Ledger = slow{whole, 2 * time.Second}
		_, err := w.verify(t, "k", 6*time.Second)
		wantKind(t, err, core.Unavailable)
		if n := w.upstream.count(); n != 0 {
			t.Errorf("%d attempts", n)
		}
		w.Ledger = whole
		a, err := w.verify(t, "k", time.Minute)
		wantAnswer(t, a, err, "0", false)
	})
}

// However long the ledger takes to mark a key, requests leave in their slots.
func TestSlowLedgerDoesNotSqueezeRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Ledger = &unsteady{Ledger: w.Ledger}
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				if _, err := w.verify(t, core.Private(fmt.Sprint("k", i)), time.Minute); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		interval := core.PaceOf(20).Interval
		for i := 1; i < 60; i++ {
			if gap := w.upstream.attempts[i].Sub(w.upstream.attempts[i-1]); gap < interval {
				t.Errorf("attempts %d and %d are %v apart, want %v", i-1, i, gap, interval)
			}
		}
	})
}

// A slot that was missed is not used: another is taken.
func TestMissedSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Ledger = slow{w.Ledger, 300 * time.Millisecond}
		began := time.Now()
		a, err := w.verify(t, "k", time.Minute)
		wantAnswer(t, a, err, "0", false)
		if at := w.upstream.attempts[0].Sub(began); at != 300*time.Millisecond {
			t.Errorf("the attempt was made after %v", at)
		}
		if wait, err := w.Limiter.Reserve(t.Context(), time.Minute); err != nil || wait != core.PaceOf(20).Interval {
			t.Errorf("the slot after it is %v away, %v: it was not taken", wait, err)
		}
	})
}

// unsteady is a ledger that takes nothing, or 45 ms, to mark a key as being sent.
type unsteady struct {
	core.Ledger
	n atomic.Int32
}

func (l *unsteady) Sending(ctx context.Context, c core.Claim, on bool) error {
	time.Sleep(time.Duration(l.n.Add(1)%2) * 45 * time.Millisecond)
	return l.Ledger.Sending(ctx, c, on)
}

// flaky is a ledger that fails to record once.
type flaky struct {
	core.Ledger
	failed bool
}

func (l *flaky) Finish(ctx context.Context, c core.Claim, v core.Verdict) error {
	if !l.failed {
		l.failed = true
		return errCrashed
	}
	return l.Ledger.Finish(ctx, c, v)
}

func TestRecordingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Ledger = &flaky{Ledger: w.Ledger}
		for _, replayed := range []bool{false, true} {
			a, err := w.verify(t, "k", time.Minute)
			wantAnswer(t, a, err, "0", replayed)
		}
	})
}

// The pauses between attempts are jittered: of many, not two are the same.
func TestJitter(t *testing.T) {
	pauses := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(fails(core.Unavailable, 0))
			w.verify(t, "k", time.Minute)
			pauses[w.upstream.attempts[1].Sub(w.upstream.attempts[0])] = true
		})
	}
	if len(pauses) < 10 {
		t.Errorf("%d different pauses of 20", len(pauses))
	}
}

// The pauses between attempts grow, are jittered, and are not shorter than asked.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(fails(core.Unavailable, 3*time.Second), fails(core.Unavailable, 0))
		if _, err := w.verify(t, "k", time.Minute); err != nil {
			t.Fatal(err)
		}
		at := w.upstream.attempts
		if pause := at[1].Sub(at[0]); pause < 3*time.Second || pause > 4*time.Second {
			t.Errorf("after Retry-After 3 s the pause was %v", pause)
		}
		if pause := at[2].Sub(at[1]); pause > 500*time.Millisecond {
			t.Errorf("the second pause was %v", pause)
		}
	})
}

// A throttled fleet pauses as a whole.
func TestThrottlePausesTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(fails(core.RateLimited, 0))
		go w.verify(t, "k", time.Minute)
		synctest.Wait()
		a, err := w.verify(t, "other", time.Minute)
		wantAnswer(t, a, err, "0", false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if gap := w.upstream.attempts[1].Sub(w.upstream.attempts[0]); gap < 250*time.Millisecond {
			t.Errorf("the next attempt came after %v", gap)
		}
	})
}

func TestUnknownStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(hangs)
		began := time.Now()
		_, err := w.verify(t, "k", time.Minute)
		wantKind(t, err, core.Unknown)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the attempt took %v, want the attempt timeout", took)
		}
		for range 3 {
			_, err = w.verify(t, "k", time.Minute)
			wantKind(t, err, core.Unknown)
			time.Sleep(4 * 24 * time.Hour)
		}
		if n := w.upstream.count(); n != 1 {
			t.Errorf("%d attempts, want 1", n)
		}
	})
}

func TestUnknownIsResentIfThePolicySaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(hangs, fails(core.Rejected, 0))
		w.Policy.ResendUnknown = true
		_, err := w.verify(t, "k", time.Minute)
		wantKind(t, err, core.Unknown)
		_, err = w.verify(t, "k", time.Minute)
		wantKind(t, err, core.Rejected)
		w.Policy.ResendUnknown = false
		_, err = w.verify(t, "k", time.Minute) // the rejection says nothing of the first attempt
		wantKind(t, err, core.Unknown)
		w.Policy.ResendUnknown = true
		a, err := w.verify(t, "k", time.Minute)
		wantAnswer(t, a, err, "0", false)
		if line := w.lastLine(t); line["resent"] != true {
			t.Errorf("the log does not say that it was sent again: %v", line)
		}
	})
}

// An upstream that breaks its contract is taken at its worst.
func TestUnclassifiedFailureIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(func(context.Context) (core.Verdict, error) { return core.Verdict{}, errors.New("boom") })
		_, err := w.verify(t, "k", time.Minute)
		wantKind(t, err, core.Unknown)
		_, err = w.verify(t, "k", time.Minute)
		wantKind(t, err, core.Unknown)
	})
}

func TestDeadlineTooNearSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, within := range []time.Duration{-time.Second, 0, 300 * time.Millisecond, 5*time.Second + 499*time.Millisecond} {
			w := newWorld()
			_, err := w.verify(t, "k", within)
			if e := wantKind(t, err, core.Unavailable); e.RetryAfter == 0 {
				t.Error("there is no Retry-After")
			}
			if n := w.upstream.count(); n != 0 {
				t.Errorf("%v: %d attempts", within, n)
			}
			a, err := w.verify(t, "k", 5*time.Second+500*time.Millisecond) // the key is free, the time enough
			wantAnswer(t, a, err, "0", false)
		}
	})
}

// A verdict that is known needs no time.
func TestReplayNearTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, err := w.verify(t, "k", time.Minute)
		wantAnswer(t, a, err, "0", false)
		a, err = w.verify(t, "k", 600*time.Millisecond)
		wantAnswer(t, a, err, "0", true)
	})
}

func TestWaiterGivesUpAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.upstream.latency = 4 * time.Second
		go w.verify(t, "k", time.Minute)
		synctest.Wait()
		began := time.Now()
		_, err := w.verify(t, "k", 2*time.Second)
		if e := wantKind(t, err, core.InProgress); e.RetryAfter == 0 {
			t.Error("there is no Retry-After")
		}
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("it waited %v of 2 s", took)
		}
		a, err := w.verify(t, "k", time.Minute)
		wantAnswer(t, a, err, "0", true)
	})
}

func TestQuotaBeyondTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		if err := w.Limiter.Pause(t.Context(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
		_, err := w.verify(t, "k", 10*time.Second)
		if e := wantKind(t, err, core.RateLimited); e.RetryAfter != 10*time.Second {
			t.Errorf("Retry-After is %v", e.RetryAfter)
		}
		a, err := w.verify(t, "k", 16*time.Second)
		wantAnswer(t, a, err, "0", false)
	})
}

// A caller who goes away before the attempt costs nothing; one who goes away during
// it finds the answer when they come back.
func TestCallerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.upstream.latency = time.Second
		w.Limiter.Pause(t.Context(), time.Second)
		for _, c := range []struct {
			after    time.Duration
			attempts int
		}{{500 * time.Millisecond, 0}, {time.Second, 1}} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(c.after, cancel)
			_, err := w.Verify(ctx, core.Call{Request: example, Key: "k"})
			if c.attempts == 0 {
				wantKind(t, err, core.Unavailable)
			} else if err != nil {
				t.Error(err)
			}
			if n := w.upstream.count(); n != c.attempts {
				t.Errorf("gone after %v: %d attempts, want %d", c.after, n, c.attempts)
			}
		}
		a, err := w.verify(t, "k", time.Minute)
		wantAnswer(t, a, err, "0", true)
	})
}

// crashing is a ledger whose holder dies at a step: from there on its steps do nothing.
type crashing struct {
	core.Ledger
	at string
}

var errCrashed = errors.New("crashed")

func (l crashing) Sending(ctx context.Context, c core.Claim, on bool) error {
	if l.at == "sending" {
		return errCrashed
	}
	return l.Ledger.Sending(ctx, c, on)
}
func (l crashing) Finish(context.Context, core.Claim, core.Verdict) error { return errCrashed }
func (l crashing) Release(context.Context, core.Claim, bool) error        { return errCrashed }

func TestCrash(t *testing.T) {
	t.Run("before sending: another takes over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			whole := w.Ledger
			w.Ledger = crashing{whole, "sending"}
			_, err := w.verify(t, "k", 10*time.Second)
			wantKind(t, err, core.Unavailable)
			w.Ledger = whole
			a, err := w.verify(t, "k", time.Minute)
			wantAnswer(t, a, err, "0", false)
			if n := w.upstream.count(); n != 1 {
				t.Errorf("%d attempts, want 1", n)
			}
		})
	})
	t.Run("after sending: unknown, and the paid answer is not withheld", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			whole := w.Ledger
			w.Ledger = crashing{whole, "finish"}
			a, err := w.verify(t, "k", 10*time.Second)
			wantAnswer(t, a, err, "0", false)
			if !strings.Contains(w.log.String(), "did not record") {
				t.Error("the log does not say that the verdict was not recorded")
			}
			w.Ledger = whole
			_, err = w.verify(t, "k", time.Minute)
			wantKind(t, err, core.Unknown)
			if n := w.upstream.count(); n != 1 {
				t.Errorf("%d attempts, want 1", n)
			}
		})
	})
}

// A holder that was too slow to send is overtaken, and then waits for the answer of
// who overtook it.
func TestOvertakenHolderSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Limiter.Pause(t.Context(), 40*time.Second)
		slow := make(chan core.Answer)
		go func() {
			a, err := w.verify(t, "k", 2*time.Minute)
			if err != nil {
				t.Error(err)
			}
			slow <- a
		}()
		time.Sleep(35 * time.Second) // its lease is over, its slot is not there
		overtaking := *w.Verifier
		overtaking.Limiter = memory.NewLimiter(20)
		a, err := overtaking.Verify(t.Context(), core.Call{Request: example, Key: "k"})
		wantAnswer(t, a, err, "0", false)
		wantAnswer(t, <-slow, nil, "0", true)
		if n := w.upstream.count(); n != 1 {
			t.Errorf("%d attempts, want 1", n)
		}
	})
}

// down is a store that can't be reached.
type down struct{}

var errDown = errors.New("dial tcp 127.0.0.1:6379: connection refused")

func (down) Begin(context.Context, core.Claim) (core.Standing, error) {
	return core.Standing{}, errDown
}
func (down) Sending(context.Context, core.Claim, bool) error        { return errDown }
func (down) Finish(context.Context, core.Claim, core.Verdict) error { return errDown }
func (down) Release(context.Context, core.Claim, bool) error        { return errDown }
func (down) Reserve(context.Context, time.Duration) (time.Duration, error) {
	return 0, errDown
}
func (down) Pause(context.Context, time.Duration) error { return errDown }

func TestStoreDownSendsNothing(t *testing.T) {
	for name, change := range map[string]func(*world){
		"ledger":  func(w *world) { w.Ledger = down{} },
		"limiter": func(w *world) { w.Limiter = down{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				change(w)
				_, err := w.verify(t, "k", time.Minute)
				wantKind(t, err, core.Unavailable)
				if !errors.Is(err, errDown) || !strings.Contains(fmt.Sprint(w.lastLine(t)["cause"]), "connection refused") {
					t.Errorf("the cause is lost: %v", err)
				}
				if n := w.upstream.count(); n != 0 {
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}

// A verdict that repeats a person's data reaches neither the caller nor the ledger.
func TestVerdictRepeatsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(func(context.Context) (core.Verdict, error) {
			return core.Verdict{Result: "-6", Description: "bad number " + string(example.Phone), Isp: "Telecom", RequestID: "id"}, nil
		}, func(context.Context) (core.Verdict, error) {
			return core.Verdict{}, &core.Error{Kind: core.Rejected, Code: "Code." + string(example.IdCard), RequestID: string(example.Phone),
				Message: "FaceID answered " + string(example.Name), Cause: errors.New(string(example.Phone))}
		})
		for _, replayed := range []bool{false, true} {
			a, err := w.verify(t, "k", time.Minute)
			wantAnswer(t, a, err, "-6", replayed)
			if a.Description != "REDACTED" || a.Isp != "Telecom" {
				t.Errorf("got %+v", a)
			}
		}
		_, err := w.verify(t, "another", time.Minute)
		e := wantKind(t, err, core.Rejected)
		if *e != (core.Error{Kind: core.Rejected, Code: "FailedOperation", RequestID: "REDACTED", Message: "REDACTED"}) {
			t.Errorf("got %+v", e)
		}
	})
}

func TestLogLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(result("-11"))
		w.upstream.latency = 100 * time.Millisecond
		w.Verify(t.Context(), core.Call{Request: example, Key: "secret-key", Caller: "alice", Trigger: "test", ID: "call-1"})
		line := w.lastLine(t)
		for name, want := range map[string]any{
			"msg": "verification", "outcome": "match", "result": "0", "billed": true, "replayed": false,
			"isp": "telecom", "attempts": 2.0, "upstream_ms": 200.0, "trigger": "test", "caller": "alice",
			"request_id": "call-1", "upstream_request_id": "id-0",
		} {
			if line[name] != want {
				t.Errorf("%s is %v, want %v", name, line[name], want)
			}
		}
		if waited, total := line["waited_ms"].(float64), line["total_ms"].(float64); total < waited+200 || total > waited+201 {
			t.Errorf("waited %v of %v ms", waited, total)
		}
		if strings.Count(w.log.String(), "\n") != 1 {
			t.Errorf("more than one line:\n%s", w.log)
		}
	})
}
