// Package lines is the [queue.Sink] that writes to a stream: one event a line, as JSON.
package lines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

var _ queue.Sink = (*Sink)(nil)

// Sink writes events to one stream.
type Sink struct {
	mu   sync.Mutex
	w    io.Writer
	torn bool // the last line has no end
}

// New returns a sink that writes to w, once for each event, and one at a time. A write
// can't be given up: w must not block for long.
func New(w io.Writer) *Sink { return &Sink{w: w} }

// Publish implements [queue.Sink].
func (s *Sink) Publish(ctx context.Context, e queue.Event) error {
	line := append(e.JSON(), '\n')
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("lines: %w", err)
	}
	if s.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := s.w.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if n > 0 {
		s.torn = err != nil
	}
	return failure(err)
}

// failure is what is said of an error of the stream's.
func failure(err error) error {
	if err == nil {
		return nil
	}
	var otherwise error
	if e, ok := errors.AsType[syscall.Errno](err); ok {
		otherwise = e
	}
	return fmt.Errorf("lines: the event can't be written: %w", core.ShownCause(err, otherwise, io.ErrShortWrite, os.ErrClosed))
}
