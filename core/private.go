package core

import (
	"fmt"
	"log/slog"
)

// redacted stands wherever a private value would have been shown.
const redacted = "REDACTED"

// Private is text that must not be shown: a person's data, or a secret key. It
// redacts itself in fmt, log/slog and encoding; string(p) is the only way to its
// value, so that every place that reads it can be found. Keep it in exported fields:
// fmt does not ask what is in an unexported one how to show itself.
type Private string

// String returns REDACTED.
func (Private) String() string { return redacted }

// GoString returns REDACTED, for %#v.
func (Private) GoString() string { return redacted }

// Format writes REDACTED for every verb, %x and %q included.
func (Private) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// LogValue is REDACTED, for log/slog.
func (Private) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns REDACTED. It serves encoding/json too.
func (Private) MarshalText() ([]byte, error) { return []byte(redacted), nil }
