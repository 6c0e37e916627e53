package lines_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"phoneverify/adapters/queue/queuetest"
	"phoneverify/adapters/sink/lines"
)

// stream keeps what is written to it.
type stream struct {
	mu      sync.Mutex
	writes  []string
	refusal error
	most    int // bytes that it takes at once, without an error; 0 for all
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return 0, s.refusal
	}
	if s.most > 0 {
		p = p[:min(s.most, len(p))]
	}
	s.writes = append(s.writes, string(p))
	return len(p), nil
}

func (s *stream) refuse(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = nil
	if text != "" {
		s.refusal = errors.New(text)
	}
}

// events are the writes, each of which must be one line.
func (s *stream) events(t *testing.T) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var events []string
	for _, written := range s.writes {
		event, end, _ := strings.Cut(written, "\n")
		if end != "" || !strings.HasSuffix(written, "\n") {
			t.Errorf("one write is not one line: %q", written)
		}
		events = append(events, event)
	}
	return events
}

func TestSink(t *testing.T) {
	queuetest.Sink(t, func(t *testing.T, _ time.Duration) queuetest.Harness {
		s := new(stream)
		return queuetest.Harness{Sink: lines.New(s), Received: func() []string { return s.events(t) }, Refuse: s.refuse}
	})
}

// What follows a line that was written in part is a line of its own.
func TestShortWrite(t *testing.T) {
	s := &stream{most: 10}
	sink := lines.New(s)
	for range 2 {
		if err := sink.Publish(t.Context(), queuetest.Event(1)); err == nil || !strings.HasSuffix(err.Error(), ": short write") {
			t.Errorf("got %v", err)
		}
	}
	s.most = 0
	for n := range 2 {
		if err := sink.Publish(t.Context(), queuetest.Event(n)); err != nil {
			t.Error(err)
		}
	}
	written := strings.Split(strings.Join(s.writes, ""), "\n")
	want := []string{string(queuetest.Event(1).JSON())[:10], string(queuetest.Event(1).JSON())[:9],
		string(queuetest.Event(0).JSON()), string(queuetest.Event(1).JSON()), ""}
	if got := strings.Join(written, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// An error says what the system said, and not where.
func TestErrors(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "sesame"))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("the system has no /dev/full")
	}
	defer full.Close()
	for want, f := range map[string]*os.File{"file already closed": file, "no space left on device": full} {
		err := lines.New(f).Publish(t.Context(), queuetest.Event(1))
		if err == nil || err.Error() != "lines: the event can't be written: "+want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
