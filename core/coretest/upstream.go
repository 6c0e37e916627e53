package coretest

import (
	"context"
	"errors"
	"testing"
	"time"

	"phoneverify/core"
)

// Reply is what the API behind an upstream does with a request.
type Reply struct {
	Verdict core.Verdict // answer this; its RequestID is the API's own to choose
	Code    string       // answer this error of the API's
	Fate    Fate         // or do not answer
}

// Fate is how a request can end without the API's answer.
type Fate uint8

// The fates of a request.
const (
	Answered Fate = iota
	Refused       // no connection can be made
	Reset         // the connection breaks after the request was read
	Hang          // nothing ever comes
	BadGate       // something in between answers with a bare HTTP 502
	Garbage       // an answer that can't be read
)

// UpstreamHarness is an upstream and the API behind it.
type UpstreamHarness struct {
	Upstream core.Upstream
	Next     func(Reply)           // what the API does with the next request
	Received func() []core.Request // the requests that reached the API, so far
}

// Upstream checks that an upstream does what [core.Upstream] says.
func Upstream(t *testing.T, with func(*testing.T, func(*testing.T, UpstreamHarness))) {
	upstreamSuite.run(t, with)
}

// example is the specification's own.
var example = core.Request{IdCard: "11204416541220243X", Name: "Wei Xiaobao", Phone: "16137688175"}

var upstreamSuite = suite[UpstreamHarness]{
	{"a verdict comes as the API gave it", func(t *testing.T, h UpstreamHarness) {
		for _, result := range []string{"0", "-4", "-5", "-9", "-11", "-13"} {
			h.Next(Reply{Verdict: core.Verdict{Result: result}})
			got, err := h.Upstream.Verify(t.Context(), example)
			if err != nil {
				t.Fatal(err)
			}
			if got.Result != result || got.Description == "" || got.Isp == "" || got.RequestID == "" {
				t.Errorf("got %+v, want result %s with all its fields", got, result)
			}
		}
	}},
	{"a request arrives as it was", func(t *testing.T, h UpstreamHarness) {
		want := core.Request{IdCard: "aWQ=", Name: "<&> \u2028 韦小宝 +%20", Phone: "+86 1",
			CiphertextBlob: "a-k-b/+= ", EncryptList: []string{"Phone", "IdCard"}, Iv: "\"\\'`"}
		h.Next(Reply{Verdict: core.Verdict{Result: "-9"}})
		if _, err := h.Upstream.Verify(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got := h.Received(); len(got) != 1 || !same(got[0], want) {
			t.Errorf("the API received something else, %d times", len(got))
		}
	}},
	{"each error has its kind, and one attempt is one request", func(t *testing.T, h UpstreamHarness) {
		for i, c := range []struct {
			reply Reply
			want  core.Kind
		}{
			{Reply{Code: "RequestLimitExceeded"}, core.RateLimited},
			{Reply{Code: "InternalError"}, core.Unavailable},
			{Reply{Code: "FailedOperation.UnKnown"}, core.Unavailable},
			{Reply{Code: "InvalidParameterValue"}, core.Invalid},
			{Reply{Code: "UnauthorizedOperation.Arrears"}, core.Rejected},
			{Reply{Code: "AuthFailure.SecretIdNotFound"}, core.Rejected},
			{Reply{Fate: Reset}, core.Unknown},
			{Reply{Fate: BadGate}, core.Unknown},
			{Reply{Fate: Garbage}, core.Unknown},
		} {
			h.Next(c.reply)
			_, err := h.Upstream.Verify(t.Context(), example)
			wantKind(t, err, c.want)
			if got := len(h.Received()); got != i+1 {
				t.Fatalf("%+v: the API received %d requests, want %d", c.reply, got, i+1)
			}
		}
	}},
	{"a hanging API is left at the deadline, outcome unknown", func(t *testing.T, h UpstreamHarness) {
		h.Next(Reply{Fate: Hang})
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := h.Upstream.Verify(ctx, example)
		wantKind(t, err, core.Unknown)
	}},
	{"what can't be sent is unavailable", func(t *testing.T, h UpstreamHarness) {
		h.Next(Reply{Fate: Refused})
		_, err := h.Upstream.Verify(t.Context(), example)
		wantKind(t, err, core.Unavailable)
	}},
	{"nothing is sent once the context is done", func(t *testing.T, h UpstreamHarness) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := h.Upstream.Verify(ctx, example)
		wantKind(t, err, core.Unavailable)
		if got := len(h.Received()); got != 0 {
			t.Errorf("the API received %d requests", got)
		}
	}},
}

func wantKind(t *testing.T, err error, want core.Kind) {
	t.Helper()
	if _, ok := errors.AsType[*core.Error](err); !ok || !errors.Is(err, want) {
		t.Errorf("got %v, want a core.Error of kind %v", err, want)
	}
}

// same compares requests, which do not show themselves.
func same(a, b core.Request) bool {
	if len(a.EncryptList) != len(b.EncryptList) {
		return false
	}
	for i := range a.EncryptList {
		if a.EncryptList[i] != b.EncryptList[i] {
			return false
		}
	}
	a.EncryptList, b.EncryptList = nil, nil
	return a.IdCard == b.IdCard && a.Name == b.Name && a.Phone == b.Phone &&
		a.CiphertextBlob == b.CiphertextBlob && a.Iv == b.Iv
}
