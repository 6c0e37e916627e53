package credential_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/credential"
)

const (
	life    = time.Hour
	safety  = time.Minute // keys are given out no later than this before they expire
	usable  = life - safety
	latency = 2 * time.Second
)

// source is a Fetch that takes a while and gives other keys each time: "1", "2", …
type source struct {
	mu    sync.Mutex
	calls []time.Time // when each began
	err   error       // what it fails with, nil for success
	life  time.Duration
	takes time.Duration
	log   bytes.Buffer
}

// newSource must be called in a bubble, which no fetch is to outlast.
func newSource(t *testing.T) (*source, *credential.Cache) {
	t.Cleanup(settle)
	s := &source{life: life, takes: latency}
	return s, &credential.Cache{Fetch: s.fetch, Log: slog.New(slog.NewTextHandler(&s.log, nil))}
}

func (s *source) fetch(ctx context.Context) (credential.Keys, error) {
	s.mu.Lock()
	s.calls = append(s.calls, time.Now())
	n, err, life, takes := strconv.Itoa(len(s.calls)), s.err, s.life, s.takes
	s.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return credential.Keys{}, ctx.Err()
	}
	if err != nil {
		return credential.Keys{}, err
	}
	return credential.Keys{SecretID: n, SecretKey: "sesame-key", Token: "sesame-token", Life: life}, nil
}

func (s *source) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// began is when the n-th call did.
func (s *source) began(n int) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[n-1]
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// id asks for keys and returns their id.
func id(t *testing.T, c *credential.Cache) string {
	t.Helper()
	got, err := ask(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if want := (three{got.id, "sesame-key", "sesame-token"}); got != want {
		t.Errorf("the keys %s are not the three that were fetched", got.id)
	}
	return got.id
}

// settle sleeps for as long as a fetch takes, and more.
func settle() {
	time.Sleep(latency + time.Millisecond)
	synctest.Wait()
}

func wantID(t *testing.T, c *credential.Cache, want string) {
	t.Helper()
	if got := id(t, c); got != want {
		t.Errorf("got keys %s, want %s", got, want)
	}
}

func wantCalls(t *testing.T, s *source, want int) {
	t.Helper()
	if got := s.count(); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

// renewal asks every few seconds until the keys are fetched a second time, and returns
// how old they were then.
func renewal(t *testing.T, s *source, c *credential.Cache) time.Duration {
	t.Helper()
	id(t, c)
	for s.count() == 1 {
		time.Sleep(time.Second)
		before := time.Now()
		id(t, c)
		if waited := time.Since(before); waited > 0 && time.Since(s.began(1)) < usable {
			t.Fatalf("a caller waited %v though the keys held", waited)
		}
		synctest.Wait()
	}
	return s.began(2).Sub(s.began(1))
}

func TestOneFetchForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() { wantID(t, c, "1") })
		}
		callers.Wait()
		wantID(t, c, "1")
		wantCalls(t, s, 1)
	})
}

// Keys are renewed before they expire, once, and nobody waits for that.
func TestEarlyRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		age := renewal(t, s, c)
		if age < usable/2 || age > usable-usable/20 {
			t.Errorf("renewed after %v of %v", age, usable)
		}
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				before := time.Now()
				wantID(t, c, "1") // while the renewal is under way
				if waited := time.Since(before); waited > 0 {
					t.Errorf("a caller waited %v though the keys held", waited)
				}
			})
		}
		callers.Wait()
		settle()
		wantID(t, c, "2")
		wantCalls(t, s, 2)
	})
}

// A fleet that started together does not renew together.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ages := map[time.Duration]bool{}
		for range 20 {
			s, c := newSource(t)
			ages[renewal(t, s, c)] = true
		}
		if len(ages) < 10 {
			t.Errorf("20 caches renewed at %d different ages", len(ages))
		}
	})
}

// A failing early renewal is logged, leaves the old keys in use, and is tried again
// every half minute. Once they expire the error is everyone's.
func TestEarlyRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		wantID(t, c, "1")
		down := errors.New("STS is down")
		s.set(down)
		start := s.began(1)
		for time.Since(start) < usable {
			wantID(t, c, "1")
			time.Sleep(time.Second)
		}
		if got := s.count() - 1; got < 5 || got > 30 {
			t.Errorf("%d early renewals, want one each half minute", got)
		}
		for i := 2; i < len(s.calls); i++ {
			if gap := s.calls[i].Sub(s.calls[i-1]); gap < 30*time.Second {
				t.Errorf("renewals %v apart", gap)
			}
		}
		settle()
		if got, want := strings.Count(s.log.String(), down.Error()), s.count()-1; got != want {
			t.Errorf("%d failures are logged, want %d", got, want)
		}
		for range 3 {
			if got, err := ask(t.Context(), c); !errors.Is(err, down) || got != (three{}) {
				t.Errorf("got keys %q and %v once expired, want %v", got.id, err, down)
			}
		}
		s.set(nil)
		n := s.count() + 1
		wantID(t, c, strconv.Itoa(n))
		wantCalls(t, s, n)
	})
}

// Whatever fails and whenever they are asked for, keys that would expire within the
// safety margin are given to nobody.
func TestExpiredKeysAreNeverGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		for i := range 2000 {
			s.set(nil)
			if i%3 != 0 {
				s.set(errors.New("down"))
			}
			if got, err := ask(t.Context(), c); err == nil {
				n, _ := strconv.Atoi(got.id)
				if age := time.Since(s.began(n)); age > usable {
					t.Fatalf("keys %v old were given out", age)
				}
			}
			time.Sleep(time.Duration(i%37) * time.Minute)
		}
	})
}

func TestExpiryAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		start := time.Now()
		wantID(t, c, "1")
		s.set(errors.New("down"))
		time.Sleep(usable - time.Nanosecond - time.Since(start))
		wantID(t, c, "1")
		settle() // the early renewal fails
		if got, err := ask(t.Context(), c); err == nil {
			t.Errorf("got keys %s after they expired", got.id)
		}
	})
}

func TestFetchFailsThenWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		down := errors.New("down")
		s.set(down)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if got, err := ask(t.Context(), c); !errors.Is(err, down) || got != (three{}) {
					t.Errorf("got keys %q and %v, want %v", got.id, err, down)
				}
			})
		}
		callers.Wait()
		wantCalls(t, s, 1)
		s.set(nil)
		wantID(t, c, "2")
	})
}

// Who goes away stops waiting at once; the fetch goes on for those who stay, even if
// who went had begun it.
func TestCallerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		short, cancel := context.WithTimeout(t.Context(), latency/2)
		defer cancel()
		start := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() {
			got, err := ask(short, c)
			if !errors.Is(err, context.DeadlineExceeded) || got != (three{}) || time.Since(start) != latency/2 {
				t.Errorf("got keys %q and %v after %v", got.id, err, time.Since(start))
			}
		})
		synctest.Wait() // it has begun the fetch
		wantCalls(t, s, 1)
		callers.Go(func() {
			wantID(t, c, "1")
			if waited := time.Since(start); waited != latency {
				t.Errorf("waited %v for a fetch of %v", waited, latency)
			}
		})
		callers.Wait()
		wantCalls(t, s, 1)
	})
}

// A fetch that everybody left serves who comes later.
func TestEveryCallerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := ask(gone, c); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		settle()
		before := time.Now()
		wantID(t, c, "1")
		if waited := time.Since(before); waited > 0 {
			t.Errorf("waited %v", waited)
		}
		wantCalls(t, s, 1)
	})
}

// A fetch keeps what its beginner's context carries, and has an end.
func TestFetchContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type name struct{}
		c := &credential.Cache{Fetch: func(ctx context.Context) (credential.Keys, error) {
			if ctx.Value(name{}) != "invocation" {
				t.Error("the context has lost its values")
			}
			<-ctx.Done()
			return credential.Keys{}, ctx.Err()
		}}
		start := time.Now()
		_, err := ask(context.WithValue(t.Context(), name{}, "invocation"), c)
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("got %v after %v, want the end of the deadline after 10s", err, took)
		}
	})
}

// A machine may be frozen for hours in the midst of a fetch.
func TestKeysThatExpiredUnderway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		frozen := true
		c := &credential.Cache{Fetch: func(context.Context) (credential.Keys, error) {
			if frozen {
				time.Sleep(2 * time.Hour)
			}
			return credential.Keys{SecretID: "id", SecretKey: "sesame-key", Token: "sesame-token", Life: life}, nil
		}}
		if got, err := ask(t.Context(), c); err == nil || got != (three{}) {
			t.Errorf("got keys %q that have expired, and %v", got.id, err)
		}
		frozen = false
		wantID(t, c, "id")
	})
}

func TestUselessFetches(t *testing.T) {
	good := credential.Keys{SecretID: "id", SecretKey: "sesame-key", Token: "sesame-token", Life: life}
	for name, fetch := range map[string]func(k *credential.Keys) error{
		"panic":       func(*credential.Keys) error { panic("sesame-key") },
		"no id":       func(k *credential.Keys) error { k.SecretID = ""; return nil },
		"no key":      func(k *credential.Keys) error { k.SecretKey = ""; return nil },
		"nothing":     func(k *credential.Keys) error { *k = credential.Keys{}; return nil },
		"no life":     func(k *credential.Keys) error { k.Life = 0; return nil },
		"short life":  func(k *credential.Keys) error { k.Life = safety; return nil },
		"past life":   func(k *credential.Keys) error { k.Life = -life; return nil },
		"keys, error": func(*credential.Keys) error { return errors.New("down") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				useless := true
				c := &credential.Cache{Fetch: func(context.Context) (k credential.Keys, err error) {
					k = good
					if useless {
						err = fetch(&k)
					}
					return k, err
				}}
				var callers sync.WaitGroup
				for range 5 {
					callers.Go(func() {
						got, err := ask(t.Context(), c)
						if err == nil || got != (three{}) {
							t.Errorf("got keys %q, and %v", got.id, err)
						} else if strings.Contains(err.Error(), "sesame") {
							t.Errorf("%q shows a key", err)
						}
					})
				}
				callers.Wait()
				useless = false
				wantID(t, c, "id")
			})
		})
	}
}

// Keys of a short life are not fetched more often than they must.
func TestShortLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		s.life, s.takes = safety+20*time.Second, 0
		start := time.Now()
		for time.Since(start) < time.Hour {
			id(t, c)
			time.Sleep(100 * time.Millisecond)
		}
		if got := s.count(); got > 60*60/15 {
			t.Errorf("%d fetches in an hour of keys that hold for 20s", got)
		}
	})
}

// Stale keys are dropped if they are old enough to have been good once.
func TestDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		if !c.Drop("1") {
			t.Error("with no keys there is no other to try")
		}
		wantID(t, c, "1")
		time.Sleep(50 * time.Second)
		if c.Drop("1") {
			t.Error("new keys were dropped")
		}
		if !c.Drop("0") {
			t.Error("others' keys are not worth another try")
		}
		wantID(t, c, "1")
		time.Sleep(10 * time.Second)
		if !c.Drop("1") {
			t.Error("old keys were not dropped")
		}
		if !c.Drop("1") {
			t.Error("who had them too is not to try again")
		}
		wantID(t, c, "2")
		if c.Drop("2") {
			t.Error("new keys were dropped")
		}
		wantCalls(t, s, 2)
	})
}

// Keys that were dropped are not brought back by a renewal that fails.
func TestDropDuringRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		s.takes = 0
		wantID(t, c, "1")
		s.takes = latency
		down := errors.New("down")
		s.set(down)
		for s.count() == 1 {
			time.Sleep(time.Second)
			wantID(t, c, "1")
			synctest.Wait()
		}
		if !c.Drop("1") {
			t.Error("old keys were not dropped")
		}
		if got, err := ask(t.Context(), c); !errors.Is(err, down) {
			t.Errorf("got keys %q and %v, want %v", got.id, err, down)
		}
	})
}

// Of keys from the future nobody knows how old they are.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		wantID(t, c, "1")
		time.Sleep(10 * time.Minute)
		wantID(t, c, "1")
		c.SetClockBack(30 * time.Minute)
		wantID(t, c, "2")
		wantID(t, c, "2")
		wantCalls(t, s, 2)
		time.Sleep(10 * time.Minute)
		c.SetClockBack(30 * time.Minute)
		if !c.Drop("2") {
			t.Error("keys of an unknown age were not dropped")
		}
		wantID(t, c, "3")
	})
}

func TestPrintingShowsNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newSource(t)
		id(t, c)
		keys, _ := s.fetch(t.Context())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			for _, thing := range []any{keys, &keys, c, struct{ c *credential.Cache }{c}} {
				if text := fmt.Sprintf(verb, thing); strings.Contains(text, "sesame") || strings.Contains(text, fmt.Sprintf("%x", "sesame")) {
					t.Errorf("%s of a %T shows a key", verb, thing)
				}
			}
		}
		slog.New(slog.NewJSONHandler(&s.log, nil)).Info("m", "cache", c, "keys", keys)
		slog.New(slog.NewTextHandler(&s.log, nil)).Info("m", "cache", c, "keys", keys)
		if strings.Contains(s.log.String(), "sesame") {
			t.Error("the log shows a key")
		}
	})
}
