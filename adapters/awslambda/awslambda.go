// Package awslambda is the function as AWS Lambda invokes it: bytes in, bytes out. It
// tells triggers apart by their envelopes and hands each to what answers it.
//
//	API Gateway REST API (payload 1.0)  → httpapi
//	API Gateway HTTP API (payload 2.0)  → httpapi
//	function URL                        → httpapi
//	Application Load Balancer           → httpapi
//	the request itself (direct Invoke)  → httpapi, the caller being whom IAM let invoke
//	SQS                                 → queue, and the messages to be delivered again in the answer
//	SNS, EventBridge, Kafka             → queue, and an error if one is to be delivered again
//
// What leaves as an error goes to logs and traces that nobody can switch off: errors
// are constants, and panics are caught.
package awslambda

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"phoneverify/adapters/event"
	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// Handler is a handler of raw events, as lambda.StartWithOptions takes.
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
	case kindALB, kindV1, kindV2:
		return h.serve(ctx, e)
	case kindDirect:
		return h.direct(ctx, payload), nil
	case kindSQS:
		return h.sqs(ctx, e.Records)
	case kindSNS:
		return event.QueuedWhole(ctx, h.Queue, "sns", notifications(e.Records))
	case kindKafka:
		return event.QueuedWhole(ctx, h.Queue, "kafka", e.kafkaMessages())
	case kindEventBridge:
		return event.QueuedWhole(ctx, h.Queue, "eventbridge", []queue.Message{{ID: e.ID, Body: core.Private(e.Detail)}})
	case kindTimer:
		return nil, event.ErrTimer
	}
	return nil, event.ErrUnknown
}

// marks are the names by one of which each envelope can be told.
var marks = []string{"requestContext", "httpMethod", "Records", "eventSource", "detail-type"}

func (h *Handler) direct(ctx context.Context, payload []byte) []byte {
	origin := httpapi.Origin{Trigger: "invoke", RequestID: requestID(ctx)}
	return h.API.Direct(httpapi.WithOrigin(ctx, origin), payload)
}

// serve answers an HTTP request in an envelope by an HTTP response in another.
func (h *Handler) serve(ctx context.Context, e *envelope) ([]byte, error) {
	r, err := e.request().Request(ctx)
	if err != nil {
		return nil, event.ErrUnknown
	}
	return json.Marshal(e.answer(httpapi.Record(h.API, r)))
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
