// Package queue makes verifications of messages and publishes what came of each as an
// event. A message is acknowledged only once its event is published: each has at least
// one event, and is charged once at most, whatever crashes in between.
//
// A message is the same JSON as a request over HTTP, with an Id beside its parameters
// where the sender has a name for the question. The Id, else the queue's own id of the
// message, is what is charged once for.
//
// What a trigger's envelope looks like is for awslambda and tencentscf to know, and
// where events go for the sinks.
package queue

import (
	"context"

	"phoneverify/core"
)

// Message is one message as a trigger hands it over.
type Message struct {
	ID     string       // the queue's own id of it, "" if it has none
	Within string       // where no other has this ID, "" if nowhere
	Group  string       // messages of one group are taken in order, one at a time; "" for none
	Body   core.Private // JSON, as it was sent

	// NotAKey says that the ID tells where a message stands and not which it is, as a
	// line's number: without an Id it is then charged once for what it asks.
	NotAKey bool
}

// Read returns the call that a message is, and the id that its sender knows it by. One
// that can't be read has the queue's own id, or failing that all of itself, for its key.
func Read(m Message) (call core.Call, id string, err error) {
	request, id, err := core.DecodeMessage([]byte(m.Body))
	call = core.Call{Request: request, Key: core.Private(id), ID: m.ID}
	if id != "" {
		return call, id, nil
	}
	if err != nil || !m.NotAKey {
		call.Key = m.key()
	}
	if err != nil && m.ID == "" {
		call.Key = m.Body
	}
	return call, m.ID, err
}

// key is what a message without an Id is charged once for.
func (m Message) key() core.Private {
	if m.Within == "" {
		return core.Private(m.ID)
	}
	return core.Private(m.Within + "\x00" + m.ID)
}

// Sink is where events go.
//
// Publish delivers one event durably: once it has returned nil the message is
// acknowledged, and nothing will send the event again. It returns by ctx's deadline. An
// error means that the event may not have arrived; the message is then delivered again,
// and its event with it. Its text is shown to operators: it holds nothing that the other
// side has sent, no address with its secrets, and no event. Publish is safe for
// concurrent use.
type Sink interface {
	Publish(ctx context.Context, e Event) error
}

// Result is what became of a message.
type Result struct {
	Answer core.Answer // if Err is nil, or ErrNotPublished and there was one
	Err    error       // why there is no verdict, or why it was not published
	Left   bool        // not acknowledged: the message is to be delivered again
}

// fate is what becomes of a message that came to an error.
type fate struct {
	left bool // another delivery may end otherwise; else its event says how it ended

	// others are no better off now: the cause is not the message's own.
	others bool
}

// fates is the one table from an error's kind to its message's fate.
var fates = map[core.Kind]fate{
	core.Invalid:         {},
	core.Conflict:        {},
	core.Unknown:         {}, // said once; the key stays unknown
	core.InProgress:      {left: true},
	core.RateLimited:     {left: true}, // the time was over
	core.Unavailable:     {left: true, others: true},
	core.Rejected:        {left: true, others: true}, // until the operator has mended the account
	core.Internal:        {left: true},
	core.Unauthenticated: {left: true}, // no message comes to it
}

// fateOf returns the fate of a message that came to an answer or an error. Busy is the
// one verdict that another delivery may end otherwise.
func fateOf(answer core.Answer, err error) fate {
	if err != nil {
		return fates[core.AsError(err).Kind]
	}
	return fate{left: answer.Outcome() == core.Busy}
}
