package dynamodb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"phoneverify/core"
)

const (
	// fine is the spread of an instance's time that the pace's guard has room for.
	// What is more is added to the slots it takes.
	fine = 20 * time.Millisecond

	// wide is the spread from which on an instance first listens more closely, before
	// it takes a slot among others; enough is when it need not wait for more.
	wide   = 100 * time.Millisecond
	enough = 50 * time.Millisecond

	// late is how long after its time a slot may be used, when the store was slow to
	// answer. After that it is dropped, and another taken.
	late = 20 * time.Millisecond

	// rounds is how often a slot is tried for. The guess whether slots are queued for
	// can be wrong several times on end when many want one and the store is slow.
	rounds = 24

	// soon is for how long a queue is expected to be there still.
	soon = 2 * time.Second
)

// How an instance listens for the store's second to change: just before and just after
// it should, and if it does not, all the time.
const (
	probeMargin = 5 * time.Millisecond
	probeEvery  = 25 * time.Millisecond
	probes      = 2 + int(time.Second/probeEvery) + 10
	maxAsking   = 3 // at once
)

// Limiter is a [core.Limiter]. Its one item, "limiter", has in `slot` the earliest time
// of the next slot, epoch µs, in the store's time. That is estimated from the dates of
// its answers: see [Client], and hear.
//
// An instance knows the store's time as an earliest and a spread. It uses a slot once the
// slot's time has come for certain: never early, and late by the spread at most. A spread
// up to fine fits into the guard that [core.PaceOf] keeps; by what is more, the slots that
// the instance takes are made longer. So the quota holds whatever the clocks show, and
// all that an inexact clock costs is slots.
//
// Every answer tells more of the time, the ledger's too. An instance that has just started
// knows it to one second. Where no slots are queued for it takes its slot at once, and a
// long one, so that for up to a second there is no other. Else it first listens until it
// knows enough, which takes half a second mostly, and some two at most. What is then wanting
// it asks for in passing, and after some seconds knows the time to fine or better.
//
// What this relies on: the machines behind DynamoDB's address agree to 10 ms, and date
// each answer when they make it; the way back takes about as long for all instances; their
// clocks run true to 200 ppm from one answer to the next. After a jump of its clock an
// instance starts anew. Where answers have no dates, clocks are taken to be off by a
// second, and there is one slot in two seconds.
//
// A slot that begins now is used when the store has answered, up to late after its time.
type Limiter struct {
	client *Client
	table  string
	pace   core.Pace

	listening  chan struct{} // held by who does
	sharpening chan struct{}

	mu     sync.Mutex
	queued bool      // when the slot was last seen, others waited for theirs
	next   time.Time // the slot after the one last seen
	seen   time.Time // when, on our clock
}

// NewLimiter returns a limiter of perSecond requests (> 0) a second for all who share
// the table.
func NewLimiter(client API, table string, perSecond float64) *Limiter {
	return &Limiter{client: listen(client), table: table, pace: core.PaceOf(perSecond),
		listening: make(chan struct{}, 1), sharpening: make(chan struct{}, 1)}
}

// Reserve implements [core.Limiter]. It is one write if it is guessed rightly whether
// slots are queued for, else two; a few more in a race.
func (l *Limiter) Reserve(ctx context.Context, within time.Duration) (time.Duration, error) {
	until := l.client.clock.now().Add(within)
	listened := false
	queued := l.expectQueue()
	for n := range rounds {
		now := l.client.clock.read()
		if !listened && (!now.heard || queued && now.spread > wide) {
			listened = true
			if err := l.listen(ctx, until); err != nil {
				return 0, failure("reserve", err)
			}
			continue
		}
		within := max(0, until.Sub(now.own))
		slot, ok, err := l.take(ctx, now, within, queued)
		if err != nil {
			return 0, failure("reserve", err)
		}
		wait := slot.Sub(now.earliest)
		if !ok {
			queued = wait > 0
			if queued && wait > within && (listened || now.spread <= wide) {
				return 0, core.NoSlot(wait)
			}
			continue
		}
		then := l.client.clock.read()
		if queued && then.heard && then.spread > fine {
			l.sharpen(ctx, then.spread)
		}
		if then.own.Sub(now.own) > wait+late && n < rounds-1 {
			queued = true
			continue
		}
		return max(0, slot.Sub(then.earliest)), nil
	}
	return 0, errors.New("dynamodb: reserve: too many want the slot at once")
}

// take takes the next slot: where it is queued for, by moving it on, else by setting it
// anew. It returns the slot, and whether it was taken: else it is queued for though that
// was not expected, or the other way round, or is too far off.
func (l *Limiter) take(ctx context.Context, now reading, within time.Duration, queued bool) (slot time.Time, ok bool, err error) {
	length := l.pace.Interval + max(0, now.spread-fine)
	in := &dynamodb.UpdateItemInput{
		TableName:                           &l.table,
		Key:                                 limiterKey(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if queued {
		in.UpdateExpression = aws.String("SET slot = slot + :length")
		in.ConditionExpression = aws.String("slot > :now AND slot <= :last")
		in.ExpressionAttributeValues = item{
			":length": number(length.Microseconds()),
			":now":    micros(now.earliest),
			":last":   micros(now.earliest.Add(within)),
		}
		in.ReturnValues = types.ReturnValueUpdatedOld
	} else {
		in.UpdateExpression = aws.String("SET slot = :next")
		in.ConditionExpression = aws.String("attribute_not_exists(slot) OR slot <= :now")
		in.ExpressionAttributeValues = item{
			":next": micros(now.earliest.Add(length)),
			":now":  micros(now.earliest),
		}
	}
	out, err := l.client.UpdateItem(ctx, in)
	if err != nil {
		old, refused, err := l.client.refused(ctx, err, l.table, limiterKey())
		if !refused {
			return time.Time{}, false, err
		}
		slot = slotOf(old)
		l.saw(slot, now, slot.Sub(now.earliest))
		return slot, false, nil
	}
	slot = now.earliest
	if queued {
		slot = slotOf(out.Attributes)
	}
	l.saw(slot.Add(length), now, slot.Sub(now.earliest))
	return slot, true, nil
}

// saw remembers what was seen of the next slot, and how long the wait for a slot was. It
// takes more than one interval to tell a queue that lasts.
func (l *Limiter) saw(next time.Time, now reading, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.seen, l.queued = next, now.own, wait > l.pace.Interval
}

// expectQueue guesses whether the next slot is queued for.
func (l *Limiter) expectQueue() bool {
	now := l.client.clock.read()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next.After(now.earliest) || l.queued && now.own.Sub(l.seen) < soon
}

// listen asks the store for its time until that is known closely, or until is reached. One
// goroutine does it for all.
func (l *Limiter) listen(ctx context.Context, until time.Time) error {
	select {
	case l.listening <- struct{}{}:
		defer func() { <-l.listening }()
	case <-ctx.Done():
		return ctx.Err()
	}
	clock := l.client.clock
	if !clock.read().heard {
		if err := l.ask(ctx); err != nil {
			return err
		}
		if !clock.read().heard {
			return nil // it does not tell
		}
	}
	// The questions do not wait for each other's answers: they may be nearer than a round
	// trip.
	var asking sync.WaitGroup
	defer asking.Wait()
	failed := make(chan error, 1)
	room := make(chan struct{}, maxAsking)
	way := clock.shortestTrip() / 2
	second := clock.nextSecond(probeMargin+way, true)
	at := second.Add(-probeMargin - way)
	for n := range probes {
		now := clock.read()
		if at.After(until) {
			at = until
		}
		if err := sleep(ctx, at.Sub(now.own)); err != nil {
			return err
		}
		now = clock.read()
		if !now.heard || now.spread <= enough || !now.own.Before(until) {
			return nil
		}
		select {
		case room <- struct{}{}:
		case err := <-failed:
			return err
		}
		asking.Go(func() {
			if err := l.ask(ctx); err != nil {
				select {
				case failed <- err:
				default:
				}
			}
			<-room
		})
		switch n {
		case 0:
			at = second.Add(probeMargin - way)
		case 1:
			at = second.Add(probeMargin + way + probeEvery) // when it has been answered
		default:
			at = at.Add(probeEvery)
		}
	}
	return nil
}

// sharpen asks the store for its time around when its second should change next, in the
// background, which leaves a quarter of the spread or little more. One goroutine does it
// for all, and what it can't find out another will.
func (l *Limiter) sharpen(ctx context.Context, spread time.Duration) {
	select {
	case l.sharpening <- struct{}{}:
	default:
		return
	}
	ctx = context.WithoutCancel(ctx)
	go func() {
		defer func() { <-l.sharpening }()
		clock := l.client.clock
		way := clock.shortestTrip() / 2
		at := clock.nextSecond(spread/4+way, false).Add(-spread/4 - way)
		var asking sync.WaitGroup
		defer asking.Wait()
		for range 3 {
			time.Sleep(at.Sub(clock.now()))
			asking.Go(func() { l.ask(ctx) })
			at = at.Add(spread / 4)
		}
	}()
}

// ask asks the store for nothing but its time.
func (l *Limiter) ask(ctx context.Context) error {
	_, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &l.table, Key: limiterKey()})
	return err
}

// Pause implements [core.Limiter].
func (l *Limiter) Pause(ctx context.Context, d time.Duration) error {
	now := l.client.clock.read()
	at := now.earliest.Add(now.spread + d)
	_, err := l.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &l.table,
		Key:                       limiterKey(),
		UpdateExpression:          aws.String("SET slot = :at"),
		ConditionExpression:       aws.String("attribute_not_exists(slot) OR slot < :at"),
		ExpressionAttributeValues: item{":at": micros(at)},
	})
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil // it is later already
	}
	if err != nil {
		return failure("pause", err)
	}
	l.saw(at, now, d)
	return nil
}

func limiterKey() item { return item{"id": text("limiter")} }

func micros(t time.Time) types.AttributeValue { return number(t.UnixMicro()) }

func slotOf(i item) time.Time { return time.UnixMicro(numberOf(i, "slot")) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
