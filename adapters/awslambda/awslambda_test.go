package awslambda_test

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
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"phoneverify/adapters/awslambda"
	events "phoneverify/adapters/event"
	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/httpapi/httpapitest"
	"phoneverify/adapters/queue"
	"phoneverify/adapters/queue/queuetest"
	"phoneverify/core"
)

// object is JSON.
type object = map[string]any

// wrap makes the event that a gateway makes of a request.
type wrap func(r *http.Request, body string, base64 bool) object

var envelopes = map[string]wrap{
	"REST API": v1,
	"HTTP API": func(r *http.Request, b string, e bool) object {
		return v2(r, b, e, "abc.execute-api.eu-west-1.amazonaws.com")
	},
	"function URL": func(r *http.Request, b string, e bool) object { return v2(r, b, e, "abc.lambda-url.eu-west-1.on.aws") },
	"ALB, multi":   func(r *http.Request, b string, e bool) object { return alb(r, b, e, true) },
	"ALB, single":  func(r *http.Request, b string, e bool) object { return alb(r, b, e, false) },
}

// v1 is payload 1.0: the query decoded, the last of each value and all of them.
func v1(r *http.Request, body string, encoded bool) object {
	e := object{
		"resource": "/{proxy+}", "path": r.URL.Path, "httpMethod": r.Method,
		"headers": nil, "multiValueHeaders": nil, "queryStringParameters": nil, "multiValueQueryStringParameters": nil,
		"pathParameters": nil, "stageVariables": nil, "body": nil, "isBase64Encoded": encoded,
		"requestContext": object{"requestId": "c6af9ac6", "stage": "prod", "identity": object{"userArn": nil, "sourceIp": "192.0.2.1"},
			"authorizer": object{"claims": nil, "scopes": nil}},
	}
	setMulti(e, "headers", "multiValueHeaders", withHost(r))
	setMulti(e, "queryStringParameters", "multiValueQueryStringParameters", r.URL.Query())
	if body != "" {
		e["body"] = body
	}
	return e
}

// v2 is payload 2.0: the query raw, values of a header joined with commas.
func v2(r *http.Request, body string, encoded bool, domain string) object {
	headers := map[string]string{}
	for name, values := range withHost(r) {
		headers[strings.ToLower(name)] = strings.Join(values, ",")
	}
	e := object{
		"version": "2.0", "routeKey": "$default", "rawPath": r.URL.Path, "rawQueryString": r.URL.RawQuery, "headers": headers,
		"requestContext": object{"requestId": "JKJaXmPLvHcESHA=", "domainName": domain, "stage": "$default",
			"http": object{"method": r.Method, "path": r.URL.Path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
		"isBase64Encoded": encoded,
	}
	if body != "" {
		e["body"] = body
	}
	return e
}

// alb is a load balancer's: the query still encoded, in one of two modes.
func alb(r *http.Request, body string, encoded, multi bool) object {
	query := map[string][]string{}
	for pair := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if name, value, _ := strings.Cut(pair, "="); name != "" {
			query[name] = append(query[name], value)
		}
	}
	e := object{"requestContext": object{"elb": object{"targetGroupArn": "arn:aws:elasticloadbalancing:…"}},
		"httpMethod": r.Method, "path": r.URL.Path, "body": body, "isBase64Encoded": encoded}
	lower := http.Header{}
	for name, values := range withHost(r) {
		lower[strings.ToLower(name)] = values
	}
	if multi {
		setMulti(e, "", "multiValueHeaders", lower)
		setMulti(e, "", "multiValueQueryStringParameters", query)
	} else {
		setMulti(e, "headers", "", lower)
		setMulti(e, "queryStringParameters", "", query)
	}
	return e
}

func withHost(r *http.Request) http.Header {
	header := r.Header.Clone()
	header["Host"] = []string{r.Host}
	return header
}

func setMulti(e object, single, multi string, values map[string][]string) {
	if len(values) == 0 {
		return
	}
	last := map[string]string{}
	for name, v := range values {
		last[name] = v[len(v)-1]
	}
	if single != "" {
		e[single] = last
	}
	if multi != "" {
		e[multi] = values
	}
}

// invoke sends a request in an envelope, and unwraps the answer.
func invoke(t *testing.T, h *awslambda.Handler, r *http.Request, w wrap, encode bool) httpapi.Response {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	if encode = encode || !utf8.ValidString(text); encode {
		text = base64.StdEncoding.EncodeToString(body)
	}
	out, err := h.Invoke(t.Context(), marshal(t, w(r, text, encode)))
	if err != nil {
		t.Fatal(err)
	}
	var a struct {
		StatusCode        int
		StatusDescription string
		Headers           map[string]string
		MultiValueHeaders http.Header
		Body              string
		IsBase64Encoded   *bool
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil || a.IsBase64Encoded == nil || *a.IsBase64Encoded {
		t.Fatalf("%v in %s", err, out)
	}
	header := a.MultiValueHeaders
	if header == nil {
		header = http.Header{}
		for name, value := range a.Headers {
			header.Set(name, value)
		}
	}
	return httpapi.Response{Status: a.StatusCode, Header: header, Body: []byte(a.Body)}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func handler(api *httpapi.Handler) *awslambda.Handler {
	return &awslambda.Handler{API: api, Log: slog.New(slog.DiscardHandler)}
}

// Every envelope carries every request of the suite as a connection does.
func TestSuite(t *testing.T) {
	for name, wrap := range envelopes {
		for _, encode := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", base64"}[encode], func(t *testing.T) {
				httpapitest.Run(t, func(t *testing.T, h *httpapi.Handler, r *http.Request) httpapi.Response {
					if name == "ALB, single" && (httpapitest.Repeats(r) || strings.Contains(r.URL.RawQuery, "Name=another")) {
						t.Skip("such an event has the last value only")
					}
					return invoke(t, handler(h), r, wrap, encode)
				})
			})
		}
	}
}

func TestALBStatusDescription(t *testing.T) {
	out, err := handler(httpapitest.NewHandler(nil)).Invoke(t.Context(), marshal(t, alb(httptest.NewRequest("PUT", "/", nil), "", false, false)))
	if err != nil || !strings.Contains(string(out), `"statusDescription":"405 Method Not Allowed"`) {
		t.Errorf("got %s, %v", out, err)
	}
}

func match(context.Context, core.Request) (core.Verdict, error) {
	return core.Verdict{Result: "0", Description: "d", Isp: "Telecom", RequestID: "r"}, nil
}

const example = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`

func TestDirect(t *testing.T) {
	for name, c := range map[string]struct{ event, want string }{
		"the example":    {example, `{"Response":{"Result":"0","Description":"d","Isp":"Telecom","RequestId":"r","Outcome":"match","Billed":true,"Replayed":false}}`},
		"with an id":     {strings.Replace(example, "{", `{"Id":"signup-1",`, 1), `"Result":"0"`},
		"with an action": {strings.Replace(example, "{", `{"Action":"PhoneVerification","Version":"2018-03-01",`, 1), `"Result":"0"`},
		"another action": {strings.Replace(example, "{", `{"Action":"DetectAuth",`, 1), `"Code":"InvalidAction"`},
		"a name missing": {`{"IdCard":"1","Phone":"1"}`, `"Code":"MissingParameter","Message":"Name is required."`},
		"a number":       {`{"IdCard":"1","Phone":1,"Name":"n"}`, `"Code":"InvalidParameter","Message":"Phone must be a string."`},
		"unknown":        {`{"IdCard":"1","VerifyMode":"1"}`, `"Code":"UnknownParameter"`},
		"too large":      {`{"IdCard":"` + strings.Repeat("1", 64<<10) + `"}`, `"Code":"RequestSizeLimitExceeded"`},
	} {
		t.Run(name, func(t *testing.T) {
			api := httpapitest.NewHandler(match)
			api.Auth = nil // it has an authorization of its own
			out, err := handler(api).Invoke(t.Context(), []byte(c.event))
			if err != nil || !strings.Contains(string(out), c.want) {
				t.Errorf("got %s, %v; want %s", out, err, c.want)
			}
		})
	}
}

// The Id of an event is what is charged once.
func TestDirectIDIsTheKey(t *testing.T) {
	h := handler(httpapitest.NewHandler(match))
	for i, event := range []string{
		strings.Replace(example, "{", `{"Id":"a",`, 1), strings.Replace(example, "{", `{"Id":"a",`, 1), strings.Replace(example, "{", `{"Id":"b",`, 1),
	} {
		out, err := h.Invoke(t.Context(), []byte(event))
		if replayed := strings.Contains(string(out), `"Replayed":true`); err != nil || replayed != (i == 1) {
			t.Errorf("event %d: got %s, %v", i, out, err)
		}
	}
	out, err := h.Invoke(t.Context(), []byte(`{"Id":"a","IdCard":"1","Name":"n","Phone":"1"}`))
	if err != nil || !strings.Contains(string(out), "another request") {
		t.Errorf("got %s, %v", out, err)
	}
}

// What is no known envelope is refused with a constant that repeats nothing of it.
func TestStrangeEvents(t *testing.T) {
	for name, c := range map[string]struct {
		event string
		want  error
	}{
		"empty":               {"", events.ErrNotJSON},
		"not JSON":            {"16137688175", events.ErrUnknown},
		"cut short":           {`{"httpMethod":"GET"`, events.ErrNotJSON},
		"null":                {"null", events.ErrUnknown},
		"an array":            {"[]", events.ErrUnknown},
		"an empty object":     {"{}", events.ErrUnknown},
		"another object":      {`{"hello":"16137688175"}`, events.ErrUnknown},
		"a header of numbers": {`{"httpMethod":"GET","headers":{"a":1}}`, events.ErrUnknown},
		"not base64":          {`{"httpMethod":"POST","body":"16137688175!","isBase64Encoded":true}`, events.ErrUnknown},
		"huge":                {`{"a":"` + strings.Repeat("1", 8<<20) + `"}`, events.ErrTooLarge},
		"records of S3":       {`{"Records":[{"eventSource":"aws:s3","s3":{}}]}`, events.ErrUnknown},
		"no records":          {`{"Records":[]}`, events.ErrUnknown},
		"records of numbers":  {`{"Records":[1]}`, events.ErrUnknown},
		"another source":      {`{"eventSource":"aws:mq","messages":[]}`, events.ErrUnknown},
		"a schedule":          {`{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`, events.ErrTimer},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := handler(httpapitest.NewHandler(match)).Invoke(t.Context(), []byte(c.event))
			if !errors.Is(err, c.want) || out != nil {
				t.Errorf("got %s, %v; want %v", out, err, c.want)
			}
		})
	}
}

// A panic outside of the API is an error like any other.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	h := &awslambda.Handler{Log: slog.New(slog.NewJSONHandler(&log, nil))} // no API
	out, err := h.Invoke(t.Context(), []byte(example))
	if !errors.Is(err, events.ErrPanic) || out != nil || !strings.Contains(log.String(), "nil pointer") {
		t.Errorf("got %s, %v, log %s", out, err, log.String())
	}
}

// With CALLER_AUTH=platform the event must show an authorizer, whose caller goes to
// the log.
func TestPlatform(t *testing.T) {
	request := func() *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader(example))
		r.Header.Set("Content-Type", "application/json")
		return r
	}
	set := func(w wrap, path string, value any) wrap {
		return func(r *http.Request, body string, encoded bool) object {
			e := w(r, body, encoded)
			at := e["requestContext"].(object)
			names := strings.Split(path, ".")
			for _, name := range names[:len(names)-1] {
				at = at[name].(object)
			}
			at[names[len(names)-1]] = value
			return e
		}
	}
	role := "arn:aws:sts::123456789012:assumed-role/caller"
	for name, c := range map[string]struct {
		wrap   wrap
		caller string
		status int
	}{
		"HTTP API, nobody":       {envelopes["HTTP API"], "", 403},
		"HTTP API, IAM":          {set(envelopes["HTTP API"], "authorizer", object{"iam": object{"userArn": role + "/session-1"}}), role, 200},
		"HTTP API, IAM user":     {set(envelopes["HTTP API"], "authorizer", object{"iam": object{"userArn": "arn:aws:iam::1:user/a/b"}}), "arn:aws:iam::1:user/a/b", 200},
		"HTTP API, JWT":          {set(envelopes["HTTP API"], "authorizer", object{"jwt": object{"claims": object{"sub": "alice"}, "scopes": nil}}), "alice", 200},
		"HTTP API, Lambda":       {set(envelopes["HTTP API"], "authorizer", object{"lambda": object{"principalId": "bob"}}), "bob", 200},
		"HTTP API, Lambda, bare": {set(envelopes["HTTP API"], "authorizer", object{"lambda": nil}), "", 200},
		"HTTP API, empty":        {set(envelopes["HTTP API"], "authorizer", object{}), "", 403},
		"HTTP API, null":         {set(envelopes["HTTP API"], "authorizer", nil), "", 403},
		"HTTP API, no kind":      {set(envelopes["HTTP API"], "authorizer", object{"iam": nil, "jwt": nil}), "", 403},
		"HTTP API, a text":       {set(envelopes["HTTP API"], "authorizer", "alice"), "", 403},
		"function URL, nobody":   {envelopes["function URL"], "", 403},
		"function URL, IAM":      {set(envelopes["function URL"], "authorizer", object{"iam": object{"userArn": role + "/x"}}), role, 200},
		"REST API, nobody":       {v1, "", 403},
		"REST API, IAM":          {set(v1, "identity.userArn", role+"/x"), role, 200},
		"REST API, Cognito pool": {set(v1, "authorizer", object{"claims": object{"sub": "carol"}}), "carol", 200},
		"REST API, Cognito":      {set(v1, "identity.cognitoIdentityId", "eu-west-1:1"), "eu-west-1:1", 200},
		"REST API, Lambda":       {set(v1, "authorizer", object{"principalId": "dave", "integrationLatency": 1}), "dave", 200},
		"REST API, only latency": {set(v1, "authorizer", object{"integrationLatency": 1}), "", 403},
		"REST API, no principal": {set(v1, "authorizer", object{"principalId": ""}), "", 403},
		"ALB":                    {envelopes["ALB, multi"], "", 403},
		"ALB with an authorizer": {set(envelopes["ALB, single"], "authorizer", object{"iam": object{"userArn": role}}), "", 403},
		"ALB with an OIDC header": {func(r *http.Request, b string, e bool) object {
			r.Header.Set("X-Amzn-Oidc-Identity", "eve")
			return alb(r, b, e, false)
		}, "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			api := httpapitest.NewHandler(match)
			api.Auth = httpapi.Platform{}
			api.Log = slog.New(slog.NewJSONHandler(&log, nil))
			api.Verifier.Log = api.Log
			got := invoke(t, handler(api), request(), c.wrap, false)
			if got.Status != c.status {
				t.Errorf("got %d %s, want %d", got.Status, got.Body, c.status)
			}
			if c.status == 200 && !strings.Contains(log.String(), `"caller":"`+c.caller+`"`) {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

// The log says what brought a request, and under which id of the platform's.
func TestOrigin(t *testing.T) {
	for name, want := range map[string][2]string{
		"REST API":     {"apigateway", "c6af9ac6"},
		"HTTP API":     {"apigateway", "JKJaXmPLvHcESHA="},
		"function URL": {"function-url", "JKJaXmPLvHcESHA="},
		"ALB, multi":   {"alb", ""},
	} {
		var log bytes.Buffer
		api := httpapitest.NewHandler(match)
		api.Verifier.Log = slog.New(slog.NewJSONHandler(&log, nil))
		r := httptest.NewRequest("GET", "/?"+url.Values{"IdCard": {"1"}, "Name": {"n"}, "Phone": {"1"}}.Encode(), nil)
		invoke(t, handler(api), r, envelopes[name], false)
		if !strings.Contains(log.String(), `"trigger":"`+want[0]+`"`) || !strings.Contains(log.String(), `"request_id":"`+want[1]) {
			t.Errorf("%s: the log says %s", name, log.String())
		}
	}
}

// Whatever the event, Invoke returns an answer or one of its constants.
func FuzzInvoke(f *testing.F) {
	r := httptest.NewRequest("POST", "/a?b=c", nil)
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
	f.Add([]byte(`{"Records":[],"requestContext":{"authorizer":{"iam":{"userArn":":assumed-role/"}}},"httpMethod":"GET"}`))
	constants := []error{events.ErrNotJSON, events.ErrTooLarge, events.ErrUnknown, events.ErrTimer, events.ErrLeft}
	api := httpapitest.NewHandler(match)
	api.Auth = httpapi.Platform{}
	h := handler(api)
	h.Queue = &queue.Handler{Verifier: api.Verifier, Sink: new(queuetest.Keeper)}
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
