package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"phoneverify/functions/platform"
)

// job is one message: a person under a key. A person who is sent again has the same key.
type job struct {
	person int
	due    time.Time // not before
}

// event is what a function is invoked with: a direct invocation.
func (j job) event() []byte { return request(key(j.person), j.person) }

// request is one about a person, under an id if it has one. The simulator answers a match
// for this phone, whoever it is said to belong to.
func request(id string, person int) []byte {
	members := map[string]string{"IdCard": idCard, "Name": name(person), "Phone": phone}
	if id != "" {
		members["Id"] = id
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return text
}

const (
	idCard = "11204416541220243X"
	phone  = "16100000000"
)

func key(person int) string { return fmt.Sprint("key-", person) }

func name(person int) string { return fmt.Sprint("person ", person) }

// work is all the jobs, and what came of them.
type work struct {
	mu       sync.Mutex
	waiting  []job
	open     int // jobs that have no answer yet
	verdicts int
	replayed int
	unknown  map[int]bool // by person
	told     map[int]bool
	again    map[string]int // jobs that were to be tried again, by reason
}

// newWork is the jobs in a random order.
func newWork(o options) *work {
	random := rand.New(rand.NewPCG(o.seed, 1))
	w := &work{unknown: map[int]bool{}, told: map[int]bool{}, again: map[string]int{}}
	for person := range o.people {
		for range times(random) {
			w.waiting = append(w.waiting, job{person: person})
		}
	}
	random.Shuffle(len(w.waiting), func(i, k int) { w.waiting[i], w.waiting[k] = w.waiting[k], w.waiting[i] })
	w.open = len(w.waiting)
	return w
}

// times is how often a person is sent: one in ten two or three times.
func times(random *rand.Rand) int {
	if random.IntN(10) == 0 {
		return 2 + random.IntN(2)
	}
	return 1
}

// timeout is the functions'. Killed work comes back when its lease is over.
const (
	timeout    = 10 * time.Second
	visibility = 8 * time.Second
)

// take implements [load]: either cloud takes any job that is due.
func (w *work) take(bool) (t task, ok, done bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for i := range w.waiting {
		if j := w.waiting[i]; !now.Before(j.due) {
			w.waiting = append(w.waiting[:i], w.waiting[i+1:]...)
			return task{
				event:    j.event(),
				timeout:  timeout,
				answered: func(r platform.Result) { w.answered(j, r) },
				killed:   func() { w.retry(j, "killed", visibility) },
			}, true, false
		}
	}
	return task{}, false, w.open == 0
}

// answered records what came of a job, or puts it back.
func (w *work) answered(j job, r platform.Result) {
	answer, err := r.Answer()
	switch {
	case err != nil:
		w.retry(j, "failed", time.Second)
	case answer.Result == "0":
		w.end(j, false, bytes.Contains(r.Payload, []byte(`"Replayed":true`)))
	case answer.Error.Code == "FailedOperation.OutcomeUnknown":
		w.end(j, true, false)
	default:
		w.retry(j, answer.Error.Code+answer.Result, time.Second)
	}
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
	w.told[j.person] = true
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
