package core

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"
)

// log writes the one line of a verification. It holds codes, ids, times and the names
// of the caller and the carrier: nothing of the request.
func (v *Verifier) log(ctx context.Context, call Call, answer Answer, err error, t *trail) {
	attrs := []slog.Attr{
		slog.String("trigger", call.Trigger),
		slog.String("caller", call.Caller),
		slog.String("request_id", call.ID),
		slog.Int("attempts", t.attempts),
		slog.Int64("waited_ms", t.waited.Milliseconds()),
		slog.Int64("upstream_ms", t.upstream.Milliseconds()),
		slog.Int64("total_ms", time.Since(t.began).Milliseconds()),
	}
	if t.wasUnknown && t.attempts > 0 {
		attrs = append(attrs, slog.Bool("resent", true))
	}
	level := slog.LevelInfo
	if err != nil {
		e := AsError(err)
		level = levels[e.Kind]
		attrs = append(attrs, e.attrs()...)
	} else {
		attrs = append(attrs, answer.attrs()...)
	}
	v.logger().LogAttrs(ctx, level, "verification", attrs...)
}

// levels says which failures are the operator's to look at.
var levels = map[Kind]slog.Level{
	Internal:        slog.LevelError,
	Invalid:         slog.LevelInfo,
	Unauthenticated: slog.LevelInfo,
	Conflict:        slog.LevelInfo,
	InProgress:      slog.LevelInfo,
	RateLimited:     slog.LevelWarn,
	Unavailable:     slog.LevelWarn,
	Rejected:        slog.LevelError,
	Unknown:         slog.LevelError,
}

func (a Answer) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("outcome", string(a.Outcome())),
		slog.String("result", a.Result),
		slog.Bool("billed", a.Billed()),
		slog.Bool("replayed", a.Replayed),
		slog.String("isp", a.Carrier()),
		slog.String("upstream_request_id", a.RequestID),
	}
}

func (e *Error) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("outcome", "error"),
		slog.String("kind", e.Kind.Error()),
		slog.String("code", e.Code),
		slog.String("message", e.Message),
		slog.String("upstream_request_id", e.RequestID),
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return attrs
}

func (v *Verifier) logger() *slog.Logger {
	if v.Log != nil {
		return v.Log
	}
	return slog.New(slog.DiscardHandler)
}

// LogPanic tells where the panic that was recovered as p came from, but of p only what
// the runtime itself wrote: anything else may hold a request.
func LogPanic(ctx context.Context, log *slog.Logger, p any, attrs ...slog.Attr) {
	what := fmt.Sprintf("a value of type %T", p)
	if e, ok := p.(runtime.Error); ok {
		what = e.Error()
	}
	attrs = append(attrs, slog.String("panic", what), slog.String("stack", string(debug.Stack())))
	log.LogAttrs(ctx, slog.LevelError, "panic", attrs...)
}
