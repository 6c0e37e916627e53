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
	ID    string       // the queue's own id of it, "" if it has none
	Group string       // messages of one group are taken in order, one at a time; "" for none
	Body  core.Private // JSON, as it was sent
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
