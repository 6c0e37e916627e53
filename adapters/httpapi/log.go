package httpapi

import (
	"context"
	"log/slog"

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
	attrs := []slog.Attr{
		slog.String("trigger", x.origin.Trigger),
		slog.String("request_id", x.origin.RequestID),
		slog.Int("status", statusOf(err)),
		slog.String("code", e.Code),
		slog.String("message", e.Message),
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	h.logger().LogAttrs(ctx, slog.LevelInfo, "refused", attrs...)
}
