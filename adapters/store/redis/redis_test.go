package redis_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	goredis "github.com/redis/go-redis/v9"

	"phoneverify/adapters/store/redis"
	"phoneverify/core"
	"phoneverify/core/coretest"
)

// clock is a miniredis's time, which goes on when it is told to.
type clock struct {
	server *miniredis.Miniredis
	now    time.Time
}

func mini(t *testing.T) (goredis.UniversalClient, *clock) {
	t.Helper()
	server := miniredis.RunT(t)
	c := &clock{server, time.Now()}
	c.server.SetTime(c.now)
	return open(t, "redis://"+server.Addr()), c
}

func (c *clock) pass(d time.Duration) {
	c.now = c.now.Add(d)
	c.server.SetTime(c.now)
	c.server.FastForward(d)
}

func open(t *testing.T, address string) goredis.UniversalClient {
	t.Helper()
	client, err := redis.NewClient(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// real is the Redis that scripts/check starts, empty.
func real(t *testing.T) goredis.UniversalClient {
	t.Helper()
	address := os.Getenv("REDIS_URL")
	if address == "" {
		t.Skip("REDIS_URL is not set: scripts/check sets it")
	}
	client := open(t, address)
	if err := client.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return client
}

func TestLedger(t *testing.T) {
	coretest.Ledger(t, func(t *testing.T, check func(*testing.T, coretest.LedgerHarness)) {
		client, clock := mini(t)
		check(t, coretest.LedgerHarness{Ledger: redis.NewLedger(client), Unit: time.Second, Pass: clock.pass})
	})
}

func TestLimiter(t *testing.T) {
	coretest.Limiter(t, func(t *testing.T, check func(*testing.T, coretest.LimiterHarness)) {
		client, clock := mini(t)
		check(t, coretest.LimiterHarness{Limiter: redis.NewLimiter(client, 20), Pace: core.PaceOf(20), Pass: clock.pass, Slack: 5 * time.Millisecond})
	})
}

func TestLedgerOnRedis(t *testing.T) {
	coretest.Ledger(t, func(t *testing.T, check func(*testing.T, coretest.LedgerHarness)) {
		check(t, coretest.LedgerHarness{Ledger: redis.NewLedger(real(t)), Unit: 250 * time.Millisecond, Pass: time.Sleep})
	})
}

func TestLimiterOnRedis(t *testing.T) {
	coretest.Limiter(t, func(t *testing.T, check func(*testing.T, coretest.LimiterHarness)) {
		check(t, coretest.LimiterHarness{Limiter: redis.NewLimiter(real(t), 20), Pace: core.PaceOf(20), Pass: time.Sleep, Slack: 40 * time.Millisecond})
	})
}

// A store that is away is found out in a second or so, and nothing is granted.
func TestUnreachable(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	for name, address := range map[string]string{"silent": silent.Addr().String(), "refused": gone.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ledger, limiter, err := redis.Open("redis://user:sesame@"+address, 20)
			if err != nil {
				t.Fatal(err)
			}
			c := core.Claim{Lease: time.Second, Retain: time.Second, Token: "t"}
			for step, do := range map[string]func() error{
				"begin":   func() error { _, err := ledger.Begin(t.Context(), c); return err },
				"sending": func() error { return ledger.Sending(t.Context(), c, true) },
				"finish":  func() error { return ledger.Finish(t.Context(), c, core.Verdict{}) },
				"release": func() error { return ledger.Release(t.Context(), c, true) },
				"reserve": func() error { _, err := limiter.Reserve(t.Context(), time.Second); return err },
				"pause":   func() error { return limiter.Pause(t.Context(), time.Second) },
			} {
				began := time.Now()
				err := do()
				if took := time.Since(began); err == nil || errors.Is(err, core.ErrClaimLost) || took > 5*time.Second {
					t.Errorf("%s: got %v after %v", step, err, took)
				} else if strings.Contains(err.Error(), "sesame") || !strings.HasPrefix(err.Error(), "redis: "+step) {
					t.Errorf("%s: the error is %v", step, err)
				}
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for address, ok := range map[string]bool{
		"redis://127.0.0.1:6379":                              true,
		"rediss://user:sesame@redis.test:6380/2":              true,
		"redis://user:sesame@a.test:6379?addr=b.test:6379":    true,
		"http://sesame.test":                                  false,
		"redis://user:sesame@127.0.0.1:6379/not-a-number":     false,
		"redis://user:sesame@127.0.0.1:6379?no_such_option=1": false,
		"redis://user:ses%zzame@127.0.0.1":                    false,
	} {
		_, _, err := redis.Open(address, 20)
		if (err == nil) != ok {
			t.Errorf("%s: got %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "ses") {
			t.Errorf("the error shows the address: %v", err)
		}
	}
}

// What is not of this project is an error, and is left alone.
func TestStrangeKeys(t *testing.T) {
	client, _ := mini(t)
	c := core.Claim{Lease: time.Second, Retain: time.Second}
	key := "phoneverify:key:" + strings.Repeat("00", 32)
	if err := client.Set(t.Context(), key, "text", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if s, err := redis.NewLedger(client).Begin(t.Context(), c); err == nil || s.Token != "" {
		t.Errorf("got %+v, %v", s, err)
	}
	if text, err := client.Get(t.Context(), key).Result(); text != "text" {
		t.Errorf("the key holds %q, %v", text, err)
	}
}

// counter counts operations.
type counter struct{ n atomic.Int32 }

func (c *counter) DialHook(next goredis.DialHook) goredis.DialHook { return next }
func (c *counter) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if name := cmd.Name(); name != "hello" && name != "client" {
			c.n.Add(1)
		}
		return next(ctx, cmd)
	}
}
func (c *counter) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

// One verification makes four operations, and what it leaves in the store says nothing
// about the person.
func TestVerification(t *testing.T) {
	const card, name, phone = "310115198507264391", "Zhuge Canarius", "16183940572"
	client, clock := mini(t)
	v := &core.Verifier{
		Upstream: match{},
		Ledger:   redis.NewLedger(client),
		Limiter:  redis.NewLimiter(client, 20),
		Policy:   core.Policy{Secret: "0123456789abcdef0123456789abcdef"},
	}
	warm := core.Request{IdCard: "1", Name: "n", Phone: "1"} // Redis learns the scripts
	if _, err := v.Verify(t.Context(), core.Call{Request: warm, Key: "warm"}); err != nil {
		t.Fatal(err)
	}
	clock.pass(time.Second)
	var ops counter
	client.AddHook(&ops)
	a, err := v.Verify(t.Context(), core.Call{Request: core.Request{IdCard: card, Name: name, Phone: phone}, Key: phone})
	if err != nil || a.Result != "0" {
		t.Fatalf("got %+v, %v", a, err)
	}
	if n := ops.n.Load(); n != 4 {
		t.Errorf("%d operations, want 4", n)
	}
	stored := clock.server.Dump()
	if !strings.Contains(stored, "Telecom") {
		t.Errorf("the store holds no verdict:\n%s", stored)
	}
	for _, value := range []string{card, name, phone} {
		for i := 0; i+7 <= len(value); i++ {
			if strings.Contains(stored, value[i:i+7]) {
				t.Fatalf("the store holds %q:\n%s", value[i:i+7], stored)
			}
		}
	}
	clock.pass(15 * 24 * time.Hour)
	if keys := clock.server.Keys(); len(keys) != 0 {
		t.Errorf("after its time the store holds %v", keys)
	}
}

// match is an upstream to which everyone is a match.
type match struct{}

func (match) Verify(context.Context, core.Request) (core.Verdict, error) {
	return core.Verdict{Result: "0", Description: "d", Isp: "Telecom", RequestID: "r"}, nil
}
