package httpapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"phoneverify/adapters/httpapi"
)

// document is the OpenAPI document, and what of it the handler has been seen to do.
type document struct {
	*openapi3.T
	seen map[string]bool // statuses of each form, outcomes, codes of each status
	said map[string]bool // answers, by status, without their ids
}

// load reads the document. It leaves room for more in an answer, which the handler
// may not use: it has nothing that the document does not name.
func load(t *testing.T) *document {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData([]byte(httpapi.OpenAPI))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Verdict", "Failure"} {
		closeSchema(spec.Components.Schemas[name].Value)
	}
	return &document{spec, map[string]bool{}, map[string]bool{}}
}

func closeSchema(s *openapi3.Schema) {
	if len(s.Properties) == 0 {
		return
	}
	s.AdditionalProperties.Has = new(false)
	for _, property := range s.Properties {
		closeSchema(property.Value)
	}
}

// forms are the ways in which the document lets a request carry its parameters.
func (d *document) forms() (all []form) {
	for method, operation := range d.Paths.Value("/").Operations() {
		if operation.RequestBody == nil {
			all = append(all, form{method, ""})
			continue
		}
		for contentType := range operation.RequestBody.Value.Content {
			all = append(all, form{method, contentType})
		}
	}
	return all
}

func (d *document) route(method string) *routers.Route {
	item := d.Paths.Value("/")
	return &routers.Route{Spec: d.T, Path: "/", PathItem: item, Method: method, Operation: item.GetOperation(method)}
}

func (d *document) input(r *http.Request) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{Request: r, Route: d.route(r.Method), Options: &openapi3filter.Options{
		IncludeResponseStatus:             true,
		RejectWhenRequestBodyNotSpecified: true,
		AuthenticationFunc:                openapi3filter.NoopAuthenticationFunc,
	}}
}

// allows reports why the document does not allow a request, nil if it does.
func (d *document) allows(r *http.Request) error {
	return openapi3filter.ValidateRequest(r.Context(), d.input(r))
}

// check holds an answer to r against the document, and notes what was seen.
func (d *document) check(t *testing.T, f form, r *http.Request, got httpapi.Response) {
	t.Helper()
	input := d.input(r)
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: got.Status, Header: got.Header, Options: input.Options,
		Body: io.NopCloser(strings.NewReader(string(got.Body))),
	})
	if err != nil {
		t.Fatalf("the document does not know the answer %d %v %s: %v", got.Status, got.Header, got.Body, err)
	}
	documented := input.Route.Operation.Responses.Status(got.Status).Value
	known := map[string]bool{"Content-Type": true}
	for name := range documented.Headers {
		known[http.CanonicalHeaderKey(name)] = true
	}
	for name := range got.Header {
		if !known[name] {
			t.Errorf("the document does not know the header %s of %d", name, got.Status)
		}
	}
	var a answer
	if err := json.Unmarshal(got.Body, &a); err != nil {
		t.Fatal(err)
	}
	d.seen[fmt.Sprint(f, " ", got.Status)] = true
	d.said[fmt.Sprint(got.Status, " ", withoutID(t, got.Body))] = true
	if a.Response.Error != nil {
		d.seen[fmt.Sprint(got.Status, " ", a.Response.Error.Code)] = true
	} else {
		d.seen[a.Response.Outcome] = true
	}
}

// withoutID is an answer in a form to be compared.
func withoutID(t *testing.T, answer []byte) string {
	t.Helper()
	var envelope struct{ Response map[string]any }
	if err := json.Unmarshal(answer, &envelope); err != nil {
		t.Fatal(err)
	}
	delete(envelope.Response, "RequestId")
	text, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// promised is what there is to be seen.
func (d *document) promised() (all []string) {
	for _, f := range d.forms() {
		for status := range d.route(f.method).Operation.Responses.Map() {
			all = append(all, fmt.Sprint(f, " ", status))
		}
	}
	for status, response := range d.responses() {
		for _, code := range codes(response) {
			all = append(all, status+" "+code)
		}
	}
	for _, outcome := range d.Components.Schemas["Outcome"].Value.Enum {
		all = append(all, outcome.(string))
	}
	return all
}

// responses are all responses by their status.
func (d *document) responses() map[string]*openapi3.Response {
	all := map[string]*openapi3.Response{"405": d.Components.Responses["MethodNotAllowed"].Value}
	for _, f := range d.forms() {
		for status, response := range d.route(f.method).Operation.Responses.Map() {
			all[status] = response.Value
		}
	}
	return all
}

// codes are the error codes that a response lists.
func codes(r *openapi3.Response) (all []string) {
	failure := r.Content["application/json"].Schema.Value
	if failure.AllOf == nil {
		return nil
	}
	code := failure.AllOf[1]
	for _, name := range []string{"Response", "Error", "Code"} {
		code = code.Value.Properties[name]
	}
	for _, list := range append(code.Value.AnyOf, code) {
		for _, value := range list.Value.Enum {
			all = append(all, value.(string))
		}
	}
	return all
}

func TestDocumentIsValid(t *testing.T) {
	if err := load(t).Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	// And so are its examples, since one that is not is found.
	for name, change := range map[string][2]string{
		"a response":  {`"Outcome":"match"`, `"Outcome":"won"`},
		"a code":      {`"Code":"ResourceInUse"`, `"Code":"InUse"`},
		"a request":   {`"EncryptList":["Phone"]`, `"EncryptList":["Isp"]`},
		"a form":      {`"EncryptList.0":"Phone"`, `"EncryptList.0":"Isp"`},
		"a parameter": {`example: sign-up-4711`, `example: "4711,4712"`},
	} {
		spec, err := openapi3.NewLoader().LoadFromData([]byte(strings.ReplaceAll(httpapi.OpenAPI, change[0], change[1])))
		if err != nil {
			t.Fatal(err)
		}
		if spec.Validate(t.Context()) == nil {
			t.Errorf("%s that breaks its schema is taken for an example", name)
		}
	}
}

// The document and the handler say the same: each status, code and outcome that is
// documented is brought out, in every form, and nothing else is answered.
func TestDocumentAndHandler(t *testing.T) {
	d := load(t)
	cases := slices.Concat(scenes, d.answersOfFaceID())
	for _, f := range d.forms() {
		for _, c := range cases {
			if c.which == posted && f.contentType == "" {
				continue
			}
			for _, namesAction := range []bool{false, true} {
				t.Run(fmt.Sprint(c.name, " ", f, " ", namesAction), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { d.play(t, c, f, namesAction) })
				})
			}
		}
	}
	d.playMethods(t)
	for _, promise := range d.promised() {
		if !d.seen[promise] {
			t.Errorf("the document has %s, which was not brought out", promise)
		}
	}
	for status, response := range d.responses() {
		for name, example := range response.Content["application/json"].Examples {
			value, err := json.Marshal(example.Value.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !d.said[status+" "+withoutID(t, value)] {
				t.Errorf("the handler does not give the example %s of %s", name, status)
			}
		}
	}
}

// play brings one scene out, and checks what it comes to.
func (d *document) play(t *testing.T, c scene, f form, namesAction bool) {
	p := newPlay(t, f)
	c.set(p)
	if namesAction && p.header.Get("X-TC-Action") == "" {
		p.header.Set("X-TC-Action", "PhoneVerification")
	}
	if err := d.allows(p.request()); err != nil && c.which != malformed {
		t.Errorf("the document does not allow the request: %v", err)
	}
	for _, before := range p.before {
		earlier := *p
		earlier.params = before
		d.check(t, f, earlier.request(), httpapi.Record(p.handler, earlier.request()))
	}
	got := httpapi.Record(p.handler, p.request())
	want := c.status
	if namesAction {
		want = http.StatusOK
	}
	if want != 0 && got.Status != want {
		t.Errorf("got %d %s, want %d", got.Status, got.Body, want)
	}
	d.check(t, f, p.request(), got)
}

// playMethods sends what has a method that the document does not have: each as if it
// were documented to get MethodNotAllowed, or 200 for who names the Action.
func (d *document) playMethods(t *testing.T) {
	item := d.Paths.Value("/")
	for _, method := range []string{"PUT", "PATCH", "DELETE", "OPTIONS"} {
		if item.GetOperation(method) != nil {
			t.Errorf("the document has %s", method)
		}
		item.SetOperation(method, &openapi3.Operation{Responses: openapi3.NewResponses(
			openapi3.WithStatus(405, d.Components.Responses["MethodNotAllowed"]),
			openapi3.WithStatus(200, d.Components.Responses["Answer"]))})
		for action, status := range map[string]int{"": 405, "PhoneVerification": 200} {
			r := httptest.NewRequest(method, "/", nil)
			r.Header.Set("X-TC-Action", action)
			got := httpapi.Record(handler(matches), r)
			if got.Status != status || got.Header.Get("Allow") == "" {
				t.Errorf("%s got %d %v", method, got.Status, got.Header)
			}
			d.check(t, form{method, ""}, r, got)
		}
		item.SetOperation(method, nil)
	}
}

// What of a request can be told from its schema the document and the handler see alike.
func TestDocumentRefusesWhatTheHandlerRefuses(t *testing.T) {
	d := load(t)
	const encrypted = `{"IdCard":"1","Name":"n","Phone":"1","CiphertextBlob":"b","EncryptList":["Name"],"Iv":"i"}`
	type sent struct{ body, key string }
	requests := map[string]sent{}
	for name, body := range map[string]string{
		"example":              example,
		"no name":              `{"IdCard":"1","Phone":"1"}`,
		"an empty name":        `{"IdCard":"1","Name":"","Phone":"1"}`,
		"a number":             `{"IdCard":"1","Name":"n","Phone":1}`,
		"an array":             `[]`,
		"an unknown parameter": `{"IdCard":"1","Name":"n","Phone":"1","VerifyMode":"1"}`,
		"another case":         `{"idcard":"1","Name":"n","Phone":"1"}`,
		"a control character":  `{"IdCard":"1","Name":"n\u0085","Phone":"1"}`,
		"Chinese":              `{"IdCard":"1","Name":"韦小宝","Phone":"1"}`,
		"4 KB":                 `{"IdCard":"1","Name":"` + strings.Repeat("n", 4096) + `","Phone":"1"}`,
		"4 KB and one":         `{"IdCard":"1","Name":"` + strings.Repeat("n", 4097) + `","Phone":"1"}`,
		"encrypted":            encrypted,
		"all encrypted":        strings.Replace(encrypted, `["Name"]`, `["Name","Phone","IdCard"]`, 1),
		"encrypted twice":      strings.Replace(encrypted, `["Name"]`, `["Name","Name"]`, 1),
		"encrypted stranger":   strings.Replace(encrypted, `["Name"]`, `["Isp"]`, 1),
		"encrypted no array":   strings.Replace(encrypted, `["Name"]`, `"Name"`, 1),
		"encrypted without Iv": strings.Replace(encrypted, `,"Iv":"i"`, ``, 1),
		"an empty Iv":          strings.Replace(encrypted, `"Iv":"i"`, `"Iv":""`, 1),
		"none encrypted":       `{"IdCard":"1","Name":"n","Phone":"1","EncryptList":[]}`,
		"an Iv for nothing":    `{"IdCard":"1","Name":"n","Phone":"1","Iv":""}`,
		"a version":            `{"IdCard":"1","Name":"n","Phone":"1","Version":"2018-03-01","Region":"","Language":"zh-CN"}`,
		"another version":      `{"IdCard":"1","Name":"n","Phone":"1","Version":"2017-01-01"}`,
		"a signature in JSON":  `{"IdCard":"1","Name":"n","Phone":"1","Signature":"1"}`,
	} {
		requests[name] = sent{body, ""}
	}
	for name, key := range map[string]string{"a key": "!+-.~", "two": "a,b", "a space": "a b", "no ASCII": "é",
		"255 bytes": strings.Repeat("k", 255), "256 bytes": strings.Repeat("k", 256)} {
		requests["key: "+name] = sent{example, key}
	}
	taken := 0
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		t.Run(name, func(t *testing.T) {
			got := httpapi.Record(handler(matches), keyed(requests[name].body, requests[name].key))
			if err := d.allows(keyed(requests[name].body, requests[name].key)); (err == nil) != (got.Status == 200) {
				t.Errorf("the handler answers %d, the document says %v", got.Status, err)
			}
			if got.Status == 200 {
				taken++
			}
		})
	}
	if taken == 0 || taken == len(requests) {
		t.Errorf("%d of %d are taken", taken, len(requests))
	}
}

func keyed(body, key string) *http.Request {
	r := post(body)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	return r
}
