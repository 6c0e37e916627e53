// Package redis keeps a ledger and a limiter in Redis 6 or later, for a fleet that
// shares them. Every step is one script that Redis runs as one, on Redis's own clock:
// what the instances' clocks show does not matter.
//
// One verification makes four operations: begin, reserve, sending, finish. It leaves
// one key of some 500 bytes (a hash of digests, a token, times and the verdict) for as
// long as the ledger remembers, which Redis forgets by itself.
//
// The promise of one charge is as durable as Redis is told to be. Set appendonly yes
// and appendfsync always, or what it had not written when it crashed is forgotten; and
// maxmemory-policy noeviction, or it forgets what it has no room for.
package redis

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"phoneverify/core"
)

var (
	_ core.Ledger  = (*Ledger)(nil)
	_ core.Limiter = (*Limiter)(nil)
)

// patience is how long one operation may take: a store that is away is found out soon.
const patience = time.Second

// prefix is what the keys of this project begin with.
const prefix = "phoneverify:"

// Open returns a ledger and a limiter, of perSecond requests (> 0) a second, in the
// Redis at address: redis:// or rediss:// (TLS), with user, password and database as in
// go-redis; with addr=HOST:PORT parameters, in a cluster. It connects when it is first
// used. The error does not show the address.
func Open(address string, perSecond float64) (core.Ledger, core.Limiter, error) {
	client, err := NewClient(address)
	if err != nil {
		return nil, nil, err
	}
	return NewLedger(client), NewLimiter(client, perSecond), nil
}

// quiet keeps go-redis from writing to standard error what it returns as well.
var quiet = sync.OnceFunc(logging.Disable)

// NewClient returns the client for an address, as [Open] reads it.
func NewClient(address string) (redis.UniversalClient, error) {
	quiet()
	if u, err := url.Parse(address); err == nil && u.Query().Has("addr") {
		o, err := redis.ParseClusterURL(address)
		if err != nil {
			return nil, errAddress
		}
		o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
		o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true
		return redis.NewClusterClient(o), nil
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, errAddress
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
	o.MaxRetries, o.DialerRetries, o.ContextTimeoutEnabled = -1, 1, true // who retries is core
	return redis.NewClient(o), nil
}

var errAddress = errors.New("redis: the address is not one of Redis")

// Ledger is a [core.Ledger].
type Ledger struct {
	client redis.Scripter
}

// NewLedger returns a ledger in a Redis.
func NewLedger(client redis.UniversalClient) *Ledger { return &Ledger{client} }

//go:embed begin.lua
var beginScript string

//go:embed step.lua
var stepScript string

//go:embed reserve.lua
var reserveScript string

//go:embed pause.lua
var pauseScript string

var (
	begin   = redis.NewScript(beginScript)
	step    = redis.NewScript(stepScript)
	reserve = redis.NewScript(reserveScript)
	pause   = redis.NewScript(pauseScript)
)

// states are what begin.lua calls them.
var states = map[string]core.State{
	"fresh":           core.Fresh,
	"held":            core.Held,
	"finished":        core.Finished,
	"other payload":   core.OtherPayload,
	"abandoned":       core.AbandonedBeforeSending,
	"abandoned, sent": core.AbandonedSending,
}

// Begin implements [core.Ledger].
func (l *Ledger) Begin(ctx context.Context, c core.Claim) (core.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := begin.Run(ctx, l.client, keys(c), c.Payload[:], c.Lease.Milliseconds(), c.Retain.Milliseconds(), flag(c.Resend), rand.Text()).StringSlice()
	if err != nil {
		return core.Standing{}, fmt.Errorf("redis: begin: %w", err)
	}
	state, ok := states[answer[0]]
	if !ok || len(answer) != 3 {
		return core.Standing{}, errors.New("redis: begin: the key holds something else")
	}
	standing := core.Standing{State: state, Token: answer[1]}
	if answer[2] != "" && json.Unmarshal([]byte(answer[2]), &standing.Verdict) != nil {
		return core.Standing{}, errors.New("redis: begin: the key holds something else")
	}
	return standing, nil
}

// Sending implements [core.Ledger].
func (l *Ledger) Sending(ctx context.Context, c core.Claim, on bool) error {
	return l.step(ctx, "sending", c, flag(on))
}

// Finish implements [core.Ledger].
func (l *Ledger) Finish(ctx context.Context, c core.Claim, v core.Verdict) error {
	verdict, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.step(ctx, "finish", c, string(verdict))
}

// Release implements [core.Ledger].
func (l *Ledger) Release(ctx context.Context, c core.Claim, sent bool) error {
	return l.step(ctx, "release", c, flag(sent))
}

// step takes a step of a claim that still holds.
func (l *Ledger) step(ctx context.Context, name string, c core.Claim, what string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	taken, err := step.Run(ctx, l.client, keys(c), name, c.Token, c.Lease.Milliseconds(), c.Retain.Milliseconds(), what).Int()
	switch {
	case err != nil:
		return fmt.Errorf("redis: %s: %w", name, err)
	case taken == 0:
		return core.ErrClaimLost
	}
	return nil
}

func keys(c core.Claim) []string {
	return []string{prefix + "key:" + c.Key.String()}
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// Limiter is a [core.Limiter].
type Limiter struct {
	client redis.Scripter
	pace   core.Pace
}

// NewLimiter returns a limiter of perSecond requests (> 0) a second for all who share
// the Redis.
func NewLimiter(client redis.UniversalClient, perSecond float64) *Limiter {
	return &Limiter{client, core.PaceOf(perSecond)}
}

// slot is the key of the earliest time of the next slot.
var slot = []string{prefix + "slot"}

// Reserve implements [core.Limiter].
func (l *Limiter) Reserve(ctx context.Context, within time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := reserve.Run(ctx, l.client, slot, l.pace.Interval.Microseconds(), within.Microseconds()).Int64Slice()
	if err != nil || len(answer) != 2 {
		return 0, fmt.Errorf("redis: reserve: %w", err)
	}
	wait := time.Duration(answer[1]) * time.Microsecond
	if answer[0] == 0 {
		return 0, core.NoSlot(wait)
	}
	return wait, nil
}

// Pause implements [core.Limiter].
func (l *Limiter) Pause(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := pause.Run(ctx, l.client, slot, d.Microseconds()).Err(); err != nil {
		return fmt.Errorf("redis: pause: %w", err)
	}
	return nil
}
