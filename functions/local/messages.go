package main

import (
	"cmp"
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
	in, err := openMessages(o.messages, stdin)
	if err != nil {
		return 0, err
	}
	defer in.close()
	if in.is(o.results) {
		return 0, errors.New("the messages and the results are the same file")
	}
	out, err := openResults(o.results, stdout)
	if err != nil {
		return 0, err
	}
	r := verification{Handler: newQueue(s, lines.New(out), stderr), settings: s, in: in, events: out.events}
	messages, total, err := r.messages(ctx)
	if err != nil {
		return 0, err
	}
	bar := newBar(stderr, total, o.results == "" && isTerminal(stdout))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.Each(ctx, "messages", alone(messages), func(_ queue.Message, result queue.Result) {
		r.add(result)
		bar.add()
		// What can't be written is paid in vain, and a stream need not be read on.
		if errors.Is(result.Err, queue.ErrNotPublished) || in.stream && errors.Is(result.Err, queue.ErrNotTaken) {
			stop()
		}
	})
	bar.close()
	r.print(stderr)
	if in.err != nil {
		return 0, in.err
	}
	if r.left() > 0 || ctx.Err() != nil {
		return 1, nil
	}
	return 0, nil
}

var errStopped = errors.New("stopped while reading the messages")

// verification is one run over messages.
type verification struct {
	*queue.Handler
	summary
	settings app.Settings
	in       *input
	events   map[string][]past // of earlier runs, by Id
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

// messages are those that have no event yet, and how many there are, -1 if nobody knows.
func (r *verification) messages(ctx context.Context) (iter.Seq[queue.Message], int, error) {
	if r.in.stream && len(r.events) == 0 {
		return r.in.all(ctx), -1, nil
	}
	// What an event says of a message is good for another like it, wherever in the input
	// that is: so the input is read to its end first.
	all := slices.Collect(r.in.all(ctx))
	if r.in.err != nil || ctx.Err() != nil {
		return nil, 0, cmp.Or(r.in.err, errStopped)
	}
	var left []queue.Message
	for _, m := range all {
		answered, err := r.recall(ctx, m)
		if err != nil {
			return nil, 0, fmt.Errorf("the ledger can't be told of earlier results: %w", core.AsError(err).Kind)
		}
		if !answered {
			left = append(left, m)
		}
	}
	return slices.Values(left), len(left), nil
}

// recall reports whether a message has its event already, and tells the ledger what that
// says.
func (r *verification) recall(ctx context.Context, m queue.Message) (answered bool, err error) {
	call, id, unread := queue.Read(m)
	at := slices.IndexFunc(r.events[id], func(p past) bool { return r.isOf(p, call) })
	if at < 0 {
		return false, nil
	}
	event := r.events[id][at]
	r.events[id] = slices.Delete(r.events[id], at, at+1)
	r.before++
	if event.Type == queue.Failed {
		r.beforeFailed++
		return true, nil
	}
	if unread != nil {
		return true, nil
	}
	return true, r.Verifier.Remember(ctx, call, event.verdict())
}

// isOf reports whether an event of a message's Id is the message's own. Its digest tells,
// if it was made under the same key. An outcome that is unknown is asked again if the
// settings say so.
func (r *verification) isOf(p past, call core.Call) bool {
	if p.Type == queue.Unknown && r.settings.UnknownOutcome == "retry" {
		return false
	}
	return !r.settings.Given("FINGERPRINT_KEY") || p.ID == r.Verifier.KeyOf(call).String()
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
