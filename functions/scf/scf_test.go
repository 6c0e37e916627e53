package main_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"

	// The binary is built by a command: these make go test notice when it has changed.
	_ "phoneverify/adapters/tencentscf"
	_ "phoneverify/functions/internal/app"
)

var binary string // the function, as it is released

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "6") // they wait for processes, more than they compute
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "scf")
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
	*platform.SCF
	sim *faceidsim.Simulator
	env map[string]string // that comes with every invocation
}

// start starts a binary, with the simulator's keys and more settings, all of which come
// with the invocations.
func start(t *testing.T, binary string, env map[string]string) *function {
	t.Helper()
	sim := new(faceidsim.Simulator)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	all := map[string]string{"PHONEVERIFY_FACEID_ENDPOINT": server.URL, "PHONEVERIFY_LOG_LEVEL": "debug",
		"TENCENTCLOUD_SECRETID": faceidsim.SecretID, "TENCENTCLOUD_SECRETKEY": faceidsim.SecretKey}
	for name, value := range env {
		all[name] = value
	}
	s, err := platform.StartSCF(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &function{s, sim, all}
}

// invoke invokes the function with an event, given as JSON, within a time.
func (f *function) invoke(t *testing.T, event string, within time.Duration) platform.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := f.Invoke(ctx, []byte(event), time.Now().Add(within), f.env)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const example = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`

func quote(text string) string { quoted, _ := json.Marshal(text); return string(quoted) }

// events carry the specification's example in every envelope.
var events = map[string]string{
	"API Gateway":           `{"requestContext":{"serviceId":"service-f94sy04v","path":"/test/{path}","httpMethod":"POST","requestId":"r","identity":{"secretId":"id"},"sourceIp":"10.0.2.14","stage":"release"},"headers":{"content-type":"application/json"},"body":` + quote(example) + `,"pathParameters":{},"queryStringParameters":{},"headerParameters":{},"stageVariables":{},"path":"/test/value","queryString":{},"httpMethod":"POST"}`,
	"function URL, GET":     `{"body":"","headers":{"x-scf-remote-addr":"192.0.2.1"},"httpMethod":"GET","path":"/","queryString":{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}}`,
	"function URL, base64":  `{"body":"` + base64.StdEncoding.EncodeToString([]byte(example)) + `","isBase64Encoded":true,"headers":{"Content-Type":"application/json"},"httpMethod":"POST","path":"/","queryString":{}}`,
	"function URL, context": `{"requestContext":{"requestId":"r"},"body":` + quote(example) + `,"headers":{"Content-Type":"application/json"},"httpMethod":"POST","path":"/","queryString":{}}`,
	"direct":                example,
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
	f := start(t, binary, map[string]string{"PHONEVERIFY_CALLER_AUTH": "platform"})
	for name, event := range events {
		if result, code, _ := verdict(t, f.invoke(t, event, 10*time.Second)); result != "0" {
			t.Errorf("%s: got %q %s", name, result, code)
		}
	}
	if !f.Says(`"caller":"id"`) {
		t.Errorf("the log does not name the caller:\n%s", f.Output())
	}
}

// Until the operator says who may call, HTTP is refused; who may invoke may call.
func TestNoCallerAuth(t *testing.T) {
	f := start(t, binary, nil)
	for name, event := range events {
		result, code, status := verdict(t, f.invoke(t, event, 10*time.Second))
		if name == "direct" && result != "0" || name != "direct" && (status != 403 || code != "AuthFailure.UnauthorizedOperation") {
			t.Errorf("%s: got %d %q %s", name, status, result, code)
		}
	}
}

// A role's keys come with an invocation, and go before those of an earlier one, the
// three of them together.
func TestRenewedKeys(t *testing.T) {
	f := start(t, binary, nil)
	for i, c := range []struct {
		id, key, token string
		want           string
	}{
		{faceidsim.SecretID, faceidsim.SecretKey, "", ""},
		{faceidsim.TempSecretID, faceidsim.TempSecretKey, faceidsim.TempToken, ""},
		{faceidsim.SecretID, "rotated away", "", "UnauthorizedOperation"},
		{faceidsim.TempSecretID, faceidsim.TempSecretKey, "an old token", "UnauthorizedOperation"},
		{faceidsim.TempSecretID, faceidsim.TempSecretKey, faceidsim.TempToken, ""},
		{"", "", "", ""}, // none come: those of the last invocation are in the process
	} {
		env := map[string]string{"PHONEVERIFY_FACEID_ENDPOINT": f.env["PHONEVERIFY_FACEID_ENDPOINT"]}
		if c.id != "" {
			env["TENCENTCLOUD_SECRETID"], env["TENCENTCLOUD_SECRETKEY"], env["TENCENTCLOUD_SESSIONTOKEN"] = c.id, c.key, c.token
		}
		f.env = env
		event := strings.Replace(strings.Replace(example, "16137688175", "16100000000", 1), "Wei", strings.Repeat("Wei ", i+1), 1)
		result, code, _ := verdict(t, f.invoke(t, event, 10*time.Second))
		if code != c.want || c.want == "" && result != "0" {
			t.Errorf("invocation %d: got %q %s, want %q", i, result, code, c.want)
		}
	}
	// A token left over in the process does not go with keys that last.
	f.env["TENCENTCLOUD_SECRETID"], f.env["TENCENTCLOUD_SECRETKEY"] = faceidsim.SecretID, faceidsim.SecretKey
	if result, code, _ := verdict(t, f.invoke(t, example, 10*time.Second)); result != "0" {
		t.Errorf("with keys that last: got %q %s", result, code)
	}
}

func TestDeadlines(t *testing.T) {
	f := start(t, binary, nil)
	for _, within := range []time.Duration{300 * time.Millisecond, 0, -time.Minute, -time.Since(time.Time{})} {
		began := time.Now()
		_, code, _ := verdict(t, f.invoke(t, example, within))
		if took := time.Since(began); code != "ServiceUnavailable" || took > 2*time.Second {
			t.Errorf("within %v: got %s after %v", within, code, took)
		}
	}
	if n := len(f.sim.Calls()); n != 0 {
		t.Errorf("%d calls were sent", n)
	}
}

func TestHundredInARow(t *testing.T) {
	f := start(t, binary, nil)
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

func TestStrangeEvents(t *testing.T) {
	f := start(t, binary, nil)
	for _, event := range []string{"", "16137688175", "{", "[]", `{"hello":"16137688175"}`, `{"Type":"Timer","Message":"16137688175"}`,
		`{"Records":[{"Ckafka":{"msgBody":"16137688175"}}]}`, `{"a":"` + strings.Repeat("16137688175", 1<<20) + `"}`} {
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
	f := start(t, broken, map[string]string{"PHONEVERIFY_CALLER_AUTH": "none"})
	for _, name := range []string{"API Gateway", "function URL, GET", "direct"} {
		event := strings.Replace(events[name], "Wei Xiaobao", "panic-"+name[:3], 1) // each a question of its own
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
	f := start(t, binary, nil)
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

// Settings that can't be are all named in the log, and every invocation fails.
func TestBadSettings(t *testing.T) {
	f := start(t, binary, map[string]string{"PHONEVERIFY_RATE_LIMIT": "a-secret", "PHONEVERIFY_NO_SUCH": "a-secret"})
	for range 2 {
		if r := f.invoke(t, example, 10*time.Second); !strings.Contains(r.Failure, "the settings are wrong") || strings.Contains(r.Failure, "a-secret") {
			t.Errorf("got %q", r.Failure)
		}
	}
	for _, want := range []string{"PHONEVERIFY_RATE_LIMIT", "PHONEVERIFY_NO_SUCH"} {
		if !f.Says(want) || strings.Contains(f.Output(), "a-secret") {
			t.Errorf("it says %s", f.Output())
		}
	}
}

// The canary: one person goes every way, and is found in nothing that is written.
func TestCanary(t *testing.T) {
	const card, name, phone = "310115198507264391", "Zhuge Canarius", "16183940572"
	f := start(t, binary, map[string]string{"PHONEVERIFY_CALLER_AUTH": "none", "PHONEVERIFY_ATTEMPT_TIMEOUT": "1s"})
	swap := strings.NewReplacer("11204416541220243X", card, "Wei Xiaobao", name, "16137688175", phone)
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
