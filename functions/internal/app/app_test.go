package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/httpapi"
	"phoneverify/core"
	"phoneverify/functions/internal/app"
)

// What the settings say is what is wired.
func TestWiring(t *testing.T) {
	var region, language string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		region, language = r.Header.Get("X-TC-Region"), r.Header.Get("X-TC-Language")
		fmt.Fprint(w, `{"Response":{"Result":"0"}}`)
	}))
	defer server.Close()
	var environ []string
	for name, value := range map[string]string{
		"FACEID_ENDPOINT": server.URL, "REGION": "ap-singapore", "LANGUAGE": "zh-CN", "DEDUPE_WINDOW": "7s", "LEDGER_TTL": "8h",
		"ATTEMPT_TIMEOUT": "9s", "UNKNOWN_OUTCOME": "retry", "RATE_LIMIT": "10", "FINGERPRINT_KEY": strings.Repeat("f", 32), "CALLER_AUTH": "none",
	} {
		environ = append(environ, app.Prefix+name+"="+value)
	}
	s, err := app.ReadSettings(environ, justEnv)
	if err != nil {
		t.Fatal(err)
	}
	a := app.New(s, app.Options{Credentials: credential.Static{SecretID: "id", SecretKey: "key"}})
	want := core.Policy{Secret: core.Private(strings.Repeat("f", 32)), AttemptTimeout: 9 * time.Second, DedupeWindow: 7 * time.Second,
		LedgerTTL: 8 * time.Hour, ResendUnknown: true}
	if a.Verifier.Policy != want {
		t.Errorf("the policy is %+v, want %+v", a.Verifier.Policy, want)
	}
	if a.HTTP.Auth != (httpapi.Anyone{}) {
		t.Errorf("the callers are authenticated by %T", a.HTTP.Auth)
	}
	r := httptest.NewRequest("GET", "/?IdCard=1&Name=n&Phone=1", nil)
	if got := httpapi.Record(a.HTTP, r); got.Status != 200 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if region != "ap-singapore" || language != "zh-CN" {
		t.Errorf("the region is %q, the language %q", region, language)
	}
	a.Verifier.Limiter.Reserve(t.Context(), time.Minute)
	if wait, _ := a.Verifier.Limiter.Reserve(t.Context(), time.Minute); wait < 100*time.Millisecond || wait > 210*time.Millisecond {
		t.Errorf("the third slot of 10 a second is %v away", wait)
	}
}

// Who may call is as the settings say.
func TestCallerAuth(t *testing.T) {
	for how, want := range map[string]string{
		"": "httpapi.Nobody", "none": "httpapi.Anyone", "platform": "httpapi.Platform",
		"tc3": "httpapi.Signed", "bearer": "httpapi.Bearer",
	} {
		environ := []string{app.Prefix + "CALLER_AUTH=" + how}
		if how == "tc3" || how == "bearer" {
			environ = append(environ, app.Prefix+`CALLER_KEYS={"id":"`+strings.Repeat("ab", 32)+`"}`)
		}
		s, err := app.ReadSettings(environ, justEnv)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%T", app.New(s, app.Options{}).HTTP.Auth); got != want {
			t.Errorf("%q is %s, want %s", how, got, want)
		}
	}
}
