package kafka

import (
	"context"
	"net"
	"time"
)

// SetPatience sets how long one event may take. It must be set before the first, as what
// is set below must.
func (s *Sink) SetPatience(d time.Duration) { s.patience = d }

// SetClock sets the wall clock.
func (s *Sink) SetClock(now func() time.Time) { s.now = now }

// SetDial sets the way to the brokers.
func (s *Sink) SetDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	s.dial = dial
}

// Close ends what runs in the background.
func (s *Sink) Close() {
	if client, err := s.client(); err == nil {
		client.Close()
	}
}

// Target returns what an address says: its brokers, topic and mechanism, and whether
// connections are encrypted.
func (s *Sink) Target() (brokers []string, topic, mechanism string, encrypted bool) {
	if s.target.sasl != nil {
		mechanism = s.target.sasl.Name()
	}
	return s.target.brokers, s.target.topic, mechanism, s.target.tls != nil
}
