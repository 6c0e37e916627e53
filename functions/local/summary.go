package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// summary counts what came of messages.
type summary struct {
	before       int // those that had their event already
	beforeFailed int // of them
	verdicts     map[string]int
	unknown      int
	failures     map[string]int // by code
	reasons      map[string]int // why messages were left
	charges      int
}

func (s *summary) add(r queue.Result) {
	if r.Answer.Result != "" && r.Answer.Billed() && !r.Answer.Replayed {
		s.charges++
	}
	switch {
	case r.Left:
		count(&s.reasons, reason(r))
	case r.Err == nil:
		count(&s.verdicts, string(r.Answer.Outcome()))
	case core.AsError(r.Err).Kind == core.Unknown:
		s.unknown++
	default:
		count(&s.failures, core.AsError(r.Err).Code)
	}
}

func count(counts *map[string]int, name string) {
	if *counts == nil {
		*counts = map[string]int{}
	}
	(*counts)[name]++
}

// reason is why a message was left.
func reason(r queue.Result) string {
	switch {
	case r.Err == nil:
		return string(r.Answer.Outcome())
	case errors.Is(r.Err, queue.ErrNotTaken):
		return "not taken"
	case errors.Is(r.Err, queue.ErrNotPublished):
		return "not written"
	}
	return core.AsError(r.Err).Code
}

func (s *summary) left() int { return sum(s.reasons) }

func sum(counts map[string]int) (total int) {
	for n := range maps.Values(counts) {
		total += n
	}
	return total
}

// print writes the summary, a line for each thing that a message can come to.
func (s *summary) print(w io.Writer) {
	messages := s.before + sum(s.verdicts) + s.unknown + sum(s.failures) + s.left()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name string
		n    int
		note string
	}{
		{"messages", messages, ""},
		{"answered before", s.before, s.failedBefore()},
		{"verdicts", sum(s.verdicts), list(s.verdicts)},
		{"unknown", s.unknown, "sent and never answered: perhaps charged, and not sent again"},
		{"failed", sum(s.failures), list(s.failures)},
		{"left", s.left(), list(s.reasons)},
		{"charges", s.charges, ""},
	} {
		fmt.Fprintf(t, "%s\t%d", row.name, row.n)
		if row.n > 0 && row.note != "" {
			fmt.Fprintf(t, "\t%s", row.note)
		}
		fmt.Fprintln(t)
	}
	t.Flush()
}

// failedBefore tells of messages that are not asked again though they could be, mended.
func (s *summary) failedBefore() string {
	if s.beforeFailed == 0 {
		return ""
	}
	return fmt.Sprint("failed ", s.beforeFailed, ": mended, they need results of their own")
}

func list(counts map[string]int) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprint(name, " ", counts[name]))
	}
	return strings.Join(all, ", ")
}

// bar shows how far it is, on a terminal. The zero bar shows nothing.
type bar struct{ shown *progressbar.ProgressBar }

// newBar returns a bar for so many messages, -1 if nobody knows how many. There is none
// where events are shown on the terminal too.
func newBar(stderr io.Writer, total int, shown bool) bar {
	if shown || !isTerminal(stderr) {
		return bar{}
	}
	return bar{progressbar.NewOptions(total,
		progressbar.OptionSetWriter(stderr),
		progressbar.OptionSetDescription("verifying"),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("messages"),
		progressbar.OptionFullWidth(),
		progressbar.OptionClearOnFinish(),
	)}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func (b bar) add() {
	if b.shown != nil {
		b.shown.Add(1)
	}
}

func (b bar) close() {
	if b.shown != nil {
		b.shown.Clear()
	}
}
