package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"phoneverify/functions/platform"
)

// broker is two queues in front of the fleet, SQS for Lambda's binary and CKafka for
// SCF's. Each delivers at least once, in any order.
type broker struct {
	sink *sink

	mu      sync.Mutex
	random  *rand.Rand
	waiting []*parcel // all that is not deleted, in hand or not
	all     []message
	acks    map[string]int // deliveries that were acknowledged, by the id of their events
	kills   []kill

	redelivered, duplicated int // deliveries of messages after their first
	early                   int // acknowledged before there was an event
	dead                    int // messages given up
	late                    int // answers after the function's deadline: the platform has killed it by then
}

// parcel is what is acknowledged as one: a message of SQS, a batch of CKafka.
type parcel struct {
	messages []message
	onSCF    bool
	offset   int       // of the first, in CKafka
	due      time.Time // not delivered before
	inHand   int       // deliveries that have not ended
	taken    int       // how often
	acked    bool      // and delivered once more nevertheless
}

// kill is a process killed, with what it had in hand.
type kill struct {
	at       time.Time
	messages []message
}

const (
	batchSize    = 10
	batchTimeout = 15 * time.Second // the functions'
	maxTaken     = 40               // deliveries; then a message is given up, as to a dead-letter queue

	// visible is for how long what is delivered is not delivered again, and brief is that
	// of some deliveries, which come again while they are in hand.
	visible = 16 * time.Second
	brief   = time.Second

	// soon is when what an answer has left comes back.
	soon = 2 * time.Second

	// again is the share of deliveries that come again while they are in hand, and of
	// messages that come again though they were acknowledged.
	again = 0.05
)

// newBroker fills the queues; without SCF all is in SQS.
func newBroker(o options, onSCF bool, s *sink) *broker {
	b := &broker{sink: s, random: rand.New(rand.NewPCG(o.seed, 1)), acks: map[string]int{}}
	var batch *parcel
	offset := 0
	for n, d := range drafts(o, b.random) {
		if !onSCF || n%2 == 0 {
			m := d.as(fmt.Sprint("message-", n))
			b.waiting = append(b.waiting, &parcel{messages: []message{m}})
			b.all = append(b.all, m)
			continue
		}
		if offset%batchSize == 0 {
			batch = &parcel{onSCF: true, offset: offset}
			b.waiting = append(b.waiting, batch)
		}
		m := d.as(fmt.Sprint("people/0/", offset))
		batch.messages = append(batch.messages, m)
		b.all = append(b.all, m)
		offset++
	}
	return b
}

// take implements [load].
func (b *broker) take(onSCF bool) (t task, ok, done bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.choose(onSCF)
	if len(taken) == 0 {
		return task{}, false, len(b.waiting) == 0
	}
	for _, p := range taken {
		b.deliver(p)
	}
	deadline := time.Now().Add(batchTimeout)
	return task{
		event:    event(taken),
		timeout:  batchTimeout,
		answered: func(r platform.Result) { b.answered(taken, r, deadline) },
		killed:   func() { b.killed(taken) },
	}, true, false
}

// choose takes up to ten messages at random: one batch of CKafka, or ten of SQS.
func (b *broker) choose(onSCF bool) (chosen []*parcel) {
	now := time.Now()
	for _, i := range b.random.Perm(len(b.waiting)) {
		p := b.waiting[i]
		if p.onSCF == onSCF && !now.Before(p.due) {
			chosen = append(chosen, p)
		}
		if len(chosen) == batchSize || len(chosen) == 1 && onSCF {
			break
		}
	}
	return chosen
}

// deliver counts a delivery. The parcel stays where it is until it is acknowledged.
func (b *broker) deliver(p *parcel) {
	switch {
	case p.acked || p.inHand > 0:
		b.duplicated += len(p.messages)
	case p.taken > 0:
		b.redelivered += len(p.messages)
	}
	p.taken++
	p.inHand++
	p.due = time.Now().Add(visible)
	if b.random.Float64() < again {
		p.due = time.Now().Add(brief)
	}
}

// event is the event that hands parcels over.
func event(parcels []*parcel) []byte {
	if first := parcels[0]; first.onSCF {
		var bodies []string
		for _, m := range first.messages {
			bodies = append(bodies, m.body)
		}
		return platform.CKafka(first.offset, bodies...)
	}
	var messages []platform.Message
	for _, p := range parcels {
		messages = append(messages, platform.Message{ID: p.messages[0].id, Body: p.messages[0].body})
	}
	return platform.SQS(messages...)
}

// left implements [load]: it counts messages.
func (b *broker) left() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.waiting {
		n += len(p.messages)
	}
	return n
}
