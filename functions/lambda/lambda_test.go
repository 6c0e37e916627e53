package main_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"

	// The binary is built by a command: these make go test notice when it has changed.
	_ "phoneverify/adapters/awslambda"
	_ "phoneverify/adapters/credential/webidentity"
	_ "phoneverify/functions/internal/app"
)

var binary string // the function, as it is released

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "6") // they wait for processes, more than they compute
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambda")
	if err == nil {
		defer os.RemoveAll(dir)
		binary, err = platform.Build(dir, ".", nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// function is the binary, running, with the simulator as its upstream.
type function struct {
	*platform.Lambda
	sim *faceidsim.Simulator
}

// start starts a binary, with the simulator's keys and more settings.
func start(t *testing.T, binary string, env ...string) *function {
	t.Helper()
	sim := new(faceidsim.Simulator)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	env = append([]string{"PHONEVERIFY_FACEID_ENDPOINT=" + server.URL, "PHONEVERIFY_CREDENTIALS=env", "PHONEVERIFY_LOG_LEVEL=debug",
		"TENCENTCLOUD_SECRETID=" + faceidsim.SecretID, "TENCENTCLOUD_SECRETKEY=" + faceidsim.SecretKey}, env...)
	l, err := platform.StartLambda(binary, env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return &function{l, sim}
}

// invoke invokes the function with an event, given as JSON, within a time.
func (f *function) invoke(t *testing.T, event string, within time.Duration) platform.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := f.Invoke(ctx, []byte(event), time.Now().Add(within))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const (
	example = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`
	query   = "IdCard=11204416541220243X&Name=Wei%20Xiaobao&Phone=16137688175"
)

func quote(text string) string { quoted, _ := json.Marshal(text); return string(quoted) }

func base64Of(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// events carry the specification's example in every envelope.
var events = map[string]string{
	"REST API":     `{"resource":"/","path":"/","httpMethod":"POST","headers":{"Content-Type":"application/json"},"multiValueHeaders":{"Content-Type":["application/json"]},"requestContext":{"requestId":"r","identity":{}},"body":` + quote(example) + `,"isBase64Encoded":false}`,
	"HTTP API":     `{"version":"2.0","rawPath":"/","rawQueryString":"","headers":{"content-type":"application/json"},"requestContext":{"requestId":"r","http":{"method":"POST","path":"/"}},"body":"` + base64.StdEncoding.EncodeToString([]byte(example)) + `","isBase64Encoded":true}`,
	"function URL": `{"version":"2.0","rawPath":"/","rawQueryString":` + quote(query) + `,"headers":{},"requestContext":{"requestId":"r","domainName":"x.lambda-url.eu-west-1.on.aws","http":{"method":"GET","path":"/"}},"isBase64Encoded":false}`,
	"ALB":          `{"requestContext":{"elb":{}},"httpMethod":"GET","path":"/","queryStringParameters":{"IdCard":"11204416541220243X","Name":"Wei%20Xiaobao","Phone":"16137688175"},"headers":{},"body":"","isBase64Encoded":false}`,
	"direct":       example,
}

// verdict is what an answer says, in an envelope or bare.
func verdict(t *testing.T, r platform.Result) (result, code string, status int) {
	t.Helper()
	a, err := r.Answer()
	if err != nil {
		t.Fatal(err)
	}
	return a.Result, a.Error.Code, a.Status
}

func TestEveryEnvelope(t *testing.T) {
	f := start(t, binary, "PHONEVERIFY_CALLER_AUTH=none")
	for name, event := range events {
		if result, code, _ := verdict(t, f.invoke(t, event, 10*time.Second)); result != "0" {
			t.Errorf("%s: got %q %s", name, result, code)
		}
	}
	if n := f.sim.Charges(); n != 1 {
		t.Errorf("%d charges for one person", n)
	}
}

// Until the operator says who may call, HTTP is refused; who may invoke may call.
func TestNoCallerAuth(t *testing.T) {
	f := start(t, binary)
	for name, event := range events {
		result, code, status := verdict(t, f.invoke(t, event, 10*time.Second))
		if name == "direct" && result != "0" || name != "direct" && (status != 403 || code != "AuthFailure.UnauthorizedOperation") {
			t.Errorf("%s: got %d %q %s", name, status, result, code)
		}
	}
	if !f.Says("set PHONEVERIFY_CALLER_AUTH to") {
		t.Errorf("the log does not say what to set:\n%s", f.Output())
	}
}

// With platform the event must show an authorizer.
func TestPlatformAuth(t *testing.T) {
	f := start(t, binary, "PHONEVERIFY_CALLER_AUTH=platform")
	for name, want := range map[string]int{"REST API": 403, "HTTP API": 403, "function URL": 403, "ALB": 403} {
		if _, _, status := verdict(t, f.invoke(t, events[name], 10*time.Second)); status != want {
			t.Errorf("%s: got %d, want %d", name, status, want)
		}
	}
	shown := strings.Replace(events["HTTP API"], `"requestContext":{`, `"requestContext":{"authorizer":{"jwt":{"claims":{"sub":"alice"}}},`, 1)
	if result, code, status := verdict(t, f.invoke(t, shown, 10*time.Second)); result != "0" {
		t.Errorf("with an authorizer: got %d %q %s", status, result, code)
	}
	if !f.Says(`"caller":"alice"`) {
		t.Errorf("the log does not name the caller:\n%s", f.Output())
	}
}

func TestDeadlines(t *testing.T) {
	f := start(t, binary)
	for _, within := range []time.Duration{300 * time.Millisecond, 0, -time.Minute} {
		began := time.Now()
		_, code, _ := verdict(t, f.invoke(t, example, within))
		if took := time.Since(began); code != "ServiceUnavailable" || took > 2*time.Second {
			t.Errorf("within %v: got %s after %v", within, code, took)
		}
	}
	if n := len(f.sim.Calls()); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
	if result, code, _ := verdict(t, f.invoke(t, example, 10*time.Second)); result != "0" {
		t.Errorf("then got %q %s", result, code)
	}
}

func TestHundredInARow(t *testing.T) {
	f := start(t, binary)
	for n := range 100 {
		event := strings.Replace(example, "Wei Xiaobao", "Wei "+strings.Repeat("x", n), 1)
		if result, code, _ := verdict(t, f.invoke(t, strings.Replace(event, "16137688175", "16100000000", 1), 10*time.Second)); result != "0" {
			t.Fatalf("invocation %d: got %q %s", n, result, code)
		}
	}
	if calls, charges := len(f.sim.Calls()), f.sim.Charges(); calls != 100 || charges != 100 {
		t.Errorf("%d calls, %d charges", calls, charges)
	}
}

// One process may be given several invocations at once.
func TestConcurrentInvocations(t *testing.T) {
	f := start(t, binary, "AWS_LAMBDA_MAX_CONCURRENCY=8")
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			r, err := f.Invoke(t.Context(), []byte(example), time.Now().Add(10*time.Second))
			if err != nil || !strings.Contains(string(r.Payload), `"Result":"0"`) {
				t.Errorf("got %s, %v", r.Payload, err)
			}
		})
	}
	all.Wait()
	if n := f.sim.Charges(); n != 1 {
		t.Errorf("%d charges for one person", n)
	}
}

func TestStrangeEvents(t *testing.T) {
	f := start(t, binary)
	for _, event := range []string{"", "16137688175", "{", "[]", `{"hello":"16137688175"}`, `{"Records":[{"eventSource":"aws:sqs","body":"16137688175"}]}`,
		`{"a":"` + strings.Repeat("16137688175", 1<<20) + `"}`} {
		r := f.invoke(t, event, 10*time.Second)
		if !strings.Contains(r.Failure, "phoneverify: ") || strings.Contains(r.Failure, "1613768") {
			t.Errorf("%.20q: got %q", event, r.Failure)
		}
	}
	f.Close()
	if strings.Contains(f.Output(), "1613768") {
		t.Errorf("the output shows an event:\n%.2000s", f.Output())
	}
}

// A panic costs one answer, not the process, and tells nothing of the request.
func TestPanic(t *testing.T) {
	dir := t.TempDir()
	overlay, err := platform.Broken(dir, "../..", "adapters/faceid/faceid.go",
		"	request := newRequest(r)\n", "	request := newRequest(r)\n\tif strings.HasPrefix(string(r.Name), \"panic\") {\n\t\tpanic(string(r.Phone))\n\t}\n")
	if err != nil {
		t.Fatal(err)
	}
	broken, err := platform.Build(dir, ".", nil, overlay)
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, broken, "PHONEVERIFY_CALLER_AUTH=none")
	for name, event := range events {
		who := "panic-" + strings.ReplaceAll(name, " ", "-") // each a question of its own
		event = strings.ReplaceAll(strings.ReplaceAll(event, "Wei Xiaobao", who), "Wei%20Xiaobao", who)
		if name == "HTTP API" {
			continue // its body is in base64
		}
		if _, code, status := verdict(t, f.invoke(t, event, 10*time.Second)); code != "InternalError" || name != "direct" && status != 500 {
			t.Errorf("%s: got %d %s", name, status, code)
		}
	}
	if result, _, _ := verdict(t, f.invoke(t, example, 10*time.Second)); result != "0" {
		t.Errorf("then got %q", result)
	}
	f.Close()
	if out := f.Output(); strings.Contains(out, "1613768") || !strings.Contains(out, "a value of type string") {
		t.Errorf("the output is\n%s", out)
	}
}

func TestTerminate(t *testing.T) {
	f := start(t, binary)
	f.invoke(t, example, 10*time.Second)
	if err := f.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := f.Wait(ctx); err != nil {
		t.Errorf("it goes on after SIGTERM: %v", err)
	}
}

// Settings that can't be are all named, and it does not start.
func TestBadSettings(t *testing.T) {
	l, err := platform.StartLambda(binary, "PHONEVERIFY_RATE_LIMIT=a-secret", "PHONEVERIFY_NO_SUCH=a-secret")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	status, err := l.Wait(t.Context())
	if err != nil || status != 1 {
		t.Errorf("it ended with %d, %v", status, err)
	}
	for _, want := range []string{"PHONEVERIFY_RATE_LIMIT", "PHONEVERIFY_NO_SUCH", "PHONEVERIFY_ROLE_ARN"} {
		if !strings.Contains(l.Output(), want) || strings.Contains(l.Output(), "a-secret") {
			t.Errorf("it says %s", l.Output())
		}
	}
}

// The keyless way: the function's role at AWS, to keys of a role at Tencent.
func TestWebIdentity(t *testing.T) {
	exchanges := 0
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "AKIAROLE/") || r.Header.Get("X-Amz-Security-Token") != "aws-session" {
			t.Errorf("AWS STS was asked by %q", r.Header.Get("Authorization"))
		}
		fmt.Fprint(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult><WebIdentityToken>a.jwt.token</WebIdentityToken></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`)
	}))
	defer aws.Close()
	tencent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		exchanges++
		var body map[string]any
		json.NewDecoder(r.Body).Decode(&body)
		if body["WebIdentityToken"] != "a.jwt.token" || body["RoleArn"] != "qcs::cam::uin/1:roleName/phoneverify" || body["ProviderId"] != "aws" {
			t.Errorf("Tencent STS was asked with %v", body)
		}
		fmt.Fprintf(w, `{"Response":{"Credentials":{"Token":%q,"TmpSecretId":%q,"TmpSecretKey":%q},"ExpiredTime":%d,"RequestId":"r"}}`,
			faceidsim.TempToken, faceidsim.TempSecretID, faceidsim.TempSecretKey, time.Now().Add(time.Hour).Unix())
	}))
	defer tencent.Close()
	f := start(t, binary, "PHONEVERIFY_CREDENTIALS=webidentity", "PHONEVERIFY_ROLE_ARN=qcs::cam::uin/1:roleName/phoneverify",
		"PHONEVERIFY_OIDC_PROVIDER=aws", "PHONEVERIFY_OIDC_AUDIENCE=phoneverify", "PHONEVERIFY_STS_ENDPOINT="+tencent.URL,
		"AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL_STS="+aws.URL,
		"AWS_ACCESS_KEY_ID=AKIAROLE", "AWS_SECRET_ACCESS_KEY=aws-secret", "AWS_SESSION_TOKEN=aws-session")
	for _, phone := range []string{"16137688175", "16100000000"} {
		event := strings.Replace(example, "16137688175", phone, 1)
		if result, code, _ := verdict(t, f.invoke(t, event, 10*time.Second)); result != "0" {
			t.Errorf("got %q %s\n%s", result, code, f.Output())
		}
	}
	if exchanges != 1 {
		t.Errorf("%d exchanges for two attempts", exchanges)
	}
	f.Close()
	for _, secret := range []string{"a.jwt.token", "aws-secret", "aws-session", faceidsim.TempSecretKey, faceidsim.TempToken} {
		if strings.Contains(f.Output(), secret) {
			t.Errorf("the output shows %q", secret)
		}
	}
}

// The other way to keys: a secret of AWS's, by build tag.
func TestSecretsManager(t *testing.T) {
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || !strings.Contains(r.Header.Get("Authorization"), "AKIAROLE/") {
			t.Errorf("Secrets Manager was asked for %q by %q", r.Header.Get("X-Amz-Target"), r.Header.Get("Authorization"))
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprintf(w, `{"SecretString":%q}`, fmt.Sprintf(`{"SecretId":%q,"SecretKey":%q}`, faceidsim.SecretID, faceidsim.SecretKey))
	}))
	defer aws.Close()
	with, err := platform.Build(t.TempDir(), ".", []string{"secretsmanager"})
	if err != nil {
		t.Fatal(err)
	}
	f := start(t, with, "PHONEVERIFY_CREDENTIALS=secretsmanager", "PHONEVERIFY_SECRET_ID=phoneverify",
		"AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL_SECRETS_MANAGER="+aws.URL,
		"AWS_ACCESS_KEY_ID=AKIAROLE", "AWS_SECRET_ACCESS_KEY=aws-secret", "AWS_SESSION_TOKEN=aws-session")
	if result, code, _ := verdict(t, f.invoke(t, example, 10*time.Second)); result != "0" {
		t.Errorf("got %q %s\n%s", result, code, f.Output())
	}
	without, err := platform.StartLambda(binary, "PHONEVERIFY_CREDENTIALS=secretsmanager", "PHONEVERIFY_SECRET_ID=phoneverify")
	if err != nil {
		t.Fatal(err)
	}
	defer without.Close()
	if status, err := without.Wait(t.Context()); err != nil || status != 1 || !strings.Contains(without.Output(), "build tag") {
		t.Errorf("without the tag it ended with %d, %v: %s", status, err, without.Output())
	}
}

// The canary: one person goes every way, and is found in nothing that is written.
func TestCanary(t *testing.T) {
	const card, name, phone = "310115198507264391", "Zhuge Canarius", "16183940572"
	f := start(t, binary, "PHONEVERIFY_CALLER_AUTH=none", "PHONEVERIFY_ATTEMPT_TIMEOUT=1s")
	swap := strings.NewReplacer("11204416541220243X", card, "Wei Xiaobao", name, "Wei%20Xiaobao", strings.ReplaceAll(name, " ", "%20"), "16137688175", phone)
	var told strings.Builder
	for _, trouble := range []faceidsim.Trouble{{}, {Reset: true}, {Status: 502}, {Hang: true}, {Code: "UnauthorizedOperation.Arrears"}, {Result: "-4"}} {
		for _, event := range events {
			event = swap.Replace(event)
			for _, broken := range []string{event, event[:len(event)/2], strings.Replace(event, "Name", phone, 1), `"` + name + `"`} {
				f.sim.Script(trouble)
				r := f.invoke(t, broken, 1800*time.Millisecond)
				told.WriteString(r.Failure)
				told.Write(r.Payload)
			}
		}
	}
	f.Close()
	if trace := platform.Trace(told.String()+f.Output(), card, name, phone, faceidsim.SecretKey); trace != "" {
		t.Error(trace)
	}
}
