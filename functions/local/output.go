package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// results is where events go, and those that are there already.
type results struct {
	io.Writer
	events map[string][]past // by the Id of their data
}

// past is an event of an earlier run.
type past struct {
	ID, Type string
	Data     struct {
		Id, Result, Description, Isp, RequestId string
	}
}

// verdict is what the event says, nil for an outcome that is unknown.
func (p past) verdict() *core.Verdict {
	if p.Type != queue.Completed {
		return nil
	}
	return &core.Verdict{Result: p.Data.Result, Description: p.Data.Description, Isp: p.Data.Isp, RequestID: p.Data.RequestId}
}

// openResults opens the file of that name to append to it, or takes standard output for
// "". A file that standard output appends to, by >>, is read as well.
func openResults(name string, stdout io.Writer) (*results, error) {
	if name != "" {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			return nil, fmt.Errorf("the results are in use by another run: %w", err)
		}
		return readResults(file, file)
	}
	file, ok := stdout.(*os.File)
	if !ok || !appends(file) {
		return &results{Writer: stdout}, nil
	}
	reader, err := os.Open("/dev/stdout")
	if err != nil {
		return nil, errors.New("what standard output appends to can't be read: name it with -results, so that what has its answer there is not asked again")
	}
	defer reader.Close()
	return readResults(reader, file)
}

// readResults reads the events in a file.
func readResults(r io.Reader, file *os.File) (*results, error) {
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("the results must go to a file, or to standard output")
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the results: %w", err)
	}
	out := &results{Writer: file, events: map[string][]past{}}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		p, ok := readPast(line)
		switch {
		case ok:
			out.events[p.Data.Id] = append(out.events[p.Data.Id], p)
		case bytes.HasSuffix(line, []byte("\n")) || !isTorn(line):
			return nil, fmt.Errorf("line %d of the results is no event: is this the right file?", number)
		default:
			return out, file.Truncate(int64(len(text) - len(line))) // its message has no event
		}
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		_, err = file.WriteString("\n")
	}
	return out, err
}

func readPast(line []byte) (p past, ok bool) {
	err := json.Unmarshal(line, &p)
	return p, err == nil && (p.Type == queue.Completed || p.Type == queue.Failed || p.Type == queue.Unknown)
}

// isTorn reports whether a last line is the beginning of an event, which was not written
// to its end.
func isTorn(line []byte) bool {
	const beginning = `{"specversion":"1.0",`
	return strings.HasPrefix(string(line), beginning) || strings.HasPrefix(beginning, string(line))
}
