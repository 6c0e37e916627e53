package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"

	"phoneverify/core"
)

func (h *Handler) logger() *slog.Logger {
	if h.Log != nil {
		return h.Log
	}
	return slog.New(slog.DiscardHandler)
}

// logRefusal tells of a request that did not become a call.
func (h *Handler) logRefusal(ctx context.Context, x *exchange, err error) {
	e := core.AsError(err)
	h.logger().LogAttrs(ctx, slog.LevelInfo, "refused",
		slog.String("trigger", "http"),
		slog.String("request_id", x.id),
		slog.Int("status", statusOf(err)),
		slog.String("code", e.Code),
		slog.String("message", e.Message))
}

// logPanic tells where a panic came from, but of its value only what the runtime
// itself wrote: anything else may hold a request.
func (h *Handler) logPanic(ctx context.Context, x *exchange, p any) {
	what := fmt.Sprintf("a value of type %T", p)
	if e, ok := p.(runtime.Error); ok {
		what = e.Error()
	}
	h.logger().LogAttrs(ctx, slog.LevelError, "panic",
		slog.String("trigger", "http"),
		slog.String("request_id", x.id),
		slog.String("panic", what),
		slog.String("stack", string(debug.Stack())))
}
