package main

import (
	"fmt"
	"math/rand/v2"

	"phoneverify/core"
)

// message is one in a queue.
type message struct {
	id     string // the queue's own, the same whenever it is delivered
	key    string // what its events know it by: its Id, or the queue's own
	body   string
	person string // the name; "" in one that is malformed
}

// draft is a message that is not in a queue yet.
type draft struct {
	id     string // "" if it has none of its own
	body   string
	person string // the name; "" in one that is malformed
}

// drafts is all that is sent, in a random order: people of whom some are sent more than
// once under one Id, others without an Id, and what can't be read.
func drafts(o options, random *rand.Rand) (all []draft) {
	for person := range o.people {
		n := times(random)
		id := key(person)
		if n == 1 && random.IntN(5) == 0 {
			id = ""
		}
		for range n {
			all = append(all, draft{id, string(request(id, person)), name(person)})
		}
	}
	for n := range o.people / 20 {
		all = append(all, malformed(n))
	}
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all
}

// malformed returns a message that can never be verified. Only one kind has an Id that
// may be told.
func malformed(n int) draft {
	id := fmt.Sprint("malformed-", n)
	switch n % 4 {
	case 0:
		return draft{body: `{"Id":"` + id + `","IdCard":"` + idCard}
	case 1:
		return draft{body: `{"Id":"` + id + `","IdCard":"` + idCard + `","Name":"` + id + `","Phone":` + phone + `}`}
	case 2:
		return draft{body: `{"Id":"` + phone + `","IdCard":"` + idCard + `","Name":"` + id + `","Phone":"` + phone + `"}`}
	}
	return draft{id: id, body: `{"Id":"` + id + `","IdCard":"` + idCard + `"}`}
}

// as is the message that a draft becomes under a queue's own id.
func (d draft) as(id string) message {
	m := message{id: id, key: d.id, body: d.body, person: d.person}
	if m.key == "" {
		m.key = id
	}
	return m
}

// event is the id of the message's events.
func (m message) event() string {
	v := core.Verifier{Policy: core.Policy{Secret: fingerprintKey}}
	return v.KeyOf(core.Call{Key: core.Private(m.key)}).String()
}
