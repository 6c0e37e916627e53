// Benchmark measures functions/lambda against two small programs of its own: bare, a
// handler that answers a constant, and plain, a handler that calls Tencent's SDK.
// Run it by scripts/bench.
//
// Each program runs as the real binary, natively, against a Lambda Runtime API that
// this process serves on loopback, with an upstream in this process that answers at
// once: what is measured is the programs. They take turns, invocation by invocation,
// so that whatever slows the machine down for a while slows all of them down.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// plan is how often things are done.
type plan struct {
	starts      int           // of each program, for start → first answer
	runs        int           // of each program, for the rest
	invocations int           // in a run, one after another
	pause       time.Duration // before each of these
}

var (
	full  = plan{starts: 101, runs: 5, invocations: 2000, pause: 2 * time.Millisecond}
	quick = plan{starts: 11, runs: 3, invocations: 300, pause: 2 * time.Millisecond}
)

func main() {
	var also []string
	isQuick := flag.Bool("quick", false, "a tenth of the repetitions")
	flag.Func("also", "measure another functions/lambda too, as `name=binary`", func(v string) error {
		also = append(also, v)
		return nil
	})
	flag.Parse()
	p := full
	if *isQuick {
		p = quick
	}
	if err := run(p, also); err != nil {
		fmt.Fprintln(os.Stderr, "scripts/bench:", err)
		os.Exit(1)
	}
}

func run(p plan, also []string) error {
	debug.SetGCPercent(1000) // so that this process seldom stands in the way
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	up, err := startUpstream()
	if err != nil {
		return err
	}
	defer up.Close()
	programs, err := buildAll(dir, up)
	if err != nil {
		return err
	}
	for _, one := range also {
		name, binary, _ := strings.Cut(one, "=")
		extra := program{name: name, binary: binary, env: programs[0].env, callsUpstream: true}
		if extra.zipSize, err = zipSize(binary); err != nil {
			return err
		}
		programs = append(programs, &extra)
	}
	if err := measureStarts(programs, p); err != nil {
		return err
	}
	if err := measureWarm(programs, p, up); err != nil {
		return err
	}
	report(os.Stdout, programs, p)
	return nil
}
