package sdk

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// messages are one of each kind of result, by their ids.
var messages = map[string]string{
	"order-1": `{"Id":"order-1","IdCard":"` + exampleIDCard + `","Name":"` + exampleName + `","Phone":"` + examplePhone + `"}`,
	"order-2": `{"Id":"order-2","IdCard":"` + exampleIDCard + `"}`,
	"order-3": `{"Id":"order-3","IdCard":"` + exampleIDCard + `","Name":"` + exampleName + `","Phone":"` + unansweredPhone + `"}`,
}

// unansweredPhone is one that the simulator charges and never answers.
const unansweredPhone = "16100000204"

// wantTypes are the types of their events.
var wantTypes = map[string]string{
	"order-1": "phoneverification.completed",
	"order-2": "phoneverification.failed",
	"order-3": "phoneverification.unknown",
}

// data is what an event holds of its own.
type data struct {
	Id, Result, Outcome, RequestId string
	Error                          struct{ Code string }
}

// wantEvent checks an event as CloudEvents' own SDK has read it, and returns the id of its
// message.
func wantEvent(t *testing.T, e *cloudevents.Event) string {
	t.Helper()
	if err := e.Validate(); err != nil {
		t.Errorf("CloudEvents' SDK: %v", err)
	}
	var d data
	if err := e.DataAs(&d); err != nil {
		t.Errorf("the data can't be read: %v", err)
	}
	if e.SpecVersion() != "1.0" || e.Source() != "phoneverify" || len(e.ID()) != 64 || e.DataContentType() != "application/json" {
		t.Errorf("got %v", e)
	}
	if age := time.Since(e.Time()); age < -time.Minute || age > time.Minute {
		t.Errorf("it is of %v", e.Time())
	}
	if e.Type() != wantTypes[d.Id] {
		t.Errorf("%s: the type is %s, want %s", d.Id, e.Type(), wantTypes[d.Id])
	}
	if completed := e.Type() == "phoneverification.completed"; completed != (d.Result == "0" && d.Outcome == "match") || completed != (d.Error.Code == "") {
		t.Errorf("%s: got %+v", d.Id, d)
	}
	return d.Id
}

// A delivery is taken by both libraries as their own examples take one.
func TestWebhookDeliveries(t *testing.T) {
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			t.Errorf("Standard Webhooks' library: %v", err)
		}
		if err := verifier.Verify(append(body, ' '), r.Header); err == nil {
			t.Error("Standard Webhooks' library takes anything")
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		e, err := cloudevents.NewEventFromHTTPRequest(r)
		if err != nil {
			t.Errorf("CloudEvents' SDK: %v", err)
			return
		}
		if got, want := r.Header.Get(standardwebhooks.HeaderWebhookID), e.ID()+strings.Replace(e.Type(), "phoneverification.", "-", 1); got != want {
			t.Errorf("the delivery is %s, want %s", got, want)
		}
		came <- wantEvent(t, e)
	}))
	defer receiver.Close()
	deliver(t, "PHONEVERIFY_RESULTS="+receiver.URL+"/hooks", "PHONEVERIFY_RESULTS_SECRET="+secret)
	missing := map[string]bool{}
	for id := range messages {
		missing[id] = true
	}
	for len(missing) > 0 {
		select {
		case id := <-came:
			delete(missing, id)
		case <-time.After(20 * time.Second):
			t.Fatalf("no result came of %v", missing)
		}
	}
}

// deliver hands the messages to functions/lambda, as SQS would, with the simulator of
// functions/local behind it.
func deliver(t *testing.T, env ...string) {
	t.Helper()
	local := start(t, build(t, "local"), nil, "-addr", "127.0.0.1:0", "-faceid-addr", "127.0.0.1:0")
	var records []any
	for id, body := range messages {
		records = append(records, map[string]any{"messageId": "sqs-" + id, "body": body, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:people"})
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan []byte, 1)
	events <- event
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/invocation/next") {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		select {
		case e := <-events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request-1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(30*time.Second).UnixMilli()))
			w.Write(e)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { runtime.CloseClientConnections(); runtime.Close() })
	run(t, exec.Command(build(t, "lambda")), append(env,
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"),
		"PHONEVERIFY_CREDENTIALS=env",
		"PHONEVERIFY_FACEID_ENDPOINT="+local["faceid"],
		"PHONEVERIFY_ATTEMPT_TIMEOUT=500ms",
		"TENCENTCLOUD_SECRETID="+local["secret_id"],
		"TENCENTCLOUD_SECRETKEY="+local["secret_key"],
	))
}

// The lines that the command line writes are events too.
func TestEventLines(t *testing.T) {
	var in strings.Builder
	for _, message := range messages {
		in.WriteString(message + "\n")
	}
	local := exec.Command(build(t, "local"), "-messages", "-")
	local.Env = []string{"PHONEVERIFY_ATTEMPT_TIMEOUT=500ms"}
	local.Stdin = strings.NewReader(in.String())
	out, err := local.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		e := cloudevents.NewEvent()
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Errorf("CloudEvents' SDK: %v: %s", err, line)
			continue
		}
		seen[wantEvent(t, &e)] = true
	}
	if len(seen) != len(messages) {
		t.Errorf("got %q", out)
	}
}
