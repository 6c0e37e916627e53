package kafka

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// sleepGap is after how long without use a connection is not used again: the machine
	// may have been frozen, as functions are, and the connection be dead.
	sleepGap = 15 * time.Second

	// leastTimeout is the least that the client takes for a timeout.
	leastTimeout = 100 * time.Millisecond
)

// newClient returns the client, which connects to nothing before it is asked. Nothing of
// it is logged.
func (s *Sink) newClient() (*kgo.Client, error) {
	// A connection that leads nowhere is given up after three of these, and another tried
	// in the time that is left.
	fifth := max(s.patience/5, leastTimeout)
	options := []kgo.Opt{
		kgo.ClientID("phoneverify"),
		kgo.SeedBrokers(s.target.brokers...),
		kgo.Dialer(s.dial),
		kgo.WithHooks(&s.trouble),
		kgo.ConnIdleTimeout(sleepGap),
		kgo.RequestTimeoutOverhead(fifth),
		kgo.RetryTimeout(s.patience),
		kgo.RetryBackoffFn(backoff),
		kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.DisableClientMetrics(),

		kgo.DefaultProduceTopic(s.target.topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.DisableIdempotentWrite(),
		kgo.ProduceRequestTimeout(2 * fifth),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordRetries(3),
	}
	if s.target.sasl != nil {
		options = append(options, kgo.SASL(s.target.sasl))
	}
	return kgo.NewClient(options...)
}

// backoff is how long to wait after so many failures.
func backoff(fails int) time.Duration {
	return min(10*time.Millisecond<<min(max(fails, 0), 8), 200*time.Millisecond)
}

// connect is the dial of the network.
func (s *Sink) connect(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 2 * max(s.patience/5, leastTimeout)}
	dial := dialer.DialContext
	if s.target.tls != nil {
		dial = (&tls.Dialer{NetDialer: &dialer, Config: s.target.tls}).DialContext
	}
	c, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, now: s.now, used: s.now()}, nil
}

// trouble is why the last connection could not be made, nil if it could. It is what to
// tell of when time runs out.
type trouble struct {
	mu  sync.Mutex
	err error
}

// OnBrokerConnect implements [kgo.HookBrokerConnect].
func (t *trouble) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
}

func (t *trouble) last() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
