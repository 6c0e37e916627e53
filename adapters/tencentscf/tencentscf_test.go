package tencentscf_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tencentyun/scf-go-lib/functioncontext"

	events "phoneverify/adapters/event"
	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/httpapi/httpapitest"
	"phoneverify/adapters/queue"
	"phoneverify/adapters/queue/queuetest"
	"phoneverify/adapters/tencentscf"
	"phoneverify/core"
)

// object is JSON.
type object = map[string]any

// functionURL is the event of a function URL; apiGateway that of the retired trigger.
func functionURL(r *http.Request, body string, encoded bool) object {
	headers := map[string]string{"x-scf-remote-addr": "192.0.2.1", "host": r.Host}
	for name, values := range r.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	query := object{}
	for name, values := range r.URL.Query() {
		switch {
		case len(values) > 1:
			query[name] = values
		case values[0] == "" && !strings.Contains(r.URL.RawQuery, name+"="):
			query[name] = true
		default:
			query[name] = values[0]
		}
	}
	e := object{"body": body, "headers": headers, "httpMethod": r.Method, "path": r.URL.Path, "queryString": query}
	if encoded {
		e["isBase64Encoded"] = true
	}
	return e
}

func functionURLWithContext(r *http.Request, body string, encoded bool) object {
	e := functionURL(r, body, encoded)
	e["isBase64Encoded"] = encoded
	e["requestContext"] = object{"requestId": "url-1", "httpMethod": r.Method, "sourceIp": "192.0.2.1"}
	return e
}

func apiGateway(r *http.Request, body string, encoded bool) object {
	e := functionURL(r, body, encoded)
	for name, value := range (object{
		"requestContext": object{"serviceId": "service-f94sy04v", "path": "/test/{path}", "httpMethod": r.Method, "requestId": "gw-1",
			"identity": object{"secretId": "abdcdxxxxxxxsdfs"}, "sourceIp": "10.0.2.14", "stage": "release"},
		"pathParameters": object{"path": "value"}, "queryStringParameters": object{}, "headerParameters": object{},
		"stageVariables": object{"stage": "release"},
	}) {
		e[name] = value
	}
	return e
}

var envelopes = map[string]func(*http.Request, string, bool) object{
	"function URL":               functionURL,
	"function URL, with context": functionURLWithContext,
	"API Gateway":                apiGateway,
}

func invoke(t *testing.T, h *tencentscf.Handler, r *http.Request, wrap func(*http.Request, string, bool) object, encode bool) httpapi.Response {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	if encode = encode || !utf8.ValidString(text); encode {
		text = base64.StdEncoding.EncodeToString(body)
	}
	event, err := json.Marshal(wrap(r, text, encode))
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		IsBase64Encoded *bool             `json:"isBase64Encoded"`
		StatusCode      *int              `json:"statusCode"`
		Headers         map[string]string `json:"headers"`
		Body            *string           `json:"body"`
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil || a.IsBase64Encoded == nil || *a.IsBase64Encoded || a.StatusCode == nil || a.Headers == nil || a.Body == nil {
		t.Fatalf("%v in %s", err, out)
	}
	header := http.Header{}
	for name, value := range a.Headers {
		header.Set(name, value)
	}
	return httpapi.Response{Status: *a.StatusCode, Header: header, Body: []byte(*a.Body)}
}

func handler(api *httpapi.Handler) *tencentscf.Handler {
	return &tencentscf.Handler{API: api, Log: slog.New(slog.DiscardHandler)}
}

// Every envelope carries every request of the suite as a connection does.
func TestSuite(t *testing.T) {
	for name, wrap := range envelopes {
		for _, encode := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", base64"}[encode], func(t *testing.T) {
				httpapitest.Run(t, func(t *testing.T, h *httpapi.Handler, r *http.Request) httpapi.Response {
					return invoke(t, handler(h), r, wrap, encode)
				})
			})
		}
	}
}

func match(context.Context, core.Request) (core.Verdict, error) {
	return core.Verdict{Result: "0", Description: "d", Isp: "Telecom", RequestID: "r"}, nil
}

const example = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`

func TestDirect(t *testing.T) {
	for event, want := range map[string]string{
		example: `{"Response":{"Result":"0","Description":"d","Isp":"Telecom","RequestId":"r","Outcome":"match","Billed":true,"Replayed":false}}`,
		strings.Replace(example, "{", `{"Id":"signup-1",`, 1): `"Result":"0"`,
		`{"IdCard":"1","Phone":"1"}`:                          `"Message":"Name is required."`,
		`{"IdCard":"1","Phone":1,"Name":"n"}`:                 `"Message":"Phone must be a string."`,
	} {
		api := httpapitest.NewHandler(match)
		api.Auth = nil // it has an authorization of its own
		out, err := handler(api).Invoke(t.Context(), []byte(event))
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("got %s, %v; want %s", out, err, want)
		}
	}
}

// What is no known envelope is refused with a constant that repeats nothing of it.
func TestStrangeEvents(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		want  error
	}{
		"empty":           {"", events.ErrNotJSON},
		"a number":        {"16137688175", events.ErrUnknown},
		"cut short":       {`{"httpMethod":"GET"`, events.ErrNotJSON},
		"null":            {"null", events.ErrUnknown},
		"an array":        {"[]", events.ErrUnknown},
		"an empty object": {"{}", events.ErrUnknown},
		"another object":  {`{"hello":"16137688175"}`, events.ErrUnknown},
		"an odd query":    {`{"httpMethod":"GET","queryString":{"a":{"b":1}}}`, events.ErrUnknown},
		"not base64":      {`{"httpMethod":"POST","body":"16137688175!","isBase64Encoded":true}`, events.ErrUnknown},
		"huge":            {`{"a":"` + strings.Repeat("1", 8<<20) + `"}`, events.ErrTooLarge},
		"no records":      {`{"Records":[]}`, events.ErrUnknown},
		"other records":   {`{"Records":[{"cos":{}}]}`, events.ErrUnknown},
		"no events":       {`{"EventList":[]}`, events.ErrUnknown},
		"another event":   {`{"specversion":"0","id":"1","type":"cos:created:object","source":"cos.cloud.tencent","data":{}}`, events.ErrUnknown},
		"timer":           {`{"Type":"Timer","TriggerName":"t","Time":"2019-02-21T11:49:00Z","Message":"m"}`, events.ErrTimer},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := handler(httpapitest.NewHandler(match)).Invoke(t.Context(), []byte(c.event))
			if !errors.Is(err, c.want) || out != nil {
				t.Errorf("got %s, %v; want %v", out, err, c.want)
			}
		})
	}
}

// Nulls stand where there is nothing.
func TestNulls(t *testing.T) {
	event := `{"httpMethod":"GET","path":null,"headers":null,"queryString":null,"body":null,"isBase64Encoded":null,"requestContext":null}`
	out, err := handler(httpapitest.NewHandler(match)).Invoke(t.Context(), []byte(event))
	if err != nil || !strings.Contains(string(out), "IdCard is required") {
		t.Errorf("got %s, %v", out, err)
	}
}

// A panic outside of the API is an error like any other.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	h := &tencentscf.Handler{Log: slog.New(slog.NewJSONHandler(&log, nil))} // no API
	out, err := h.Invoke(t.Context(), []byte(example))
	if !errors.Is(err, events.ErrPanic) || out != nil || !strings.Contains(log.String(), "nil pointer") {
		t.Errorf("got %s, %v, log %s", out, err, log.String())
	}
}

// By setting CALLER_AUTH to platform the operator vouches for the gateway; unset,
// nobody is let in.
func TestPlatform(t *testing.T) {
	for name, wrap := range envelopes {
		for _, auth := range []httpapi.Authenticator{httpapi.Platform{}, nil} {
			var log bytes.Buffer
			api := httpapitest.NewHandler(match)
			api.Auth = auth
			api.Log = slog.New(slog.NewJSONHandler(&log, nil))
			api.Verifier.Log = api.Log
			r := httptest.NewRequest("POST", "/", strings.NewReader(example))
			r.Header.Set("Content-Type", "application/json")
			got := invoke(t, handler(api), r, wrap, false)
			if want := map[bool]int{true: 403, false: 200}[auth == nil]; got.Status != want {
				t.Errorf("%s: got %d %s, want %d", name, got.Status, got.Body, want)
			}
			if name == "API Gateway" && auth != nil && !strings.Contains(log.String(), `"caller":"abdcdxxxxxxxsdfs"`) {
				t.Errorf("the log says %s", log.String())
			}
		}
	}
}

// The log says what brought a request, and under which id of the platform's.
func TestOrigin(t *testing.T) {
	for name, want := range map[string][2]string{
		"function URL":               {"function-url", "invoke-1"},
		"function URL, with context": {"function-url", "url-1"},
		"API Gateway":                {"apigateway", "gw-1"},
		"direct":                     {"invoke", "invoke-1"},
	} {
		var log bytes.Buffer
		api := httpapitest.NewHandler(match)
		api.Verifier.Log = slog.New(slog.NewJSONHandler(&log, nil))
		event := []byte(example)
		if wrap, ok := envelopes[name]; ok {
			var err error
			event, err = json.Marshal(wrap(httptest.NewRequest("GET", "/?IdCard=1&Name=n&Phone=1", nil), "", false))
			if err != nil {
				t.Fatal(err)
			}
		}
		ctx := functioncontext.NewContext(t.Context(), &functioncontext.FunctionContext{RequestID: "invoke-1"})
		if _, err := handler(api).Invoke(ctx, event); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), `"trigger":"`+want[0]+`"`) || !strings.Contains(log.String(), `"request_id":"`+want[1]+`"`) {
			t.Errorf("%s: the log says %s", name, log.String())
		}
	}
}

// Whatever the event, Invoke returns an answer or one of its constants.
func FuzzInvoke(f *testing.F) {
	r := httptest.NewRequest("POST", "/a?b=c&b=d&e", nil)
	r.Header.Set("Content-Type", "application/json")
	for _, wrap := range envelopes {
		text, err := json.Marshal(wrap(r, example, false))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(example))
	for _, c := range deliveries {
		f.Add([]byte(c.event))
	}
	f.Add([]byte(`{"Type":"Timer","Records":[],"EventList":[],"source":"s"}`))
	constants := []error{events.ErrNotJSON, events.ErrTooLarge, events.ErrUnknown, events.ErrLeft, events.ErrTimer}
	h := handler(httpapitest.NewHandler(match))
	h.Queue = &queue.Handler{Verifier: h.API.Verifier, Sink: new(queuetest.Keeper)}
	f.Fuzz(func(t *testing.T, event []byte) {
		out, err := h.Invoke(t.Context(), event)
		if err == nil {
			if !json.Valid(out) {
				t.Fatalf("the answer is %q", out)
			}
			return
		}
		for _, constant := range constants {
			if err == constant {
				return
			}
		}
		t.Fatalf("the error is %v", err)
	})
}
