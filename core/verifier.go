package core

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Verifier makes verifications. It is the one place of policy: what is charged once,
// what is tried again, how long anything waits. It is safe for concurrent use.
type Verifier struct {
	Upstream Upstream
	Ledger   Ledger
	Limiter  Limiter
	Policy   Policy
	Log      *slog.Logger // one line for each verification; nil for none
}

// Policy is what an operator decides. A zero field but Secret means its default.
type Policy struct {
	// Secret keys the digests of keys and requests: 32 bytes or more, the same
	// for all that share a ledger.
	Secret Private

	// AttemptTimeout is how long one attempt may take; by default 5 s. An attempt
	// is not begun unless all of it is left, since one that is cut short is
	// perhaps charged and never answered.
	AttemptTimeout time.Duration

	// DedupeWindow is for how long a request without a key of its own is taken
	// to be the same as before; by default 5 min.
	DedupeWindow time.Duration

	// LedgerTTL is for how long a key is remembered; by default 336 h.
	LedgerTTL time.Duration

	// ResendUnknown sends a key again whose outcome is unknown, which may charge
	// it twice. By default it stays unknown.
	ResendUnknown bool
}

// Call is one request for a verification.
type Call struct {
	Request Request
	Key     Private // to be charged once for; "" for the request's own fingerprint
	Caller  string  // who asks, "" if nobody knows; keys of different callers differ
	Trigger string  // what brought it, as "http"; for the log
	ID      string  // the call's id where it came in; for the log
}

// Answer is what a verification came to.
type Answer struct {
	Verdict
	Replayed bool // an earlier call was charged for it, this one was not
}

const (
	// margin is kept back of the caller's deadline, to record and to answer. An
	// attempt may run into it by late.
	margin = 500 * time.Millisecond
	late   = 100 * time.Millisecond

	// defaultBudget is how long a call without a deadline may take.
	defaultBudget = time.Minute

	// A claim is leased for as long as its holder may wait for a slot, but no longer
	// than who waits for a holder that has crashed should: past that another may take it
	// over, which costs nothing.
	maxClaimLease = 10 * time.Second

	// afterSending is added to AttemptTimeout for the lease of a key that is being
	// sent: to record how it ended.
	afterSending = 5 * time.Second

	// toMark is by how much before its slot a key is marked as being sent: what the
	// ledger takes for it, now more and now less, would squeeze requests together.
	toMark = 50 * time.Millisecond

	// tardy is how long after its time a slot may be used. Later, since the ledger was
	// slow or the machine frozen, it would be squeezed together with others.
	tardy = 25 * time.Millisecond

	// throttlePause is for how long no slot is given out after the API has
	// refused one of us as too many.
	throttlePause = 250 * time.Millisecond
)

// Verify makes one verification, by ctx's deadline less half a second. Of the same
// key it is charged once: the answer is replayed, or waited for. An error holds an
// [Error]. After one of Kind Unknown the key is not sent again unless the policy says
// so; with any other, this call was not charged.
func (v *Verifier) Verify(ctx context.Context, call Call) (Answer, error) {
	t := trail{began: time.Now(), deadline: deadline(ctx)}
	answer, err := v.verify(ctx, call, &t)
	v.log(ctx, call, answer, err, &t)
	return answer, err
}

// LeastTime is how much must be left to a deadline for a verification to come to more
// than a refusal.
func (v *Verifier) LeastTime() time.Duration { return v.Policy.attemptTimeout() + margin }

func (v *Verifier) verify(ctx context.Context, call Call, t *trail) (Answer, error) {
	if err := call.Request.Validate(); err != nil {
		return Answer{}, err
	}
	for {
		claim, standing, err := v.claim(ctx, call, t)
		if err != nil {
			return Answer{}, err
		}
		if claim.Token == "" {
			return standing.answer()
		}
		verdict, err := v.attempts(ctx, claim, call.Request, t)
		if errors.Is(err, ErrClaimLost) {
			continue // whoever took it over has the answer, or will
		}
		v.settle(ctx, claim, verdict, err, isKind(err, Unknown) || t.wasUnknown)
		return Answer{Verdict: verdict}, err
	}
}

// deadline is when the last attempt must have ended: ctx's deadline less the margin. No
// context is made of it, since whatever is waited for is known to fit before it.
func deadline(ctx context.Context) time.Time {
	if d, ok := ctx.Deadline(); ok {
		return d.Add(-margin)
	}
	return time.Now().Add(defaultBudget - margin)
}

// claim claims the call's key, waiting while another call holds it. The claim has a
// token if it was granted; else the standing is the answer.
func (v *Verifier) claim(ctx context.Context, call Call, t *trail) (Claim, Standing, error) {
	payload := payloadDigest(v.Policy.Secret, call.Request)
	claim := Claim{
		Key:     keyDigest(v.Policy.Secret, call, payload),
		Payload: payload,
		Retain:  v.Policy.retain(call),
		Resend:  v.Policy.ResendUnknown,
	}
	for n := 0; ; n++ {
		left := t.remaining(ctx)
		if left <= 0 {
			return claim, Standing{}, tooLate(ctx, n > 0)
		}
		claim.Lease = waitingLease(left)
		standing, err := v.Ledger.Begin(ctx, claim)
		if err != nil {
			return claim, Standing{}, noLedger(err)
		}
		if standing.State != Held {
			claim.Token = standing.Token
			t.wasUnknown = standing.State == AbandonedSending
			return claim, standing, nil
		}
		t.wait(ctx, min(poll(n), left))
	}
}

// answer is what a key that can't be claimed has to say.
func (s Standing) answer() (Answer, error) {
	switch s.State {
	case Finished:
		return Answer{Verdict: s.Verdict, Replayed: true}, nil
	case OtherPayload:
		return Answer{}, &Error{Kind: Conflict, Code: "InvalidParameterValue",
			Message: "The idempotency key was used for another request."}
	case AbandonedSending:
		return Answer{}, &Error{Kind: Unknown, Code: "FailedOperation.OutcomeUnknown",
			Message: "An earlier call with this key was sent and never answered. It may have been charged, and is not sent again."}
	}
	return Answer{}, AsError(errors.New("core: the ledger gave no claim and no reason"))
}

// attempts makes attempts until one settles the matter, or no more of them fit before
// ctx's deadline, and returns what the last one came to. It is an error of its own if
// not even one could be made, or the claim was lost.
func (v *Verifier) attempts(ctx context.Context, c Claim, r Request, t *trail) (verdict Verdict, err error) {
	for n := 0; ; n++ {
		if cause := v.prepare(ctx, c, t); cause != nil {
			if n == 0 || errors.Is(cause, ErrClaimLost) {
				return Verdict{}, cause
			}
			return verdict, err
		}
		verdict, err = v.attempt(ctx, r, t)
		if !free(verdict, err) {
			return verdict, err
		}
		if isKind(err, RateLimited) {
			v.pauseFleet(ctx)
		}
		pause := backoff(n, retryAfter(err))
		if t.remaining(ctx) < pause+v.Policy.attemptTimeout() {
			return verdict, err
		}
		if err := v.stepBack(ctx, c, t); err != nil {
			return Verdict{}, err
		}
		if t.wait(ctx, pause) != nil {
			return verdict, err
		}
	}
}

// free reports whether an attempt that came to this may be made again: nothing was
// charged, and what kept it from an answer may pass.
func free(verdict Verdict, err error) bool {
	if err != nil {
		return transient[AsError(err).Kind]
	}
	return verdict.Outcome() == Busy
}

// prepare marks the key as being sent, and waits for a slot. After an error this attempt
// was not sent.
func (v *Verifier) prepare(ctx context.Context, c Claim, t *trail) error {
	for marked := false; ; {
		slot, err := v.reserve(ctx, t)
		if err != nil {
			return err
		}
		if !marked {
			if t.wait(ctx, time.Until(slot)-toMark) != nil {
				return tooLate(ctx, false)
			}
			if err := v.mark(ctx, c); err != nil {
				return err
			}
			marked = true
		}
		if t.wait(ctx, time.Until(slot)) != nil || t.remaining(ctx) < v.Policy.attemptTimeout()-late {
			return tooLate(ctx, false)
		}
		if time.Since(slot) <= tardy {
			return nil
		}
	}
}

// reserve takes a slot, from which on an attempt still fits before the deadline.
func (v *Verifier) reserve(ctx context.Context, t *trail) (time.Time, error) {
	within := t.remaining(ctx) - v.Policy.attemptTimeout()
	if within < 0 {
		return time.Time{}, tooLate(ctx, false)
	}
	wait, err := v.Limiter.Reserve(ctx, within)
	if isKind(err, RateLimited) {
		return time.Time{}, err
	} else if err != nil {
		return time.Time{}, &Error{Kind: Unavailable, Code: "ServiceUnavailable", RetryAfter: time.Second, Cause: err,
			Message: "The rate limiter can't be reached. Nothing was sent."}
	}
	return time.Now().Add(wait), nil
}

// mark marks the key as being sent.
func (v *Verifier) mark(ctx context.Context, c Claim) error {
	c.Lease = v.Policy.attemptTimeout() + afterSending
	err := v.Ledger.Sending(ctx, c, true)
	if err == nil || errors.Is(err, ErrClaimLost) {
		return err
	}
	return noLedger(err)
}

// stepBack marks the key as not being sent any more, since the attempt was free: who
// finds it abandoned in the pause that follows may take it over. If the key's outcome
// was unknown before, it still is. The error is ErrClaimLost.
func (v *Verifier) stepBack(ctx context.Context, c Claim, t *trail) error {
	if t.wasUnknown {
		return nil
	}
	c.Lease = waitingLease(t.remaining(ctx))
	if errors.Is(v.Ledger.Sending(ctx, c, false), ErrClaimLost) {
		return ErrClaimLost
	}
	return nil // a ledger that can't be reached is found out before the next attempt
}

// attempt makes one attempt. It takes its full time even if the caller has gone:
// the answer is paid for, and is recorded for when they ask again.
func (v *Verifier) attempt(ctx context.Context, r Request, t *trail) (Verdict, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.Policy.attemptTimeout())
	defer cancel()
	began := time.Now()
	verdict, err := v.Upstream.Verify(ctx, r)
	t.attempts++
	t.upstream += time.Since(began)
	if err == nil {
		return verdict.withoutPerson(r), nil
	}
	e := AsError(err)
	switch e.Kind {
	case Unavailable, RateLimited, Invalid, Rejected, Unknown:
	default:
		e = &Error{Kind: Unknown, Code: "FailedOperation.OutcomeUnknown", Cause: err,
			Message: "The request was sent and no answer came. It may have been charged."}
	}
	return Verdict{}, e.withoutPerson(r)
}

// Remember tells the ledger what came of a call that was made elsewhere, unless it knows
// of the call itself: a verdict, or nil for one that was sent and never answered.
func (v *Verifier) Remember(ctx context.Context, call Call, verdict *Verdict) error {
	claim, _, err := v.claim(ctx, call, &trail{deadline: deadline(ctx)})
	switch {
	case err != nil || claim.Token == "":
		return err
	case verdict == nil:
		return v.Ledger.Release(ctx, claim, true)
	}
	return v.Ledger.Finish(ctx, claim, *verdict)
}

// settle ends the claim as the last attempt ended; without a verdict, maybeCharged
// says whether the key stays unknown. The caller's answer does not depend on it: a
// verdict that could not be recorded leaves the key as being sent, so that it is not
// charged again. A ledger that can't be reached says so in bounded time.
func (v *Verifier) settle(ctx context.Context, c Claim, verdict Verdict, err error, maybeCharged bool) {
	ctx = context.WithoutCancel(ctx)
	step := func() error { return v.Ledger.Release(ctx, c, maybeCharged) }
	if err == nil && verdict.Outcome() != Busy {
		step = func() error { return v.Ledger.Finish(ctx, c, verdict) }
	}
	for n := 0; ; n++ {
		failed := step()
		if failed == nil {
			return
		}
		if errors.Is(failed, ErrClaimLost) || n == 2 || sleep(ctx, firstPoll<<n) != nil {
			v.logger().ErrorContext(ctx, "the ledger did not record an outcome", "cause", failed)
			return
		}
	}
}

func (v *Verifier) pauseFleet(ctx context.Context) {
	if err := v.Limiter.Pause(ctx, throttlePause); err != nil {
		v.logger().WarnContext(ctx, "the rate limiter did not pause", "cause", err)
	}
}

func (p Policy) attemptTimeout() time.Duration { return orDefault(p.AttemptTimeout, 5*time.Second) }

// retain is for how long the call's key is remembered.
func (p Policy) retain(call Call) time.Duration {
	if call.Key == "" {
		return orDefault(p.DedupeWindow, 5*time.Minute)
	}
	return orDefault(p.LedgerTTL, 14*24*time.Hour)
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// waitingLease is the lease of a key whose holder waits, with so much time left.
func waitingLease(left time.Duration) time.Duration { return min(left, maxClaimLease) + margin }

// isKind reports whether err is of a kind itself, whatever its causes are.
func isKind(err error, kind Kind) bool { return err != nil && AsError(err).Kind == kind }

func retryAfter(err error) time.Duration {
	if err == nil {
		return 0
	}
	return AsError(err).RetryAfter
}

// tooLate is why nothing was sent: another call held the key for all the time there
// was, the caller has gone, or too little time is left for an attempt.
func tooLate(ctx context.Context, held bool) error {
	switch {
	case held:
		return &Error{Kind: InProgress, Code: "ResourceInUse", RetryAfter: time.Second,
			Message: "Another call is verifying this key."}
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{Kind: Unavailable, Code: "ServiceUnavailable",
			Message: "The call was given up before anything was sent."}
	}
	return &Error{Kind: Unavailable, Code: "ServiceUnavailable", RetryAfter: time.Second,
		Message: "The deadline is too near for an attempt. Nothing was sent."}
}

func noLedger(err error) error {
	return &Error{Kind: Unavailable, Code: "ServiceUnavailable", RetryAfter: time.Second, Cause: err,
		Message: "The ledger can't be reached. Nothing was sent."}
}
