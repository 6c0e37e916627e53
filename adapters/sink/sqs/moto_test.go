package sqs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"phoneverify/adapters/queue/queuetest"
)

// moto is a queue in the SQS that scripts/check starts, and the way there.
type moto struct {
	admin   *awssqs.Client
	url     string // of the queue
	refusal atomic.Pointer[string]
	proxy   http.Handler
}

// again sends a request once more whose answer broke off: moto's is a server for
// development, which under load now and then resets a connection before it is read.
type again struct{ http.RoundTripper }

func (a again) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		r.Body = io.NopCloser(bytes.NewReader(body))
		response, err := a.RoundTripper.RoundTrip(r)
		if err == nil || n == 2 || r.Context().Err() != nil {
			return response, err
		}
	}
}

var queues atomic.Int64

// newMoto returns a new queue, whose name ends in suffix.
func newMoto(t *testing.T, suffix string) (m *moto, name string) {
	t.Helper()
	endpoint := os.Getenv("MOTO_ENDPOINT")
	if endpoint == "" {
		t.Skip("MOTO_ENDPOINT is not set: scripts/check sets it")
	}
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = again{&http.Transport{DisableKeepAlives: true}}
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	c := config(endpoint)
	m = &moto{proxy: proxy, admin: awssqs.New(awssqs.Options{Region: c.Region, BaseEndpoint: &endpoint, Credentials: c.Credentials})}
	name = fmt.Sprintf("phoneverify-%d-%d%s", time.Now().UnixNano(), queues.Add(1), suffix)
	in := &awssqs.CreateQueueInput{QueueName: &name}
	if suffix == ".fifo" {
		in.Attributes = map[string]string{"FifoQueue": "true"}
	}
	out, err := m.admin.CreateQueue(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	m.url = *out.QueueUrl
	t.Cleanup(func() {
		m.admin.DeleteQueue(context.Background(), &awssqs.DeleteQueueInput{QueueUrl: &m.url})
	})
	return m, name
}

// ServeHTTP is the way to moto.
func (m *moto) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if text := m.refusal.Load(); text != nil && *text != "" {
		fail(w, "com.amazonaws.sqs#OverLimit", *text)
		return
	}
	m.proxy.ServeHTTP(w, r)
}

// received takes all messages out of the queue.
func (m *moto) received(t *testing.T) (events []string) {
	t.Helper()
	for {
		out, err := m.admin.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &m.url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return events
		}
		for _, message := range out.Messages {
			events = append(events, aws.ToString(message.Body))
			_, err := m.admin.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &m.url, ReceiptHandle: message.ReceiptHandle})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The suite against moto, which is someone else's idea of SQS.
func TestSinkOnMoto(t *testing.T) {
	for _, suffix := range []string{"", ".fifo"} {
		t.Run("results"+suffix, func(t *testing.T) {
			t.Parallel()
			queuetest.Sink(t, func(t *testing.T, limit time.Duration) queuetest.Harness {
				m, name := newMoto(t, suffix)
				line, url := serve(t, m)
				sink := open(t, config(url), name)
				sink.SetPatience(limit)
				return queuetest.Harness{
					Sink:     sink,
					Received: func() []string { return m.received(t) },
					Refuse:   func(text string) { m.refusal.Store(&text) },
					Line:     line,
					Secrets:  []string{keyID, secret, session},
				}
			})
		})
	}
}

// A FIFO queue drops an event that is published again, and a queue that is not there is an
// error that says so.
func TestMoto(t *testing.T) {
	m, name := newMoto(t, ".fifo")
	endpoint := os.Getenv("MOTO_ENDPOINT")
	sink := open(t, config(endpoint), name)
	for range 2 {
		if err := sink.Publish(t.Context(), queuetest.Event(1)); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.received(t); len(got) != 1 || got[0] != string(queuetest.Event(1).JSON()) {
		t.Errorf("got %q", got)
	}
	err := open(t, config(endpoint), "not-there").Publish(t.Context(), queuetest.Event(1))
	if err == nil || !strings.HasPrefix(err.Error(), "sqs: find the queue: AWS answered ") || !strings.Contains(err.Error(), "Queue") {
		t.Errorf("got %v", err)
	}
	t.Log(err)
}
