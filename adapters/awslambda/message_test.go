package awslambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	events "phoneverify/adapters/event"
	"phoneverify/adapters/httpapi/httpapitest"
	"phoneverify/adapters/queue"
	"phoneverify/adapters/queue/queuetest"
	"phoneverify/core"
)

// deliveries are events of each queue, and by which ids their messages are known.
var deliveries = map[string]struct {
	event string
	ids   []string
}{
	"SQS": {`{"Records":[
		{"messageId":"m1","receiptHandle":"h","body":"{\"IdCard\":\"1\",\"Name\":\"a\",\"Phone\":\"1\"}","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","MessageGroupId":"fair"},"messageAttributes":{},"md5OfBody":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:q","awsRegion":"eu-west-1"},
		{"messageId":"m2","body":"{\"Id\":\"mine\",\"IdCard\":\"1\",\"Name\":\"b\",\"Phone\":\"1\"}","attributes":null,"eventSource":"aws:sqs"},
		{"messageId":"m3","body":"not JSON","attributes":{"MessageGroupId":"fair"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:q"}]}`, []string{"m1", "m3", "mine"}},
	"SNS": {`{"Records":[{"EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:eu-west-1:123456789012:t:1","EventSource":"aws:sns",
		"Sns":{"Type":"Notification","MessageId":"n1","TopicArn":"arn","Subject":null,"Message":"{\"IdCard\":\"1\",\"Name\":\"a\",\"Phone\":\"1\"}","Timestamp":"2019-01-02T12:45:07.000Z","MessageAttributes":{}}}]}`, []string{"n1"}},
	"EventBridge": {`{"version":"0","id":"e1","detail-type":"sign-up","source":"app","account":"123456789012","time":"2026-11-23T00:00:00Z","region":"eu-west-1","resources":[],"detail":{"IdCard":"1","Name":"a","Phone":"1"}}`, []string{"e1"}},
	"MSK": {`{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:eu-west-1:123456789012:cluster/c/1","bootstrapServers":"b-1:9092","records":{
		"t-1":[{"topic":"t","partition":1,"offset":15,"timestamp":1545084650987,"timestampType":"CREATE_TIME","key":null,"value":"eyJJZENhcmQiOiIxIiwiTmFtZSI6ImEiLCJQaG9uZSI6IjEifQ==","headers":[{"k":[104]}]}],
		"t-0":[{"topic":"t","partition":0,"offset":7,"value":null},{"topic":"t","partition":0,"offset":8,"value":"!"}]}}`, []string{"t/0/7", "t/0/8", "t/1/15"}},
	"Kafka of one's own": {`{"eventSource":"SelfManagedKafka","bootstrapServers":"b:9092","records":{"t-0":[{"topic":"t","partition":0,"offset":0,"value":"eyJJZENhcmQiOiIxIiwiTmFtZSI6ImEiLCJQaG9uZSI6IjEifQ=="}]}}`, []string{"t/0/0"}},
}

// deliver hands over an event, with an upstream, and returns what is published of it.
func deliver(t *testing.T, event string, u httpapitest.Upstream) (out []byte, published []string, err error) {
	t.Helper()
	h := handler(httpapitest.NewHandler(u))
	s := new(queuetest.Keeper)
	h.Queue = &queue.Handler{Verifier: h.API.Verifier, Sink: s}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	out, err = h.Invoke(ctx, []byte(event))
	return out, s.IDs(), err
}

// Each queue's messages are verified and published, by the ids they have.
func TestDeliveries(t *testing.T) {
	for name, c := range deliveries {
		t.Run(name, func(t *testing.T) {
			out, published, err := deliver(t, c.event, match)
			if err != nil || !slices.Equal(published, c.ids) {
				t.Errorf("got %s, %v; published %q, want %q", out, err, published, c.ids)
			}
			if want := map[bool]string{true: `{"batchItemFailures":[]}`, false: "{}"}[name == "SQS"]; string(out) != want {
				t.Errorf("the answer is %s, want %s", out, want)
			}
		})
	}
}

// What is no proper text is not mended on its way: the message fails, and is not paid.
func TestUnfaithful(t *testing.T) {
	for name, body := range map[string]string{
		"not UTF-8":           "{\\\"IdCard\\\":\\\"1\\\",\\\"Name\\\":\\\"\xd6\xd0\\\",\\\"Phone\\\":\\\"1\\\"}",
		"half of a character": `{\"IdCard\":\"1\",\"Name\":\"\ud800\",\"Phone\":\"1\"}`,
	} {
		called := false
		_, published, err := deliver(t, `{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":"`+body+`"}]}`, func(ctx context.Context, r core.Request) (core.Verdict, error) {
			called = true
			return match(ctx, r)
		})
		if err != nil || called || !slices.Equal(published, []string{"m1"}) {
			t.Errorf("%s: it was sent %t, published %q, %v", name, called, published, err)
		}
	}
}

// Only an object is a direct request.
func TestArrayIsNoRequest(t *testing.T) {
	out, _, err := deliver(t, `[{"IdCard":"1","Name":"a","Phone":"1"}]`, match)
	if !errors.Is(err, events.ErrUnknown) || out != nil {
		t.Errorf("got %s, %v", out, err)
	}
}

// Two clusters may have a topic of the same name.
func TestTwoClusters(t *testing.T) {
	h := handler(httpapitest.NewHandler(match))
	s := new(queuetest.Keeper)
	h.Queue = &queue.Handler{Verifier: h.API.Verifier, Sink: s}
	called := 0
	h.API.Verifier.Upstream = httpapitest.Upstream(func(ctx context.Context, r core.Request) (core.Verdict, error) {
		called++
		return match(ctx, r)
	})
	for _, event := range []string{deliveries["MSK"].event, strings.Replace(deliveries["MSK"].event, "cluster/c/1", "cluster/c/2", 1)} {
		if _, err := h.Invoke(t.Context(), []byte(event)); err != nil {
			t.Error(err)
		}
	}
	if called != 2 {
		t.Errorf("%d calls for the same offset in two clusters", called)
	}
}

// Without a place for results no message is taken.
func TestNoResults(t *testing.T) {
	for name, c := range deliveries {
		called := false
		h := handler(httpapitest.NewHandler(func(ctx context.Context, r core.Request) (core.Verdict, error) {
			called = true
			return match(ctx, r)
		}))
		if out, err := h.Invoke(t.Context(), []byte(c.event)); !errors.Is(err, events.ErrNoResults) || out != nil || called {
			t.Errorf("%s: got %s, %v", name, out, err)
		}
	}
}

func busy(context.Context, core.Request) (core.Verdict, error) {
	return core.Verdict{Result: "-11"}, nil
}

// SQS is told which messages to deliver again, and of a FIFO queue all that follow in
// their group; the others are told that there are some.
func TestLeft(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		want  string // "" for ErrLeft
	}{
		"SQS": {deliveries["SQS"].event, `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`},
		"FIFO": {strings.NewReplacer(`:q"`, `:q.fifo"`, `"attributes":null`, `"attributes":{"MessageGroupId":"fair"},"eventSourceARN":"arn:q.fifo"`).Replace(deliveries["SQS"].event),
			`{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"},{"itemIdentifier":"m3"}]}`},
		"SNS":         {deliveries["SNS"].event, ""},
		"EventBridge": {deliveries["EventBridge"].event, ""},
		"MSK":         {deliveries["MSK"].event, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, _, err := deliver(t, c.event, busy)
				if c.want == "" && (!errors.Is(err, events.ErrLeft) || out != nil) || c.want != "" && (err != nil || sorted(string(out)) != c.want) {
					t.Errorf("got %s, %v; want %s", out, err, c.want)
				}
			})
		})
	}
}

// sorted puts the identifiers of an answer in order: which message ends first is open.
func sorted(answer string) string {
	var a struct {
		BatchItemFailures []struct {
			ItemIdentifier string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal([]byte(answer), &a) != nil {
		return answer
	}
	slices.SortFunc(a.BatchItemFailures, func(x, y struct {
		ItemIdentifier string `json:"itemIdentifier"`
	}) int {
		return strings.Compare(x.ItemIdentifier, y.ItemIdentifier)
	})
	out, _ := json.Marshal(a)
	return strings.Replace(string(out), "BatchItemFailures", "batchItemFailures", 1)
}
