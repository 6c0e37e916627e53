package core_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"phoneverify/core"
)

func TestErrorIsItsKindAndItsCause(t *testing.T) {
	err := fmt.Errorf("verifying: %w", &core.Error{Kind: core.RateLimited, Code: "RequestLimitExceeded", Cause: context.DeadlineExceeded})
	if !errors.Is(err, core.RateLimited) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error("the error is not its kind or not its cause")
	}
	for _, kind := range core.Kinds() {
		if kind != core.RateLimited && errors.Is(err, kind) {
			t.Errorf("the error is %v too", kind)
		}
	}
}

func TestAsErrorOfAStranger(t *testing.T) {
	e := core.AsError(errors.New("16137688175"))
	if e.Kind != core.Internal || e.Code != "InternalError" || e.Message != "Internal error." {
		t.Errorf("got %v", e)
	}
}

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range core.Kinds() {
		if kind.Error() == "" || seen[kind.Error()] {
			t.Errorf("kind %d has no name of its own", kind)
		}
		seen[kind.Error()] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d kinds, want 9", len(seen))
	}
	if got := core.Kind(99).Error(); got != "internal" {
		t.Errorf("an impossible kind is %q", got)
	}
}

// A short name can be a part of any code, and hides none; one that is a word of a code
// does, since it may be an echo.
func TestCodeBesideName(t *testing.T) {
	for name, want := range map[string]string{"Fa": "FailedOperation.OutcomeUnknown", "no": "FailedOperation.OutcomeUnknown", "Wei": "FailedOperation"} {
		code := "FailedOperation.OutcomeUnknown"
		if name == "Wei" {
			code = "Invalid.Wei"
		}
		v := newWorld(func(context.Context) (core.Verdict, error) {
			return core.Verdict{}, &core.Error{Kind: core.Unknown, Code: code, Message: "There was no answer to " + code + "."}
		})
		_, err := v.Verify(t.Context(), core.Call{Request: core.Request{IdCard: "1", Name: core.Private(name), Phone: "2"}})
		if e := core.AsError(err); e.Kind != core.Unknown || e.Code != want || (e.Message == "REDACTED") != (name == "Wei") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
