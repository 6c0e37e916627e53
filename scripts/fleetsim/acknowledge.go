package main

import (
	"slices"
	"time"

	"phoneverify/functions/platform"
)

// acknowledged returns those parcels that an answer acknowledges.
func acknowledged(parcels []*parcel, r platform.Result) []*parcel {
	if r.Failure != "" {
		return nil
	}
	if parcels[0].onSCF {
		return parcels
	}
	left, err := r.Failures()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(parcels), func(p *parcel) bool { return slices.Contains(left, p.messages[0].id) })
}

// answered ends a delivery of parcels, of which some were acknowledged. By its deadline
// the platform has ended a function: what it says later nobody hears.
func (b *broker) answered(parcels []*parcel, r platform.Result, deadline time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	late := now.After(deadline)
	if late {
		b.late++
	}
	acked := acknowledged(parcels, r)
	for _, p := range parcels {
		p.inHand--
		switch {
		case !late && slices.Contains(acked, p):
			b.acknowledge(p)
		case p.taken >= maxTaken:
			b.dead += len(p.messages)
			b.remove(p)
		case !late:
			p.due = now.Add(soon)
		}
	}
}

// killed ends a delivery whose process was killed.
func (b *broker) killed(parcels []*parcel) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := kill{at: time.Now()}
	for _, p := range parcels {
		p.inHand--
		k.messages = append(k.messages, p.messages...)
	}
	b.kills = append(b.kills, k)
}

// acknowledge deletes a parcel, or has it come again nevertheless. Each delivery that is
// acknowledged must have had an event of its own by now.
func (b *broker) acknowledge(p *parcel) {
	for _, m := range p.messages {
		id := m.event()
		if b.acks[id]++; b.acks[id] > b.sink.took(id) {
			b.early++
		}
	}
	if !p.acked && b.random.Float64() < again {
		p.acked = true
		p.due = time.Now().Add(time.Duration(b.random.Int64N(int64(visible))))
		return
	}
	b.remove(p)
}

func (b *broker) remove(p *parcel) {
	b.waiting = slices.DeleteFunc(b.waiting, func(q *parcel) bool { return q == p })
}
