// Package coretest holds the conformance suites of core's ports: one for each, run
// over every implementation.
//
// A suite is given a function that runs one check on a new, empty instance. The
// function decides where: in a testing/synctest bubble, where time is free, or against
// a real store with short times.
package coretest

import (
	"sync"
	"testing"
)

// suite is checks by name.
type suite[Harness any] []struct {
	name  string
	check func(*testing.T, Harness)
}

func (s suite[Harness]) run(t *testing.T, with func(*testing.T, func(*testing.T, Harness))) {
	for _, one := range s {
		t.Run(one.name, func(t *testing.T) { with(t, one.check) })
	}
}

// together runs f n times at once and returns when all have ended.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	all.Wait()
}
