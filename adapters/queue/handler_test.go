package queue_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/queue"
	"phoneverify/adapters/store/memory"
	"phoneverify/core"
)

// world is a handler and what is around it.
type world struct {
	*queue.Handler
	log bytes.Buffer

	mu       sync.Mutex
	calls    []string // the names that were sent upstream, in order
	inHand   int      // calls upstream at this moment
	most     int      // of them, at any
	upstream func(context.Context, core.Request) (core.Verdict, error)
	latency  time.Duration
	events   []queue.Event
	publish  func(context.Context, queue.Event) error // nil: it arrives
}

func newWorld() *world {
	w := &world{upstream: match}
	log := slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Handler = &queue.Handler{Sink: w, Log: log, Verifier: &core.Verifier{
		Upstream: w,
		Ledger:   memory.NewLedger(),
		Limiter:  memory.NewLimiter(20),
		Policy:   core.Policy{Secret: "0123456789abcdef0123456789abcdef"},
		Log:      log,
	}}
	return w
}

func (w *world) Verify(ctx context.Context, r core.Request) (core.Verdict, error) {
	w.mu.Lock()
	w.calls = append(w.calls, string(r.Name))
	w.inHand++
	w.most = max(w.most, w.inHand)
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.inHand--
		w.mu.Unlock()
	}()
	time.Sleep(w.latency)
	return w.upstream(ctx, r)
}

func (w *world) Publish(ctx context.Context, e queue.Event) error {
	if w.publish != nil {
		if err := w.publish(ctx, e); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	return nil
}

// handle hands over a batch with so much time left, and checks that it came back in it.
func (w *world) handle(t *testing.T, within time.Duration, batch ...queue.Message) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	left := ids(w.Handle(ctx, "test", batch))
	if ctx.Err() != nil {
		t.Error("it took longer than there was time")
	}
	return left
}

func ids(messages []queue.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, m.ID)
	}
	slices.Sort(all)
	return all
}

// data is an event as its readers see it.
type data struct {
	ID, Type string
	Data     struct {
		Id, Result, RequestId string
		Billed, Replayed      bool
		Error                 struct{ Code, Message string }
	}
}

func read(t *testing.T, e queue.Event) data {
	t.Helper()
	var d data
	if err := json.Unmarshal(e.JSON(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func match(context.Context, core.Request) (core.Verdict, error) { return verdict("0"), nil }

func verdict(result string) core.Verdict {
	return core.Verdict{Result: result, Description: "text", Isp: "Telecom", RequestID: "upstream-id"}
}

// message is one that has no Id, about a person of that name.
func message(id, name string) queue.Message {
	return queue.Message{ID: id, Body: core.Private(fmt.Sprintf(`{"IdCard":"card","Name":%q,"Phone":"phone"}`, name))}
}

func messages(n int) (all []queue.Message) {
	for i := range n {
		all = append(all, message(fmt.Sprint("m", i), fmt.Sprint("person ", i)))
	}
	return all
}

// What becomes of a message for each thing that it can come to.
func TestFates(t *testing.T) {
	fail := func(kind core.Kind) func(context.Context, core.Request) (core.Verdict, error) {
		return func(context.Context, core.Request) (core.Verdict, error) {
			return core.Verdict{}, &core.Error{Kind: kind, Code: "Some.Code", Message: "m"}
		}
	}
	result := func(code string) func(context.Context, core.Request) (core.Verdict, error) {
		return func(context.Context, core.Request) (core.Verdict, error) { return verdict(code), nil }
	}
	for name, c := range map[string]struct {
		upstream func(context.Context, core.Request) (core.Verdict, error)
		want     string // the event's type, "" for none: the message is left
	}{
		"match":         {result("0"), queue.Completed},
		"mismatch":      {result("-4"), queue.Completed},
		"no record":     {result("-9"), queue.Completed},
		"daily limit":   {result("-12"), queue.Completed},
		"unlisted code": {result("-99"), queue.Completed},
		"busy":          {result("-11"), ""},
		"invalid":       {fail(core.Invalid), queue.Failed},
		"rate limited":  {fail(core.RateLimited), ""},
		"in progress":   {fail(core.InProgress), queue.Unknown}, // as the Verifier takes what an upstream can't mean
		"unavailable":   {fail(core.Unavailable), ""},
		"rejected":      {fail(core.Rejected), ""},
		"unknown":       {fail(core.Unknown), queue.Unknown},
		"unclassified":  {fail(core.Internal), queue.Unknown}, // as the Verifier takes it
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.upstream = c.upstream
				left := w.handle(t, 20*time.Second, message("m1", "person"))
				if c.want == "" {
					if !slices.Equal(left, []string{"m1"}) || len(w.events) > 0 {
						t.Errorf("left %v, events %v", left, w.events)
					}
					return
				}
				if len(left) > 0 || len(w.events) != 1 || w.events[0].Type != c.want {
					t.Fatalf("left %v, events %v; want one of %s", left, w.events, c.want)
				}
				if got := read(t, w.events[0]); got.Data.Id != "m1" || got.ID == "" {
					t.Errorf("the event is %s", w.events[0].JSON())
				}
			})
		})
	}
}

// Every kind has a fate, and only what never ends otherwise is acknowledged.
func TestEveryKindHasAFate(t *testing.T) {
	final := []core.Kind{core.Invalid, core.Conflict, core.Unknown}
	for _, kind := range core.Kinds() {
		if !queue.HasFate(kind) || queue.IsLeft(kind) == slices.Contains(final, kind) {
			t.Errorf("%v: in the table %t, left %t", kind, queue.HasFate(kind), queue.IsLeft(kind))
		}
	}
}

// A message whose key another holds is left; one whose key was used for another person
// never ends otherwise.
func TestKeyInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.upstream = func(ctx context.Context, _ core.Request) (core.Verdict, error) {
			<-ctx.Done()
			return core.Verdict{}, &core.Error{Kind: core.Unknown, Code: "c"}
		}
		w.Verifier.Policy.AttemptTimeout = 15 * time.Second
		var others sync.WaitGroup
		others.Go(func() { w.handle(t, 60*time.Second, message("m1", "person")) })
		synctest.Wait()
		w.Verifier.Policy.AttemptTimeout = 5 * time.Second
		if left := w.handle(t, 12*time.Second, message("m1", "person")); !slices.Equal(left, []string{"m1"}) {
			t.Errorf("a key in progress: left %v", left)
		}
		others.Wait()
		w.events = nil
		if left := w.handle(t, 20*time.Second, message("m1", "another")); len(left) > 0 || len(w.events) != 1 || w.events[0].Type != queue.Failed {
			t.Errorf("a key used otherwise: left %v, events %v", left, w.events)
		}
	})
}

// A batch of every kind at once, delivered twice.
func TestBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		busy := true
		w.upstream = func(ctx context.Context, r core.Request) (core.Verdict, error) {
			switch {
			case r.Name == "busy" && busy:
				return verdict("-11"), nil
			case r.Name == "unknown":
				return core.Verdict{}, &core.Error{Kind: core.Unknown, Code: "FailedOperation.OutcomeUnknown"}
			}
			return verdict("0"), nil
		}
		batch := append(messages(5), message("busy", "busy"), message("unknown", "unknown"), message("m0", "person 0"),
			queue.Message{ID: "cut", Body: `{"IdCard":"1`}, queue.Message{ID: "no phone", Body: `{"Id":"mine","IdCard":"1","Name":"n"}`})
		if left := w.handle(t, 20*time.Second, batch...); !slices.Equal(left, []string{"busy"}) {
			t.Errorf("left %v", left)
		}
		types := map[string]int{}
		for _, e := range w.events {
			types[e.Type]++
		}
		if types[queue.Completed] != 6 || types[queue.Failed] != 2 || types[queue.Unknown] != 1 {
			t.Errorf("the events are %v", types)
		}
		busy = false
		before := len(w.calls)
		if left := w.handle(t, 20*time.Second, batch...); len(left) > 0 {
			t.Errorf("then left %v", left)
		}
		if again := w.calls[before:]; !slices.Equal(again, []string{"busy"}) {
			t.Errorf("the second delivery sent %v", again)
		}
	})
}

// The key is the Id, else the queue's own id, else what is asked.
func TestKeys(t *testing.T) {
	const asked = `"IdCard":"card","Name":"name","Phone":"phone"}`
	for name, c := range map[string]struct {
		a, b queue.Message
		same bool
	}{
		"one Id, two messages":        {queue.Message{ID: "1", Body: `{"Id":"x",` + asked}, queue.Message{ID: "2", Body: `{"Id":"x",` + asked}, true},
		"two Ids, one message":        {queue.Message{ID: "1", Body: `{"Id":"x",` + asked}, queue.Message{ID: "1", Body: `{"Id":"y",` + asked}, false},
		"an empty Id is none":         {queue.Message{ID: "1", Body: `{"Id":"",` + asked}, queue.Message{ID: "1", Body: "{" + asked}, true},
		"a redelivery":                {queue.Message{ID: "1", Body: "{" + asked}, queue.Message{ID: "1", Body: "{" + asked}, true},
		"two messages":                {queue.Message{ID: "1", Body: "{" + asked}, queue.Message{ID: "2", Body: "{" + asked}, false},
		"no ids at all":               {queue.Message{Body: "{" + asked}, queue.Message{Body: "{" + asked}, true},
		"two lines, one question":     {queue.Message{ID: "1", NotAKey: true, Body: "{" + asked}, queue.Message{ID: "2", NotAKey: true, Body: "{" + asked}, true},
		"two lines, broken":           {queue.Message{ID: "1", NotAKey: true, Body: "{"}, queue.Message{ID: "2", NotAKey: true, Body: "{"}, false},
		"no ids, broken, alike":       {queue.Message{Body: "{"}, queue.Message{Body: "{"}, true},
		"no ids, broken, differently": {queue.Message{Body: "{"}, queue.Message{Body: "["}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				if left := w.handle(t, 20*time.Second, c.a, c.b); len(left) > 0 || len(w.events) != 2 {
					t.Fatalf("left %v, events %v", left, w.events)
				}
				if same := w.events[0].ID == w.events[1].ID; same != c.same {
					t.Errorf("the same key: %t, want %t", same, c.same)
				}
				if n := len(w.calls); n != 0 && (n == 1) != c.same {
					t.Errorf("%d calls", n)
				}
			})
		})
	}
}

// Those of a group are taken in order, and none after one that is left; groups do not
// wait for each other.
func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.upstream = func(_ context.Context, r core.Request) (core.Verdict, error) {
			if r.Name == "b1" {
				return verdict("-11"), nil
			}
			return verdict("0"), nil
		}
		var batch []queue.Message
		for i := range 4 {
			for _, group := range []string{"a", "b", "c"} {
				m := message(fmt.Sprint(group, i), fmt.Sprint(group, i))
				m.Group = group
				batch = append(batch, m)
			}
		}
		if left := w.handle(t, 30*time.Second, batch...); !slices.Equal(left, []string{"b1", "b2", "b3"}) {
			t.Errorf("left %v", left)
		}
		order := map[string]string{}
		for _, e := range w.events {
			id := read(t, e).Data.Id
			order[id[:1]] += id[1:]
		}
		if order["a"] != "0123" || order["b"] != "0" || order["c"] != "0123" {
			t.Errorf("the order is %v", order)
		}
	})
}

// A batch that is too much for the time comes back in it, with the rest; as often as it
// is delivered again, each message is sent once.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.latency = time.Second
		batch := messages(1000)
		passes := 0
		for len(batch) > 0 {
			if passes++; passes > 10 {
				t.Fatalf("%d are left after %d passes", len(batch), passes)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			left := w.Handle(ctx, "test", batch)
			if ctx.Err() != nil {
				t.Error("it came back too late")
			}
			cancel()
			if len(left) == len(batch) {
				t.Fatal("nothing was done in 30 s")
			}
			batch = left
		}
		if len(w.calls) != 1000 || len(w.events) != 1000 {
			t.Errorf("%d calls, %d events", len(w.calls), len(w.events))
		}
		if w.most > 32 || w.most < 10 {
			t.Errorf("%d were in hand at once", w.most)
		}
	})
}

// What was verified and could not be published is not sent again.
func TestSinkInTrouble(t *testing.T) {
	for name, trouble := range map[string]func(context.Context, queue.Event) error{
		"down":  func(context.Context, queue.Event) error { return errors.New("down") },
		"hangs": func(ctx context.Context, _ queue.Event) error { <-ctx.Done(); return ctx.Err() },
		"panic": func(context.Context, queue.Event) error { panic("person 1") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.publish = trouble
				if left := w.handle(t, 30*time.Second, messages(20)...); len(left) != 20 || len(w.calls) != 20 {
					t.Errorf("left %v after %d calls", left, len(w.calls))
				}
				w.publish = nil
				if left := w.handle(t, 30*time.Second, messages(20)...); len(left) > 0 || len(w.calls) != 20 || len(w.events) != 20 {
					t.Errorf("then left %v after %d calls", left, len(w.calls))
				}
				for _, e := range w.events {
					if !read(t, e).Data.Replayed {
						t.Errorf("the event is %s", e.JSON())
					}
				}
				if strings.Contains(w.log.String(), "person 1") {
					t.Error("the log shows a panic's value")
				}
			})
		})
	}
}

// brokenLedger is one that can't be reached, which takes it a while to find out.
type brokenLedger struct {
	core.Ledger
	asked *atomic.Int32
}

func (l brokenLedger) Begin(context.Context, core.Claim) (core.Standing, error) {
	l.asked.Add(1)
	time.Sleep(time.Second)
	return core.Standing{}, errors.New("down")
}

// Where nothing gets through, a large batch is given up, and tried again as a whole.
func TestInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var asked atomic.Int32
		w.Verifier.Ledger = brokenLedger{memory.NewLedger(), &asked}
		left := w.handle(t, 15*time.Minute, messages(10000)...)
		if n := asked.Load(); len(left) != 10000 || n < 64 || n > 100 {
			t.Errorf("%d left, and the ledger was asked %d times", len(left), n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.upstream = func(_ context.Context, r core.Request) (core.Verdict, error) {
			return core.Verdict{}, &core.Error{Kind: core.Rejected, Code: "UnauthorizedOperation.Arrears"}
		}
		if left := w.handle(t, 15*time.Minute, messages(10000)...); len(left) != 10000 || len(w.calls) > 100 {
			t.Errorf("%d left after %d calls", len(left), len(w.calls))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld() // each busy for a reason of its own
		w.upstream = func(_ context.Context, r core.Request) (core.Verdict, error) {
			if r.Name == "person 299" {
				return verdict("0"), nil
			}
			return verdict("-11"), nil
		}
		if left := w.handle(t, 15*time.Minute, messages(300)...); len(left) != 299 {
			t.Errorf("%d left", len(left))
		}
	})
}

// A sink that takes nothing is not fed with what costs money for long; one that takes
// something now and then is.
func TestSinkInVain(t *testing.T) {
	for every, most := range map[int]int{0: 100, 20: 1000} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			n := 0
			w.publish = func(context.Context, queue.Event) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				if n++; every > 0 && n%every == 0 {
					return nil
				}
				return errors.New("down")
			}
			w.handle(t, 15*time.Minute, messages(1000)...)
			if len(w.calls) > most || every > 0 && len(w.calls) < 1000 {
				t.Errorf("of every %d taken: %d calls", every, len(w.calls))
			}
		})
	}
}

// A quota that is small for the batch takes its time.
func TestSmallQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Verifier.Limiter = memory.NewLimiter(0.5)
		if left := w.handle(t, 15*time.Minute, messages(300)...); len(left) > 0 {
			t.Errorf("%d are left", len(left))
		}
		w = newWorld()
		w.Verifier.Limiter = memory.NewLimiter(0.5)
		if left := w.handle(t, time.Minute, messages(300)...); len(left) < 260 || len(left) > 280 {
			t.Errorf("in a minute %d are left", len(left))
		}
	})
}

// There is time left to publish what was verified last, though its caller has gone.
func TestTimeToPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.latency = 4 * time.Second
		w.Verifier.Limiter = memory.NewLimiter(2)
		var least time.Duration = time.Hour
		w.publish = func(ctx context.Context, _ queue.Event) error {
			d, _ := ctx.Deadline()
			w.mu.Lock()
			defer w.mu.Unlock()
			least = min(least, time.Until(d))
			return ctx.Err()
		}
		w.handle(t, 20*time.Second, messages(100)...)
		if least < 3*time.Second {
			t.Errorf("a sink had %v", least)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.latency = time.Second
		w.publish = func(ctx context.Context, _ queue.Event) error { return ctx.Err() }
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		w.Handle(ctx, "test", messages(3))
		if len(w.calls) == 0 || len(w.events) != len(w.calls) {
			t.Errorf("%d calls, %d events", len(w.calls), len(w.events))
		}
	})
}

// What there is no time for costs the store nothing.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var asked atomic.Int32
		w.Verifier.Ledger = brokenLedger{memory.NewLedger(), &asked}
		if left := w.handle(t, 8700*time.Millisecond, messages(3)...); len(left) != 3 || asked.Load() > 0 {
			t.Errorf("left %v, and the ledger was asked %d times", left, asked.Load())
		}
		if !strings.Contains(w.log.String(), `"level":"WARN","msg":"batch"`) {
			t.Errorf("the log is %s", w.log.String())
		}
	})
}

// The ids of one cluster are not those of another.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a, b := message("t/0/1", "A"), message("t/0/1", "B")
		a.Within, b.Within = "cluster-a", "cluster-b"
		if left := w.handle(t, 20*time.Second, a, b, a); len(left) > 0 || len(w.calls) != 2 {
			t.Errorf("left %v after %d calls", left, len(w.calls))
		}
		for _, e := range w.events {
			if got := read(t, e).Data.Id; got != "t/0/1" || e.Type != queue.Completed {
				t.Errorf("the event is %s", e.JSON())
			}
		}
	})
}

// Who is told to stop ends what is in hand, publishes it, and takes no more.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.latency = 300 * time.Millisecond
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, cancel)
		left := w.Handle(ctx, "test", messages(500))
		if len(w.events) != len(w.calls) || len(left) != 500-len(w.events) || len(w.calls) < 30 || len(w.calls) > 50 {
			t.Errorf("%d calls, %d events, %d left", len(w.calls), len(w.events), len(left))
		}
	})
}

// Ten thousand messages come to ten thousand events.
func TestLargeBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		if left := w.handle(t, 15*time.Minute, messages(10000)...); len(left) > 0 || len(w.events) != 10000 || len(w.calls) != 10000 {
			t.Errorf("%d left, %d events, %d calls", len(left), len(w.events), len(w.calls))
		}
	})
}

// An Id that names the person is not published.
func TestIDNamesThePerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.handle(t, 20*time.Second, queue.Message{ID: "m1", Body: `{"Id":"user-13800138000","IdCard":"card","Name":"name","Phone":"13800138000"}`})
		if len(w.events) != 1 || w.events[0].Type != queue.Failed || strings.Contains(string(w.events[0].JSON()), "13800138000") || len(w.calls) > 0 {
			t.Errorf("the event is %s", w.events[0].JSON())
		}
		if got := read(t, w.events[0]).Data; got.Id != "m1" || got.Error.Code != "InvalidParameterValue" {
			t.Errorf("the data is %+v", got)
		}
	})
}

// An event is CloudEvents' structured JSON, as the documentation shows it.
func TestEventJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.handle(t, 20*time.Second, message("m1", "person"), queue.Message{ID: "m2", Body: "[]"})
		slices.SortFunc(w.events, func(a, b queue.Event) int { return strings.Compare(a.Type, b.Type) })
		for i, want := range []string{
			`{"specversion":"1.0","id":"ID","source":"phoneverify","type":"phoneverification.completed","time":"2000-01-01T00:00:00Z","datacontenttype":"application/json",` +
				`"data":{"Id":"m1","Result":"0","Description":"text","Isp":"Telecom","RequestId":"upstream-id","Outcome":"match","Billed":true,"Replayed":false}}`,
			`{"specversion":"1.0","id":"ID","source":"phoneverify","type":"phoneverification.failed","time":"2000-01-01T00:00:00Z","datacontenttype":"application/json",` +
				`"data":{"Id":"m2","Error":{"Code":"InvalidParameter","Message":"The body must be one JSON object, and nothing after it."},"RequestId":""}}`,
		} {
			e := w.events[i]
			if got := strings.Replace(string(e.JSON()), e.ID, "ID", 1); got != want || len(e.ID) != 64 {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		}
	})
}

// Whatever a stranger sends, it has one event or is left, and none of it is shown.
func FuzzHandle(f *testing.F) {
	f.Add(`{"Id":"a","IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`)
	f.Add(`{"Id":1}`)
	f.Add(`{"Id":"16137688175","IdCard":"1","Name":"n","Phone":"16137688175"}`)
	f.Add("\xff")
	w := newWorld()
	w.Verifier.Limiter = memory.NewLimiter(1e6)
	f.Fuzz(func(t *testing.T, body string) {
		w.log.Reset()
		w.events, w.calls = nil, nil
		left := w.Handle(t.Context(), "test", []queue.Message{{ID: "m1", Body: core.Private(body)}})
		if len(w.events)+len(left) != 1 {
			t.Fatalf("%d events, %d left", len(w.events), len(left))
		}
		for _, e := range w.events {
			if !json.Valid(e.JSON()) {
				t.Fatalf("the event is %s", e.JSON())
			}
		}
		if strings.Contains(body, "16137688175") && strings.Contains(w.log.String(), "16137688175") {
			t.Fatal("the log shows the message")
		}
	})
}
