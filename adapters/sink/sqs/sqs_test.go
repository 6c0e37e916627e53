package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"phoneverify/adapters/queue"
	"phoneverify/adapters/queue/queuetest"
	"phoneverify/adapters/sink/sqs"
)

const (
	keyID   = "AKIACANARYCANARYCAN"
	secret  = "canary-secret-access-key"
	session = "canary-session-token"
)

func config(endpoint string) sqs.Config {
	return sqs.Config{
		Region:   "us-east-1",
		Endpoint: endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: session}, nil
		}),
	}
}

func open(t *testing.T, c sqs.Config, name string) *sqs.Sink {
	t.Helper()
	sink, err := sqs.Open(c, name)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// serve serves a handler over a new line.
func serve(t *testing.T, handler http.Handler) (line *queuetest.Line, url string) {
	t.Helper()
	line = queuetest.NewLine(t)
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = line
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(func() { line.Cut(); server.Close() })
	return line, server.URL
}

func TestSink(t *testing.T) {
	for _, name := range []string{"results", "results.fifo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queuetest.Sink(t, func(t *testing.T, limit time.Duration) queuetest.Harness {
				p := newPeer(t, name)
				line, url := serve(t, p)
				sink := open(t, config(url), name)
				sink.SetPatience(limit)
				return queuetest.Harness{Sink: sink, Received: p.received, Refuse: p.refuse, Line: line, Secrets: []string{keyID, secret, session}}
			})
		})
	}
}

// A queue's URL is asked for once, by however many, and again when something went wrong.
func TestQueueIsFoundOnce(t *testing.T) {
	p := newPeer(t, "results")
	_, url := serve(t, p)
	sink := open(t, config(url), "results")
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if err := sink.Publish(t.Context(), queuetest.Event(n)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if p.asked != 1 {
		t.Errorf("the URL was asked for %d times, want once", p.asked)
	}
	p.url += "-made-anew"
	if err := sink.Publish(t.Context(), queuetest.Event(1)); err == nil || err.Error() != "sqs: send: AWS answered QueueDoesNotExist" {
		t.Errorf("got %v, want QueueDoesNotExist", err)
	}
	if err := sink.Publish(t.Context(), queuetest.Event(1)); err != nil || p.asked != 2 {
		t.Errorf("then got %v, and the URL was asked for %d times", err, p.asked)
	}
}

// Who waits for another's question waits as long as its own context lets it.
func TestWaitingToFind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config("https://sqs.test")
		c.Transport = silent{}
		sink := open(t, c, "results")
		go sink.Publish(t.Context(), queuetest.Event(1))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err := sink.Publish(ctx, queuetest.Event(2))
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("got %v after %v", err, took)
		}
	})
}

// silent is a network on which nothing comes back.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A publish has five seconds, or as long as its context allows if that is less.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config("https://sqs.test")
		c.Transport = silent{}
		sink := open(t, c, "results")
		began := time.Now()
		err := sink.Publish(t.Context(), queuetest.Event(1))
		if took := time.Since(began); err == nil || took != 5*time.Second {
			t.Errorf("got %v after %v", err, took)
		}
	})
}

// What a FIFO queue knows a message by is the event's id and type, and another queue is
// told neither.
func TestFIFO(t *testing.T) {
	event := queuetest.Event(0)
	event.Type = queue.Unknown
	body := string(event.JSON())
	for name, want := range map[string]message{
		"results":      {MessageBody: body},
		"results.fifo": {MessageBody: body, MessageGroupId: event.ID, MessageDeduplicationId: event.ID + "-unknown"},
	} {
		p := newPeer(t, name)
		_, url := serve(t, p)
		if err := open(t, config(url), name).Publish(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		want.QueueUrl = p.url
		if got := p.messages; !reflect.DeepEqual(got, []message{want}) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// SQS refuses two characters that JSON may hold: a message must not be delivered for
// ever for having one in its Id.
func TestCharactersThatSQSRefuses(t *testing.T) {
	p := newPeer(t, "results")
	_, url := serve(t, p)
	event := queuetest.Event(0)
	event.Data = map[string]string{"Id": "a\uffffb\ufffec\ufffd"}
	if err := open(t, config(url), "results").Publish(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	got := p.received()[0]
	var read struct{ Data struct{ Id string } }
	if err := json.Unmarshal([]byte(got), &read); err != nil || read.Data.Id != "a\uffffb\ufffec\ufffd" {
		t.Errorf("got %q, %v", read.Data.Id, err)
	}
	if strings.ContainsAny(got, "\uffff\ufffe") {
		t.Errorf("SQS would refuse %q", got)
	}
}

// Whatever is answered that is not what was asked for is an error, which repeats none of
// it. Nothing is asked again.
func TestAnswers(t *testing.T) {
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"denied": {func(w http.ResponseWriter, r *http.Request) {
			fail(w, "com.amazonaws.sqs#AccessDeniedException", "sesame is not authorized")
		}, "AWS answered AccessDeniedException"},
		"an old code": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
			fail(w, "com.amazonaws.sqs#QueueDoesNotExist", "sesame")
		}, "AWS answered AWS.SimpleQueueService.NonExistentQueue"},
		"a strange code": {func(w http.ResponseWriter, r *http.Request) { fail(w, "sesame 1", "sesame") }, "AWS answered HTTP status 400"},
		"503 in HTML":    {text(503, "<html>sesame"), "AWS answered HTTP status 503"},
		"garbage":        {text(200, `{"QueueUrl":"sesame`), "an error of type "},
		"a list":         {text(200, `["sesame"]`), "an error of type "},
		"nothing":        {text(200, ""), "AWS answered without a URL"},
		"no URL":         {text(200, "{}"), "AWS answered without a URL"},
		"too much":       {text(200, `{"QueueUrl":"`+strings.Repeat("sesame", 20000)+`"}`), "an error of type "},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://sesame.test/", http.StatusTemporaryRedirect)
		}, "AWS answered UnknownError"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				c.answer(w, r)
			}))
			err := open(t, config(url), "results").Publish(t.Context(), queuetest.Event(1))
			if err == nil || !strings.HasPrefix(err.Error(), "sqs: find the queue: "+c.want) || strings.Contains(err.Error(), "sesame") {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if asked != 1 {
				t.Errorf("SQS was asked %d times, want once", asked)
			}
		})
	}
}

// An answer to SendMessage is taken for one only if SQS has the event as it was sent.
func TestSentAnswers(t *testing.T) {
	for sent, want := range map[string]string{
		`{}`: "sqs: send: AWS answered without a message id",
		`{"MessageId":"sesame","MD5OfMessageBody":"00000000000000000000000000000000"}`: "sqs: send: an error of type ",
	} {
		p := newPeer(t, "results")
		_, url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "SendMessage") {
				io.WriteString(w, sent)
				return
			}
			p.ServeHTTP(w, r)
		}))
		err := open(t, config(url), "results").Publish(t.Context(), queuetest.Event(1))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// Keys that can't be had are an error without what is said of them.
func TestNoCredentials(t *testing.T) {
	c := config("https://sqs.test")
	c.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("sesame")
	})
	err := open(t, c, "results").Publish(t.Context(), queuetest.Event(1))
	if err == nil || !strings.HasPrefix(err.Error(), "sqs: find the queue: ") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("got %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"results":                         true,
		"Results_1-a":                     true,
		"results.fifo":                    true,
		strings.Repeat("r", 80):           true,
		strings.Repeat("r", 75) + ".fifo": true,
		strings.Repeat("r", 81):           false,
		strings.Repeat("r", 76) + ".fifo": false,
		"":                                false,
		".fifo":                           false,
		"sesame.fifo.fifo":                false,
		"sesame/results":                  false,
		"sesame results":                  false,
		"sesame\n":                        false,
		"arn:aws:sqs:us-east-1:1:sesame":  false,
		"https://sqs.test/123/sesame":     false,
	} {
		_, err := sqs.Open(config(""), name)
		if (err == nil) != ok {
			t.Errorf("%q: got %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("the error shows the name: %v", err)
		}
	}
}
