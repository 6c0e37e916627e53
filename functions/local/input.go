package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// input is messages, one a line.
type input struct {
	all    iter.Seq[queue.Message] // once; it ends early when ctx is done, or with err
	stream bool                    // their number is not known before the end
	close  func() error
	err    error // why all ended before the input did
}

// openMessages opens the file of that name, or standard input for "-".
func openMessages(ctx context.Context, name string, stdin io.Reader) (*input, error) {
	if name == "-" {
		in := &input{stream: true, close: func() error { return nil }}
		in.all = in.read(ctx, stdin)
		return in, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	in := &input{close: file.Close}
	in.all = in.read(ctx, file)
	return in, nil
}

// read reads a message a line, and skips empty lines. Reading may block for as long as it
// likes: nobody waits for it once ctx is done.
func (in *input) read(ctx context.Context, r io.Reader) iter.Seq[queue.Message] {
	return func(yield func(queue.Message) bool) {
		messages, failed := make(chan queue.Message), make(chan error, 1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			failed <- scan(r, func(m queue.Message) bool {
				select {
				case messages <- m:
					return true
				case <-ctx.Done():
					return false
				}
			})
		}()
		for {
			select {
			case m := <-messages:
				if !yield(m) {
					return
				}
			case in.err = <-failed:
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

// scan hands over every line that is not empty, until take returns false. A line is
// known by its number, which makes no key: one that asks the same is the same question.
func scan(r io.Reader, take func(queue.Message) bool) error {
	reader := bufio.NewReaderSize(r, core.MaxRequest+1)
	for number := 1; ; number++ {
		line, err := readLine(reader)
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // as some editors begin a file
		}
		if body := bytes.TrimSpace(line); len(body) > 0 {
			m := queue.Message{ID: fmt.Sprint("line-", number), NotAKey: true, Body: core.Private(body)}
			if !take(m) {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the messages: %w", err)
		}
	}
}

// readLine returns the next line, of one that is too long for a message its beginning,
// which is too long as well.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	line = bytes.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return line, err
}
