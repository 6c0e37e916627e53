package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"
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
	program *program
	api     *runtimeAPI
	cmd     *exec.Cmd
	output  bytes.Buffer // to be read once it has gone
	gone    chan struct{}
	began   time.Time
	people  int // verified so far
}

// start runs the program with nothing in its environment but what it needs, and its
// output in a pipe, as Lambda has it.
func (p *program) start() (*instance, error) {
	api, err := startRuntimeAPI()
	if err != nil {
		return nil, err
	}
	i := &instance{program: p, api: api, cmd: exec.Command(p.binary), gone: make(chan struct{})}
	i.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + api.address}, p.env...)
	i.cmd.Stdout, i.cmd.Stderr = &i.output, &i.output
	i.began = time.Now()
	if err := i.cmd.Start(); err != nil {
		api.Close()
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	go func() {
		i.cmd.Wait() // how it ended matters to nobody who has stopped it
		close(i.gone)
	}()
	return i, nil
}

// invoke verifies another person, since the same one would be answered from memory.
func (i *instance) invoke() (handed, came time.Time, err error) {
	i.people++
	event := fmt.Appendf(nil, `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao %d","Phone":"16137688175"}`, i.people)
	handed, came, err = i.api.invoke(event, i.gone)
	if err != nil {
		i.stop()
		err = fmt.Errorf("%s: %w\n%.2000s", i.program.name, err, i.output.Bytes())
	}
	return handed, came, err
}

// stop ends it at once.
func (i *instance) stop() {
	i.cmd.Process.Kill()
	<-i.gone
	i.api.Close()
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+([0-9]+) kB$`)

// peak is the most memory that it has had resident so far, in bytes.
func (i *instance) peak() (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.cmd.Process.Pid))
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
