package app_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/adapters/httpapi"
	"phoneverify/functions/internal/app"
)

// The canary: one person, who goes every way there is and must be found nowhere.
const (
	canaryCard  = "310115198507264391"
	canaryName  = "Zhuge Canarius"
	canaryPhone = "16183940572"
)

// traces are the texts that would give the canary away: whole, in part, and encoded.
func traces() map[string]string {
	all := map[string]string{}
	for what, value := range map[string]string{"card": canaryCard, "name": canaryName, "phone": canaryPhone} {
		sum := sha256.Sum256([]byte(value))
		all[what+" in hex"] = hex.EncodeToString([]byte(value))
		all[what+" hashed"] = hex.EncodeToString(sum[:])
		all[what+" in base64"] = base64.RawStdEncoding.EncodeToString([]byte(value))
		for i := 0; i+7 <= len(value); i++ {
			all[fmt.Sprint(what, " from ", i)] = value[i : i+7]
		}
	}
	return all
}

// seen collects what leaves: answers, logs, stored entries.
type seen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *seen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *seen) check(t *testing.T) {
	t.Helper()
	text := s.String()
	for what, trace := range traces() {
		if i := strings.Index(text, trace); i >= 0 {
			t.Errorf("the canary's %s is found: …%s…", what, text[max(0, i-200):min(len(text), i+200)])
			return
		}
	}
}

func (s *seen) serve(h http.Handler, r *http.Request) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Fprintln(s, w.Code, w.Result().Header, w.Body)
}

// canaryWay is the whole way, with the carrier between us and the API.
func canaryWay(t *testing.T, s *seen, carrier http.RoundTripper, settings ...string) *app.App {
	t.Helper()
	read, err := app.ReadSettings(append(settings, app.Prefix+"CALLER_AUTH=none"), justEnv)
	if err != nil {
		t.Fatal(err)
	}
	return app.New(read, app.Options{
		Log:         slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})),
		Credentials: credential.Static{SecretID: faceidsim.SecretID, SecretKey: faceidsim.SecretKey},
		Transport:   carrier,
	})
}

func canaryJSON() string {
	body, _ := json.Marshal(map[string]string{"IdCard": canaryCard, "Name": canaryName, "Phone": canaryPhone})
	return string(body)
}

func posted(body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// Through every answer of the API and every trouble with it, the canary is not seen.
func TestCanaryThroughAnswers(t *testing.T) {
	troubles := []faceidsim.Trouble{{}, {Reset: true}, {Hang: true}, {Status: 502}, {Delay: time.Second}}
	for _, result := range []string{"-4", "-5", "-6", "-9", "-11"} {
		troubles = append(troubles, faceidsim.Trouble{Result: result})
	}
	for _, code := range []string{"InternalError", "RequestLimitExceeded", "InvalidParameterValue",
		"UnauthorizedOperation.Arrears", "AuthFailure.SignatureFailure", "FailedOperation.DecryptSystemError"} {
		troubles = append(troubles, faceidsim.Trouble{Code: code})
	}
	unknown := []string{"report", "retry"}
	for i, trouble := range append(troubles, troubles[:4]...) {
		synctest.Test(t, func(t *testing.T) {
			var s seen
			sim := new(faceidsim.Simulator)
			a := canaryWay(t, &s, sim, app.Prefix+"UNKNOWN_OUTCOME="+unknown[i%2])
			values := url.Values{"IdCard": {canaryCard}, "Name": {canaryName}, "Phone": {canaryPhone}}.Encode()
			form := httptest.NewRequest("POST", "/", strings.NewReader(values))
			form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			keyed := posted(canaryJSON())
			keyed.Header.Set("Idempotency-Key", canaryPhone)
			other := posted(strings.Replace(canaryJSON(), "Zhuge", "Zuge", 1))
			other.Header.Set("Idempotency-Key", canaryPhone)
			hurried := posted(canaryJSON())
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			for _, r := range []*http.Request{posted(canaryJSON()), posted(canaryJSON()), form,
				httptest.NewRequest("GET", "/?"+values, nil), keyed, other, hurried.WithContext(ctx)} {
				sim.Script(trouble, trouble)
				s.serve(a.HTTP, r)
			}
			fmt.Fprintf(&s, "%+v %#v %+v %+v", a.Verifier.Ledger, a.Verifier.Ledger, a, sim.Calls())
			s.check(t)
		})
	}
}

// An API, or whatever stands in for it, that repeats the request in its answer.
func TestCanaryThroughEchoes(t *testing.T) {
	escape := func(text []byte) string { quoted, _ := json.Marshal(string(text)); return string(quoted) }
	for name, echo := range map[string]func(http.ResponseWriter, []byte){
		"a gateway": func(w http.ResponseWriter, body []byte) { w.WriteHeader(502); w.Write(body) },
		"HTML":      func(w http.ResponseWriter, body []byte) { fmt.Fprintf(w, "<html>%s", body) },
		"an error": func(w http.ResponseWriter, body []byte) {
			fmt.Fprintf(w, `{"Response":{"Error":{"Code":"InvalidParameterValue","Message":%s},"RequestId":"r"}}`, escape(body))
		},
		"an error's code": func(w http.ResponseWriter, body []byte) {
			fmt.Fprintf(w, `{"Response":{"Error":{"Code":%s,"Message":""},"RequestId":"r"}}`, escape(body))
		},
		"a description": func(w http.ResponseWriter, body []byte) {
			fmt.Fprintf(w, `{"Response":{"Result":"-6","Description":%s,"Isp":"","RequestId":"r"}}`, escape(body))
		},
		"a carrier": func(w http.ResponseWriter, body []byte) {
			fmt.Fprintf(w, `{"Response":{"Result":"0","Description":"","Isp":%s,"RequestId":"r"}}`, escape(body))
		},
		"a request id": func(w http.ResponseWriter, body []byte) {
			fmt.Fprintf(w, `{"Response":{"Result":"0","Description":"","Isp":"","RequestId":%s}}`, escape(body))
		},
		"a result": func(w http.ResponseWriter, body []byte) {
			fmt.Fprintf(w, `{"Response":{"Result":%s,"Description":"","Isp":"","RequestId":"r"}}`, escape(body))
		},
		"an error's id": func(w http.ResponseWriter, body []byte) {
			fmt.Fprintf(w, `{"Response":{"Error":{"Code":"InternalError","Message":""},"RequestId":%s}}`, escape(body))
		},
		"a redirect": func(w http.ResponseWriter, body []byte) {
			w.Header().Set("Location", "/?"+url.QueryEscape(string(body)))
			w.WriteHeader(307)
		},
		"a broken body": func(w http.ResponseWriter, body []byte) { w.Header().Set("Content-Length", "9999"); w.Write(body) },
		"no HTTP": func(w http.ResponseWriter, body []byte) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprintf(conn, "%s\r\n\r\n", body)
			conn.Close()
		},
		"one field as a code": func(w http.ResponseWriter, _ []byte) {
			fmt.Fprintf(w, `{"Response":{"Error":{"Code":"InvalidParameterValue.%s","Message":""},"RequestId":"r"}}`, canaryPhone)
		},
		"a name as a code": func(w http.ResponseWriter, _ []byte) {
			fmt.Fprintf(w, `{"Response":{"Error":{"Code":"InvalidParameterValue.%s","Message":""},"RequestId":"r"}}`, canaryName)
		},
		"one field as an id": func(w http.ResponseWriter, _ []byte) {
			fmt.Fprintf(w, `{"Response":{"Error":{"Code":"InternalError","Message":""},"RequestId":"%s"}}`, canaryCard)
		},
		"one as a verdict's": func(w http.ResponseWriter, _ []byte) {
			fmt.Fprintf(w, `{"Response":{"Result":"0","RequestId":"%s"}}`, canaryCard)
		},
		"one as a description": func(w http.ResponseWriter, _ []byte) {
			fmt.Fprintf(w, `{"Response":{"Result":"0","Description":"of %s","RequestId":"r"}}`, canaryName)
		},
		"bytes after the body": func(w http.ResponseWriter, body []byte) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n%-42s", `{"Response":{"Result":"0"}}`)
			time.Sleep(100 * time.Millisecond)
			fmt.Fprintf(conn, "%s", body)
			time.Sleep(100 * time.Millisecond)
			conn.Close()
		},
		"a panic": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var s seen
			defer log.SetOutput(log.Writer())
			app.TakeStandardLog(slog.New(slog.NewJSONHandler(&s, nil)))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				echo(w, body)
			}))
			defer server.Close()
			var carrier http.RoundTripper
			if echo == nil {
				carrier = panicking{}
			}
			a := canaryWay(t, &s, carrier, app.Prefix+"FACEID_ENDPOINT="+server.URL, app.Prefix+"ATTEMPT_TIMEOUT=1s")
			for range 2 {
				r := posted(canaryJSON())
				ctx, cancel := context.WithTimeout(t.Context(), 1600*time.Millisecond) // for one attempt
				s.serve(a.HTTP, r.WithContext(ctx))
				cancel()
			}
			if strings.HasPrefix(name, "bytes") {
				time.Sleep(300 * time.Millisecond)
				if !strings.Contains(s.String(), "a library says") {
					t.Error("net/http logged nothing, so that this proves nothing")
				}
			}
			fmt.Fprintf(&s, "%+v", a.Verifier.Ledger)
			s.check(t)
		})
	}
}

// panicking is a network that panics with what it should have carried.
type panicking struct{}

func (panicking) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	panic(string(body))
}

// Requests with the canary where it does not belong.
func TestCanaryInBadRequests(t *testing.T) {
	for _, auth := range []httpapi.Authenticator{httpapi.Anyone{}, httpapi.Signed{"AKID": "secret"}, httpapi.Bearer{"alice": {}}, httpapi.Platform{}, nil} {
		var s seen
		a := canaryWay(t, &s, new(faceidsim.Simulator))
		a.HTTP.Auth = auth
		badRequests(&s, a.HTTP)
		s.check(t)
	}
}

func badRequests(s *seen, h http.Handler) {
	for _, value := range []string{canaryCard, canaryName, canaryPhone} {
		for _, body := range []string{
			value, `"` + value + `"`, `{"` + value + `":"1"}`, `{"Phone":"` + value, `{"Phone":"1"}` + value,
			`{"Phone":["` + value + `"]}`, `{"Phone":{"` + value + `":1}}`, `{"Name":"` + value + `","Name":"` + value + `"}`,
			`{"Name":"` + value + "\xff\"}", `{"Name":"` + value + `\u0000","IdCard":"1","Phone":"1"}`, `{"Name":"` + value + `\ud800"}`,
			`{"Action":"` + value + `"}`, `{"Version":"` + value + `"}`,
			`{"IdCard":"1","Phone":"1","Name":"` + strings.Repeat(value, 400) + `"}`,
			`{"IdCard":"1","Phone":"1","Name":"n","EncryptList":["` + value + `"]}`, strings.Repeat(value, 9000),
		} {
			s.serve(h, posted(body))
		}
		q := url.QueryEscape(value)
		for _, query := range []string{q, "Name=" + q, q + "=1", "Name=" + q + "&Name=" + q, "Phone=" + q + "%zz", "EncryptList." + q + "=1",
			"Action=" + q, "Name=" + q + ";" + q, "Timestamp=" + q + "&Signature=" + q} {
			s.serve(h, httptest.NewRequest("GET", "/?"+query, nil))
		}
		for _, header := range []string{"Content-Type", "Content-Encoding", "Idempotency-Key", "Authorization", "X-Tc-Action", "X-Tc-Version"} {
			r := posted(canaryJSON())
			r.Header[header] = []string{value, value}
			s.serve(h, r)
		}
		for _, authorization := range []string{"Bearer " + value, "TC3-HMAC-SHA256 Credential=" + value + "/2000-01-01/faceid/tc3_request, SignedHeaders=host;content-type;" + value + ", Signature=" + value} {
			r := posted(canaryJSON())
			r.Header.Set("Authorization", authorization)
			r.Header.Set("X-TC-Timestamp", value)
			r.Header.Set("X-TC-Token", value)
			s.serve(h, r)
		}
		s.serve(h, httptest.NewRequest("GET", "/"+q, nil))
		s.serve(h, httptest.NewRequest("PUT", "/"+q, strings.NewReader(value)))
	}
}
