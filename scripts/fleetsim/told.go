package main

import (
	"phoneverify/adapters/queue"
	"phoneverify/functions/platform"
)

// told is what the events say of the messages.
type told struct {
	events    int
	without   int // messages
	malformed int // messages
	failed    int // malformed messages whose events all say so
	unknown   int // keys
	twoWays   int // keys with events of different types
	wrong     int // events of no message, under another Id, or of a type that can't be
}

// sent is what is sent under one key, and what was told of it.
type sent struct {
	messages  []message
	events    int
	types     map[string]bool
	malformed bool
}

// read compares what was sent with what was told.
func read(messages []message, events []platform.Event) told {
	t := told{events: len(events)}
	keys := map[string]*sent{} // by the id of its events
	for _, m := range messages {
		id := m.event()
		if keys[id] == nil {
			keys[id] = &sent{types: map[string]bool{}, malformed: m.person == ""}
		}
		keys[id].messages = append(keys[id].messages, m)
	}
	for _, e := range events {
		k := keys[e.ID]
		if k == nil || e.Data.Id != k.messages[0].key || k.malformed != (e.Type == queue.Failed) {
			t.wrong++
		}
		if k != nil {
			k.events++
			k.types[e.Type] = true
		}
	}
	for _, k := range keys {
		t.add(k)
	}
	return t
}

// add counts one key. As many events as messages are the least: each has one of its own.
func (t *told) add(k *sent) {
	t.without += max(0, len(k.messages)-k.events)
	if k.malformed {
		t.malformed += len(k.messages)
		if k.types[queue.Failed] && len(k.types) == 1 {
			t.failed += len(k.messages)
		}
	}
	if k.types[queue.Unknown] {
		t.unknown++
	}
	if len(k.types) > 1 {
		t.twoWays++
	}
}
