// Package tencentscf is the function as Tencent SCF invokes it: bytes in, bytes out. It
// tells triggers apart by their envelopes and hands each to what answers it.
//
//	API Gateway trigger, integrated response       → httpapi
//	function URL                                   → httpapi
//	the request itself (direct Invoke)             → httpapi, the caller being whom CAM let invoke
//	CKafka, CMQ topic, TDMQ through EventBridge    → queue, and an error if a message is to be delivered again
//	timer                                          → refused
//
// What leaves as an error goes to logs that nobody can switch off: errors are
// constants, and panics are caught.
package tencentscf

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/tencentyun/scf-go-lib/functioncontext"

	"phoneverify/adapters/event"
	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/queue"
)

// Handler is a handler of raw events, as cloudfunction.StartHandler takes.
type Handler struct {
	API   *httpapi.Handler
	Queue *queue.Handler // nil: messages are refused
	Log   *slog.Logger
}

// Invoke answers one event. Its errors are those of package event.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return event.Handle(ctx, h.Log, requestID(ctx), payload, func() ([]byte, error) {
		if event.LooksDirect(payload, marks) {
			return h.direct(ctx, payload), nil
		}
		var e envelope
		if err := event.Read(payload, &e); err != nil {
			return nil, err
		}
		return h.dispatch(ctx, payload, &e)
	})
}

// dispatch is the table of triggers.
func (h *Handler) dispatch(ctx context.Context, payload []byte, e *envelope) ([]byte, error) {
	switch e.kind() {
	case kindHTTP:
		return h.serve(ctx, e)
	case kindDirect:
		return h.direct(ctx, payload), nil
	case kindCKafka, kindCMQ:
		return event.QueuedWhole(ctx, h.Queue, e.trigger(), recordMessages(e.Records))
	case kindBridge:
		return event.QueuedWhole(ctx, h.Queue, e.trigger(), e.bridgeMessages())
	case kindTimer:
		return nil, event.ErrTimer
	}
	return nil, event.ErrUnknown
}

// marks are the names by one of which each envelope can be told.
var marks = []string{"httpMethod", "Records", "EventList", "Type", "type", "data"}

func (h *Handler) direct(ctx context.Context, payload []byte) []byte {
	origin := httpapi.Origin{Trigger: "invoke", RequestID: requestID(ctx)}
	return h.API.Direct(httpapi.WithOrigin(ctx, origin), payload)
}

// serve answers an HTTP request in an envelope by an HTTP response in another.
func (h *Handler) serve(ctx context.Context, e *envelope) ([]byte, error) {
	r, err := e.request(requestID(ctx)).Request(ctx)
	if err != nil {
		return nil, event.ErrUnknown
	}
	return json.Marshal(newAnswer(httpapi.Record(h.API, r)))
}

func requestID(ctx context.Context) string {
	if fc, ok := functioncontext.FromContext(ctx); ok {
		return fc.RequestID
	}
	return ""
}
