// Package awslambda is the function as AWS Lambda invokes it: bytes in, bytes out. It
// tells triggers apart by their envelopes and hands each to what answers it.
//
//	API Gateway REST API (payload 1.0)  → httpapi
//	API Gateway HTTP API (payload 2.0)  → httpapi
//	function URL                        → httpapi
//	Application Load Balancer           → httpapi
//	the request itself (direct Invoke)  → httpapi, the caller being whom IAM let invoke
//
// What leaves as an error goes to logs and traces that nobody can switch off: errors
// are constants, and panics are caught.
package awslambda

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"phoneverify/adapters/httpapi"
	"phoneverify/core"
)

// maxEvent is more than Lambda hands over, in bytes.
const maxEvent = 8 << 20

// The errors that Invoke returns.
var (
	ErrNotJSON  = errors.New("phoneverify: the event is not JSON")
	ErrTooLarge = errors.New("phoneverify: the event is larger than 8 MB")
	ErrUnknown  = errors.New("phoneverify: the event is not of a kind that this function knows")
	ErrQueue    = errors.New("phoneverify: the event is of a queue, and this function answers requests only")
	ErrPanic    = errors.New("phoneverify: internal error")
)

// Handler is a handler of raw events, as lambda.StartWithOptions takes.
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
	case kindALB, kindV1, kindV2:
		return h.serve(ctx, e)
	case kindDirect:
		return h.direct(ctx, payload), nil
	case kindQueue:
		return nil, ErrQueue
	}
	return nil, ErrUnknown
}

// envelopes are the names by one of which each envelope can be told.
var envelopes = []string{"requestContext", "httpMethod", "Records", "eventSource", "detail-type"}

func (h *Handler) direct(ctx context.Context, payload []byte) []byte {
	origin := httpapi.Origin{Trigger: "invoke", RequestID: requestID(ctx)}
	return h.API.Direct(httpapi.WithOrigin(ctx, origin), payload)
}

// serve answers an HTTP request in an envelope by an HTTP response in another.
func (h *Handler) serve(ctx context.Context, e *event) ([]byte, error) {
	r, err := e.request().Request(ctx)
	if err != nil {
		return nil, ErrUnknown
	}
	return json.Marshal(e.answer(httpapi.Record(h.API, r)))
}

func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}
