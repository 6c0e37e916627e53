package credential

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"phoneverify/core"
)

// Keys are three that belong together, and for how long they do.
type Keys struct {
	SecretID  string
	SecretKey core.Private
	Token     core.Private  // "" for keys that last
	Life      time.Duration // from when they were asked for
}

const (
	// safety is by how much keys must outlast the moment they are given out: an
	// attempt, and the way there.
	safety = time.Minute

	// fetchTimeout is for one fetch, which goes on when who began it has gone.
	fetchTimeout = 10 * time.Second

	// youth is how old keys must be to be thought stale, not wrong.
	youth = time.Minute

	// retryEarly is how long to wait after an early fetch has failed.
	retryEarly = 30 * time.Second
)

// Cache keeps keys that are fetched, and fetches them anew before they expire. There
// is one fetch at a time: who has keys that still hold does not wait for it, anyone
// else does, as long as their context lets them. Expired keys are given to nobody.
//
// Lives are counted from the moment of asking, by the wall clock, which goes on while
// a machine is frozen: whether it is right does not matter.
type Cache struct {
	Fetch func(ctx context.Context) (Keys, error) // ends when ctx does
	Log   *slog.Logger                            // every failed fetch, since some have nobody waiting; nil for none

	mu       sync.Mutex
	keys     *Keys     // nil if there are none
	asked    time.Time // when the keys were asked for
	renew    time.Time // from then on they are fetched anew
	fetching *fetch    // nil if none is under way
}

// fetch is one fetch under way.
type fetch struct {
	done chan struct{}
	keys Keys
	err  error // set before done is closed
}

// Keys returns keys that hold. Its error is the fetch's, or ctx's.
func (c *Cache) Keys(ctx context.Context) (string, core.Private, core.Private, error) {
	keys, err := c.get(ctx)
	return keys.SecretID, keys.SecretKey, keys.Token, err
}

func (c *Cache) get(ctx context.Context) (Keys, error) {
	now := wallClock()
	c.mu.Lock()
	keys := c.keys
	holds := keys != nil && !now.Before(c.asked) && !keys.expired(c.asked, now)
	if holds && now.Before(c.renew) {
		defer c.mu.Unlock()
		return *keys, nil
	}
	if c.fetching == nil {
		c.fetching = &fetch{done: make(chan struct{})}
		go c.run(context.WithoutCancel(ctx), c.fetching, now)
	}
	under := c.fetching
	c.mu.Unlock()
	if holds {
		return *keys, nil
	}
	select {
	case <-under.done:
		return under.keys, under.err
	case <-ctx.Done():
		return Keys{}, ctx.Err()
	}
}

// run makes one fetch, which was asked for at a time.
func (c *Cache) run(ctx context.Context, f *fetch, asked time.Time) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	defer close(f.done)
	f.keys, f.err = c.fetchOnce(ctx)
	if f.err == nil && f.keys.expired(asked, wallClock()) { // the machine may have been frozen for hours
		f.keys, f.err = Keys{}, errExpired
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fetching = nil
	if f.err != nil {
		c.renew = wallClock().Add(retryEarly) // while the old ones hold
		if c.Log != nil {
			c.Log.WarnContext(ctx, "credentials could not be fetched", "cause", f.err)
		}
		return
	}
	c.keys, c.asked = &f.keys, asked
	use := f.keys.Life - safety
	c.renew = asked.Add(use - use/10 - rand.N(use/10+1))
}

// expired reports whether keys that were asked for at a time are of no more use.
func (k Keys) expired(asked, now time.Time) bool { return now.Sub(asked) >= k.Life-safety }

var (
	errIncomplete = errors.New("credential: the keys that were fetched are incomplete")
	errExpired    = errors.New("credential: the keys that were fetched do not last")
)

// fetchOnce is Fetch, but never panics nor returns what is no use.
func (c *Cache) fetchOnce(ctx context.Context) (keys Keys, err error) {
	defer func() {
		if recover() != nil {
			keys, err = Keys{}, errors.New("credential: the fetch panicked")
		}
	}()
	keys, err = c.Fetch(ctx)
	if err == nil && (keys.SecretID == "" || keys.SecretKey == "") {
		err = errIncomplete
	}
	if err != nil {
		return Keys{}, err
	}
	return keys, nil
}

// Drop forgets the keys with this id, which the API has called stale, and reports
// whether it is worth trying with others: not if they are new.
func (c *Cache) Drop(secretID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || c.keys.SecretID != secretID {
		return true // they have been dropped or renewed meanwhile
	}
	if age := wallClock().Sub(c.asked); age >= 0 && age < youth {
		return false
	}
	c.keys = nil
	return true
}

// Format writes the type alone: in unexported fields fmt reads past the methods of
// [core.Private].
func (c *Cache) Format(f fmt.State, _ rune) { fmt.Fprint(f, "*credential.Cache") }

func wallClock() time.Time { return time.Now().Round(0) }
