package queuetest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"phoneverify/adapters/queue"
)

// Keeper is a [queue.Sink] that keeps by which Ids events are published. The zero value
// has none.
type Keeper struct {
	mu  sync.Mutex
	ids []string
}

// Publish implements [queue.Sink].
func (k *Keeper) Publish(_ context.Context, e queue.Event) error {
	var event struct{ Data struct{ Id string } }
	if err := json.Unmarshal(e.JSON(), &event); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ids = append(k.ids, event.Data.Id)
	return nil
}

// IDs returns the Ids, in order of the alphabet.
func (k *Keeper) IDs() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(slices.Values(k.ids))
}
