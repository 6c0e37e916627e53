package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// results is where events go, and those that are there already.
type results struct {
	io.Writer
	events map[string][]past // by the Id of their data
	close  func() error
}

// past is an event of an earlier run.
type past struct {
	Type string
	Data struct {
		Id, Result, Description, Isp, RequestId string
	}
}

func (p past) failed() bool { return p.Type == queue.Failed }

// verdict is what the event says, nil for an outcome that is unknown.
func (p past) verdict() *core.Verdict {
	if p.Type != queue.Completed {
		return nil
	}
	return &core.Verdict{Result: p.Data.Result, Description: p.Data.Description, Isp: p.Data.Isp, RequestID: p.Data.RequestId}
}

// openResults opens the file of that name to append to it, or takes standard output for
// "". A file that standard output was redirected to with >> is read as well.
func openResults(name string, stdout io.Writer) (*results, error) {
	if name != "" {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		return readResults(file, file)
	}
	file, ok := stdout.(*os.File)
	if !ok {
		return &results{Writer: stdout, close: func() error { return nil }}, nil
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return &results{Writer: stdout, close: func() error { return nil }}, nil
	}
	reader, err := os.Open("/dev/stdout")
	if err != nil {
		return nil, errors.New("standard output is a file that is not empty: name it with -results, so that what has its answer there is not asked again")
	}
	defer reader.Close()
	return readResults(reader, file)
}

// readResults reads the events in a file. A last line that was not written to its end is
// cut off: its message has no event.
func readResults(r io.Reader, file *os.File) (*results, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the results: %w", err)
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	out := &results{Writer: file, events: map[string][]past{}, close: file.Close}
	number := 0
	for line := range bytes.Lines(text[:whole]) {
		number++
		var p past
		if json.Unmarshal(line, &p) != nil || p.Type != queue.Completed && p.Type != queue.Failed && p.Type != queue.Unknown {
			return nil, fmt.Errorf("line %d of the results is no event: is this the right file?", number)
		}
		out.events[p.Data.Id] = append(out.events[p.Data.Id], p)
	}
	if whole < len(text) {
		if err := file.Truncate(int64(whole)); err != nil {
			return nil, fmt.Errorf("cutting off a line of the results that is not whole: %w", err)
		}
	}
	return out, nil
}
