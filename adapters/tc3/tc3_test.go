package tc3_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"phoneverify/adapters/tc3"
	"phoneverify/core"
)

// The keys of Tencent Cloud's published examples.
const (
	exampleID     = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
	exampleSecret = "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
)

func verifier(service string, key tc3.Key) tc3.Verifier {
	return tc3.Verifier{Service: service, Lookup: func(id string) (tc3.Key, bool) { return key, id == exampleID }}
}

// vector is a signed request whose signature was published, or computed by others.
type vector struct {
	at          int64 // Unix seconds
	service     string
	secret      string
	method      string
	host        string
	query       string
	contentType string
	body        string
	headers     map[string]string // beside those of TC3
	signed      string            // list of signed headers; "" for v1
	signature   string
}

const (
	cvm  = "cvm.tencentcloudapi.com"
	form = "application/x-www-form-urlencoded"
	json = "application/json; charset=utf-8"

	instances = `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	v1Query   = "Action=DescribeInstances&InstanceIds.0=ins-09dx96dg&Limit=20&Nonce=11886&Offset=0&Region=ap-guangzhou&SecretId=" +
		exampleID + "&Timestamp=1465185768&Version=2017-03-12"
)

var vectors = map[string]vector{
	"TC3 GET": {at: 1539084154, service: "cvm", secret: exampleSecret, method: "GET", host: cvm,
		query: "Limit=10&Offset=0", contentType: form, signed: "content-type;host",
		signature: "5da7a33f6993f0614b047e5df4582db9e9bf4672ba50567dba16c6ccf174c474"},
	"TC3 POST": {at: 1551113065, service: "cvm", secret: exampleSecret, method: "POST", host: cvm,
		contentType: json, body: instances, signed: "content-type;host",
		signature: "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"},
	"TC3 POST, x-tc-action signed": {at: 1551113065, service: "cvm", secret: strings.Repeat("*", 32), method: "POST", host: cvm,
		contentType: json, body: instances, headers: map[string]string{"X-TC-Action": "DescribeInstances"},
		signed:    "content-type;host;x-tc-action",
		signature: "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"},
	"v1 HmacSHA1": {at: 1465185768, secret: exampleSecret, method: "GET", host: cvm,
		query: v1Query, signature: "EliP9YW3pW28FpsEdkXt/+WcGeI="},
	"v1 HmacSHA256": {at: 1465185768, secret: exampleSecret, method: "GET", host: cvm,
		query: v1Query + "&SignatureMethod=HmacSHA256", signature: "A8uy2/o7WBZXYCTWEFpMrVGhGBVlEGIOioeqRM+fzFs="},
	"PhoneVerification": {at: 1551113065, service: "faceid", secret: exampleSecret, method: "POST", host: "faceid.intl.tencentcloudapi.com",
		contentType: json, body: `{"IdCard":"11204416541220243X","Name":"韦小宝","Phone":"16137688175"}`, signed: "content-type;host",
		signature: "8c19c37d9c7918c7f5cdb8d242ddc393c7742401d644d8c6dbe50b62c78024d2"},
}

// request is the vector on the wire.
func (v vector) request() *http.Request {
	query := v.query
	if v.signed == "" {
		query += "&Signature=" + url.QueryEscape(v.signature)
	}
	r := httptest.NewRequest(v.method, "https://"+v.host+"/?"+query, strings.NewReader(v.body))
	if v.signed == "" {
		return r
	}
	at := time.Unix(v.at, 0).UTC()
	for name, value := range v.headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", v.contentType)
	r.Header.Set("X-TC-Timestamp", decimal(v.at))
	r.Header.Set("Authorization", "TC3-HMAC-SHA256 Credential="+exampleID+"/"+at.Format("2006-01-02")+"/"+v.service+
		"/tc3_request, SignedHeaders="+v.signed+", Signature="+v.signature)
	return r
}

func (v vector) verifier() tc3.Verifier {
	return verifier(v.service, tc3.Key{Secret: core.Private(v.secret)})
}

// at runs f in a bubble whose clock shows t.
func at(t *testing.T, when time.Time, f func(*testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(when))
		f(t)
	})
}

func TestVectors(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			at(t, time.Unix(v.at, 0), func(t *testing.T) {
				id, err := v.verifier().Verify(v.request(), []byte(v.body))
				if err != nil || id != exampleID {
					t.Errorf("got %q, %v", id, err)
				}
			})
		})
	}
}

// What was changed after it was signed is not taken.
func TestTampering(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			at(t, time.Unix(v.at, 0), func(t *testing.T) {
				for what, change := range map[string]func(*http.Request, *string){
					"body":  func(_ *http.Request, body *string) { *body += " " },
					"query": func(r *http.Request, _ *string) { r.URL.RawQuery += "&Limit2=1" },
					"host":  func(r *http.Request, _ *string) { r.Host = "elsewhere.test" },
					"method": func(r *http.Request, _ *string) {
						r.Method = map[string]string{"GET": "POST", "POST": "GET"}[r.Method]
					},
				} {
					isGET := v.method == "GET"
					if what == "query" && !isGET || what == "body" && v.signed == "" {
						continue // not part of such a request
					}
					r, body := v.request(), v.body
					change(r, &body)
					if _, err := v.verifier().Verify(r, []byte(body)); !errors.Is(err, core.Unauthenticated) {
						t.Errorf("%s changed: got %v", what, err)
					}
				}
			})
		})
	}
}

func TestWindow(t *testing.T) {
	for name, v := range vectors {
		t.Run(name, func(t *testing.T) {
			for off, code := range map[time.Duration]string{
				-5*time.Minute - time.Second: "AuthFailure.SignatureExpire",
				-5 * time.Minute:             "",
				5 * time.Minute:              "",
				5*time.Minute + time.Second:  "AuthFailure.SignatureExpire",
			} {
				at(t, time.Unix(v.at, 0).Add(off), func(t *testing.T) {
					_, err := v.verifier().Verify(v.request(), []byte(v.body))
					wantCode(t, err, code)
				})
			}
		})
	}
}

func TestFailures(t *testing.T) {
	v3, v1 := vectors["TC3 POST"], vectors["v1 HmacSHA1"]
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	authorization := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
		}
	}
	query := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Del(name)
			if value != "" {
				q.Set(name, value)
			}
			r.URL.RawQuery = q.Encode()
		}
	}
	for name, c := range map[string]struct {
		v      vector
		change func(*http.Request)
		code   string
	}{
		"no authorization":     {v3, func(r *http.Request) { r.Header.Del("Authorization") }, "InvalidAuthorization"},
		"another scheme":       {v3, header("Authorization", "Bearer x"), "InvalidAuthorization"},
		"nothing but scheme":   {v3, header("Authorization", "TC3-HMAC-SHA256"), "InvalidAuthorization"},
		"no signature":         {v3, authorization(", Signature=", ", Sig="), "InvalidAuthorization"},
		"a short scope":        {v3, authorization("/tc3_request", ""), "InvalidAuthorization"},
		"another ending":       {v3, authorization("/tc3_request", "/tc4_request"), "InvalidAuthorization"},
		"host not signed":      {v3, authorization("content-type;host", "content-type"), "InvalidAuthorization"},
		"type not signed":      {v3, authorization("content-type;host", "host"), "InvalidAuthorization"},
		"a missing header":     {v3, authorization("content-type;host", "content-type;host;x-none"), "InvalidAuthorization"},
		"a header twice":       {v3, func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }, "InvalidAuthorization"},
		"no timestamp":         {v3, func(r *http.Request) { r.Header.Del("X-TC-Timestamp") }, "InvalidAuthorization"},
		"a timestamp in words": {v3, header("X-TC-Timestamp", "now"), "InvalidAuthorization"},
		"a signed timestamp":   {v3, header("X-TC-Timestamp", "+1551113065"), "InvalidAuthorization"},
		"a huge timestamp":     {v3, header("X-TC-Timestamp", strings.Repeat("9", 30)), "InvalidAuthorization"},
		"another date":         {v3, authorization("2019-02-25", "2019-02-26"), "InvalidAuthorization"},
		"a list in capitals":   {v3, authorization("content-type;host", "Content-Type;Host"), ""},
		"another time":         {v3, header("X-TC-Timestamp", "1551113066"), "SignatureFailure"},
		"another service":      {v3, authorization("/cvm/", "/faceid/"), "SignatureFailure"},
		"another id":           {v3, authorization(exampleID, "AKIDnobody"), "SecretIdNotFound"},
		"another signature":    {v3, authorization("Signature=7", "Signature=8"), "SignatureFailure"},
		"an unasked token":     {v3, header("X-TC-Token", "t"), "TokenFailure"},
		"unsigned payload":     {v3, header("X-TC-Content-SHA256", "UNSIGNED-PAYLOAD"), "SignatureFailure"},

		"v1 no signature":      {v1, query("Signature", ""), "InvalidAuthorization"},
		"v1 another method":    {v1, query("SignatureMethod", "HmacMD5"), "InvalidAuthorization"},
		"v1 method not signed": {v1, query("SignatureMethod", "HmacSHA256"), "SignatureFailure"},
		"v1 no timestamp":      {v1, query("Timestamp", ""), "InvalidAuthorization"},
		"v1 no nonce":          {v1, query("Nonce", ""), "InvalidAuthorization"},
		"v1 no id":             {v1, query("SecretId", ""), "SecretIdNotFound"},
		"v1 another id":        {v1, query("SecretId", "AKIDnobody"), "SecretIdNotFound"},
		"v1 another value":     {v1, query("Limit", "21"), "SignatureFailure"},
		"v1 a token":           {v1, query("Token", "t"), "SignatureFailure"},
		"v1 a value twice":     {v1, func(r *http.Request) { r.URL.RawQuery += "&Limit=20" }, "InvalidAuthorization"},
		"v1 badly encoded":     {v1, func(r *http.Request) { r.URL.RawQuery += "&%zz" }, "InvalidAuthorization"},
	} {
		t.Run(name, func(t *testing.T) {
			at(t, time.Unix(c.v.at, 0), func(t *testing.T) {
				r := c.v.request()
				c.change(r)
				_, err := c.v.verifier().Verify(r, []byte(c.v.body))
				if c.code != "" {
					c.code = "AuthFailure." + c.code
				}
				wantCode(t, err, c.code)
			})
		})
	}
}

// What Tencent's Node SDK signs at any address is taken where that is allowed, and at that
// address alone. The signatures are that SDK's own.
func TestAnyAddress(t *testing.T) {
	for _, c := range []struct{ host, service, signature string }{
		{"abc123.execute-api.eu-west-1.amazonaws.com", "abc123", "236f122df320598fda579b0179af30b699a259ff657cbcf1cb61b9cd64254aef"},
		{"127.0.0.1:8080", "127", "3a9b746b4e0df61ce3f390455689cc42cb6446290b0e5d894fa770b15dfcf13d"},
		{"localhost:8080", "localhost:8080", "0e7a9c7632658a920aca492c771128005d20fee4821726aeba1d09e02f875a9b"},
	} {
		v := vectors["PhoneVerification"]
		v.host, v.service, v.contentType, v.signature = c.host, c.service, "application/json", c.signature
		verify := func(host string, anyAddress bool) error {
			verifier := v.verifier()
			verifier.Service, verifier.AnyAddress = "faceid", anyAddress
			r := v.request()
			r.Host = host
			_, err := verifier.Verify(r, []byte(v.body))
			return err
		}
		t.Run(c.host, func(t *testing.T) {
			at(t, time.Unix(v.at, 0), func(t *testing.T) {
				wantCode(t, verify(c.host, true), "")
				wantCode(t, verify(c.host, false), "AuthFailure.SignatureFailure")
				wantCode(t, verify(c.service+".example.com", true), "AuthFailure.SignatureFailure")
				wantCode(t, verify("elsewhere.example.com", true), "AuthFailure.SignatureFailure")
			})
		})
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	e, ok := errors.AsType[*core.Error](err)
	if !ok || e.Kind != core.Unauthenticated || e.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// Whatever a stranger sends, it is refused with one of the API's codes.
func FuzzVerify(f *testing.F) {
	for _, v := range vectors {
		r := v.request()
		f.Add(v.method, r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("X-TC-Timestamp"), v.contentType, []byte(v.body))
	}
	f.Add("POST", "", "TC3-HMAC-SHA256 Credential=/1970-01-01//tc3_request, SignedHeaders=host;content-type, Signature=x", "0", "", []byte("%"))
	f.Fuzz(func(t *testing.T, method, query, authorization, timestamp, contentType string, body []byte) {
		r := &http.Request{Method: method, Host: cvm, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{
			"Authorization": {authorization}, "X-Tc-Timestamp": {timestamp}, "Content-Type": {contentType}}}
		_, err := verifier("cvm", tc3.Key{Secret: exampleSecret}).Verify(r, body)
		e, ok := errors.AsType[*core.Error](err)
		if !ok || e.Kind != core.Unauthenticated || !strings.HasPrefix(e.Code, "AuthFailure.") {
			t.Fatalf("got %v", err)
		}
	})
}
