package faceid_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid"
	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/core"
	"phoneverify/core/coretest"
)

var example = core.Request{IdCard: "11204416541220243X", Name: "Wei Xiaobao", Phone: "16137688175"}

var demoKeys = credential.Static{SecretID: faceidsim.SecretID, SecretKey: faceidsim.SecretKey}

func client(address string, carrier http.RoundTripper) *faceid.Client {
	endpoint, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return faceid.New(faceid.Config{Endpoint: endpoint, Language: "en-US", Credentials: demoKeys, Transport: carrier})
}

// The suite runs over the simulator behind a network, and behind none.
func TestUpstream(t *testing.T) {
	t.Run("network", func(t *testing.T) {
		coretest.Upstream(t, func(t *testing.T, check func(*testing.T, coretest.UpstreamHarness)) {
			b := &backend{sim: new(faceidsim.Simulator)}
			server := httptest.NewServer(b)
			defer server.Close()
			h := b.harness()
			h.Upstream = client(server.URL, nil)
			h.Next = func(r coretest.Reply) {
				if r.Fate == coretest.Refused {
					server.Close()
				}
				b.next(r)
			}
			check(t, h)
		})
	})
	t.Run("memory", func(t *testing.T) {
		coretest.Upstream(t, func(t *testing.T, check func(*testing.T, coretest.UpstreamHarness)) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{sim: new(faceidsim.Simulator)}
				h := b.harness()
				h.Upstream = client("https://faceid.intl.tencentcloudapi.com", b)
				check(t, h)
			})
		})
	})
}

// backend is the simulator with what can stand before it.
type backend struct {
	sim     *faceidsim.Simulator
	reply   coretest.Reply
	foreign []core.Request // what got an answer that is not the API's
}

func (b *backend) harness() coretest.UpstreamHarness {
	return coretest.UpstreamHarness{Next: b.next, Received: func() []core.Request {
		received := b.foreign
		for _, call := range b.sim.Calls() {
			received = append(received, call.Request)
		}
		return received
	}}
}

func (b *backend) next(r coretest.Reply) {
	b.reply = r
	switch {
	case r.Fate == coretest.Answered:
		b.sim.Script(faceidsim.Trouble{Result: r.Verdict.Result, Code: r.Code})
	case r.Fate == coretest.Reset:
		b.sim.Script(faceidsim.Trouble{Reset: true})
	case r.Fate == coretest.Hang:
		b.sim.Script(faceidsim.Trouble{Hang: true})
	}
}

// ServeHTTP is the network's side.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch b.reply.Fate {
	case coretest.BadGate:
		b.foreign = append(b.foreign, example)
		http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
	case coretest.Garbage:
		b.foreign = append(b.foreign, example)
		fmt.Fprint(w, `{"Response":{"Resu`)
	default:
		b.sim.ServeHTTP(w, r)
	}
}

// RoundTrip is the memory's side.
func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	switch b.reply.Fate {
	case coretest.BadGate, coretest.Garbage:
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		return w.Result(), nil
	case coretest.Refused:
		return refusing.RoundTrip(r)
	}
	return b.sim.RoundTrip(r)
}

// refusing is a network without a way out.
var refusing = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}}

func wantKind(t *testing.T, err error, want core.Kind) *core.Error {
	t.Helper()
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Kind != want {
		t.Fatalf("got %v, want kind %v", err, want)
	}
	return e
}

// Whatever comes back that is not the API's answer, the outcome is unknown, no
// address but the endpoint is called, and the error repeats nothing of it.
func TestStrangeAnswers(t *testing.T) {
	const echo = "16137688175"
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	answer := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprint(conn, text)
			conn.Close()
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"empty":                  answer(200, "application/json", ""),
		"empty object":           answer(200, "application/json", "{}"),
		"empty response":         answer(200, "application/json", `{"Response":{}}`),
		"null":                   answer(200, "application/json", "null"),
		"null response":          answer(200, "application/json", `{"Response":null}`),
		"no result":              answer(200, "application/json", `{"Response":{"RequestId":"r"}}`),
		"result of another type": answer(200, "application/json", `{"Response":{"Result":0,"RequestId":"r"}}`),
		"an array":               answer(200, "application/json", `["`+echo+`"]`),
		"HTML":                   answer(200, "text/html", "<html>"+echo),
		"an event stream":        answer(200, "text/event-stream", "data: "+echo),
		"octets":                 answer(200, "application/octet-stream", echo),
		"a verdict in a 500":     answer(500, "application/json", `{"Response":{"Result":"0","RequestId":"r"}}`),
		"a bare 503":             answer(503, "text/plain", echo),
		"a bare 403":             answer(403, "text/plain", echo),
		"an error without id":    answer(200, "application/json", `{"Response":{"Error":{"Code":"InternalError","Message":"`+echo+`"}}}`),
		"an error of old":        answer(200, "application/json", `{"code":4100,"codeDesc":"AuthFailure","message":"`+echo+`"}`),
		"a code of the SDK's":    answer(200, "application/json", `{"Response":{"Error":{"Code":"ClientError.NetworkError","Message":"m"},"RequestId":"r"}}`),
		"too long":               answer(200, "application/json", `{"Response":{"Result":"0","RequestId":"`+strings.Repeat("r", 65<<10)+`"}}`),
		"307": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		},
		"302":                   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) },
		"not HTTP":              raw(echo + "\r\n\r\n"),
		"a status that is none": raw("HTTP/1.1 " + echo + " OK\r\n\r\n"),
		"cut short":             raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
		"nothing":               raw(""),
		"compressed, not asked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte(echo))
		},
		"an endless header": raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 200<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			defer server.Close()
			_, err := client(server.URL, nil).Verify(t.Context(), example)
			e := wantKind(t, err, core.Unknown)
			if e.Code != "FailedOperation.OutcomeUnknown" {
				t.Errorf("the code is %s", e.Code)
			}
			for err := error(e); err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), echo) || strings.Contains(fmt.Sprint(e.Cause), echo) {
					t.Errorf("the error repeats the answer: %v, %v", err, e.Cause)
				}
			}
		})
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// Whatever comes for an answer, it is a verdict or an error with a kind, and the
// client survives it.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", "", []byte(`{"Response":{"Result":"0","Description":"d","Isp":"i","RequestId":"a5fdb909-289f-4b4e-a0b3-2315f02ab31e"}}`))
	f.Add(200, "application/json", "", []byte(`{"Response":{"Error":{"Code":"InternalError","Message":"m"},"RequestId":"r"}}`))
	f.Add(200, "application/json", "", []byte(`null`))
	f.Add(502, "text/html", "gzip", []byte(`<html>`))
	f.Add(200, "application/json", "", []byte(`{"code":4100,"codeDesc":"AuthFailure","message":"m"}`))
	f.Fuzz(func(t *testing.T, status int, contentType, encoding string, body []byte) {
		carrier := roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}, "Content-Encoding": {encoding}},
				Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})
		v, err := client("https://faceid.test", carrier).Verify(context.Background(), example)
		e, ok := errors.AsType[*core.Error](err)
		switch {
		case err == nil && v.Result != "" && len(v.Result) <= 8:
		case ok && (e.Kind == core.Unknown || e.Kind == core.Invalid || e.Kind == core.Rejected || e.Kind == core.RateLimited || e.Kind == core.Unavailable):
		default:
			t.Fatalf("got %+v, %v", v, err)
		}
	})
}

// A verdict is paid for and is not thrown away over its request id, nor is one that
// could be something else shown.
func TestOddRequestIDs(t *testing.T) {
	for id, want := range map[string]string{
		`,"RequestId":"a5fdb909-289f-4b4e-a0b3-2315f02ab31e"`: "a5fdb909-289f-4b4e-a0b3-2315f02ab31e",
		`,"RequestId":"11204416541220243X"`:                   "",
		`,"RequestId":""`:                                     "",
		``:                                                    "",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"Response":{"Result":"0"%s}}`, id)
		}))
		v, err := client(server.URL, nil).Verify(t.Context(), example)
		server.Close()
		if err != nil || v.Result != "0" || v.RequestID != want {
			t.Errorf("%s: got %+v, %v", id, v, err)
		}
	}
}

// What is asked for goes along, and no other client has it.
func TestHeaders(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]string{} // by region
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Header.Get("X-TC-Region")] = r.Header.Get("X-TC-Language") + " " + r.Header.Get("X-TC-Token")
		fmt.Fprint(w, `{"Response":{"Result":"0","RequestId":"r"}}`)
	}))
	defer server.Close()
	endpoint, _ := url.Parse(server.URL)
	want := map[string]string{"": "en-US token-", "ap-singapore": "zh-CN token-ap-singapore"}
	for region, rest := range want {
		u := faceid.New(faceid.Config{Endpoint: endpoint, Region: region, Language: rest[:5],
			Credentials: temporary{"id", "key", core.Private("token-" + region)}})
		if _, err := u.Verify(t.Context(), example); err != nil {
			t.Error(err)
		}
	}
	if !maps.Equal(seen, want) {
		t.Errorf("got %v, want %v", seen, want)
	}
}

// Each attempt is signed with the keys of its moment, even of two at once.
func TestKeysDoNotMix(t *testing.T) {
	sim := new(faceidsim.Simulator)
	endpoint, _ := url.Parse("https://faceid.test")
	u := faceid.New(faceid.Config{Endpoint: endpoint, Credentials: new(alternating), Transport: sim})
	var all sync.WaitGroup
	for range faceidsim.RequestsPerSecond {
		all.Go(func() {
			if _, err := u.Verify(context.Background(), example); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// alternating gives two trios in turn.
type alternating struct{ n atomic.Int32 }

func (a *alternating) Keys(context.Context) (string, core.Private, core.Private, error) {
	if a.n.Add(1)%2 == 0 {
		return faceidsim.TempSecretID, faceidsim.TempSecretKey, faceidsim.TempToken, nil
	}
	return faceidsim.SecretID, faceidsim.SecretKey, "", nil
}

// Stale keys are dropped, which makes another attempt free; new ones are not dropped,
// and then it is the account that is refused.
func TestStaleKeys(t *testing.T) {
	endpoint, _ := url.Parse("https://faceid.test")
	for code, c := range map[string]struct{ fresh, stale core.Kind }{
		"AuthFailure.TokenFailure":      {core.Rejected, core.Unavailable},
		"AuthFailure.SecretIdNotFound":  {core.Rejected, core.Unavailable},
		"AuthFailure.InvalidSecretId":   {core.Rejected, core.Unavailable},
		"AuthFailure.SignatureFailure":  {core.Rejected, core.Rejected},
		"UnauthorizedOperation.Arrears": {core.Rejected, core.Rejected},
	} {
		for _, worthIt := range []bool{true, false} {
			sim := new(faceidsim.Simulator)
			sim.Script(faceidsim.Trouble{Code: code})
			keys := &dropping{Static: demoKeys, worthIt: worthIt}
			_, err := faceid.New(faceid.Config{Endpoint: endpoint, Credentials: keys, Transport: sim}).Verify(t.Context(), example)
			want := c.fresh
			if worthIt {
				want = c.stale
			}
			wantKind(t, err, want)
			if dropped := keys.dropped == faceidsim.SecretID; dropped != (c.stale == core.Unavailable) {
				t.Errorf("%s: dropped %q", code, keys.dropped)
			}
		}
	}
}

type dropping struct {
	credential.Static
	worthIt bool
	dropped string
}

func (d *dropping) Drop(secretID string) bool {
	d.dropped = secretID
	return d.worthIt
}

// A failure before the request left is unavailable, and says why.
func TestNotSent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never speaks TLS
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	untrusted := httptest.NewUnstartedServer(new(faceidsim.Simulator))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, c := range map[string]struct{ address, says string }{
		"nothing listens":        {closed.URL, "refused"},
		"no such host":           {"https://faceid.invalid", "dial"},
		"an untrusted server":    {untrusted.URL, "certificate"},
		"a server without TLS":   {strings.Replace(closed.URL, "http:", "https:", 1), "refused"},
		"a server without words": {"https://" + silent.Addr().String(), "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := client(c.address, nil).Verify(ctx, example)
			e := wantKind(t, err, core.Unavailable)
			if e.Cause == nil || !strings.Contains(e.Cause.Error(), c.says) {
				t.Errorf("the cause is %v, want %s", e.Cause, c.says)
			}
		})
	}
}

// A transport that tells nothing of its connections is taken to have sent.
func TestSilentTransport(t *testing.T) {
	fail := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("boom") })
	_, err := client("https://faceid.test", fail).Verify(t.Context(), example)
	wantKind(t, err, core.Unknown)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// failing is credentials that can't be had.
type failing struct{ error }

func (f failing) Keys(context.Context) (string, core.Private, core.Private, error) {
	return "", "", "", f.error
}

func TestNoCredentials(t *testing.T) {
	sim := new(faceidsim.Simulator)
	endpoint, _ := url.Parse("https://faceid.test")
	for _, c := range []struct {
		err  error
		want core.Kind
	}{
		{errors.New("the role's service is down"), core.Unavailable},
		{&core.Error{Kind: core.Rejected, Code: "UnauthorizedOperation"}, core.Rejected},
	} {
		u := faceid.New(faceid.Config{Endpoint: endpoint, Credentials: failing{c.err}, Transport: sim})
		_, err := u.Verify(t.Context(), example)
		wantKind(t, err, c.want)
	}
	if n := len(sim.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestTemporaryCredentials(t *testing.T) {
	endpoint, _ := url.Parse("https://faceid.test")
	for token, want := range map[core.Private]string{faceidsim.TempToken: "", "another": "UnauthorizedOperation"} {
		keys := temporary{faceidsim.TempSecretID, faceidsim.TempSecretKey, token}
		u := faceid.New(faceid.Config{Endpoint: endpoint, Region: "ap-singapore", Credentials: keys, Transport: new(faceidsim.Simulator)})
		_, err := u.Verify(t.Context(), example)
		if want == "" && err != nil || want != "" && core.AsError(err).Code != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

type temporary struct {
	id         string
	key, token core.Private
}

func (k temporary) Keys(context.Context) (string, core.Private, core.Private, error) {
	return k.id, k.key, k.token, nil
}

// One connection serves many requests; after a gap in which the machine may have
// slept, a new one is made.
func TestConnections(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(new(faceidsim.Simulator))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	u := client(server.URL, nil)
	verify := func(want int32) {
		t.Helper()
		if _, err := u.Verify(t.Context(), example); err != nil {
			t.Fatal(err)
		}
		if n := connections.Load(); n != want {
			t.Errorf("%d connections, want %d", n, want)
		}
	}
	verify(1)
	verify(1)
	verify(1)
	u.Sleep(16 * time.Second)
	verify(2)
	u.Sleep(14 * time.Second)
	verify(2)
	u.Sleep(-time.Hour) // the clock was set back: no telling how long it was
	verify(3)
}

// An answer that is refused leaves no connection open behind it.
func TestRefusedAnswersLeaveNothingOpen(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"too long": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat(" ", 1<<20)) },
		"encoded": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, strings.Repeat(" ", 1<<20))
		},
	} {
		var open atomic.Int32
		server := httptest.NewUnstartedServer(handler)
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed:
				open.Add(-1)
			}
		}
		server.Start()
		u := client(server.URL, nil)
		for range 10 {
			_, err := u.Verify(t.Context(), example)
			wantKind(t, err, core.Unknown)
		}
		for deadline := time.Now().Add(5 * time.Second); open.Load() > 1 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if n := open.Load(); n > 1 {
			t.Errorf("%s: %d connections are open", name, n)
		}
		server.Close()
	}
}

// Requests do not wait for each other, and one client serves them all.
func TestConcurrency(t *testing.T) {
	server := httptest.NewServer(new(faceidsim.Simulator))
	defer server.Close()
	u := client(server.URL, nil)
	errs := make(chan error)
	for range faceidsim.RequestsPerSecond {
		go func() {
			_, err := u.Verify(context.Background(), example)
			errs <- err
		}()
	}
	for range faceidsim.RequestsPerSecond {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestPairShowsNothing(t *testing.T) {
	r := faceid.NewPhoneVerificationRequest()
	r.Phone = new("16137688175")
	if text := fmt.Sprintf("%v %+v %#v %s", r, r, *r, r.LogValue()); strings.Contains(text, "16137688175") {
		t.Error(text)
	}
}
