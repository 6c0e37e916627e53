package dynamodb_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"phoneverify/adapters/store/dynamodb"
	"phoneverify/core"
)

// slots is what a limiter uses of DynamoDB, in a bubble's time and nothing more: the
// one item, the two updates, and answers that are dated to the second and take a while.
// It is for the fleet's tests alone, which need clocks that no real service can have. All
// else is tested on moto.
type slots struct {
	dynamodb.API // and no other operation

	mu      sync.Mutex
	random  *rand.Rand
	slot    int64 // 0 for none
	updates int
	reads   int
}

// between returns a duration.
func (s *slots) between(least, most time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return least + time.Duration(s.random.Int64N(int64(most-least)))
}

// trip takes the time of a request's way there and back, has it answered in between, and
// returns the answer's metadata.
func (s *slots) trip(answer func()) (middleware.Metadata, *smithyhttp.Response) {
	time.Sleep(s.between(time.Millisecond, 4*time.Millisecond))
	header := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}
	response := &smithyhttp.Response{Response: &http.Response{StatusCode: 200, Header: header}}
	s.mu.Lock()
	answer()
	s.mu.Unlock()
	time.Sleep(s.between(time.Millisecond, 4*time.Millisecond))
	// The SDK's own way from a header to metadata.
	_, metadata, _ := awsmiddleware.RecordResponseTiming{}.HandleDeserialize(context.Background(), middleware.DeserializeInput{},
		middleware.DeserializeHandlerFunc(func(context.Context, middleware.DeserializeInput) (out middleware.DeserializeOutput, m middleware.Metadata, err error) {
			out.RawResponse = response
			return out, m, nil
		}))
	return metadata, response
}

func (s *slots) GetItem(context.Context, *awsdynamodb.GetItemInput, ...func(*awsdynamodb.Options)) (*awsdynamodb.GetItemOutput, error) {
	metadata, _ := s.trip(func() { s.reads++ })
	return &awsdynamodb.GetItemOutput{ResultMetadata: metadata}, nil
}

func (s *slots) UpdateItem(_ context.Context, in *awsdynamodb.UpdateItemInput, _ ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateItemOutput, error) {
	value := func(name string) int64 {
		n, err := strconv.ParseInt(in.ExpressionAttributeValues[name].(*types.AttributeValueMemberN).Value, 10, 64)
		if err != nil {
			panic(err)
		}
		return n
	}
	var holds bool
	var old int64
	metadata, response := s.trip(func() {
		s.updates++
		old = s.slot
		switch update := *in.UpdateExpression; update + " IF " + *in.ConditionExpression {
		case "SET slot = slot + :length IF slot > :now AND slot <= :last":
			if holds = old > value(":now") && old <= value(":last"); holds {
				s.slot += value(":length")
			}
		case "SET slot = :next IF attribute_not_exists(slot) OR slot <= :now":
			if holds = old <= value(":now"); holds {
				s.slot = value(":next")
			}
		default:
			panic(update)
		}
	})
	item := map[string]types.AttributeValue{"slot": &types.AttributeValueMemberN{Value: fmt.Sprint(old)}}
	if !holds {
		return nil, &smithyhttp.ResponseError{Response: response, Err: &types.ConditionalCheckFailedException{Item: item}}
	}
	return &awsdynamodb.UpdateItemOutput{Attributes: item, ResultMetadata: metadata}, nil
}

// grants are when slots were used, in true time.
type grants struct {
	mu    sync.Mutex
	times []time.Time
}

func (g *grants) used() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.times = append(g.times, time.Now())
}

// instance works as one of the fleet does until end, on so many things at once, with a
// clock that is off by skew and runs fast by rate.
func instance(t *testing.T, store *slots, skew time.Duration, rate float64, workers int, end time.Time, g *grants) {
	client := dynamodb.Wrap(store)
	born := time.Now()
	client.SetClock(func() time.Time {
		lived := time.Since(born)
		return time.Now().Add(skew + time.Duration(rate*float64(lived)))
	}, false)
	limiter := dynamodb.NewLimiter(client, "t", 20)
	ledger := func() { client.GetItem(t.Context(), nil) } // any answer tells the time
	work := func() {
		for time.Now().Before(end) {
			ledger() // begin
			wait, err := limiter.Reserve(t.Context(), 10*time.Second)
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(wait)
			g.used()
			ledger() // sending
			time.Sleep(store.between(200*time.Millisecond, 600*time.Millisecond))
			ledger() // finish
		}
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(work)
	}
	all.Wait()
}

// wantSeconds checks that no second, less slack, has more than 20 grants, as true time goes.
func (g *grants) wantSeconds(t *testing.T, slack time.Duration) {
	t.Helper()
	slices.SortFunc(g.times, time.Time.Compare)
	for i := 20; i < len(g.times); i++ {
		if span := g.times[i].Sub(g.times[i-20]); span < time.Second-slack {
			t.Errorf("21 slots within %v, the last %v after the first of all", span, g.times[i].Sub(g.times[0]))
		}
	}
}

// wantQuota checks that too, and how closely two follow each other.
func (g *grants) wantQuota(t *testing.T) {
	t.Helper()
	g.wantSeconds(t, 0)
	least := time.Hour
	for i := 1; i < len(g.times); i++ {
		least = min(least, g.times[i].Sub(g.times[i-1]))
	}
	t.Logf("%d slots, the closest %v apart", len(g.times), least)
	if want := core.PaceOf(20).Interval - dynamodb.Fine - dynamodb.Late; least < want {
		t.Errorf("two slots are %v apart, want %v", least, want)
	}
}

// wantThroughput checks that nearly all of the quota was used from after the first slot on.
func (g *grants) wantThroughput(t *testing.T, after, until time.Duration) {
	t.Helper()
	n := 0
	for _, at := range g.times {
		if since := at.Sub(g.times[0]); since >= after && since < until {
			n++
		}
	}
	rate := float64(n) / (until - after).Seconds()
	t.Logf("%.2f slots a second", rate)
	if rate < 0.95*20 {
		t.Errorf("%.2f slots a second, want 95 %% of 20", rate)
	}
}

// Instances whose clocks are up to a second off keep the quota, in true time, and use it.
func TestSkewedFleet(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &slots{random: rand.New(rand.NewPCG(seed, 1))}
				const life = 60 * time.Second
				var g grants
				var all sync.WaitGroup
				start := time.Now()
				for range 8 {
					skew := store.between(-time.Second, time.Second)
					rate := float64(store.between(-50, 50)) * 1e-6
					all.Go(func() { instance(t, store, skew, rate, 2, start.Add(life), &g) })
				}
				// And some that come and go, none of them warm.
				for n := range 5 {
					skew := store.between(-time.Second, time.Second)
					all.Go(func() {
						time.Sleep(time.Duration(10+8*n) * time.Second)
						instance(t, store, skew, 0, 2, time.Now().Add(7*time.Second), &g)
					})
				}
				all.Wait()
				g.wantQuota(t)
				g.wantThroughput(t, 3*time.Second, life-time.Second)
				ops := float64(store.updates) / float64(len(g.times))
				t.Logf("%.2f writes a slot, %d reads to listen", ops, store.reads-3*len(g.times))
				if ops > 1.25 {
					t.Errorf("%.2f writes a slot", ops)
				}
			})
		})
	}
}

// Half of the load, where slots are sometimes queued for and sometimes not, costs no more
// than two writes each.
func TestHalfBusyFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slots{random: rand.New(rand.NewPCG(7, 7))}
		var g grants
		var all sync.WaitGroup
		end := time.Now().Add(time.Minute)
		for range 4 {
			skew := store.between(-time.Second, time.Second)
			all.Go(func() { instance(t, store, skew, 0, 1, end, &g) })
		}
		all.Wait()
		g.wantQuota(t)
		ops := float64(store.updates) / float64(len(g.times))
		t.Logf("%.2f writes a slot", ops)
		if ops > 2 {
			t.Errorf("%.2f writes a slot", ops)
		}
	})
}

// Whoever starts alone waits for nothing, whatever its clock shows.
func TestFirstOfTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slots{random: rand.New(rand.NewPCG(3, 3))}
		for _, skew := range []time.Duration{-time.Second, 0, time.Second} {
			store.slot, store.reads, store.updates = time.Now().Add(-2*time.Second).UnixMicro(), 0, 0
			client := dynamodb.Wrap(store)
			client.SetClock(func() time.Time { return time.Now().Add(skew) }, false)
			client.GetItem(t.Context(), nil) // begin
			wait, err := dynamodb.NewLimiter(client, "t", 20).Reserve(t.Context(), time.Minute)
			if err != nil || wait != 0 || store.reads != 1 || store.updates != 1 {
				t.Errorf("off by %v: wait %v, %v, after %d updates and %d reads", skew, wait, err, store.updates, store.reads)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

// A deadline that leaves no time to listen is refused in that time.
func TestTooLateToListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slots{random: rand.New(rand.NewPCG(4, 4)), slot: time.Now().Add(time.Minute).UnixMicro()}
		limiter := dynamodb.NewLimiter(store, "t", 20)
		began := time.Now()
		_, err := limiter.Reserve(t.Context(), 50*time.Millisecond)
		if !errors.Is(err, core.RateLimited) || time.Since(began) > 150*time.Millisecond {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}
