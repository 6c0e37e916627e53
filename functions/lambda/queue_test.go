package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"
)

// startQueue starts the binary with a receiver of its results.
func startQueue(t *testing.T, env ...string) (*function, *platform.Receiver) {
	t.Helper()
	r := platform.StartReceiver()
	t.Cleanup(r.Close)
	for name, value := range r.Env() {
		env = append(env, name+"="+value)
	}
	return start(t, binary, append(env, "PHONEVERIFY_ATTEMPT_TIMEOUT=1s")...), r
}

// person is a message about a person of that name, whom the simulator answers by phone.
func person(id, name, phone string) platform.Message {
	return platform.Message{ID: id, Body: fmt.Sprintf(`{"IdCard":"11204416541220243X","Name":%q,"Phone":%q}`, name, phone)}
}

// deliver hands over a batch, and returns what is to be delivered again.
func (f *function) deliver(t *testing.T, within time.Duration, batch ...platform.Message) []string {
	t.Helper()
	left, err := f.invoke(t, string(platform.SQS(batch...)), within).Failures()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	return left
}

// byID are the types of events, by the Id of their data.
func byID(events []platform.Event) map[string][]string {
	all := map[string][]string{}
	for _, e := range events {
		all[e.Data.Id] = append(all[e.Data.Id], strings.TrimPrefix(e.Type, "phoneverification."))
	}
	return all
}

// A batch of ten, of which each comes to something else: the busy one is delivered
// again, each other has one event, and the second delivery pays for nothing twice.
func TestSQSBatch(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	busy := person("busy", "Busy Person", "16100000011")
	batch := []platform.Message{
		person("m1", "One Person", "16100000000"), person("m2", "Another Person", "16100000004"), person("m3", "No Record", "16100000009"),
		{ID: "malformed", Body: `{"IdCard":"11204416541220243X","Name":`}, busy,
		{ID: "m4", Body: `{"Id":"signup-1","IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`},
		{ID: "m5", Body: `{"Id":"signup-1","IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`},
		person("unknown", "Unknown Person", "16100000203"), person("invalid", "Invalid Person", "16100000106"),
		{ID: "m6", Body: `{"Id":"signup-1","IdCard":"11204416541220243X","Name":"Somebody Else","Phone":"16137688175"}`},
	}
	if left := f.deliver(t, 10*time.Second, batch...); !slices.Equal(left, []string{"busy"}) {
		t.Errorf("delivered again: %v", left)
	}
	want := map[string][]string{"m1": {"completed"}, "m2": {"completed"}, "m3": {"completed"}, "malformed": {"failed"},
		"unknown": {"unknown"}, "invalid": {"failed"}}
	got := byID(r.Events())
	for id, types := range want {
		if !slices.Equal(got[id], types) {
			t.Errorf("%s has the events %v, want %v", id, got[id], types)
		}
	}
	// Of two people under one Id, whichever comes first is verified.
	if types := got["signup-1"]; len(types) != 3 || !slices.Contains(types, "completed") || !slices.Contains(types, "failed") {
		t.Errorf("the Id used three times has the events %v", types)
	}
	if n := f.sim.Charges(); n != 4 {
		t.Errorf("%d charges, want those of m1, m2, signup-1 and unknown", n)
	}
	if left := f.deliver(t, 10*time.Second, slices.DeleteFunc(batch, func(m platform.Message) bool { return m.ID == "busy" })...); len(left) > 0 {
		t.Errorf("then delivered again: %v", left)
	}
	if n := f.sim.Charges(); n != 4 {
		t.Errorf("%d charges after a second delivery", n)
	}
}

// What a FIFO queue has in order is verified and told in order, group by group.
func TestFIFO(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	var batch []platform.Message
	for i := range 5 {
		for _, group := range []string{"a", "b"} {
			m := person(fmt.Sprint(group, i), fmt.Sprint("Person ", group, i), "16100000000")
			if m.Group = group; m.ID == "b2" {
				m = person("b2", "Busy Person", "16100000011")
				m.Group = group
			}
			batch = append(batch, m)
		}
	}
	if left := f.deliver(t, 10*time.Second, batch...); !slices.Equal(left, []string{"b2", "b3", "b4"}) {
		t.Errorf("delivered again: %v", left)
	}
	order := map[byte]string{}
	for _, e := range r.Events() {
		order[e.Data.Id[0]] += e.Data.Id[1:]
	}
	if order['a'] != "01234" || order['b'] != "01" {
		t.Errorf("the order is %q and %q", order['a'], order['b'])
	}
}

// A receiver in trouble: nothing is acknowledged, nothing is paid twice, and all is
// delivered when it is back.
func TestReceiverInTrouble(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	batch := []platform.Message{person("m1", "One Person", "16100000000"), person("m2", "Another Person", "16100000000"), {ID: "m3", Body: "{"}}
	moved := http.RedirectHandler("/elsewhere", http.StatusTemporaryRedirect)
	for name, trouble := range map[string]http.HandlerFunc{
		"500":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"404":      http.NotFound,
		"redirect": moved.ServeHTTP,
		"reset":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"slow":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		r.Answer(trouble)
		if left := f.deliver(t, 7*time.Second, batch...); !slices.Equal(left, []string{"m1", "m2", "m3"}) {
			t.Errorf("%s: delivered again: %v", name, left)
		}
	}
	if n, charges := len(r.Events()), f.sim.Charges(); n != 0 || charges != 2 {
		t.Errorf("%d events, %d charges", n, charges)
	}
	r.Answer(nil)
	if left := f.deliver(t, 7*time.Second, batch...); len(left) > 0 || len(r.Events()) != 3 || f.sim.Charges() != 2 {
		t.Errorf("then delivered again: %v; %d events, %d charges", left, len(r.Events()), f.sim.Charges())
	}
	if f.Close(); strings.Contains(f.Output(), "of-the-receiver") || strings.Contains(f.Output(), "elsewhere") {
		t.Errorf("the log shows an address:\n%s", f.Output())
	}
}

// What there is no time for is delivered again, in time.
func TestBatchAgainstDeadline(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	var batch []platform.Message
	for i := range 60 {
		batch = append(batch, person(fmt.Sprint("m", i), fmt.Sprint("Person ", i), "16100000000"))
	}
	began := time.Now()
	left := f.deliver(t, 7*time.Second, batch...)
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(left) == 0 || len(left) == 60 || len(r.Events()) != 60-len(left) || len(f.sim.Calls()) != 60-len(left) {
		t.Errorf("%d delivered again, %d events, %d calls", len(left), len(r.Events()), len(f.sim.Calls()))
	}
}

// Each of the other triggers: an event or an error for all.
func TestOtherQueues(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	for name, event := range map[string]string{
		"SNS":         `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{"MessageId":"sns","Message":BODY}}]}`,
		"EventBridge": `{"version":"0","id":"bridge","detail-type":"sign-up","source":"app","detail":RAW}`,
		"MSK":         `{"eventSource":"aws:kafka","eventSourceArn":"arn","records":{"t-0":[{"topic":"t","partition":0,"offset":1,"value":"BASE64"}]}}`,
	} {
		for phone, ends := range map[string]bool{"16100000000": true, "16100000011": false} {
			body := person("", name+" Person "+phone, phone).Body
			filled := strings.NewReplacer("BODY", quote(body), "RAW", body, "BASE64", base64Of(body), `"sns"`, quote("sns"+phone),
				`"bridge"`, quote("bridge"+phone), `"offset":1`, `"offset":`+phone).Replace(event)
			before := len(r.Events())
			result := f.invoke(t, filled, 8*time.Second)
			if failed := strings.Contains(result.Failure, "to be delivered again"); failed == ends || len(r.Events()) == before == ends {
				t.Errorf("%s: got %s %s", name, result.Payload, result.Failure)
			}
		}
	}
}

// Without a place for results no message is taken.
func TestNoResults(t *testing.T) {
	f := start(t, binary)
	r := f.invoke(t, string(platform.SQS(person("m1", "One Person", "16100000000"))), 10*time.Second)
	if !strings.Contains(r.Failure, "PHONEVERIFY_RESULTS") || len(f.sim.Calls()) > 0 {
		t.Errorf("got %s %s", r.Payload, r.Failure)
	}
}

// The canary: whoever goes through the queue is found in no event and in no log.
func TestQueueCanary(t *testing.T) {
	t.Parallel()
	const card, name, phone = "310115198507264391", "Zhuge Canarius", "16183940572"
	f, r := startQueue(t)
	fill := strings.NewReplacer("CARD", card, "NAME", name, "PHONE", phone)
	var told strings.Builder
	for _, trouble := range []faceidsim.Trouble{{}, {Reset: true}, {Status: 502}, {Code: "UnauthorizedOperation.Arrears"}, {Result: "-4"}, {Result: "-11"}} {
		for _, refuse := range []http.HandlerFunc{nil, http.NotFound} {
			r.Answer(refuse)
			for _, body := range []string{`{"IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`, `{"Id":"PHONE","IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`,
				`{"Id":"of NAME","IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`, `{"IdCard":"CARD","Name":"NAME","Phone":PHONE}`, `CARD,NAME,PHONE`,
				`{"PHONE":"NAME"}`, `"NAME"`, `{"IdCard":"CARD"`} {
				f.sim.Script(trouble)
				result := f.invoke(t, string(platform.SQS(platform.Message{ID: fmt.Sprint("m", told.Len()), Body: fill.Replace(body)})), 5500*time.Millisecond)
				told.WriteString(result.Failure + string(result.Payload) + "\n")
			}
		}
	}
	for _, e := range r.Events() {
		told.WriteString(e.Text)
	}
	f.Close()
	if trace := platform.Trace(told.String()+f.Output(), card, name, phone, faceidsim.SecretKey); trace != "" {
		t.Error(trace)
	}
}
