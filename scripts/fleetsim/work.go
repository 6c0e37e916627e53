package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// job is one message: a person under a key. A person who is sent again has the same key.
type job struct {
	person int
	due    time.Time // not before
}

// event is what a function is invoked with: a direct invocation. The simulator answers a
// match for this phone, whoever it is said to belong to.
func (j job) event() []byte {
	text, err := json.Marshal(map[string]string{
		"Id": fmt.Sprint("key-", j.person), "IdCard": "11204416541220243X", "Name": name(j.person), "Phone": "16100000000",
	})
	if err != nil {
		panic(err)
	}
	return text
}

func name(person int) string { return fmt.Sprint("person ", person) }

// work is all the jobs, and what came of them.
type work struct {
	mu       sync.Mutex
	waiting  []job
	open     int // jobs that have no answer yet
	verdicts int
	replayed int
	unknown  map[int]bool // by person
	answered map[int]bool
	again    map[string]int // jobs that were to be tried again, by reason
}

// newWork is the jobs in a random order.
func newWork(o options) *work {
	random := rand.New(rand.NewPCG(o.seed, 1))
	w := &work{unknown: map[int]bool{}, answered: map[int]bool{}, again: map[string]int{}}
	for person := range o.people {
		times := 1
		if random.IntN(10) == 0 {
			times = 2 + random.IntN(2)
		}
		for range times {
			w.waiting = append(w.waiting, job{person: person})
		}
	}
	random.Shuffle(len(w.waiting), func(i, k int) { w.waiting[i], w.waiting[k] = w.waiting[k], w.waiting[i] })
	w.open = len(w.waiting)
	return w
}

// take returns a job that is due; done is true when there will be none any more.
func (w *work) take() (j job, ok, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for i := range w.waiting {
		if j := w.waiting[i]; !now.Before(j.due) {
			w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
			return j, true, false
		}
	}
	return job{}, false, w.open == 0
}

// retry puts a job back, as a queue does whose message was not acknowledged.
func (w *work) retry(j job, reason string, after time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.again[reason]++
	j.due = time.Now().Add(after)
	w.waiting = append(w.waiting, j)
}

// end records the answer to a job: a verdict, or that the outcome is unknown.
func (w *work) end(j job, unknown, replayed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	w.answered[j.person] = true
	switch {
	case unknown:
		w.unknown[j.person] = true
	case replayed:
		w.replayed++
	default:
		w.verdicts++
	}
}

// left is how many jobs have no answer yet.
func (w *work) left() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.open
}
