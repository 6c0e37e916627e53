package main

import (
	"bytes"
	"context"
	"fmt"
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

// fleet is processes that share a store, each of which a worker keeps busy.
type fleet struct {
	o              options
	store          *store
	lambda, scf    string // the binaries
	env            map[string]string
	members        []member
	killed, failed atomic.Int32 // processes; invocations that left with an error
}

// member is a place in the fleet: its process is replaced when it was killed.
type member struct {
	mu      sync.Mutex
	process process
	busy    bool
}

// timeout is the functions'. Killed work comes back when its lease is over.
const (
	timeout        = 10 * time.Second
	attemptTimeout = time.Second
	visibility     = 8 * time.Second
)

func startFleet(dir string, o options, s *store, faceid string) (*fleet, error) {
	f := &fleet{o: o, store: s, members: make([]member, o.processes), env: map[string]string{
		"PHONEVERIFY_FACEID_ENDPOINT": faceid,
		"PHONEVERIFY_CREDENTIALS":     "env",
		"PHONEVERIFY_STORE":           s.url,
		"PHONEVERIFY_FINGERPRINT_KEY": "0123456789abcdef0123456789abcdef",
		"PHONEVERIFY_ATTEMPT_TIMEOUT": attemptTimeout.String(),
		"PHONEVERIFY_LOG_LEVEL":       "error",
		"TENCENTCLOUD_SECRETID":       faceidsim.SecretID,
		"TENCENTCLOUD_SECRETKEY":      faceidsim.SecretKey,
	}}
	for name, value := range s.env {
		f.env[name] = value
	}
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
	if place%2 == 1 && f.store.onSCF {
		s, err := platform.StartSCF(f.scf)
		return onSCF{s, f.env}, err
	}
	var env []string
	for name, value := range f.env {
		env = append(env, name+"="+value)
	}
	return platform.StartLambda(f.lambda, env...)
}

func (f *fleet) close() {
	for i := range f.members {
		if p := f.members[i].process; p != nil {
			p.Close()
		}
	}
}

// run does all the work, and the killing meanwhile.
func (f *fleet) run(ctx context.Context, w *work, began time.Time) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers, others sync.WaitGroup
	for place := range f.members {
		workers.Go(func() {
			if err := f.work(ctx, place, w); err != nil {
				cancel(err)
			}
		})
	}
	others.Go(func() { f.kill(ctx, w) })
	others.Go(func() { f.tell(ctx, w, began) })
	if f.o.restart {
		others.Go(func() {
			if err := f.restartStore(ctx, w); err != nil {
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
func (f *fleet) work(ctx context.Context, place int, w *work) error {
	m := &f.members[place]
	for ctx.Err() == nil {
		j, ok, done := w.take()
		if done {
			return nil
		}
		if !ok {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		m.set(true)
		result, err := m.process.Invoke(ctx, j.event(), time.Now().Add(timeout))
		m.set(false)
		if err != nil { // it was killed
			w.retry(j, "killed", visibility)
			m.process.Close()
			next, err := f.start(place)
			if err != nil {
				return err
			}
			m.mu.Lock()
			m.process = next
			m.mu.Unlock()
			continue
		}
		f.take(w, j, result)
	}
	return nil
}

// take records what came of a job, or puts it back.
func (f *fleet) take(w *work, j job, r platform.Result) {
	answer, err := r.Answer()
	switch {
	case err != nil:
		f.failed.Add(1)
		w.retry(j, "failed", time.Second)
	case answer.Result == "0":
		w.end(j, false, bytes.Contains(r.Payload, []byte(`"Replayed":true`)))
	case answer.Error.Code == "FailedOperation.OutcomeUnknown":
		w.end(j, true, false)
	default:
		w.retry(j, answer.Error.Code+answer.Result, time.Second)
	}
}

func (m *member) set(busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = busy
}

// kill ends busy processes with SIGKILL, evenly over the work.
func (f *fleet) kill(ctx context.Context, w *work) {
	random := rand.New(rand.NewPCG(f.o.seed, 3))
	all := w.left()
	for n := range f.o.kills {
		for w.left() > all-all*(n+1)/(f.o.kills+1) {
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
func (f *fleet) restartStore(ctx context.Context, w *work) error {
	for half := w.left() / 2; w.left() > half; {
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
func (f *fleet) tell(ctx context.Context, w *work, began time.Time) {
	for sleep(ctx, 10*time.Second) {
		fmt.Fprintf(os.Stderr, "%3.0f s: %d left\n", time.Since(began).Seconds(), w.left())
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
