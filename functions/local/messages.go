package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/adapters/queue"
	"phoneverify/adapters/sink/lines"
	"phoneverify/core"
	"phoneverify/functions/internal/app"
)

// silent is a level at which nothing is logged: the events and the summary say it all.
const silent = slog.LevelError + 1

// runMessages is the queue's way with files for queues: a message a line in, an event a
// line out, and at the end a summary. What has its event in the output already is not
// asked again. It returns the exit status: 1 if something is left.
func runMessages(ctx context.Context, o options, s app.Settings, stdin io.Reader, stdout, stderr io.Writer) int {
	status, err := verifyMessages(ctx, o, s, stdin, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "local:", err)
		return 1
	}
	return status
}

func verifyMessages(ctx context.Context, o options, s app.Settings, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	out, err := openResults(o.results, stdout)
	if err != nil {
		return 0, err
	}
	defer out.close()
	in, err := openMessages(ctx, o.messages, stdin)
	if err != nil {
		return 0, err
	}
	defer in.close()
	handler := newQueue(s, lines.New(out), stderr)
	messages, total := in.all, -1
	var all summary
	if !in.stream || len(out.events) > 0 {
		// What the output says of a message is good for another like it, wherever in the
		// input that is: so the input is read to its end first.
		read := slices.Collect(in.all)
		left, err := recall(ctx, handler, read, out.events)
		if err != nil {
			return 0, err
		}
		messages, total, all.before = slices.Values(left), len(left), len(read)-len(left)
	}
	if in.err != nil {
		return 0, in.err
	}
	bar := newBar(stderr, total)
	handler.Each(ctx, "messages", alone(messages), func(_ queue.Message, r queue.Result) {
		all.add(r)
		bar.add()
	})
	bar.close()
	all.print(stderr)
	if in.err != nil {
		return 0, in.err
	}
	if all.left() > 0 || ctx.Err() != nil {
		return 1, nil
	}
	return 0, nil
}

// newQueue wires the queue's way to a sink: against the simulator, unless the settings
// name another upstream.
func newQueue(s app.Settings, sink queue.Sink, stderr io.Writer) *queue.Handler {
	if !s.Given("LOG_LEVEL") {
		s.LogLevel = silent
	}
	if !s.Given("DEDUPE_WINDOW") {
		s.DedupeWindow = s.LedgerTTL // however long the file takes
	}
	log := s.NewLogger(stderr)
	app.TakeStandardLog(log)
	parts := app.Options{Log: log, Sink: sink}
	if !s.Given("FACEID_ENDPOINT") {
		fmt.Fprintln(stderr, "the simulator answers; set "+app.Prefix+"FACEID_ENDPOINT to ask FaceID")
		parts.Transport = new(faceidsim.Simulator)
		parts.Credentials = credential.Static{SecretID: faceidsim.SecretID, SecretKey: faceidsim.SecretKey}
	}
	return app.New(s, parts).Queue
}

// recall returns the messages that have no event yet, and tells the ledger what the
// events of the others say.
func recall(ctx context.Context, h *queue.Handler, messages []queue.Message, events map[string][]past) (left []queue.Message, err error) {
	for _, m := range messages {
		call, id, unread := queue.Read(m)
		if len(events[id]) == 0 {
			left = append(left, m)
			continue
		}
		event := events[id][0]
		events[id] = events[id][1:]
		if unread != nil || event.failed() {
			continue
		}
		if err := h.Verifier.Remember(ctx, call, event.verdict()); err != nil {
			return nil, fmt.Errorf("the ledger can't be told of earlier results: %w", core.AsError(err).Kind)
		}
	}
	return left, nil
}

// alone are messages that do not wait for each other.
func alone(messages iter.Seq[queue.Message]) iter.Seq[[]queue.Message] {
	return func(yield func([]queue.Message) bool) {
		for m := range messages {
			if !yield([]queue.Message{m}) {
				return
			}
		}
	}
}

// checkMessages says what does not go with -messages, and what goes with it alone.
func checkMessages(o options, s app.Settings) error {
	switch {
	case o.messages == "" && o.results != "":
		return errors.New("local: -results goes with -messages only")
	case o.messages != "" && s.Given("RESULTS"):
		return errors.New("local: " + app.Prefix + "RESULTS does not go with -messages, whose results go to standard output or to -results")
	}
	return nil
}
