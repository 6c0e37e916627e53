package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/queue/queuetest"
	"phoneverify/adapters/sink/webhook"
	"phoneverify/core"
)

// secret is that of Standard Webhooks' own examples.
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// config is for a peer at an address, with tokens in its path and query.
func config(t *testing.T, address string) webhook.Config {
	t.Helper()
	u, err := webhook.ParseURL(address + "/hooks/path-token?key=query-token")
	if err != nil {
		t.Fatal(err)
	}
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return webhook.Config{URL: u, Secret: key}
}

// tokens are what is in that configuration.
var tokens = []string{"path-token", "query-token", "MfKQ9r8GKYqr"}

// peer takes events, and checks each.
type peer struct {
	t *testing.T

	mu      sync.Mutex
	events  []string
	refusal string
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it broke off
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusal != "" {
		w.Header().Set("Reason", p.refusal)
		http.Error(w, p.refusal, http.StatusServiceUnavailable)
		return
	}
	p.check(r, body)
	p.events = append(p.events, string(body))
	w.WriteHeader(http.StatusNoContent)
}

// check checks all of a request but what the event says.
func (p *peer) check(r *http.Request, body []byte) {
	if r.Method != "POST" || r.URL.String() != "/hooks/path-token?key=query-token" {
		p.t.Errorf("got %s %s", r.Method, r.URL)
	}
	if got := r.Header.Get("Content-Type"); got != "application/cloudevents+json; charset=utf-8" {
		p.t.Errorf("the content type is %q", got)
	}
	if _, ok := r.Header["Idempotency-Key"]; ok {
		p.t.Errorf("an empty header is sent: %v", r.Header)
	}
	id := r.Header.Get("webhook-id")
	event, kind, _ := strings.Cut(id, "-")
	if !strings.Contains(string(body), `"id":"`+event+`"`) || !strings.Contains(string(body), `"type":"phoneverification.`+kind+`"`) {
		p.t.Errorf("the id is %q, of %s", id, body)
	}
	timestamp := r.Header.Get("webhook-timestamp")
	var sent int64
	if _, err := fmt.Sscan(timestamp, &sent); err != nil || time.Since(time.Unix(sent, 0)).Abs() > 10*time.Second {
		p.t.Errorf("the timestamp is %q, %v", timestamp, err)
	}
	raw, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	mac := hmac.New(sha256.New, raw)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	if got, want := r.Header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
		p.t.Errorf("the signature is %q, want %q", got, want)
	}
}

func (p *peer) refuse(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusal = text
}

func (p *peer) received() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.events...)
}

// serve serves a handler over a new line.
func serve(t *testing.T, handler http.Handler) (*queuetest.Line, *httptest.Server) {
	t.Helper()
	line := queuetest.NewLine(t)
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = line
	server.EnableHTTP2 = true // which is not to be used
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(func() { line.Cut(); server.Close() })
	return line, server
}

func TestSink(t *testing.T) {
	queuetest.Sink(t, func(t *testing.T, limit time.Duration) queuetest.Harness {
		p := &peer{t: t}
		line, server := serve(t, p)
		server.Start()
		sink := webhook.New(config(t, server.URL))
		sink.SetPatience(limit)
		return queuetest.Harness{Sink: sink, Received: p.received, Refuse: p.refuse, Line: line, Secrets: tokens}
	})
}

func TestSinkOverTLS(t *testing.T) {
	queuetest.Sink(t, func(t *testing.T, limit time.Duration) queuetest.Harness {
		p := &peer{t: t}
		line, server := serve(t, p)
		server.StartTLS()
		c := config(t, server.URL)
		transport := webhook.NewTransport()
		roots := x509.NewCertPool()
		roots.AddCert(server.Certificate())
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
		c.Transport = transport
		sink := webhook.New(c)
		sink.SetPatience(limit)
		return queuetest.Harness{Sink: sink, Received: p.received, Refuse: p.refuse, Line: line, Secrets: tokens}
	})
}

// A sink that is printed shows no secret.
func TestPrinted(t *testing.T) {
	printed := fmt.Sprintf("%+v %#v", webhook.New(config(t, "https://hooks.test")), webhook.New(config(t, "https://hooks.test")))
	key, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	for _, secret := range append(tokens, string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%q", key)) {
		if strings.Contains(printed, secret) {
			t.Errorf("it shows %q: %s", secret, printed)
		}
	}
}

// The example of Standard Webhooks' own libraries.
func TestSignature(t *testing.T) {
	key, err := webhook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	webhook.Sign(h, key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	for name, want := range map[string]string{
		"webhook-id":        "msg_p5jXN8AQM9LWM0D4loKWxJek",
		"webhook-timestamp": "1614265330",
		"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Connections are used again, whatever the answers hold.
func TestConnectionsAreReused(t *testing.T) {
	var mu sync.Mutex
	connections := map[string]bool{}
	_, server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		connections[r.RemoteAddr] = true
		io.WriteString(w, strings.Repeat("thanks ", 2000))
	}))
	server.Start()
	sink := webhook.New(config(t, server.URL))
	for n := range 5 {
		if err := sink.Publish(t.Context(), queuetest.Event(n)); err != nil {
			t.Fatal(err)
		}
	}
	if len(connections) != 1 {
		t.Errorf("%d connections for 5 events", len(connections))
	}
}

// raw is a peer that answers each connection with a text.
func raw(t *testing.T, answer string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.Read(make([]byte, 64<<10))
				io.WriteString(conn, answer)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// What is not a 2xx is an error, which says what kind of answer it was and repeats none of it.
func TestAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct{ answer, want string }{
		"200":                {ok + "Content-Length: 0\r\n\r\n", ""},
		"202 with a body":    {"HTTP/1.1 202 sesame\r\nContent-Length: 2\r\n\r\nok", ""},
		"200 that breaks":    {ok + "Content-Length: 9\r\n\r\nok", ""},
		"400":                {"HTTP/1.1 400 sesame\r\nX: sesame\r\nContent-Length: 6\r\n\r\nsesame", "webhook: the answer is HTTP status 400"},
		"500":                {"HTTP/1.1 500 sesame\r\n\r\nsesame", "webhook: the answer is HTTP status 500"},
		"not HTTP":           {"sesame\r\n\r\n", "webhook: an error of type "},
		"a strange status":   {"HTTP/1.1 sesame\r\n\r\n", "webhook: an error of type "},
		"a strange header":   {ok + "sesame\r\n\r\n", "webhook: an error of type "},
		"too many headers":   {ok + "X: " + strings.Repeat("sesame", 20000) + "\r\n\r\n", "webhook: an error of type "},
		"nothing":            {"", "webhook: EOF"},
		"a protocol of its":  {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: sesame\r\nConnection: upgrade\r\n\r\n", "webhook: the answer is HTTP status 101"},
		"a redirect":         {"HTTP/1.1 302 Found\r\nLocation: http://sesame.test/\r\n\r\n", "webhook: the answer is a redirect, which is not followed"},
		"one for good":       {"HTTP/1.1 308 Found\r\nLocation: /sesame\r\n\r\n", "webhook: the answer is a redirect, which is not followed"},
		"one without target": {"HTTP/1.1 304 Found\r\n\r\n", "webhook: the answer is a redirect, which is not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			err := webhook.New(config(t, raw(t, c.answer))).Publish(t.Context(), queuetest.Event(1))
			switch {
			case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			case err != nil && strings.Contains(err.Error(), "sesame"):
				t.Errorf("the error shows the answer: %v", err)
			}
		})
	}
}

// A redirect takes the event nowhere.
func TestRedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		followed := false
		_, server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				followed = true
				return
			}
			http.Redirect(w, r, "/elsewhere", status)
		}))
		server.Start()
		if err := webhook.New(config(t, server.URL)).Publish(t.Context(), queuetest.Event(1)); err == nil || followed {
			t.Errorf("%d: got %v, followed %v", status, err, followed)
		}
	}
}

// A certificate that nobody has vouched for is refused, and the error says so.
func TestUnknownCertificate(t *testing.T) {
	p := &peer{t: t}
	_, server := serve(t, p)
	server.StartTLS()
	err := webhook.New(config(t, server.URL)).Publish(t.Context(), queuetest.Event(1))
	if err == nil || !strings.Contains(err.Error(), "certificate") || len(p.received()) != 0 {
		t.Errorf("got %v", err)
	}
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
		c := config(t, "https://hooks.test")
		c.Transport = silent{}
		began := time.Now()
		err := webhook.New(c).Publish(t.Context(), queuetest.Event(1))
		if took := time.Since(began); err == nil || took != 5*time.Second {
			t.Errorf("got %v after %v", err, took)
		}
	})
}

func TestParseURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://hooks.test":                       true,
		"https://hooks.test:8443/a/b?token=sesame": true,
		"http://127.0.0.1:8080/sesame":             true,
		"http://localhost/sesame":                  true,
		"http://[::1]/sesame":                      true,
		"http://hooks.test/sesame":                 false,
		"http://127.0.0.1.hooks.test/sesame":       false,
		"https://user:sesame@hooks.test/":          false,
		"https://sesame@hooks.test/":               false,
		"https://hooks.test/#sesame":               false,
		"https://hooks.test/#":                     false,
		"https:///sesame":                          false,
		"https:sesame":                             false,
		"hooks.test/sesame":                        false,
		"ftp://hooks.test/sesame":                  false,
		"https://hooks.test/ses%zzame":             false,
		"https://hooks.test:sesame/":               false,
		"https://hooks.test/\nsesame":              false,
		"":                                         false,
	} {
		u, err := webhook.ParseURL(text)
		if (err == nil) != ok || err == nil && u.String() != text {
			t.Errorf("%q: got %v, %v", text, u, err)
		}
		if err != nil && (strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "%")) {
			t.Errorf("the error shows the URL: %v", err)
		}
	}
}

func TestParseSecret(t *testing.T) {
	of := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", n))) }
	for text, want := range map[string]int{
		of(24):            24,
		of(64):            64,
		"whsec_" + of(24): 24,
		"whsec_" + of(32): 32,
		"whsec_" + of(64): 64,
		of(23):            0,
		of(65):            0,
		"whsec_" + of(23): 0,
		"whsec_" + of(65): 0,
		"":                0,
		"whsec_":          0,
		"whsec_sesame, which is long enough but not base64": 0,
		"whpk_" + of(32): 0,
	} {
		key, err := webhook.ParseSecret(core.Private(text))
		if len(key) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: got %d bytes, %v, want %d", text, len(key), err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "c3Nz")) {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}
