// Package kafka is the [queue.Sink] that writes events to a topic of Apache Kafka, as
// Tencent's CKafka and Amazon MSK have it. A record's value is the event, its key the
// event's id, and its header content-type the value's. It is written once all in-sync
// replicas have it; the topic is one that exists.
//
// The writes are not idempotent ones, in Kafka's sense: these need a permission on the
// whole cluster, and can't be given up once they were begun. A record may be written
// twice, as an event may be published twice.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"phoneverify/adapters/queue"
	"phoneverify/core"
)

var _ queue.Sink = (*Sink)(nil)

// patience is how long one event may take.
const patience = 5 * time.Second

// Sink writes events to one topic. It is safe for concurrent use.
type Sink struct {
	target   target
	patience time.Duration
	now      func() time.Time
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	client   func() (*kgo.Client, error)
	trouble  trouble
}

// Open returns a sink for an address:
//
//	kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]/TOPIC[?tls=off][&ca=FILE][&sasl=MECHANISM]
//
// Connections are TLS's, with certificates that the system trusts, or those in the PEM file
// ca; tls=off is for networks that are trusted themselves. The mechanisms are plain, which
// is the one for a user without sasl, scram-sha-256, scram-sha-512, and aws-msk-iam, which
// has no user: its keys are the function's role's, as they are in the environment whenever a
// connection is made. What is special in a user or password is percent-encoded, as the # in
// CKafka's ckafka-abc%23user.
//
// Open connects to nothing. Its error does not show the address.
func Open(address string) (*Sink, error) {
	t, err := parse(address)
	if err != nil {
		return nil, err
	}
	s := &Sink{target: t, patience: patience, now: time.Now}
	s.dial, s.client = s.connect, sync.OnceValues(s.newClient)
	return s, nil
}

// Publish implements [queue.Sink].
func (s *Sink) Publish(ctx context.Context, e queue.Event) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return s.failure(err)
	}
	client, err := s.client()
	if err != nil {
		return s.failure(err)
	}
	select {
	case err = <-s.produce(ctx, client, e):
	case <-ctx.Done():
		err = ctx.Err()
	}
	return s.failure(err)
}

// produce hands an event to the client, which tells what came of it. It is not given up
// with ctx, since all that wait for the same connection would be given up with it.
func (s *Sink) produce(ctx context.Context, client *kgo.Client, e queue.Event) <-chan error {
	outlast, end := context.WithTimeout(context.WithoutCancel(ctx), s.patience)
	done := make(chan error, 1)
	client.TryProduce(outlast, &kgo.Record{
		Key:     []byte(e.ID),
		Value:   e.JSON(),
		Headers: []kgo.RecordHeader{{Key: "content-type", Value: []byte(queue.ContentType)}},
	}, func(_ *kgo.Record, err error) {
		end()
		done <- err
	})
	return done
}

// failure is what is said of an error of the client's; where time has run out, with what
// kept the client from connecting.
func (s *Sink) failure(err error) error {
	if err == nil {
		return nil
	}
	err = shown(err)
	if trouble := s.trouble.last(); trouble != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("kafka: %w; the last connection failed: %w", err, shown(trouble))
	}
	return fmt.Errorf("kafka: %w", err)
}

// shown is Kafka's code with the text that the client has for it, the client's own words,
// or what is wrong with the connection. What the brokers say with it is left out.
func shown(err error) error {
	var otherwise error
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		otherwise = fmt.Errorf("the broker answered %w", e)
	} else if e, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok {
		otherwise = errors.New(e.Error())
	} else if errors.Is(err, io.EOF) {
		otherwise = io.EOF
	}
	return core.ShownCause(err, otherwise, context.DeadlineExceeded, context.Canceled, errNoKeys, kgo.ErrRecordRetries, kgo.ErrMaxBuffered)
}
