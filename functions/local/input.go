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
	"path/filepath"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// input is messages, one a line.
type input struct {
	name   string
	reader io.Reader
	stream bool // their number is not known before the end
	close  func() error
	err    error // why the messages ended before the input did
}

// openMessages opens the file of that name, or standard input for "-".
func openMessages(name string, stdin io.Reader) (*input, error) {
	if name == "-" {
		return &input{name: name, reader: stdin, stream: true, close: func() error { return nil }}, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return &input{name: filepath.Base(name), reader: file, close: file.Close}, nil
}

// is reports whether the input is the file of that name.
func (in *input) is(name string) bool {
	file, ok := in.reader.(*os.File)
	if !ok || name == "" {
		return false
	}
	ours, err := file.Stat()
	theirs, theirErr := os.Stat(name)
	return err == nil && theirErr == nil && os.SameFile(ours, theirs)
}

// all are the messages, once: a line is one, but for empty lines. Reading may block for
// as long as it likes: nobody waits for it once ctx is done.
func (in *input) all(ctx context.Context) iter.Seq[queue.Message] {
	return func(yield func(queue.Message) bool) {
		messages, failed := make(chan queue.Message), make(chan error, 1)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() {
			failed <- scan(in.name, in.reader, func(m queue.Message) bool {
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
// known by its file and number, which make no key: one that asks the same is the same
// question.
func scan(name string, r io.Reader, take func(queue.Message) bool) error {
	reader := bufio.NewReaderSize(r, core.MaxRequest+1)
	for number := 1; ; number++ {
		line, err := readLine(reader)
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff")) // as some editors begin a file
		}
		if body := bytes.TrimSpace(line); len(body) > 0 {
			m := queue.Message{ID: fmt.Sprint(name, ":", number), NotAKey: true, Body: core.Private(body)}
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
