// Package httpapitest holds the one suite of HTTP requests that every envelope must
// carry: to each the answer is the same, whichever way the request came.
package httpapitest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/store/memory"
	"phoneverify/core"
)

// Carry hands a request to a handler in the way that is tested, and returns its answer.
type Carry func(t *testing.T, h *httpapi.Handler, r *http.Request) httpapi.Response

// Run sends all requests of the suite.
func Run(t *testing.T, carry Carry) {
	for _, c := range suite {
		t.Run(c.name, func(t *testing.T) {
			var arrived []core.Request
			h := NewHandler(func(_ context.Context, r core.Request) (core.Verdict, error) {
				arrived = append(arrived, r)
				return core.Verdict{Result: "0", Description: "认证通过 <&>", Isp: "Telecom", RequestID: "a5fdb909"}, nil
			})
			got := carry(t, h, c.request())
			wantAnswer(t, got, c)
			if c.code != "" {
				if len(arrived) > 0 {
					t.Error("it went upstream")
				}
				return
			}
			if len(arrived) != 1 || !same(arrived[0], c.want) {
				t.Errorf("something else arrived upstream, %d times", len(arrived))
			}
		})
	}
}

// Upstream is a [core.Upstream].
type Upstream func(context.Context, core.Request) (core.Verdict, error)

// Verify implements [core.Upstream].
func (u Upstream) Verify(ctx context.Context, r core.Request) (core.Verdict, error) { return u(ctx, r) }

// NewHandler returns a handler that lets everyone in, over an upstream.
func NewHandler(u Upstream) *httpapi.Handler {
	return &httpapi.Handler{Auth: httpapi.Anyone{}, Verifier: &core.Verifier{
		Upstream: u,
		Ledger:   memory.NewLedger(),
		Limiter:  memory.NewLimiter(1000),
		Policy:   core.Policy{Secret: "0123456789abcdef0123456789abcdef"},
	}}
}

type testCase struct {
	name    string
	request func() *http.Request
	status  int
	code    string       // of the error, "" for a match
	want    core.Request // what arrives upstream for a match
}

var (
	example = core.Request{IdCard: "11204416541220243X", Name: "Wei Xiaobao", Phone: "16137688175"}
	chinese = core.Request{IdCard: "11204416541220243X", Name: "韦小宝", Phone: "16137688175"}
	odd     = core.Request{IdCard: "a+b/c=", Name: "100% & <more>, \"quoted\" +1", Phone: "%31%2B",
		CiphertextBlob: "x-k-y=", EncryptList: []string{"Name", "Phone"}, Iv: ";?#&="}
)

var suite = []testCase{
	{"JSON", post(asJSON(example)), 200, "", example},
	{"JSON in UTF-8", post(asJSON(chinese)), 200, "", chinese},
	{"JSON with escapes", post(`{"IdCard":"11204416541220243X","Name":"\u97e6\u5c0f\u5b9d","Phone":"16137688175"}`), 200, "", chinese},
	{"JSON of all fields", post(asJSON(odd)), 200, "", odd},
	{"form", posting("application/x-www-form-urlencoded", asValues(odd).Encode()), 200, "", odd},
	{"form in UTF-8", posting("application/x-www-form-urlencoded", asValues(chinese).Encode()), 200, "", chinese},
	{"query", get(asValues(example).Encode()), 200, "", example},
	{"query in UTF-8", get(asValues(chinese).Encode()), 200, "", chinese},
	{"query with EncryptList.0 and percent-encoding", get(asValues(odd).Encode()), 200, "", odd},
	{"query with %20", get(strings.ReplaceAll(asValues(example).Encode(), "+", "%20")), 200, "", example},
	{"query with a name twice", get(asValues(example).Encode() + "&Name=another"), 400, "InvalidParameter", core.Request{}},
	{"query with an unknown name", get(asValues(example).Encode() + "&VerifyMode=1"), 400, "UnknownParameter", core.Request{}},
	{"query with a name only", get(asValues(example).Encode() + "&Unknown"), 400, "UnknownParameter", core.Request{}},
	{"query of a client of the API", get(asValues(core.Request{}).Encode() + "&Action=PhoneVerification"), 200, "MissingParameter", core.Request{}},
	{"no query", get(""), 400, "MissingParameter", core.Request{}},
	{"no body", post(""), 400, "InvalidParameter", core.Request{}},
	{"not JSON", post("{"), 400, "InvalidParameter", core.Request{}},
	{"invalid UTF-8", post("{\"Name\":\"\xff\"}"), 400, "InvalidParameterValue", core.Request{}},
	{"64 KB", post(asJSON(example) + strings.Repeat(" ", 64<<10-len(asJSON(example)))), 200, "", example},
	{"64 KB and one", post(strings.Repeat(" ", 64<<10+1)), 413, "RequestSizeLimitExceeded", core.Request{}},
	{"no content type", posting("", asJSON(example)), 415, "InvalidRequest", core.Request{}},
	{"another content type", posting("text/plain", asJSON(example)), 415, "InvalidRequest", core.Request{}},
	{"PUT", func() *http.Request { return httptest.NewRequest("PUT", "/", nil) }, 405, "UnsupportedProtocol", core.Request{}},
	{"an action", with(post(asJSON(example)), "X-TC-Action", "PhoneVerification"), 200, "", example},
	{"another action", with(post(asJSON(example)), "X-TC-Action", "DetectAuth"), 200, "InvalidAction", core.Request{}},
	{"a key", with(post(asJSON(example)), "Idempotency-Key", "k-1"), 200, "", example},
	{"a key twice", with(post(asJSON(example)), "Idempotency-Key", "k-1", "k-2"), 400, "InvalidParameterValue", core.Request{}},
	{"a content type twice", with(post(asJSON(example)), "Content-Type", "application/json", "application/json"), 415, "InvalidRequest", core.Request{}},
	{"an unread header twice", with(post(asJSON(example)), "X-Other", "a", "b, c"), 200, "", example},
}

// Repeats reports whether a request has a header twice, which an envelope with one
// value to a name can't hold.
func Repeats(r *http.Request) bool {
	for _, values := range r.Header {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

func posting(contentType, body string) func() *http.Request {
	return func() *http.Request {
		r := httptest.NewRequest("POST", "/release/verify", strings.NewReader(body))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		return r
	}
}

func post(body string) func() *http.Request { return posting("application/json", body) }

func get(query string) func() *http.Request {
	return func() *http.Request { return httptest.NewRequest("GET", "/?"+query, nil) }
}

func with(request func() *http.Request, name string, values ...string) func() *http.Request {
	return func() *http.Request {
		r := request()
		r.Header[http.CanonicalHeaderKey(name)] = values
		return r
	}
}

// asValues is a request as a query or form.
func asValues(r core.Request) url.Values {
	values := url.Values{}
	for name, value := range map[string]core.Private{
		"IdCard": r.IdCard, "Name": r.Name, "Phone": r.Phone, "CiphertextBlob": r.CiphertextBlob, "Iv": r.Iv,
	} {
		if value != "" {
			values.Set(name, string(value))
		}
	}
	for i, name := range r.EncryptList {
		values.Set("EncryptList."+string(rune('0'+i)), name)
	}
	return values
}

// asJSON is a request as a body.
func asJSON(r core.Request) string {
	members := map[string]any{}
	for name, values := range asValues(r) {
		if !strings.HasPrefix(name, "EncryptList.") {
			members[name] = values[0]
		}
	}
	if r.EncryptList != nil {
		members["EncryptList"] = r.EncryptList
	}
	body, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func wantAnswer(t *testing.T, got httpapi.Response, c testCase) {
	t.Helper()
	var a struct {
		Response struct {
			Result, Description string
			Error               struct{ Code string }
		}
	}
	if err := json.Unmarshal(got.Body, &a); err != nil {
		t.Fatalf("%v in %q", err, got.Body)
	}
	if got.Status != c.status || a.Response.Error.Code != c.code {
		t.Errorf("got %d %s, want %d %s", got.Status, a.Response.Error.Code, c.status, c.code)
	}
	if c.code == "" && (a.Response.Result != "0" || a.Response.Description != "认证通过 <&>") {
		t.Errorf("the answer is %s", got.Body)
	}
	if got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", got.Header)
	}
	if c.status == 405 && got.Header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow is %q", got.Header.Get("Allow"))
	}
}

func same(a, b core.Request) bool {
	return a.IdCard == b.IdCard && a.Name == b.Name && a.Phone == b.Phone && a.CiphertextBlob == b.CiphertextBlob &&
		a.Iv == b.Iv && slices.Equal(a.EncryptList, b.EncryptList)
}
