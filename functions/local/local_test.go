package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"phoneverify/adapters/faceid"
	"phoneverify/adapters/faceid/faceidsim"
)

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "6") // they wait for processes, more than they compute
	testscript.Main(m, map[string]func(){"local": main, "local-curl": curl})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

// process is the command, running.
type process struct {
	*exec.Cmd
	said   map[string]string // name=value lines of its standard output
	curl   string            // the command it proposes
	stderr *output
}

// output is what a process writes, while it runs.
type output struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(b)
}

// start runs the command on free ports, until the test ends.
func start(t *testing.T, environ ...string) *process {
	t.Helper()
	p := &process{said: map[string]string{}, stderr: new(output)}
	p.Cmd = exec.Command("local", "-addr", "127.0.0.1:0", "-faceid-addr", "127.0.0.1:0")
	p.Env = append(os.Environ(), environ...)
	p.Stderr = p.stderr
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	lines := bufio.NewScanner(stdout)
	for p.curl == "" && lines.Scan() {
		if strings.HasPrefix(lines.Text(), "curl ") {
			p.curl = lines.Text()
		} else if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			p.said[name] = value
		}
	}
	if p.curl == "" {
		t.Fatalf("it did not start: %s", p.stderr)
	}
	return p
}

// stop ends the process as a terminal or a container does, and returns its status.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	err := p.Wait()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

type envelope struct {
	Response struct {
		Result, Description, Isp, RequestId, Outcome string
		Billed, Replayed                             bool
		Error                                        struct{ Code, Message string }
	}
}

func read(t *testing.T, r *http.Response, err error) envelope {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || r.StatusCode != 200 {
		t.Fatalf("got %d %s", r.StatusCode, body)
	}
	return e
}

// The specification's examples, word for word, as a GET and as JSON.
func TestExamples(t *testing.T) {
	p := start(t)
	for phone, want := range map[string][3]string{
		"16137688175": {"0", "Authentication passed", "Telecom"},
		"16137688176": {"-4", "Information inconsistency", "China Unicom"},
	} {
		r, err := http.Get(p.said["api"] + "/?Action=PhoneVerification&IdCard=11204416541220243X&Name=Wei%20Xiaobao&Phone=" + phone)
		query := read(t, r, err).Response
		r, err = http.Post(p.said["api"], "application/json", strings.NewReader(
			`{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"`+phone+`"}`))
		posted := read(t, r, err).Response
		if query.Result != want[0] || query.Description != want[1] || query.Isp != want[2] {
			t.Errorf("the GET got %+v, want %v", query, want)
		}
		if !posted.Replayed || posted.Result != want[0] || posted.RequestId != query.RequestId {
			t.Errorf("the POST got %+v, want a replay of %+v", posted, query)
		}
	}
	if status := p.stop(t); status != 0 {
		t.Errorf("it ended with %d", status)
	}
	if lines := strings.Count(p.stderr.String(), `"msg":"verification"`); lines != 4 {
		t.Errorf("%d lines are logged, want 4:\n%s", lines, p.stderr)
	}
	if strings.Contains(p.stderr.String(), "1613768") {
		t.Errorf("the log shows a number:\n%s", p.stderr)
	}
}

// The command that is printed to be pasted works.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	p := start(t)
	out, err := exec.Command("sh", "-c", p.curl+" -s").Output()
	if err != nil || !strings.Contains(string(out), `"Outcome":"match"`) {
		t.Errorf("got %s, %v", out, err)
	}
}

// Tencent's own client, with nothing but the address changed, calls the API and the
// simulator by every scheme and method.
func TestSDK(t *testing.T) {
	p := start(t, "PHONEVERIFY_CALLER_AUTH=tc3", `PHONEVERIFY_CALLER_KEYS={"AKIDcaller":"caller-secret"}`)
	asked := map[string]bool{}
	for name, port := range map[string]struct{ url, id, key string }{
		"api":       {p.said["api"], "AKIDcaller", "caller-secret"},
		"simulator": {p.said["faceid"], p.said["secret_id"], p.said["secret_key"]},
	} {
		for _, c := range []struct{ scheme, method string }{
			{"TC3-HMAC-SHA256", "POST"}, {"TC3-HMAC-SHA256", "GET"}, {"HmacSHA1", "GET"}, {"HmacSHA256", "GET"}, {"HmacSHA256", "POST"},
		} {
			t.Run(name+" "+c.scheme+" "+c.method, func(t *testing.T) {
				keys := common.NewCredential(port.id, port.key)
				response, err := sdkCall(port.url, keys, c.scheme, c.method, "Wei Xiaobao", "16137688175")
				if err != nil {
					t.Fatal(err)
				}
				if got := response.Response; *got.Result != "0" || *got.Isp != "Telecom" {
					t.Errorf("got %s, %s", *got.Result, *got.Isp)
				}
				// And somebody whom nobody has asked about before.
				response, err = sdkCall(port.url, keys, c.scheme, c.method, c.scheme+" & "+c.method+" 韦小宝", "16100000000")
				if err != nil {
					t.Fatal(err)
				}
				if id := *response.Response.RequestId; *response.Response.Result != "0" || asked[id] {
					t.Errorf("got %s, under an id of before: %t", *response.Response.Result, asked[id])
				} else {
					asked[id] = true
				}
				_, err = sdkCall(port.url, common.NewCredential(port.id, "another"), c.scheme, c.method, "Wei Xiaobao", "16137688175")
				if e, ok := errors.AsType[*tcerr.TencentCloudSDKError](err); !ok || e.Code != "AuthFailure.SignatureFailure" {
					t.Errorf("with another key: got %v", err)
				}
			})
		}
	}
}

func sdkCall(address string, keys common.CredentialIface, scheme, method, name, phone string) (*faceid.PhoneVerificationResponse, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	p := profile.NewClientProfile()
	p.SignMethod = scheme
	p.HttpProfile.ReqMethod, p.HttpProfile.Scheme, p.HttpProfile.Endpoint = method, u.Scheme, u.Host
	request, response := faceid.NewPhoneVerificationRequest(), faceid.NewPhoneVerificationResponse()
	request.IdCard, request.Name, request.Phone = new("11204416541220243X"), new(name), new(phone)
	return response, common.NewCommonClient(keys, "", p).Send(request, response)
}

// With an endpoint of its own it starts no simulator, and takes the keys from the
// environment.
func TestAgainstAnotherEndpoint(t *testing.T) {
	upstream := start(t)
	p := start(t, "PHONEVERIFY_FACEID_ENDPOINT="+upstream.said["faceid"],
		"TENCENTCLOUD_SECRETID="+faceidsim.TempSecretID, "TENCENTCLOUD_SECRETKEY="+faceidsim.TempSecretKey,
		"TENCENTCLOUD_SESSIONTOKEN="+faceidsim.TempToken)
	if p.said["faceid"] != "" || p.said["secret_id"] != "" {
		t.Errorf("it says %v", p.said)
	}
	r, err := http.Get(p.said["api"] + "/?IdCard=11204416541220243X&Name=Wei%20Xiaobao&Phone=16137688175")
	if got := read(t, r, err).Response; got.Result != "0" {
		t.Errorf("got %+v", got)
	}
}

// A request that is being answered when the process is told to stop is answered.
func TestStopsGracefully(t *testing.T) {
	p := start(t)
	answered := make(chan string)
	go func() {
		defer close(answered)
		r, err := http.Get(p.said["api"] + "/?IdCard=1&Name=n&Phone=16100000201") // two seconds
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		answered <- string(body)
	}()
	time.Sleep(500 * time.Millisecond)
	if status := p.stop(t); status != 0 {
		t.Errorf("it ended with %d", status)
	}
	if got := <-answered; !strings.Contains(got, `"Result":"0"`) {
		t.Errorf("got %s", got)
	}
}

// A web page can't make a browser spend money at a local API that lets everyone in.
func TestWebPagesAreRefused(t *testing.T) {
	p := start(t)
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"curl":            {func(*http.Request) {}, 200},
		"the address bar": {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") }, 200},
		"another site":    {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"another port":    {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
		"another name":    {func(r *http.Request) { r.Host = "rebound.test" }, 403},
		"localhost":       {func(r *http.Request) { r.Host = "localhost:8080" }, 200},
	} {
		r, err := http.NewRequest("GET", p.said["api"]+"/?IdCard=1&Name=n&Phone=16100000000", nil)
		if err != nil {
			t.Fatal(err)
		}
		c.change(r)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != c.status {
			t.Errorf("%s: got %d, want %d", name, response.StatusCode, c.status)
		}
	}
}
