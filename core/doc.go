// Package core is what a verification is, and the policy by which one is made.
//
// A verification answers whether a mainland-China mobile number, a name and an
// identity card belong to one person. Each call upstream costs money, carries
// private data and counts against a quota that the whole account shares, so
// [Verifier] keeps three promises on the caller's behalf:
//
//   - one charge at most for a key, whatever is retried, redelivered or crashes;
//   - nothing private leaves but to the upstream API: [Private] redacts itself,
//     and a store holds verdicts and keyed digests only;
//   - the fleet stays inside its quota, through slots that are given out one by one.
//
// The way of a request, to be read in this order: [DecodeJSON], [DecodeForm] or [DecodeMessage]
// make a [Request]; [Verifier.Verify] validates it, claims its key in the
// [Ledger], waits for a slot of the [Limiter], marks the key as being sent, makes
// one attempt through the [Upstream], tries again where that is free and safe,
// and records the [Verdict].
//
// The ports are dumb: an implementation does one step and never retries. Package
// coretest holds the suite that each must pass. This package imports the standard
// library only.
package core
