package memory

// Len returns how many entries are kept, forgotten ones included.
func (l *Ledger) Len() int { return len(l.entries) }
