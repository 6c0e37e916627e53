package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid"
	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/store/memory"
	"phoneverify/core"
)

// form is how a request carries its parameters: in the query if there is no content type.
type form struct{ method, contentType string }

func (f form) String() string { return strings.TrimSpace(f.method + " " + f.contentType) }

// request returns a request with these parameters.
func (f form) request(t *testing.T, params url.Values) *http.Request {
	t.Helper()
	target, body := "/", ""
	switch f.contentType {
	case "":
		target += "?" + params.Encode()
	case "application/x-www-form-urlencoded":
		body = params.Encode()
	case "application/json":
		body = asJSON(params)
	default:
		t.Fatalf("there is a form %s", f)
	}
	r := httptest.NewRequest(f.method, target, strings.NewReader(body))
	if f.contentType != "" {
		r.Header.Set("Content-Type", f.contentType)
	}
	return r
}

// asJSON writes an object, in which a name may stand twice.
func asJSON(params url.Values) string {
	var members []string
	for name, values := range params {
		for _, value := range values {
			quoted, _ := json.Marshal([2]string{name, value})
			members = append(members, strings.Replace(string(bytes.Trim(quoted, "[]")), `",`, `":`, 1))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// play is a request, and a handler that it is sent to, whose upstream is the simulator.
type play struct {
	t       *testing.T
	form    form
	params  url.Values
	header  http.Header
	before  []url.Values // requests that are sent before it, with the same headers
	ctx     context.Context
	handler *httpapi.Handler
	sim     *faceidsim.Simulator
}

func newPlay(t *testing.T, f form) *play {
	sim := new(faceidsim.Simulator)
	client := faceid.New(faceid.Config{
		Endpoint:    &url.URL{Scheme: "https", Host: "faceid.test"},
		Credentials: credential.Static{SecretID: faceidsim.SecretID, SecretKey: faceidsim.SecretKey},
		Transport:   sim,
	})
	return &play{t: t, form: f, params: personOf("16137688175"), header: http.Header{}, ctx: t.Context(),
		handler: handler(client.Verify), sim: sim}
}

func personOf(phone string) url.Values {
	return url.Values{"IdCard": {"11204416541220243X"}, "Name": {"Wei Xiaobao"}, "Phone": {phone}}
}

// request returns the request, anew each time.
func (p *play) request() *http.Request {
	p.t.Helper()
	r := p.form.request(p.t, p.params).WithContext(p.ctx)
	for name, values := range p.header {
		r.Header[name] = values
	}
	return r
}

// again sends the request twice.
func (p *play) again() { p.before = append(p.before, p.params) }

// fails makes the upstream run into trouble, whatever it is asked.
func (p *play) fails(trouble faceidsim.Trouble) {
	p.sim.On = func(core.Request) faceidsim.Trouble { return trouble }
}

// signed signs the request with TC3, at that time, and not well.
func (p *play) signed(id string, at time.Time) {
	p.handler.Auth = httpapi.Signed{"AKID": "secret"}
	if p.form.contentType == "" {
		p.header.Set("Content-Type", "application/x-www-form-urlencoded") // which must be signed
	}
	p.header.Set("X-TC-Timestamp", fmt.Sprint(at.Unix()))
	p.header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+id+"/"+at.UTC().Format("2006-01-02")+
		"/faceid/tc3_request, SignedHeaders=content-type;host, Signature=00")
}

// held makes another call ask the same, for longer than this one can wait.
func (p *play) held() {
	p.handler.Verifier.Policy.AttemptTimeout = 20 * time.Second
	p.fails(faceidsim.Trouble{Hang: true})
	var other sync.WaitGroup
	other.Go(func() { httpapi.Record(p.handler, p.request()) })
	p.t.Cleanup(other.Wait)
	synctest.Wait()
	p.within(10 * time.Second)
}

// within gives the request a deadline.
func (p *play) within(d time.Duration) {
	ctx, cancel := context.WithTimeout(p.t.Context(), d)
	p.t.Cleanup(cancel)
	p.ctx = ctx
}

// scene is what can happen to a request.
type scene struct {
	name   string
	status int // what one gets who does not name the Action; 0: that is for the document to say
	which  which
	set    func(*play)
}

// which requests a scene is for.
type which uint8

const (
	allowed   which = iota
	posted          // allowed ones that have a body
	malformed       // those that the document need not allow
)

var bearer = httpapi.Bearer{"alice": sha256.Sum256([]byte("token"))}

var scenes = []scene{
	{"match", 200, allowed, func(p *play) {}},
	{"mismatch", 200, allowed, func(p *play) { p.params = personOf("16137688176") }},
	{"replay", 200, allowed, func(p *play) { p.again() }},
	{"-5", 200, allowed, func(p *play) { p.params = personOf("16100000005") }},
	{"-6", 200, allowed, func(p *play) { p.params = personOf("16100000006") }},
	{"-7", 200, allowed, func(p *play) { p.params = personOf("16100000007") }},
	{"-8", 200, allowed, func(p *play) { p.params = personOf("16100000008") }},
	{"-9", 200, allowed, func(p *play) { p.params = personOf("16100000009") }},
	{"-11", 200, allowed, func(p *play) { p.params = personOf("16100000011") }},
	{"-12", 200, allowed, func(p *play) { p.params = personOf("16100000012") }},
	{"-13", 200, allowed, func(p *play) { p.params = personOf("16100000013") }},
	{"a bearer", 200, allowed, func(p *play) { p.handler.Auth = bearer; p.header.Set("Authorization", "Bearer token") }},
	{"another action", 200, malformed, func(p *play) { p.header.Set("X-TC-Action", "DetectAuth") }},

	{"no name", 400, malformed, func(p *play) { p.params.Del("Name") }},
	{"an unknown parameter", 400, malformed, func(p *play) { p.params.Set("VerifyMode", "1") }},
	{"a name twice", 400, malformed, func(p *play) { p.params.Add("Name", "another") }},
	{"a control character", 400, malformed, func(p *play) { p.params.Set("Phone", "1\n") }},
	{"another version", 400, malformed, func(p *play) { p.header.Set("X-TC-Version", "2017-01-01") }},
	{"two keys", 400, malformed, func(p *play) { p.header.Set("Idempotency-Key", "a,b") }},

	{"no bearer", 401, malformed, func(p *play) { p.handler.Auth = bearer }},
	{"another bearer", 401, malformed, func(p *play) { p.handler.Auth = bearer; p.header.Set("Authorization", "Bearer another") }},
	{"no signature", 401, malformed, func(p *play) { p.handler.Auth = httpapi.Signed{"AKID": "secret"} }},
	{"another SecretId", 401, malformed, func(p *play) { p.signed("another", time.Now()) }},
	{"another signature", 401, malformed, func(p *play) { p.signed("AKID", time.Now()) }},
	{"an old signature", 401, malformed, func(p *play) { p.signed("AKID", time.Now().Add(-time.Hour)) }},
	{"nobody may call", 403, allowed, func(p *play) { p.handler.Auth = nil }},
	{"not vouched for", 403, allowed, func(p *play) { p.handler.Auth = httpapi.Platform{} }},

	{"held by another call", 409, allowed, func(p *play) { p.held() }},
	{"too large", 413, malformed, func(p *play) { p.params.Set("Name", strings.Repeat("n", core.MaxRequest)) }},
	{"compressed", 415, posted, func(p *play) { p.header.Set("Content-Encoding", "gzip") }},
	{"another charset", 415, posted, func(p *play) { p.header.Set("Content-Type", p.form.contentType+"; charset=gbk") }},
	{"a key of another person", 422, allowed, func(p *play) {
		p.header.Set("Idempotency-Key", "k")
		p.before = append(p.before, personOf("16137688176"))
	}},
	{"no slot", 429, allowed, func(p *play) {
		p.handler.Verifier.Limiter = memory.NewLimiter(0.01)
		p.before = append(p.before, personOf("16137688176"))
	}},
	{"a panic", 500, allowed, func(p *play) {
		p.handler = handler(func(context.Context, core.Request) (core.Verdict, error) { panic("a defect") })
	}},
	{"keys of ours that FaceID does not know", 502, allowed, func(p *play) { p.fails(faceidsim.Trouble{Code: "AuthFailure.SecretIdNotFound"}) }},
	{"a code that is new", 502, allowed, func(p *play) { p.fails(faceidsim.Trouble{Code: "SomethingNew"}) }},
	{"a code that is none", 503, allowed, func(p *play) { p.fails(faceidsim.Trouble{Code: "InternalError.16137688175"}) }},
	{"too late", 503, allowed, func(p *play) { p.within(300 * time.Millisecond) }},
	{"the caller has gone", 503, allowed, func(p *play) {
		ctx, leave := context.WithCancel(p.ctx)
		leave()
		p.ctx = ctx
	}},
	{"no answer", 504, allowed, func(p *play) { p.fails(faceidsim.Trouble{Reset: true}) }},
	{"no answer, and again", 504, allowed, func(p *play) { p.fails(faceidsim.Trouble{Reset: true}); p.again() }},
	{"a code that holds the name", 504, allowed, func(p *play) {
		p.params.Set("Name", "Outcome")
		p.fails(faceidsim.Trouble{Reset: true})
	}},
}

// answersOfFaceID are scenes in which FaceID answers each code that the document lists,
// and one more of its family.
func (d *document) answersOfFaceID() (all []scene) {
	var listed []string
	for _, response := range d.responses() {
		listed = append(listed, codes(response)...)
	}
	slices.Sort(listed)
	for _, code := range slices.Compact(listed) {
		for _, code := range []string{code, code + ".New", code + ".1"} {
			all = append(all, scene{name: code, set: func(p *play) { p.fails(faceidsim.Trouble{Code: code}) }})
		}
	}
	return all
}
