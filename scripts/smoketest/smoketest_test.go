package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/tc3"
	"phoneverify/core"
)

const (
	match  = `{"Response":{"Result":"0","Outcome":"match","Billed":true,"Replayed":false,"RequestId":"r"}}`
	secret = "a-secret-that-nobody-sees"
)

// serve answers who passes check with a verdict, and anyone else with 401.
func serve(t *testing.T, check func(r *http.Request, body []byte) error) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := check(r, body); err != nil {
			t.Log(err)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, match)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// smoke runs the program and returns what it says, on standard output and error.
func smoke(t *testing.T, env map[string]string, args ...string) (status int, said string) {
	t.Helper()
	var out bytes.Buffer
	status = run(args, func(name string) string { return env[name] }, &out, &out)
	if strings.Contains(out.String(), secret) {
		t.Errorf("it says a secret: %s", out.String())
	}
	return status, out.String()
}

// What it sends is believed by those who check it.
func TestSigned(t *testing.T) {
	for _, c := range []struct {
		auth  string
		env   map[string]string
		check func(*http.Request, []byte) error
	}{
		{"none", nil, func(*http.Request, []byte) error { return nil }},
		{"bearer", map[string]string{"SMOKE_TOKEN": secret}, func(r *http.Request, body []byte) error {
			_, err := httpapi.Bearer{"smoke": sha256.Sum256([]byte(secret))}.Authenticate(r, body)
			return err
		}},
		{"tc3", map[string]string{"SMOKE_SECRET_ID": "id", "SMOKE_SECRET_KEY": secret}, func(r *http.Request, body []byte) error {
			_, err := httpapi.Signed{"id": secret}.Authenticate(r, body)
			return err
		}},
		{"cam", map[string]string{"TENCENT_SECRET_ID": "id", "TENCENT_SECRET_KEY": secret, "TENCENT_UIN": "100000000001"}, checkCAM},
		{"aws", map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "token", "AWS_REGION": "eu-west-1"}, checkAWS},
	} {
		t.Run(c.auth, func(t *testing.T) {
			url := serve(t, func(r *http.Request, body []byte) error {
				if string(body) != example || r.Method != "POST" || !strings.HasPrefix(r.Header.Get("Idempotency-Key"), "smoke-") {
					t.Errorf("it sends %s %s with %v", r.Method, body, r.Header)
				}
				return c.check(r, body)
			})
			status, said := smoke(t, c.env, "-auth", c.auth, url)
			if status != 0 || !strings.Contains(said, `"match", charged once`) {
				t.Errorf("%d: %s", status, said)
			}
			if c.env == nil {
				return
			}
			for name, value := range c.env {
				if value == secret {
					c.env[name] = "another-secret"
				}
			}
			if status, said := smoke(t, c.env, "-auth", c.auth, url); status != 1 || !strings.Contains(said, "does not know the caller") {
				t.Errorf("with another secret: %d: %s", status, said)
			}
			if status, said := smoke(t, nil, "-auth", c.auth, url); status != 2 || !strings.Contains(said, "not set: ") {
				t.Errorf("with none: %d: %s", status, said)
			}
		})
	}
}

// checkCAM checks the signature of a function URL as that of API 3.0, which it is but for
// the name of a header.
func checkCAM(r *http.Request, body []byte) error {
	if r.Header.Get("X-Scf-Cam-Uin") != "100000000001" || !strings.Contains(r.Header.Get("Authorization"), ";x-scf-cam-uin,") {
		return core.Unauthenticated
	}
	r.Header.Set("X-TC-Timestamp", r.Header.Get("X-Scf-Cam-Timestamp"))
	_, err := tc3.Verifier{Service: "scf", Lookup: func(string) (tc3.Key, bool) { return tc3.Key{Secret: secret}, true }}.Verify(r, body)
	return err
}

// checkAWS signs the request once more and compares.
func checkAWS(r *http.Request, body []byte) error {
	got := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	again := httptest.NewRequest(r.Method, "http://"+r.Host+r.URL.Path, bytes.NewReader(body))
	for _, name := range []string{"Content-Type", "Idempotency-Key"} {
		again.Header.Set(name, r.Header.Get(name))
	}
	keys := aws.Credentials{AccessKeyID: "id", SecretAccessKey: secret, SessionToken: "token"}
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, again, hexSHA256(string(body)), "execute-api", "eu-west-1", at); err != nil {
		return err
	}
	if got != again.Header.Get("Authorization") || r.Header.Get("X-Amz-Security-Token") != "token" {
		return core.Unauthenticated
	}
	return nil
}

// The clouds' own addresses show how to sign, and AWS's for what.
func TestAddresses(t *testing.T) {
	env := map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
		"TENCENT_SECRET_ID": "id", "TENCENT_SECRET_KEY": secret, "TENCENT_UIN": "1"}
	for url, want := range map[string]string{
		"https://abc123.execute-api.eu-west-1.amazonaws.com/":        "/eu-west-1/execute-api/aws4_request",
		"https://abc123.execute-api.cn-north-1.amazonaws.com.cn":     "/cn-north-1/execute-api/aws4_request",
		"https://abc123.lambda-url.eu-central-1.on.aws/":             "/eu-central-1/lambda/aws4_request",
		"https://1250000000-abc123.ap-guangzhou.tencentscf.com/":     "/scf/tc3_request",
		"http://127.0.0.1:8080":                                      "",
		"http://localhost:8080":                                      "",
		"https://verify.example.com":                                 "does not tell",
		"http://verify.example.com":                                  "must be https",
		"http://abc123.execute-api.eu-west-1.amazonaws.com/":         "must be https",
		"https://user:password@abc123.lambda-url.eu-west-1.on.aws/":  "must be https",
		"abc123.execute-api.eu-west-1.amazonaws.com":                 "must be https",
		"https://abc123.execute-api.eu-west-1.amazonaws.com.evil.io": "does not tell",
	} {
		r, err := newRequest([]string{url}, "", func(name string) string { return env[name] })
		if err != nil {
			if want == "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", url, err, want)
			}
			continue
		}
		if got := r.Header.Get("Authorization"); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: signed %s", url, got)
		}
		if r.URL.Path != "/" {
			t.Errorf("%s: the path is %q", url, r.URL.Path)
		}
	}
	if _, err := newRequest([]string{"https://verify.example.com"}, "aws", func(name string) string {
		return map[string]string{"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": secret}[name]
	}); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("without a region: %v", err)
	}
}

func TestMeaning(t *testing.T) {
	failure := func(code string) string {
		text, _ := json.Marshal(map[string]any{"Response": map[string]any{"Error": map[string]string{"Code": code}}})
		return string(text)
	}
	for _, c := range []struct {
		status  int
		body    string
		want    string
		verdict bool
	}{
		{200, match, "charged once", true},
		{200, strings.Replace(match, `"Billed":true`, `"Billed":false`, 1), "at no charge", true},
		{200, strings.Replace(match, `"Replayed":false`, `"Replayed":true`, 1), "charged before", true},
		{200, `{"Response":{"Result":"0","RequestId":"r"}}`, "it is not this function", false},
		{200, `<html>`, "no answer of this function's", false},
		{401, `{"message":"Unauthorized"}`, "does not know the caller", false},
		{403, `{"message":"Forbidden"}`, "refuses the caller", false},
		{403, failure("AuthFailure.UnauthorizedOperation"), "set PHONEVERIFY_CALLER_AUTH", false},
		{401, failure("AuthFailure.SignatureFailure"), "PHONEVERIFY_CALLER_KEYS", false},
		{404, `{"message":"Not Found"}`, "Nothing is at this address", false},
		{429, failure("RequestLimitExceeded.UinLimitExceeded"), "quota", false},
		{429, ``, "no instance free", false},
		{500, `{"message":"Internal Server Error"}`, "failed before it could answer", false},
		{500, failure("InternalError"), "should not", false},
		{502, failure("UnauthorizedOperation.Arrears"), "refuses the account", false},
		{502, failure("FailedOperation.StsUnAuthErrError"), "refuses its keys", false},
		{503, failure("ServiceUnavailable"), "can't be had", false},
		{504, failure("FailedOperation.OutcomeUnknown"), "perhaps charged", false},
		{409, failure("ResourceInUse"), "try again", false},
		{400, failure("InvalidParameter"), "see the code", false},
	} {
		if got, verdict := meaning(c.status, []byte(c.body)); verdict != c.verdict || !strings.Contains(got, c.want) {
			t.Errorf("%d %s: got %t %q", c.status, c.body, verdict, got)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	if status, said := smoke(t, nil, server.URL); status != 1 || !strings.Contains(said, "No answer came") {
		t.Errorf("%d: %s", status, said)
	}
	// A redirect is not followed.
	there := serve(t, func(*http.Request, []byte) error { return nil })
	redirect := httptest.NewServer(http.RedirectHandler(there, http.StatusTemporaryRedirect))
	defer redirect.Close()
	if status, said := smoke(t, nil, redirect.URL); status != 1 || !strings.Contains(said, "HTTP 307") {
		t.Errorf("redirected: %d: %s", status, said)
	}
}
