package main_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/core"
	"phoneverify/functions/platform"
)

// startQueue starts the binary with a receiver of its results.
func startQueue(t *testing.T) (*function, *platform.Receiver) {
	t.Helper()
	r := platform.StartReceiver()
	t.Cleanup(r.Close)
	env := r.Env()
	env["PHONEVERIFY_ATTEMPT_TIMEOUT"] = "1s"
	return start(t, binary, env), r
}

// person is a message about a person of that name, whom the simulator answers by phone.
func person(name, phone string) string {
	return fmt.Sprintf(`{"IdCard":"11204416541220243X","Name":%q,"Phone":%q}`, name, phone)
}

// acknowledged reports whether a batch was, and fails the test for any other error than
// the one that has it delivered again.
func acknowledged(t *testing.T, r platform.Result) bool {
	t.Helper()
	if r.Failure != "" && !strings.Contains(r.Failure, "to be delivered again") || r.Failure == "" && string(r.Payload) != "{}" {
		t.Errorf("got %s %s", r.Payload, r.Failure)
	}
	return r.Failure == ""
}

// A batch of ten, of which one is busy at first, comes again as a whole: the second pass
// pays for nothing but that one, and ends clean.
func TestCKafkaBatch(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	batch := []string{
		person("One Person", "16100000000"), person("Another Person", "16100000004"), person("No Record", "16100000009"),
		`{"IdCard":"11204416541220243X","Name":`, person("Unknown Person", "16100000203"), person("Invalid Person", "16100000106"),
		strings.Replace(person("Wei Xiaobao", "16137688175"), "{", `{"Id":"signup-1",`, 1),
		strings.Replace(person("Wei Xiaobao", "16137688175"), "{", `{"Id":"signup-1",`, 1),
		strings.Replace(person("Somebody Else", "16137688175"), "{", `{"Id":"signup-2",`, 1), // a mismatch, which is charged
	}
	batch = append(batch, person("Busy Person", "16100000000"))
	var free atomic.Bool
	f.sim.On = func(r core.Request) (t faceidsim.Trouble) {
		if r.Name == "Busy Person" && !free.Load() {
			t.Result = "-11"
		}
		return t
	}
	if acknowledged(t, f.invoke(t, string(platform.CKafka(100, batch...)), 8*time.Second)) {
		t.Error("the batch was acknowledged with one that was busy")
	}
	if n, charges := len(r.Events()), f.sim.Charges(); n != 9 || charges != 5 {
		t.Errorf("%d events, %d charges", n, charges)
	}
	before := len(f.sim.Calls())
	free.Store(true)
	if !acknowledged(t, f.invoke(t, string(platform.CKafka(100, batch...)), 8*time.Second)) {
		t.Error("the second pass was not acknowledged")
	}
	for _, c := range f.sim.Calls()[before:] {
		if c.Charged && c.Request.Name != "Busy Person" {
			t.Error("the second pass charged one that was charged before")
		}
	}
	types := map[string]map[string]int{}
	for _, e := range r.Events() {
		if types[e.Data.Id] == nil {
			types[e.Data.Id] = map[string]int{}
		}
		types[e.Data.Id][strings.TrimPrefix(e.Type, "phoneverification.")]++
	}
	for id, want := range map[string]string{"people/0/100": "completed", "people/0/101": "completed", "people/0/102": "completed", "people/0/103": "failed",
		"people/0/104": "unknown", "people/0/105": "failed", "signup-1": "completed", "signup-2": "completed", "people/0/109": "completed"} {
		if len(types[id]) != 1 || types[id][want] == 0 {
			t.Errorf("%s has the events %v, want %s", id, types[id], want)
		}
	}
}

// A receiver in trouble: the batch comes again until all is delivered, and is paid once.
func TestReceiverInTrouble(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	event := string(platform.CKafka(0, person("One Person", "16100000000"), person("Another Person", "16100000000"), "{"))
	for name, trouble := range map[string]http.HandlerFunc{
		"500":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"redirect": http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP,
		"slow":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		r.Answer(trouble)
		if acknowledged(t, f.invoke(t, event, 7*time.Second)) {
			t.Errorf("%s: it was acknowledged", name)
		}
	}
	r.Answer(nil)
	if !acknowledged(t, f.invoke(t, event, 7*time.Second)) || len(r.Events()) != 3 || f.sim.Charges() != 2 {
		t.Errorf("then %d events, %d charges", len(r.Events()), f.sim.Charges())
	}
}

// CMQ and TDMQ bring messages too.
func TestOtherQueues(t *testing.T) {
	t.Parallel()
	f, r := startQueue(t)
	for id, event := range map[string]string{
		"cmq-1":  `{"Records":[{"CMQ":{"type":"topic","topicOwner":"120","topicName":"t","subscriptionName":"s","publishTime":"1970-01-01T00:00:00.000Z","msgId":"cmq-1","requestId":"r","msgBody":BODY,"msgTag":null}}]}`,
		"tdmq-1": `{"specversion":"0","id":"e","type":"connector:tdmq","source":"tdmq.cloud.tencent","data":{"topic":"persistent://t","msgId":"tdmq-1","msgBody":BODY}}`,
		"tdmq-2": `{"EventList":[{"specversion":"0","id":"e","type":"connector:tdmq","source":"tdmq.cloud.tencent","data":{"topic":"persistent://t","msgId":"tdmq-2","msgBody":BODY}}]}`,
	} {
		if !acknowledged(t, f.invoke(t, strings.Replace(event, "BODY", quote(person(id, "16100000000")), 1), 10*time.Second)) {
			t.Errorf("%s was not acknowledged", id)
		}
		if !slices.ContainsFunc(r.Events(), func(e platform.Event) bool { return e.Data.Id == id && e.Data.Result == "0" }) {
			t.Errorf("%s has no event", id)
		}
	}
}

// Without a place for results no message is taken.
func TestNoResults(t *testing.T) {
	f := start(t, binary, nil)
	r := f.invoke(t, string(platform.CKafka(0, person("One Person", "16100000000"))), 10*time.Second)
	if !strings.Contains(r.Failure, "PHONEVERIFY_RESULTS") || len(f.sim.Calls()) > 0 {
		t.Errorf("got %s %s", r.Payload, r.Failure)
	}
}

// Ten thousand messages in one event, five hundred questions among them, have an event
// each, within the memory that the smallest functions have.
func TestLargeBatch(t *testing.T) {
	t.Parallel()
	f := start(t, binary, map[string]string{"PHONEVERIFY_RESULTS": "log:", "PHONEVERIFY_LOG_LEVEL": "error", "PHONEVERIFY_RATE_LIMIT": "500"})
	f.sim.Quota = 1000
	var bodies []string
	for i := range 10000 {
		bodies = append(bodies, fmt.Sprintf(`{"Id":"q-%d","IdCard":"11204416541220243X","Name":"Person %d","Phone":"16100000000","CiphertextBlob":"%s"}`,
			i%500, i%500, strings.Repeat("x", 400))) // 6 MB of them
	}
	event := string(platform.CKafka(0, bodies...))
	if len(event) < 5<<20 {
		t.Fatalf("the event has %d bytes", len(event))
	}
	if !acknowledged(t, f.invoke(t, event, 19*time.Second)) {
		t.Fatal("it was not acknowledged")
	}
	memory := peak(t, f.PID())
	f.Close()
	if trace := platform.Trace(f.Output(), "11204416541220243X", "16100000000", "Person 499"); trace != "" {
		t.Error(trace)
	}
	if n := strings.Count(f.Output(), `"phoneverification.completed"`); n != 10000 || f.sim.Charges() != 500 {
		t.Errorf("%d events, %d charges", n, f.sim.Charges())
	}
	if memory > 110<<20 {
		t.Errorf("it took %d MB", memory>>20)
	}
}

// peak is the most memory that a process has held, in bytes.
func peak(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("the memory of a process can't be read here: ", err)
	}
	kb, _ := strconv.Atoi(string(regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)[1]))
	return kb << 10
}

// The canary: whoever goes through the queue is found in no event and in no log.
func TestQueueCanary(t *testing.T) {
	t.Parallel()
	const card, name, phone = "310115198507264391", "Zhuge Canarius", "16183940572"
	f, r := startQueue(t)
	fill := strings.NewReplacer("CARD", card, "NAME", name, "PHONE", phone)
	var told strings.Builder
	for i, trouble := range []faceidsim.Trouble{{}, {Reset: true}, {Status: 502}, {Code: "UnauthorizedOperation.Arrears"}, {Result: "-4"}, {Result: "-11"}} {
		for j, body := range []string{`{"IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`, `{"Id":"PHONE","IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`,
			`{"IdCard":"CARD","Name":"NAME","Phone":PHONE}`, `CARD,NAME,PHONE`, `{"PHONE":"NAME"}`, `{"IdCard":"CARD"`} {
			f.sim.Script(trouble)
			result := f.invoke(t, string(platform.CKafka(10*i+j, fill.Replace(body))), 5500*time.Millisecond)
			told.WriteString(result.Failure + string(result.Payload) + "\n")
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
