package main

import (
	"fmt"
	"slices"
	"time"
)

// measureStarts starts every program in turn, over and over, for one answer each.
func measureStarts(programs []*program, p plan) error {
	for n := range p.starts + 1 {
		for _, one := range programs {
			took, err := one.startToAnswer()
			if err != nil {
				return err
			}
			if n > 0 { // the first only brings the binary into memory
				one.starts = append(one.starts, took)
			}
		}
	}
	return nil
}

func (p *program) startToAnswer() (time.Duration, error) {
	i, err := p.start()
	if err != nil {
		return 0, err
	}
	defer i.Close()
	_, came, err := i.invoke()
	return came.Sub(i.Began()), err
}

// measureWarm makes runs of many invocations, and checks that the programs have done
// what they are compared in.
func measureWarm(programs []*program, p plan, up *upstream) error {
	for range p.runs {
		before, want := up.calls.Load(), int64(0)
		if err := warmRun(programs, p); err != nil {
			return err
		}
		for _, one := range programs {
			if one.callsUpstream {
				want += int64(p.invocations + warmUp)
			}
		}
		if got := up.calls.Load() - before; got != want {
			return fmt.Errorf("%d calls reached the upstream in a run, want %d", got, want)
		}
	}
	return nil
}

// warmUp is how many invocations are not counted: connections are made in them, and
// buffers grow.
const warmUp = 20

// warmRun has an instance of each program answer an event in turn, and so on.
func warmRun(programs []*program, p plan) error {
	var instances []*instance
	defer func() {
		for _, i := range instances {
			i.Close()
		}
	}()
	for _, one := range programs {
		i, err := one.start()
		if err != nil {
			return err
		}
		instances = append(instances, i)
	}
	took := make([][]time.Duration, len(instances))
	for n := range warmUp + p.invocations {
		for at, i := range instances {
			time.Sleep(p.pause)
			handed, came, err := i.invoke()
			if err != nil {
				return err
			}
			if n >= warmUp {
				took[at] = append(took[at], came.Sub(handed))
			}
		}
	}
	for at, i := range instances {
		if err := i.program.note(took[at], i); err != nil {
			return err
		}
	}
	return nil
}

// note keeps what a run has shown.
func (p *program) note(took []time.Duration, i *instance) error {
	peak, err := i.peak()
	slices.Sort(took)
	p.p50 = append(p.p50, took[len(took)/2])
	p.p99 = append(p.p99, took[len(took)*99/100])
	p.peak = append(p.peak, peak)
	return err
}

// median is the middle one; of an even number the upper of two.
func median[T int | time.Duration](of []T) T {
	return slices.Sorted(slices.Values(of))[len(of)/2]
}
