package core

import (
	"context"
	"encoding/hex"
	"errors"
	"time"
)

// Upstream is the API that verifies.
//
// Verify makes one attempt and never retries: retrying is the Verifier's to decide,
// since it knows what is free. It returns by ctx's deadline. Every error it returns
// holds an [Error] whose Kind tells whether the request may have reached the API:
//
//   - Unavailable: it did not leave this machine, or the API answered with a failure
//     of its own that may pass;
//   - RateLimited, Invalid, Rejected: the API answered so;
//   - Unknown: it may have reached the API, and no answer of the API's came back.
//
// An error that says none of these is taken for Unknown.
type Upstream interface {
	Verify(ctx context.Context, r Request) (Verdict, error)
}

// Limiter gives out the slots of a quota that the whole fleet shares.
//
// A slot that is not used is lost. An unreachable store is an error in bounded time.
type Limiter interface {
	// Reserve takes the next free slot and returns how long to wait for it.
	// Where that is longer than within it takes none, and returns an [Error]
	// of Kind RateLimited whose RetryAfter is how far off the slot was.
	Reserve(ctx context.Context, within time.Duration) (wait time.Duration, err error)

	// Pause gives out no slot until d from now: the API has seen too many
	// requests, wherever they came from.
	Pause(ctx context.Context, d time.Duration) error
}

// Ledger remembers, by key, what is being verified and what came of it. It is what
// keeps a key from being charged twice, so each step is atomic, across processes too
// where the store is shared, and durable once it returned without error.
//
// Every step that follows a claim names it by its fencing token. A step with a token
// that is no longer the key's own changes nothing and returns [ErrClaimLost]. A lease
// that merely ran out, with nobody having taken the key over, still holds: a late
// answer is better than none.
//
// A store holds what is in a Claim and the verdict: never a request.
// Any other error means that the store could not be reached in bounded time.
type Ledger interface {
	// Begin claims a key, or tells why it can't be claimed. See [State].
	Begin(ctx context.Context, c Claim) (Standing, error)

	// Sending says whether the request may be on its way from now on, and renews the
	// lease. With on false nothing was charged so far: an attempt has failed for free
	// and another is to come.
	Sending(ctx context.Context, c Claim, on bool) error

	// Finish records the verdict for c.Retain and ends the claim.
	Finish(ctx context.Context, c Claim, v Verdict) error

	// Release ends the claim without a verdict. With sent false nothing was
	// charged, and the key is as if it had never been claimed. With sent true the
	// outcome is unknown, and stays so for c.Retain.
	Release(ctx context.Context, c Claim, sent bool) error
}

// ErrClaimLost is what a step of a [Ledger] returns when the key has been taken over.
var ErrClaimLost = errors.New("core: the claim was taken over")

// Digest is an HMAC-SHA256: it can be compared, and tells nothing without the secret.
type Digest [32]byte

// String returns the digest in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Claim is one holder's hold on a key.
type Claim struct {
	Key     Digest        // what is to be charged once
	Payload Digest        // of the request: one key is good for one request
	Lease   time.Duration // how long after this step the holder is taken to be alive
	Retain  time.Duration // how long after this step the outcome is remembered
	Resend  bool          // whether a key that was AbandonedSending may be claimed
	Token   string        // fencing token, given by Begin
}

// State is how a key stands when it is begun.
type State uint8

// The states. Begin grants a claim, and sets [Standing].Token, for Fresh and
// AbandonedBeforeSending, and for AbandonedSending if the claim says Resend: such a key
// counts as sent from the start.
const (
	Fresh                  State = iota + 1 // nobody has it, or what was known is forgotten
	Held                                    // its holder's lease runs
	Finished                                // Standing.Verdict is the answer
	OtherPayload                            // it belongs to another request
	AbandonedBeforeSending                  // its holder's lease ran out, nothing was sent
	AbandonedSending                        // its holder's lease ran out while sending, or it was released as sent
)

// Standing is what Begin found.
type Standing struct {
	State   State
	Token   string  // not empty: the claim is granted
	Verdict Verdict // of a Finished key
}
