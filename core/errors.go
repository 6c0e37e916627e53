package core

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Kind is what an error means for the one who has to act on it. It alone decides
// whether to try again (here), the HTTP status (package httpapi) and redelivery
// (package queue). A Kind is itself an error, so that
// errors.Is(err, core.RateLimited) works.
type Kind uint8

// The kinds. The zero Kind is Internal: what nobody classified is our own fault.
const (
	Internal        Kind = iota // a defect here
	Invalid                     // the request can't be sent as it is, or the API refused its content
	Unauthenticated             // the caller did not prove who they are, or may not call
	Conflict                    // the key was used for another request
	InProgress                  // the key is being verified by another call
	RateLimited                 // the quota has no slot in time
	Unavailable                 // not verified and not charged: free to retry
	Rejected                    // our own account was refused: arrears, not activated, bad credentials
	Unknown                     // sent, and no answer came: perhaps charged
)

var kindNames = [...]string{
	Internal:        "internal",
	Invalid:         "invalid",
	Unauthenticated: "unauthenticated",
	Conflict:        "conflict",
	InProgress:      "in_progress",
	RateLimited:     "rate_limited",
	Unavailable:     "unavailable",
	Rejected:        "rejected",
	Unknown:         "unknown",
}

// Kinds returns every kind, for tables that must be complete.
func Kinds() []Kind {
	kinds := make([]Kind, len(kindNames))
	for k := range kinds {
		kinds[k] = Kind(k)
	}
	return kinds
}

// Error returns the kind's name, as in logs.
func (k Kind) Error() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[Internal]
}

// transient is the retry table: the kinds of failure after which an attempt may be
// made again at no cost, since nothing was charged and the cause may pass.
var transient = map[Kind]bool{
	RateLimited: true,
	Unavailable: true,
}

// Error is a failure with all that callers and operators may know of it. Code and
// Message are shown to callers; Cause is for the operator's log. None of the three
// ever holds a value of a request.
type Error struct {
	Kind       Kind
	Code       string        // of API 3.0, as "InvalidParameterValue"
	Message    string        // one sentence; names parameters, never their values
	RetryAfter time.Duration // when trying again is worth it, 0 if unknown
	RequestID  string        // the upstream API's, "" if it gave none
	Cause      error         // nil, or what went wrong beneath
}

// Error returns the kind, the code and the message.
func (e *Error) Error() string {
	text := e.Kind.Error() + ": " + e.Code
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Unwrap returns the Kind, and the Cause where there is one.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// AsError returns the [Error] in err. An err that holds none is an Internal one
// with err as its cause. To ask for an error's kind ask for AsError(err).Kind:
// errors.Is finds the kinds of its causes too.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: Internal, Code: "InternalError", Message: "Internal error.", Cause: err}
}

// withoutPerson returns e with nothing in it that repeats a value of r. See
// [Verdict.withoutPerson]. Of a code its words are looked at, each as a whole: a short
// name can be a part of any.
func (e *Error) withoutPerson(r Request) *Error {
	clean := *e
	if slices.ContainsFunc(strings.Split(clean.Code, "."), r.isValue) {
		clean.Code, clean.Message = "FailedOperation", redacted // the message has the code in it
	}
	if r.IsRepeatedIn(clean.RequestID) {
		clean.RequestID = redacted
	}
	if clean.Cause != nil && r.IsRepeatedIn(clean.Cause.Error()) {
		clean.Cause = nil
	}
	return &clean
}

func invalid(code, message string) *Error {
	return &Error{Kind: Invalid, Code: code, Message: message}
}
