// Package tencentscf is the function as Tencent SCF invokes it: bytes in, bytes out. It
// tells triggers apart by their envelopes and hands each to what answers it.
//
//	API Gateway trigger, integrated response       → httpapi
//	function URL                                   → httpapi
//	the request itself (direct Invoke)             → httpapi, the caller being whom CAM let invoke
//
// What leaves as an error goes to logs that nobody can switch off: errors are
// constants, and panics are caught.
package tencentscf

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/tencentyun/scf-go-lib/functioncontext"

	"phoneverify/adapters/httpapi"
	"phoneverify/core"
)

// maxEvent is more than SCF hands over, in bytes.
const maxEvent = 8 << 20

// The errors that Invoke returns.
var (
	ErrNotJSON  = errors.New("phoneverify: the event is not JSON")
	ErrTooLarge = errors.New("phoneverify: the event is larger than 8 MB")
	ErrUnknown  = errors.New("phoneverify: the event is not of a kind that this function knows")
	ErrQueue    = errors.New("phoneverify: the event is of a queue, and this function answers requests only")
	ErrTimer    = errors.New("phoneverify: the event is of a timer, which has nobody to verify")
	ErrPanic    = errors.New("phoneverify: internal error")
)

// Handler is a handler of raw events, as cloudfunction.StartHandler takes.
type Handler struct {
	API *httpapi.Handler
	Log *slog.Logger
}

// Invoke answers one event.
func (h *Handler) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			core.LogPanic(ctx, h.Log, p, slog.String("request_id", requestID(ctx)))
			answer, err = nil, ErrPanic
		}
	}()
	if len(payload) > maxEvent {
		return nil, ErrTooLarge
	}
	if httpapi.LooksDirect(payload, envelopes) {
		return h.direct(ctx, payload), nil
	}
	var e event
	if json.Unmarshal(payload, &e) != nil {
		if json.Valid(payload) {
			return nil, ErrUnknown
		}
		return nil, ErrNotJSON
	}
	return h.dispatch(ctx, payload, &e)
}

// dispatch is the table of triggers.
func (h *Handler) dispatch(ctx context.Context, payload []byte, e *event) ([]byte, error) {
	switch e.kind() {
	case kindHTTP:
		return h.serve(ctx, e)
	case kindDirect:
		return h.direct(ctx, payload), nil
	case kindQueue:
		return nil, ErrQueue
	case kindTimer:
		return nil, ErrTimer
	}
	return nil, ErrUnknown
}

// envelopes are the names by one of which each envelope can be told.
var envelopes = []string{"httpMethod", "Records", "EventList", "Type", "source"}

func (h *Handler) direct(ctx context.Context, payload []byte) []byte {
	origin := httpapi.Origin{Trigger: "invoke", RequestID: requestID(ctx)}
	return h.API.Direct(httpapi.WithOrigin(ctx, origin), payload)
}

// serve answers an HTTP request in an envelope by an HTTP response in another.
func (h *Handler) serve(ctx context.Context, e *event) ([]byte, error) {
	r, err := e.request(requestID(ctx)).Request(ctx)
	if err != nil {
		return nil, ErrUnknown
	}
	return json.Marshal(newAnswer(httpapi.Record(h.API, r)))
}

func requestID(ctx context.Context) string {
	if fc, ok := functioncontext.FromContext(ctx); ok {
		return fc.RequestID
	}
	return ""
}
