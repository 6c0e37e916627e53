package webhook

import (
	"net/http"
	"time"
)

// SetPatience sets how long one event may take.
func (s *Sink) SetPatience(d time.Duration) { s.patience = d }

// Sign signs a body.
var Sign = sign

// NewTransport returns the network's, for a test to trust its own peer.
func NewTransport() *http.Transport { return newTransport() }
