package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"time"

	"phoneverify/functions/platform"
)

// program is one of those compared, and what was measured of it.
type program struct {
	name          string
	source        string // the package it is built from
	binary        string
	env           []string
	callsUpstream bool // once for each invocation

	starts   []time.Duration // start → first answer, one for each start
	p50, p99 []time.Duration // warm, one for each run
	peak     []int           // bytes, one for each run
	zipSize  int             // bytes
}

// instance is a program that runs.
type instance struct {
	*platform.Lambda
	program *program
	people  int // verified so far
}

func (p *program) start() (*instance, error) {
	l, err := platform.StartLambda(p.binary, p.env...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return &instance{Lambda: l, program: p}, nil
}

// timeout is for one invocation, as a function's own is.
const timeout = 30 * time.Second

// invoke verifies another person, since the same one would be answered from memory. The
// answer must be a match.
func (i *instance) invoke() (handed, came time.Time, err error) {
	i.people++
	event := fmt.Appendf(nil, `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao %d","Phone":"16137688175"}`, i.people)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	result, err := i.Invoke(ctx, event, time.Now().Add(timeout))
	if err == nil {
		var answer platform.Answer
		if answer, err = result.Answer(); err == nil && answer.Result != "0" {
			err = fmt.Errorf("it answered %.200s", result.Payload)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w\n%.2000s", i.program.name, err, i.Output())
	}
	return result.Handed, result.Came, err
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+([0-9]+) kB$`)

// peak is the most memory that it has had resident so far, in bytes.
func (i *instance) peak() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.PID()))
	if err != nil {
		return 0, err
	}
	found := highWater.FindSubmatch(status)
	if found == nil {
		return 0, fmt.Errorf("%s: the kernel does not tell its peak memory", i.program.name)
	}
	kB, err := strconv.Atoi(string(found[1]))
	return kB << 10, err
}
