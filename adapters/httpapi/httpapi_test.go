package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/httpapi/httpapitest"
	"phoneverify/core"
)

type upstream = httpapitest.Upstream

// matches answers like the specification's example.
func matches(context.Context, core.Request) (core.Verdict, error) {
	return core.Verdict{Result: "0", Description: "Authentication passed", Isp: "Telecom", RequestID: "a5fdb909"}, nil
}

func fails(e core.Error) upstream {
	return func(context.Context, core.Request) (core.Verdict, error) { return core.Verdict{}, &e }
}

func handler(u upstream) *httpapi.Handler { return httpapitest.NewHandler(u) }

const example = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`

func post(body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// answer is an envelope of either kind.
type answer struct {
	Response struct {
		Result, Description, Isp, RequestId string
		Outcome                             string
		Billed, Replayed                    bool
		Error                               *struct{ Code, Message string }
	}
}

func do(t *testing.T, h http.Handler, r *http.Request) (*http.Response, answer) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var a answer
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if a.Response.RequestId == "" {
		t.Error("there is no RequestId")
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Content-Type": "application/json"} {
		if got := w.Result().Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	return w.Result(), a
}

func wantError(t *testing.T, r *http.Response, a answer, status int, code, names string) {
	t.Helper()
	if r.StatusCode != status || a.Response.Error == nil || a.Response.Error.Code != code || !strings.Contains(a.Response.Error.Message, names) {
		t.Errorf("got %d %+v, want %d %s that names %q", r.StatusCode, a.Response.Error, status, code, names)
	}
}

func TestSuite(t *testing.T) {
	httpapitest.Run(t, func(t *testing.T, h *httpapi.Handler, r *http.Request) httpapi.Response {
		return httpapi.Record(h, r)
	})
}

// The suite over a connection, which the envelopes are held against.
func TestSuiteOverNetwork(t *testing.T) {
	httpapitest.Run(t, func(t *testing.T, h *httpapi.Handler, r *http.Request) httpapi.Response {
		server := httptest.NewServer(h)
		defer server.Close()
		target, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		sent := r.Clone(t.Context())
		sent.RequestURI, sent.URL.Scheme, sent.URL.Host = "", target.Scheme, target.Host
		response, err := server.Client().Do(sent)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return httpapi.Response{Status: response.StatusCode, Header: response.Header, Body: body}
	})
}

func TestEnvelope(t *testing.T) {
	w := httptest.NewRecorder()
	handler(matches).ServeHTTP(w, post(example))
	const want = `{"Response":{"Result":"0","Description":"Authentication passed","Isp":"Telecom","RequestId":"a5fdb909","Outcome":"match","Billed":true,"Replayed":false}}` + "\n"
	if w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// The same request in each form arrives the same.
func TestForms(t *testing.T) {
	values := url.Values{"IdCard": {"a+/="}, "Name": {"Wei & 韦小宝 %20"}, "Phone": {"1"}, "CiphertextBlob": {"x-k-y"},
		"EncryptList.0": {"Name"}, "EncryptList.1": {"Phone"}, "Iv": {"\"'`"}}
	object := `{"IdCard":"a+/=","Name":"Wei & 韦小宝 %20","Phone":"1","CiphertextBlob":"x-k-y","EncryptList":["Name","Phone"],"Iv":"\"'` + "`" + `"}`
	typed := func(r *http.Request, contentType string) *http.Request {
		r.Header.Set("Content-Type", contentType)
		return r
	}
	for name, r := range map[string]*http.Request{
		"query":             httptest.NewRequest("GET", "/?"+values.Encode(), nil),
		"query with type":   typed(httptest.NewRequest("GET", "/?"+values.Encode(), nil), "application/x-www-form-urlencoded"),
		"at another path":   httptest.NewRequest("GET", "/release/verify?"+values.Encode(), nil),
		"form":              typed(httptest.NewRequest("POST", "/", strings.NewReader(values.Encode())), "application/x-www-form-urlencoded"),
		"form with charset": typed(httptest.NewRequest("POST", "/", strings.NewReader(values.Encode())), "application/x-www-form-urlencoded; charset=UTF-8"),
		"JSON":              post(object),
		"JSON with charset": typed(post(object), "Application/JSON;charset=utf-8"),
		"JSON with action":  post(strings.Replace(object, "{", `{"Action":"PhoneVerification","Version":"2018-03-01","Region":"ap-singapore",`, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			var got core.Request
			response, a := do(t, handler(func(ctx context.Context, r core.Request) (core.Verdict, error) {
				got = r
				return matches(ctx, r)
			}), r)
			if response.StatusCode != 200 || a.Response.Result != "0" {
				t.Fatalf("got %d %+v", response.StatusCode, a)
			}
			if got.IdCard != "a+/=" || got.Name != "Wei & 韦小宝 %20" || got.Phone != "1" || got.CiphertextBlob != "x-k-y" ||
				got.Iv != "\"'`" || strings.Join(got.EncryptList, ",") != "Name,Phone" {
				t.Error("a parameter was changed")
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	get := func(query string) *http.Request { return httptest.NewRequest("GET", "/?"+query, nil) }
	with := func(r *http.Request, name string, values ...string) *http.Request {
		r.Header[name] = values
		return r
	}
	const person = "IdCard=1&Name=n&Phone=1"
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		code    string
		names   string
	}{
		"PUT":                   {httptest.NewRequest("PUT", "/", strings.NewReader(example)), 405, "UnsupportedProtocol", "GET or POST"},
		"HEAD":                  {httptest.NewRequest("HEAD", "/?"+person, nil), 405, "UnsupportedProtocol", "GET or POST"},
		"no type":               {with(post(example), "Content-Type"), 415, "InvalidRequest", "Content-Type"},
		"another type":          {with(post(example), "Content-Type", "text/plain"), 415, "InvalidRequest", "Content-Type"},
		"a type twice":          {with(post(example), "Content-Type", "application/json", "application/json"), 415, "InvalidRequest", "Content-Type"},
		"a key with a comma":    {with(post(example), "Idempotency-Key", "a,b"), 400, "InvalidParameterValue", "Idempotency-Key"},
		"a broken type":         {with(post(example), "Content-Type", "application/json; charset"), 415, "InvalidRequest", "Content-Type"},
		"another charset":       {with(post(example), "Content-Type", "application/json; charset=gbk"), 415, "InvalidRequest", "Content-Type"},
		"compressed":            {with(post(example), "Content-Encoding", "gzip"), 415, "InvalidRequest", "Content-Type"},
		"64 KB and one":         {post(strings.Repeat(" ", 64<<10+1)), 413, "RequestSizeLimitExceeded", "64 KB"},
		"a query of that":       {get("Name=" + strings.Repeat("n", 64<<10)), 413, "RequestSizeLimitExceeded", "64 KB"},
		"a number too large":    {post(`{"Phone":1e999}`), 400, "InvalidParameter", "Phone must be a string"},
		"a list of such":        {post(`{"EncryptList":[1e999]}`), 400, "InvalidParameter", "EncryptList"},
		"200 levels":            {post(`{"Name":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`), 400, "InvalidParameter", "Name"},
		"a name twice":          {post(`{"Name":"n","Name":"m"}`), 400, "InvalidParameter", "Name"},
		"trailing data":         {post(example + "{}"), 400, "InvalidParameter", "JSON object"},
		"encrypted twice":       {post(`{"IdCard":"1","Name":"n","Phone":"1","CiphertextBlob":"b","Iv":"i","EncryptList":["Name","Name"]}`), 400, "InvalidParameterValue", "Name"},
		"no body":               {post(""), 400, "InvalidParameter", "no body"},
		"no query":              {get(""), 400, "MissingParameter", "IdCard"},
		"64 KB":                 {post(example + strings.Repeat(" ", 64<<10-len(example))), 200, "", ""},
		"a GET with body":       {httptest.NewRequest("GET", "/?"+person, strings.NewReader("x")), 400, "InvalidParameter", "no body"},
		"a POST with query":     {httptestPost("/?Name=n", example), 400, "InvalidParameter", "query"},
		"a query not encoded":   {get("Name=%zz"), 400, "InvalidParameter", "query"},
		"semicolons":            {get("Name=n;Phone=1"), 400, "InvalidParameter", "query"},
		"a query in bad UTF-8":  {get("IdCard=1&Phone=1&Name=%ff"), 400, "InvalidParameterValue", "Name"},
		"a control character":   {get("IdCard=1&Phone=1%0a&Name=n"), 400, "InvalidParameterValue", "Phone"},
		"a parameter twice":     {get(person + "&Name=m"), 400, "InvalidParameter", "Name"},
		"an unknown parameter":  {get(person + "&VerifyMode=1"), 400, "UnknownParameter", "VerifyMode"},
		"an unknown in JSON":    {post(`{"VerifyMode":"1"}`), 400, "UnknownParameter", "VerifyMode"},
		"a signature in JSON":   {post(`{"Signature":"1"}`), 400, "UnknownParameter", "Signature"},
		"an action of another":  {with(post(example), "X-Tc-Action", "DetectAuth"), 200, "InvalidAction", "Action"},
		"another in JSON":       {post(`{"Action":"DetectAuth"}`), 200, "InvalidAction", "Action"},
		"another version":       {with(post(example), "X-Tc-Version", "2017-01-01"), 400, "NoSuchVersion", "Version"},
		"another in the query":  {get(person + "&Version=2017-01-01"), 400, "NoSuchVersion", "Version"},
		"two keys":              {with(post(example), "Idempotency-Key", "a", "b"), 400, "InvalidParameterValue", "Idempotency-Key"},
		"an empty key":          {with(post(example), "Idempotency-Key", ""), 400, "InvalidParameterValue", "Idempotency-Key"},
		"a key with space":      {with(post(example), "Idempotency-Key", "a b"), 400, "InvalidParameterValue", "Idempotency-Key"},
		"a key in UTF-8":        {with(post(example), "Idempotency-Key", "é"), 400, "InvalidParameterValue", "Idempotency-Key"},
		"a key too long":        {with(post(example), "Idempotency-Key", strings.Repeat("k", 256)), 400, "InvalidParameterValue", "Idempotency-Key"},
		"a key of full length":  {with(post(example), "Idempotency-Key", strings.Repeat("k", 255)), 200, "", ""},
		"a stranger encrypted":  {post(`{"IdCard":"1","Name":"n","Phone":"1","CiphertextBlob":"b","Iv":"i","EncryptList":["Isp"]}`), 400, "InvalidParameterValue", "EncryptList"},
		"no blob for encrypted": {post(`{"IdCard":"1","Name":"n","Phone":"1","Iv":"i","EncryptList":["Name"]}`), 400, "MissingParameter", "CiphertextBlob"},
	} {
		t.Run(name, func(t *testing.T) {
			response, a := do(t, handler(matches), c.request)
			if c.code == "" {
				if response.StatusCode != c.status || a.Response.Error != nil {
					t.Errorf("got %d %+v", response.StatusCode, a.Response.Error)
				}
				return
			}
			wantError(t, response, a, c.status, c.code, c.names)
			if (response.StatusCode == 405) != (response.Header.Get("Allow") == "GET, POST") {
				t.Errorf("Allow is %q", response.Header.Get("Allow"))
			}
		})
	}
}

func httptestPost(target, body string) *http.Request {
	r := httptest.NewRequest("POST", target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// failing is a body whose sender goes away.
type failing struct{}

func (failing) Read([]byte) (int, error) {
	return 0, errors.New("connection reset by peer: 16137688175")
}

func TestBodyCutOff(t *testing.T) {
	r := httptest.NewRequest("POST", "/", failing{})
	r.Header.Set("Content-Type", "application/json")
	response, a := do(t, handler(matches), r)
	wantError(t, response, a, 400, "InvalidParameter", "could not be read")
}

// Each kind has its status.
func TestStatuses(t *testing.T) {
	want := map[core.Kind]int{
		core.Invalid: 400, core.Unauthenticated: 401, core.InProgress: 409, core.Conflict: 422, core.RateLimited: 429,
		core.Internal: 500, core.Rejected: 502, core.Unavailable: 503, core.Unknown: 504,
	}
	for _, kind := range core.Kinds() {
		if got := httpapi.StatusOf(&core.Error{Kind: kind}); got != want[kind] {
			t.Errorf("%v has %d, want %d", kind, got, want[kind])
		}
	}
}

// An error of the API's is told with its code, its request id and, but to clients of
// the API, its status.
func TestErrorsOfTheAPI(t *testing.T) {
	named := post(example)
	named.Header.Set("X-TC-Action", "PhoneVerification")
	for kind, status := range map[core.Kind]int{
		core.Invalid: 400, core.RateLimited: 429, core.Rejected: 502, core.Unavailable: 503, core.Unknown: 504,
	} {
		for i, c := range []struct {
			request *http.Request
			status  int
		}{
			{post(example), status},
			{named.Clone(t.Context()), 200},
			{post(strings.Replace(example, "{", `{"Action":"PhoneVerification",`, 1)), 200},
			{httptest.NewRequest("GET", "/?Action=PhoneVerification&IdCard=1&Name=n&Phone=1", nil), 200},
		} {
			if i == 1 {
				c.request.Body = post(example).Body
			}
			synctest.Test(t, func(t *testing.T) {
				h := handler(fails(core.Error{Kind: kind, Code: "Some.Code", Message: "Some message.", RetryAfter: 1500 * time.Millisecond, RequestID: "up-1"}))
				response, a := do(t, h, c.request.WithContext(t.Context()))
				wantError(t, response, a, c.status, "Some.Code", "Some message.")
				if got := response.Header.Get("Retry-After"); got != "2" {
					t.Errorf("%v: Retry-After is %q, want 2", kind, got)
				}
				if a.Response.RequestId != "up-1" {
					t.Errorf("%v: the request id is %q", kind, a.Response.RequestId)
				}
			})
		}
	}
}

func TestNoRetryAfterWithoutReason(t *testing.T) {
	response, _ := do(t, handler(fails(core.Error{Kind: core.Rejected, Code: "UnauthorizedOperation.Arrears"})), post(example))
	if got, ok := response.Header["Retry-After"]; ok {
		t.Errorf("Retry-After is %q", got)
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	for name, u := range map[string]upstream{
		"a text": func(context.Context, core.Request) (core.Verdict, error) { panic("16137688175") },
		"a request": func(_ context.Context, r core.Request) (core.Verdict, error) {
			panic(struct{ Phone string }{string(r.Phone)})
		},
		"a runtime error": func(context.Context, core.Request) (core.Verdict, error) {
			var list []int
			return core.Verdict{}, errors.New(string(rune(list[3])))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := handler(u)
			h.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			response, a := do(t, h, post(example))
			wantError(t, response, a, 500, "InternalError", "Internal error")
		})
	}
	text := log.String()
	if strings.Contains(text, "16137688175") {
		t.Errorf("the log shows what was panicked with:\n%s", text)
	}
	for _, want := range []string{"a value of type string", "index out of range [3]", "httpapi_test.go"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
}

// A request without a body is one with an empty body.
func TestNilBody(t *testing.T) {
	r := post("")
	r.Body = nil
	response, a := do(t, handler(matches), r)
	wantError(t, response, a, 400, "InvalidParameter", "no body")
}

// A deadline that is too near refuses before anything is sent, and a caller who has
// gone sends nothing.
func TestNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler(func(context.Context, core.Request) (core.Verdict, error) {
			t.Error("it was sent")
			return core.Verdict{}, nil
		})
		near, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		response, a := do(t, h, post(example).WithContext(near))
		wantError(t, response, a, 503, "ServiceUnavailable", "deadline is too near")
		gone, leave := context.WithCancel(t.Context())
		leave()
		response, a = do(t, h, post(example).WithContext(gone))
		wantError(t, response, a, 503, "ServiceUnavailable", "given up")
	})
}

// A request takes no longer than gateways wait, whatever the server allows.
func TestMaxDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler(func(context.Context, core.Request) (core.Verdict, error) {
			return core.Verdict{Result: "-11", RequestID: "id"}, nil
		})
		began := time.Now()
		_, a := do(t, h, post(example))
		if took := time.Since(began); took > httpapi.MaxDuration || took < httpapi.MaxDuration/2 || a.Response.Outcome != "busy" {
			t.Errorf("%v after %v", a.Response.Outcome, took)
		}
	})
}

func TestNobodyIsLetInByDefault(t *testing.T) {
	var log bytes.Buffer
	h := handler(matches)
	h.Auth, h.Log = nil, slog.New(slog.NewJSONHandler(&log, nil))
	for _, r := range []*http.Request{post(example), post("{")} {
		response, a := do(t, h, r)
		wantError(t, response, a, 403, "AuthFailure.UnauthorizedOperation", "")
	}
	if !strings.Contains(log.String(), `"status":403`) {
		t.Errorf("the log says %s", log.String())
	}
}

func TestBearer(t *testing.T) {
	h := handler(matches)
	var caller string
	h.Log = nil
	h.Auth = spy{httpapi.Bearer{"alice": sha256.Sum256([]byte("token-a")), "bob": sha256.Sum256([]byte("token-b"))}, &caller}
	for authorization, want := range map[string]struct {
		caller string
		code   string
	}{
		"Bearer token-a": {"alice", ""},
		"bearer token-b": {"bob", ""},
		"Bearer token-c": {"", "AuthFailure.TokenFailure"},
		"Bearer ":        {"", "AuthFailure.InvalidAuthorization"},
		"Basic token-a":  {"", "AuthFailure.InvalidAuthorization"},
		"":               {"", "AuthFailure.InvalidAuthorization"},
	} {
		r := post(example)
		r.Header.Set("Authorization", authorization)
		caller = ""
		response, a := do(t, h, r)
		if want.code != "" {
			wantError(t, response, a, 401, want.code, "")
			if got := response.Header.Get("WWW-Authenticate"); got != "Bearer" {
				t.Errorf("WWW-Authenticate is %q", got)
			}
		} else if response.StatusCode != 200 || caller != want.caller {
			t.Errorf("%s: got %d for %q", authorization, response.StatusCode, caller)
		}
	}
}

// spy sees who was let in.
type spy struct {
	httpapi.Authenticator
	caller *string
}

func (s spy) Authenticate(r *http.Request, body []byte) (string, error) {
	caller, err := s.Authenticator.Authenticate(r, body)
	*s.caller = caller
	return caller, err
}

// Who is not let in learns nothing of what was wrong with their request.
func TestAuthenticationGoesFirst(t *testing.T) {
	h := handler(matches)
	h.Auth = httpapi.Signed{"AKID": "secret"}
	for _, body := range []string{"", "{", example, `{"VerifyMode":"1"}`} {
		response, a := do(t, h, post(body))
		wantError(t, response, a, 401, "AuthFailure.InvalidAuthorization", "")
	}
	form := httptest.NewRequest("POST", "/", strings.NewReader("AAA=1&Action=PhoneVerification"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, r := range []*http.Request{form, post(`{"VerifyMode":1,"Action":"PhoneVerification"}`)} {
		response, a := do(t, h, r)
		wantError(t, response, a, 200, "AuthFailure.InvalidAuthorization", "")
	}
}
