// Package event is what the handlers of both clouds share: how a raw event is read, and
// what may leave a function as an error. That goes to logs and traces that nobody can
// switch off, so that the errors are constants and panics are caught.
package event

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// maxSize is more than either cloud hands over, in bytes.
const maxSize = 8 << 20

// The errors that leave a function.
var (
	ErrNotJSON   = errors.New("phoneverify: the event is not JSON")
	ErrTooLarge  = errors.New("phoneverify: the event is larger than 8 MB")
	ErrUnknown   = errors.New("phoneverify: the event is not of a kind that this function knows")
	ErrTimer     = errors.New("phoneverify: the event is of a timer, which has nobody to verify")
	ErrNoResults = errors.New("phoneverify: the event is of a queue, and PHONEVERIFY_RESULTS does not say where results go")
	ErrLeft      = errors.New("phoneverify: some messages could not be answered, and are to be delivered again")
	ErrPanic     = errors.New("phoneverify: internal error")
)

// Handle answers an event by answer, which reads it. A panic is logged, under the
// invocation's id, and becomes ErrPanic.
func Handle(ctx context.Context, log *slog.Logger, id string, event []byte, answer func() ([]byte, error)) (out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			core.LogPanic(ctx, log, p, slog.String("request_id", id))
			out, err = nil, ErrPanic
		}
	}()
	if len(event) > maxSize {
		return nil, ErrTooLarge
	}
	return answer()
}

// Read reads what envelope, a pointer, looks for in an event.
func Read(event []byte, envelope any) error {
	if json.Unmarshal(event, envelope) == nil {
		return nil
	}
	if json.Valid(event) {
		return ErrUnknown
	}
	return ErrNotJSON
}

// Text is a member of an envelope that should be a string. Platforms write some as
// numbers or null, and what a sender put into a message may be no proper text: whatever
// is not read as it was written stays as it is in JSON.
type Text string

// UnmarshalJSON takes any value.
func (t *Text) UnmarshalJSON(data []byte) error {
	var s *string
	switch {
	case !core.Faithful(data) || json.Unmarshal(data, &s) != nil:
		*t = Text(data)
	case s != nil:
		*t = Text(*s)
	}
	return nil
}

// LooksDirect reports whether an event is the request itself beyond doubt: it has a
// name of one of a request's parameters, and none that marks an envelope. It saves such
// an event being read as an envelope first; any other must be.
func LooksDirect(event []byte, marks []string) bool {
	if !bytes.HasPrefix(bytes.TrimLeft(event, " \t\r\n"), []byte("{")) {
		return false
	}
	has := func(name string) bool { return bytes.Contains(event, []byte(`"`+name+`"`)) }
	return slices.ContainsFunc([]string{"IdCard", "Name", "Phone"}, has) && !slices.ContainsFunc(marks, has)
}

// Queued hands the messages of an event to h, and returns those that are to be delivered
// again.
func Queued(ctx context.Context, h *queue.Handler, trigger string, messages []queue.Message) ([]queue.Message, error) {
	if h == nil {
		return nil, ErrNoResults
	}
	return h.Handle(ctx, trigger, messages), nil
}

// QueuedWhole is Queued for a trigger that delivers all of an event again or nothing.
func QueuedWhole(ctx context.Context, h *queue.Handler, trigger string, messages []queue.Message) ([]byte, error) {
	left, err := Queued(ctx, h, trigger, messages)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, ErrLeft
	}
	return []byte("{}"), nil
}
