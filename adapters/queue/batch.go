package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"phoneverify/core"
)

const (
	// inVain is after how many messages in a row, all left for a reason that is not their
	// own, no more of a batch are taken.
	inVain = 2 * concurrency

	// patience is for how long one message is tried, so that some that are busy do not
	// keep the others waiting until the deadline.
	patience = 30 * time.Second

	// The pause between two askings for a slot.
	shortestPause = 100 * time.Millisecond
	longestPause  = 5 * time.Second

	// toPublish is kept of the time there is, after the verification, for its event, and
	// toAnswer for the rest.
	toPublish = 3 * time.Second
	toAnswer  = 300 * time.Millisecond
)

// batch is messages that are handled together.
type batch struct {
	*Handler
	trigger string

	mu   sync.Mutex
	done func(Message, Result)
	vain int // messages left in a row for a reason that is not their own
}

// take handles a lane.
func (b *batch) take(ctx context.Context, lane []Message) {
	stopped := false
	for _, m := range lane {
		r := Result{Err: ErrNotTaken, Left: true}
		if !stopped && !b.over(ctx) {
			r = b.safely(ctx, m)
		}
		stopped = r.Left
		b.record(m, r)
	}
}

// over reports whether no more messages are to be taken.
func (b *batch) over(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	if d, ok := ctx.Deadline(); ok && time.Until(d) < toAnswer+toPublish+b.Verifier.LeastTime() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.vain >= inVain
}

// record tells what became of a message, and counts what was in vain.
func (b *batch) record(m Message, r Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !r.Left:
		b.vain = 0
	case r.Err == ErrNotPublished || r.Err != nil && fateOf(r.Answer, r.Err).others:
		b.vain++
	}
	b.done(m, r)
}

// safely handles one message, of which a panic is the end, and not that of the others.
func (b *batch) safely(ctx context.Context, m Message) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			core.LogPanic(ctx, b.logger(), p, slog.String("trigger", b.trigger), slog.String("request_id", m.ID))
			r = Result{Err: errPanic, Left: true}
		}
	}()
	return b.handle(ctx, m)
}

// handle verifies a message and publishes its event, unless it is to be delivered again.
func (b *batch) handle(ctx context.Context, m Message) Result {
	call, id, err := Read(m)
	call.Trigger = b.trigger
	var answer core.Answer
	if err == nil {
		answer, err = b.verifyInQuota(ctx, call)
	} else {
		b.logRefusal(ctx, m, err)
	}
	if fateOf(answer, err).left {
		return Result{Answer: answer, Err: err, Left: true}
	}
	if failed := b.publish(ctx, newEvent(b.Verifier.KeyOf(call), id, answer, err)); failed != nil {
		b.logger().LogAttrs(ctx, slog.LevelError, "the result was not published", slog.String("trigger", b.trigger),
			slog.String("request_id", m.ID), slog.String("cause", failed.Error()))
		return Result{Answer: answer, Err: ErrNotPublished, Left: true}
	}
	return Result{Answer: answer, Err: err}
}

// verifyInQuota verifies, and where the quota has no slot in time asks again for as long
// as there is time at all: whoever delivers the message again would do no better.
func (b *batch) verifyInQuota(ctx context.Context, call core.Call) (core.Answer, error) {
	for {
		answer, err := b.verify(ctx, call)
		if err == nil || core.AsError(err).Kind != core.RateLimited {
			return answer, err
		}
		select {
		case <-time.After(max(shortestPause, min(core.AsError(err).RetryAfter, longestPause))):
		case <-ctx.Done():
		}
		if b.over(ctx) {
			return answer, err
		}
	}
}

// verify leaves time to publish, and to others.
func (b *batch) verify(ctx context.Context, call core.Call) (core.Answer, error) {
	by := time.Now().Add(patience)
	if d, ok := ctx.Deadline(); ok && d.Add(-toAnswer-toPublish).Before(by) {
		by = d.Add(-toAnswer - toPublish)
	}
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	return b.Verifier.Verify(ctx, call)
}

// publish leaves time to answer. What is known is published though the caller has gone:
// it is paid for.
func (b *batch) publish(ctx context.Context, e Event) error {
	gone := context.WithoutCancel(ctx)
	if d, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		gone, cancel = context.WithDeadline(gone, d.Add(-toAnswer))
		defer cancel()
	}
	return b.Sink.Publish(gone, e)
}

// logRefusal tells of a message that did not become a call.
func (b *batch) logRefusal(ctx context.Context, m Message, err error) {
	e := core.AsError(err)
	b.logger().LogAttrs(ctx, slog.LevelInfo, "refused", slog.String("trigger", b.trigger), slog.String("request_id", m.ID),
		slog.String("code", e.Code), slog.String("message", e.Message))
}
