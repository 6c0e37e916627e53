package queue

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"phoneverify/core"
)

// concurrency is how many messages are in hand at once. It fills a quota of 20 a second as
// long as an answer takes less than 1.6 s.
const concurrency = 32

// Why a message is left beside what a verification can come to.
var (
	ErrNotTaken     = errors.New("queue: no time was left, or nothing got through, or one before it in its group was left")
	ErrNotPublished = errors.New("queue: the event was not published")
	errPanic        = errors.New("queue: a panic")
)

// Handler verifies messages and publishes their events. It is safe for concurrent use.
type Handler struct {
	Verifier *core.Verifier
	Sink     Sink
	Log      *slog.Logger // what does not reach the Verifier, which logs the rest; nil for none
}

// Handle verifies the messages of a batch that trigger brought, some at once, and
// publishes their events. It returns those that are to be delivered again, the ones among
// them that the deadline left no time for.
func (h *Handler) Handle(ctx context.Context, trigger string, batch []Message) (left []Message) {
	began := time.Now()
	h.Each(ctx, trigger, lanes(batch), func(m Message, r Result) {
		if r.Left {
			left = append(left, m)
		}
	})
	level := slog.LevelInfo
	if len(left) > 0 {
		level = slog.LevelWarn
	}
	h.logger().LogAttrs(ctx, level, "batch", slog.String("trigger", trigger), slog.Int("messages", len(batch)),
		slog.Int("left", len(left)), slog.Int64("total_ms", time.Since(began).Milliseconds()))
	return left
}

// lanes are the groups of a batch, each in its order, and every message of no group.
func lanes(batch []Message) iter.Seq[[]Message] {
	var all [][]Message
	at := map[string]int{} // by group
	for _, m := range batch {
		if i, ok := at[m.Group]; ok {
			all[i] = append(all[i], m)
			continue
		}
		if m.Group != "" {
			at[m.Group] = len(all)
		}
		all = append(all, []Message{m})
	}
	return slices.Values(all)
}

// Each is Handle for messages that may be too many to hold. Those of a lane are taken in
// order, and none after one that was left. It calls done of each message, one at a time.
// Once ctx is canceled it takes no new messages, and ends the ones in hand.
func (h *Handler) Each(ctx context.Context, trigger string, lanes iter.Seq[[]Message], done func(Message, Result)) {
	b := &batch{Handler: h, trigger: trigger, done: done}
	next := make(chan []Message)
	var workers sync.WaitGroup
	for range concurrency {
		workers.Go(func() {
			for lane := range next {
				b.take(ctx, lane)
			}
		})
	}
	for lane := range lanes {
		next <- lane
	}
	close(next)
	workers.Wait()
}

func (h *Handler) logger() *slog.Logger {
	if h.Log != nil {
		return h.Log
	}
	return slog.New(slog.DiscardHandler)
}
