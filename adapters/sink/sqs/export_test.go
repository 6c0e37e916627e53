package sqs

import "time"

// SetPatience sets how long one event may take.
func (s *Sink) SetPatience(d time.Duration) { s.patience = d }
