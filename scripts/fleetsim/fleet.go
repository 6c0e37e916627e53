package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"
)

// process is a function's process, of either cloud.
type process interface {
	Invoke(ctx context.Context, event []byte, deadline time.Time) (platform.Result, error)
	Signal(os.Signal) error
	Close()
}

// onSCF is a process of SCF's binary: its settings come with its invocations.
type onSCF struct {
	*platform.SCF
	env map[string]string
}

func (s onSCF) Invoke(ctx context.Context, event []byte, deadline time.Time) (platform.Result, error) {
	return s.SCF.Invoke(ctx, event, deadline, s.env)
}

// load is what a fleet has to do.
type load interface {
	// take returns what a process of one of the clouds can be invoked with now; done is
	// true when there will be nothing any more.
	take(onSCF bool) (t task, ok, done bool)
	left() int // how much has not come to its end
	report(o options, u *upstream, f *fleet, took time.Duration) (kept bool)
}

// task is one invocation, which comes to an answer or to its process being killed.
type task struct {
	event    []byte
	timeout  time.Duration // the function's
	answered func(platform.Result)
	killed   func()
}

// fleet is processes that share a store, each of which a worker keeps busy.
type fleet struct {
	o           options
	store       *store
	lambda, scf string // the binaries
	env         map[string]string
	members     []member
	killed      atomic.Int32 // processes
}

// member is a place in the fleet: its process is replaced when it was killed.
type member struct {
	mu      sync.Mutex
	process process
	busy    bool
}

const attemptTimeout = time.Second

// fingerprintKey is the secret under which keys are digested.
const fingerprintKey = "0123456789abcdef0123456789abcdef"

// startFleet starts the processes, with settings beside those that all fleets have.
func startFleet(dir string, o options, s *store, faceid string, settings map[string]string) (*fleet, error) {
	f := &fleet{o: o, store: s, members: make([]member, o.processes), env: map[string]string{
		"PHONEVERIFY_FACEID_ENDPOINT": faceid,
		"PHONEVERIFY_CREDENTIALS":     "env",
		"PHONEVERIFY_STORE":           s.url,
		"PHONEVERIFY_FINGERPRINT_KEY": fingerprintKey,
		"PHONEVERIFY_ATTEMPT_TIMEOUT": attemptTimeout.String(),
		"PHONEVERIFY_LOG_LEVEL":       "error",
		"TENCENTCLOUD_SECRETID":       faceidsim.SecretID,
		"TENCENTCLOUD_SECRETKEY":      faceidsim.SecretKey,
	}}
	maps.Copy(f.env, s.env)
	maps.Copy(f.env, settings)
	for _, one := range []struct {
		binary *string
		pkg    string
	}{{&f.lambda, "lambda"}, {&f.scf, "scf"}} {
		out := filepath.Join(dir, one.pkg)
		if err := os.Mkdir(out, 0o700); err != nil {
			return nil, err
		}
		var err error
		if *one.binary, err = platform.Build(out, "./functions/"+one.pkg, []string{o.store}); err != nil {
			return nil, err
		}
	}
	for i := range f.members {
		var err error
		if f.members[i].process, err = f.start(i); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// start starts the process of a place.
func (f *fleet) start(place int) (process, error) {
	if f.onSCF(place) {
		s, err := platform.StartSCF(f.scf)
		return onSCF{s, f.env}, err
	}
	var env []string
	for name, value := range f.env {
		env = append(env, name+"="+value)
	}
	return platform.StartLambda(f.lambda, env...)
}

// onSCF reports whether a place is of SCF's binary.
func (f *fleet) onSCF(place int) bool { return place%2 == 1 && f.store.onSCF }

func (f *fleet) close() {
	for i := range f.members {
		if p := f.members[i].process; p != nil {
			p.Close()
		}
	}
}

// run does all the work, and the killing meanwhile.
func (f *fleet) run(ctx context.Context, l load, began time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers, others sync.WaitGroup
	for place := range f.members {
		workers.Go(func() {
			if err := f.work(ctx, place, l); err != nil {
				cancel(err)
			}
		})
	}
	others.Go(func() { f.kill(ctx, l) })
	others.Go(func() { f.tell(ctx, l, began) })
	if f.o.restart {
		others.Go(func() {
			if err := f.restartStore(ctx, l); err != nil {
				cancel(err)
			}
		})
	}
	workers.Wait()
	err := context.Cause(ctx)
	cancel(nil)
	others.Wait()
	return err
}

// work keeps the process of a place busy until there is nothing left.
func (f *fleet) work(ctx context.Context, place int, l load) error {
	m := &f.members[place]
	for ctx.Err() == nil {
		t, ok, done := l.take(f.onSCF(place))
		if done {
			return nil
		}
		if !ok {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		m.set(true)
		result, err := m.process.Invoke(ctx, t.event, time.Now().Add(t.timeout))
		m.set(false)
		if err == nil {
			t.answered(result)
			continue
		}
		t.killed()
		m.process.Close()
		next, err := f.start(place)
		if err != nil {
			return err
		}
		m.mu.Lock()
		m.process = next
		m.mu.Unlock()
	}
	return nil
}

func (m *member) set(busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = busy
}

// kill ends busy processes with SIGKILL, evenly over the work.
func (f *fleet) kill(ctx context.Context, l load) {
	random := rand.New(rand.NewPCG(f.o.seed, 3))
	all := l.left()
	for n := range f.o.kills {
		for l.left() > all-all*(n+1)/(f.o.kills+1) {
			if !sleep(ctx, 20*time.Millisecond) {
				return
			}
		}
		m := &f.members[random.IntN(len(f.members))]
		m.mu.Lock()
		if m.busy && m.process.Signal(syscall.SIGKILL) == nil {
			f.killed.Add(1)
		}
		m.mu.Unlock()
	}
}

// restartStore kills the store in the middle of the work and starts it again.
func (f *fleet) restartStore(ctx context.Context, l load) error {
	for half := l.left() / 2; l.left() > half; {
		if !sleep(ctx, 20*time.Millisecond) {
			return nil
		}
	}
	f.store.kill()
	if !sleep(ctx, 2*time.Second) {
		return nil
	}
	return f.store.start(ctx)
}

// tell says on standard error how it goes.
func (f *fleet) tell(ctx context.Context, l load, began time.Time) {
	for sleep(ctx, 10*time.Second) {
		fmt.Fprintf(os.Stderr, "%3.0f s: %d left\n", time.Since(began).Seconds(), l.left())
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
