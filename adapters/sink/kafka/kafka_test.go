package kafka_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"phoneverify/adapters/queue/queuetest"
	"phoneverify/adapters/sink/kafka"
)

const (
	user     = "ckafka-abc#user"
	password = "pass word/?@:%#" // all of which has to be encoded
)

func open(t *testing.T, address string) *kafka.Sink {
	t.Helper()
	sink, err := kafka.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sink.Close)
	return sink
}

// as is an address's user and password.
func as(user, password string) string {
	return url.PathEscape(user) + ":" + strings.ReplaceAll(url.PathEscape(password), ":", "%3A") + "@"
}

func TestSink(t *testing.T) {
	t.Parallel()
	queuetest.Sink(t, func(t *testing.T, limit time.Duration) queuetest.Harness {
		p := newPeer(t)
		sink := open(t, "kafka://"+p.address+"/"+topic+"?tls=off")
		sink.SetPatience(limit)
		return queuetest.Harness{Sink: sink, Received: func() []string { return p.received() }, Refuse: p.refuse, Line: p.line}
	})
}

// As CKafka has it: TLS, and a user with a password.
func TestSinkWithPassword(t *testing.T) {
	t.Parallel()
	serverTLS, ca := certificate(t)
	queuetest.Sink(t, func(t *testing.T, limit time.Duration) queuetest.Harness {
		p := newPeer(t, kfake.TLS(serverTLS), kfake.EnableSASL(), kfake.Superuser("PLAIN", user, password))
		address := "kafka://" + as(user, password) + p.address + "/" + topic + "?ca=" + ca
		sink := open(t, address)
		sink.SetPatience(limit)
		return queuetest.Harness{
			Sink: sink,
			Received: func() []string {
				return p.received(kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()), kgo.DialTLSConfig(&tls.Config{InsecureSkipVerify: true}))
			},
			Refuse:  p.refuse,
			Line:    p.line,
			Secrets: []string{user, password, as(user, password)},
		}
	})
}

// certificate returns what a peer needs for TLS, and the file of the authority that
// vouches for it.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: server.TLS.Certificates}, file
}

func TestRecord(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	event := queuetest.Event(1)
	if err := open(t, "kafka://"+p.address+"/"+topic+"?tls=off").Publish(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	records := p.records()
	if len(records) != 1 {
		t.Fatalf("got %d records", len(records))
	}
	r := records[0]
	if string(r.Key) != event.ID || string(r.Value) != string(event.JSON()) {
		t.Errorf("got %q: %q", r.Key, r.Value)
	}
	if h := r.Headers; len(h) != 1 || h[0].Key != "content-type" || string(h[0].Value) != "application/cloudevents+json; charset=utf-8" {
		t.Errorf("got the headers %v", h)
	}
}

// What is asked of Kafka: all in-sync replicas, no topic made, no permission on the
// cluster, nothing compressed that a consumer could lack the means for, and nothing told
// about ourselves.
func TestRequests(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	var mu sync.Mutex
	seen := map[kmsg.Key]bool{}
	p.cluster.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		p.cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		seen[kmsg.Key(r.Key())] = true
		switch r := r.(type) {
		case *kmsg.ProduceRequest:
			if r.Acks != -1 || r.TransactionID != nil {
				t.Errorf("got acks %d, want -1", r.Acks)
			}
			for _, partition := range r.Topics[0].Partitions {
				var batch kmsg.RecordBatch
				if err := batch.ReadFrom(partition.Records); err != nil || batch.Attributes != 0 {
					t.Errorf("the batch has the attributes %x, %v", batch.Attributes, err)
				}
			}
			if r.TimeoutMillis != 2000 {
				t.Errorf("Kafka is given %d ms", r.TimeoutMillis)
			}
		case *kmsg.MetadataRequest:
			if r.AllowAutoTopicCreation {
				t.Error("a topic may be made")
			}
		}
		return nil, nil, false
	})
	if err := open(t, "kafka://"+p.address+"/"+topic+"?tls=off").Publish(t.Context(), queuetest.Event(1)); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for key := range seen {
		switch key {
		case kmsg.ApiVersions, kmsg.Metadata, kmsg.Produce:
		default:
			t.Errorf("asked for %v", key.Name())
		}
	}
	if !seen[kmsg.Produce] {
		t.Error("no produce request was seen")
	}
}

func TestSASL(t *testing.T) {
	t.Parallel()
	for name, mechanism := range map[string]string{"": "PLAIN", "plain": "PLAIN", "scram-sha-256": "SCRAM-SHA-256", "scram-sha-512": "SCRAM-SHA-512"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, kfake.EnableSASL(), kfake.Superuser(mechanism, user, password))
			end := p.address + "/" + topic + "?tls=off"
			if name != "" {
				end += "&sasl=" + name
			}
			if err := open(t, "kafka://"+as(user, password)+end).Publish(t.Context(), queuetest.Event(1)); err != nil {
				t.Error(err)
			}
		})
	}
}

// wantFailure publishes what must fail soon, and with an error that shows no password.
func wantFailure(t *testing.T, sink *kafka.Sink, want string) {
	t.Helper()
	began := time.Now()
	err := sink.Publish(t.Context(), queuetest.Event(2))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if err != nil && (strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), user)) {
		t.Errorf("the error shows too much: %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Whoever can't say who they are is refused: kfake breaks the connection.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ as, end, want string }{
		"wrong password": {as(user, "sesame"), "&sasl=scram-sha-256", "EOF"},
		"nobody":         {"", "", "is SASL missing?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", user, password))
			sink := open(t, "kafka://"+c.as+p.address+"/"+topic+"?tls=off"+c.end)
			sink.SetPatience(300 * time.Millisecond)
			wantFailure(t, sink, c.want)
		})
	}
}

// A real broker says that a password is wrong by a code, and more in a text.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	p := newPeer(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", user, password))
	p.cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		p.cluster.KeepControl()
		response := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		response.ErrorCode = kerr.SaslAuthenticationFailed.Code
		text := "sesame says the peer"
		response.ErrorMessage = &text
		return response, nil, true
	})
	wantFailure(t, open(t, "kafka://"+as(user, "sesame")+p.address+"/"+topic+"?tls=off"), "kafka: the broker answered SASL_AUTHENTICATION_FAILED: ")
}

func TestUnknownTopic(t *testing.T) {
	t.Parallel()
	p := newPeer(t, kfake.AllowAutoTopicCreation())
	sink := open(t, "kafka://"+p.address+"/sesame?tls=off")
	wantFailure(t, sink, "kafka: the broker answered UNKNOWN_TOPIC_OR_PARTITION: ")
	if err := p.cluster.CreateTopic("sesame", 1, nil); err != nil {
		t.Fatal(err) // as if it had been made by the first
	}
	if err := sink.Publish(t.Context(), queuetest.Event(1)); err != nil {
		t.Errorf("once there is such a topic: %v", err)
	}
}

// A certificate that nobody has vouched for is refused, and the error says so.
func TestUnknownCertificate(t *testing.T) {
	t.Parallel()
	serverTLS, ca := certificate(t)
	p := newPeer(t, kfake.TLS(serverTLS))
	wantFailure(t, open(t, "kafka://"+p.address+"/"+topic), "certificate")
	if err := open(t, "kafka://"+p.address+"/"+topic+"?ca="+ca).Publish(t.Context(), queuetest.Event(1)); err != nil {
		t.Errorf("with its authority: %v", err)
	}
}

// A function's role has keys that change: each connection is made with those of its time.
func TestMSK(t *testing.T) {
	serverTLS, ca := certificate(t)
	p := newPeer(t, kfake.TLS(serverTLS), kfake.EnableSASL())
	shown := make(chan map[string]string, 100)
	p.cluster.ControlKey(int16(kmsg.SASLHandshake), func(r kmsg.Request) (kmsg.Response, error, bool) {
		p.cluster.KeepControl()
		if got := r.(*kmsg.SASLHandshakeRequest).Mechanism; got != "AWS_MSK_IAM" {
			t.Errorf("the mechanism is %s", got)
		}
		return r.ResponseKind(), nil, true
	})
	p.cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		p.cluster.KeepControl()
		var claims map[string]string
		if err := json.Unmarshal(r.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, &claims); err != nil {
			t.Error(err)
		}
		shown <- claims
		response := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		response.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return response, nil, true
	})
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "sesame")
	t.Setenv("AWS_SESSION_TOKEN", "token-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	sink := open(t, "kafka://"+p.address+"/"+topic+"?sasl=aws-msk-iam&ca="+ca)
	sink.SetPatience(300 * time.Millisecond)
	wantFailure(t, sink, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the environment")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAFIRST")
	wantFailure(t, sink, "the broker answered SASL_AUTHENTICATION_FAILED: ")
	claims := <-shown
	if got := claims["x-amz-credential"]; !strings.HasPrefix(got, "AKIAFIRST/") || !strings.HasSuffix(got, "/eu-west-1/kafka-cluster/aws4_request") {
		t.Errorf("got the credential %q", got)
	}
	if claims["x-amz-security-token"] != "token-1" || claims["action"] != "kafka-cluster:Connect" || claims["user-agent"] != "phoneverify" {
		t.Errorf("got %v", claims)
	}
}

// After a gap in which the machine may have been frozen no old connection is used.
func TestFrozen(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	sink := open(t, "kafka://"+p.address+"/"+topic+"?tls=off")
	var mu sync.Mutex
	now := time.Now()
	sink.SetClock(func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	})
	for n, gap := range []time.Duration{0, 10 * time.Second, 16 * time.Second, time.Hour, -time.Minute} {
		mu.Lock()
		now = now.Add(gap)
		mu.Unlock()
		if n > 1 {
			p.line.Strand()
		}
		began := time.Now()
		if err := sink.Publish(t.Context(), queuetest.Event(n)); err != nil {
			t.Errorf("after %v: %v", gap, err)
		}
		if took := time.Since(began); took > 900*time.Millisecond { // which it would take to find out
			t.Errorf("after %v it took %v", gap, took)
		}
	}
}

// A connection that leads nowhere is given up, and the event sent over another in time.
func TestStranded(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	sink := open(t, "kafka://"+p.address+"/"+topic+"?tls=off")
	sink.SetPatience(time.Second)
	for n := range 2 {
		if err := sink.Publish(t.Context(), queuetest.Event(n)); err != nil {
			t.Error(err)
		}
		p.line.Strand()
	}
}

// A publish has five seconds, or as long as its context allows if that is less.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for allowed, want := range map[time.Duration]time.Duration{time.Hour: 5 * time.Second, time.Second: time.Second} {
			sink := open(t, "kafka://broker.test:9092/"+topic)
			sink.SetDial(func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			ctx, cancel := context.WithTimeout(t.Context(), allowed)
			began := time.Now()
			err := sink.Publish(ctx, queuetest.Event(1))
			cancel()
			if took := time.Since(began); err == nil || took != want {
				t.Errorf("got %v after %v, want %v", err, took, want)
			}
		}
	})
}
