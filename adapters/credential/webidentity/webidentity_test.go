package webidentity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/credential/webidentity"
)

// wantKeys asks for keys, which must be Tencent's, and still hold by the true clock.
func (c *clouds) wantKeys(ctx context.Context, source *credential.Cache) (id string) {
	c.t.Helper()
	id, key, token, err := source.Keys(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	if string(key) != "sesame-key-"+id || string(token) != "sesame-token-"+id {
		c.t.Errorf("the keys %s are not Tencent's three", id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if left := c.expires[id].Sub(c.now()); left < 59*time.Second {
		c.t.Errorf("the keys %s last %v", id, left)
	}
	return id
}

// wantError asks for keys, which must fail with a text that has what is wanted in it.
func (c *clouds) wantError(ctx context.Context, source *credential.Cache, want string) error {
	c.t.Helper()
	id, key, token, err := source.Keys(ctx)
	if err == nil || id != "" || key != "" || token != "" {
		c.t.Fatalf("got keys %q and the error %v", id, err)
	}
	if !strings.Contains(err.Error(), want) {
		c.t.Errorf("got %q, want %q in it", err, want)
	}
	c.wantNoSecret(err)
	return err
}

func (c *clouds) wantNoSecret(err error) {
	c.t.Helper()
	if strings.Contains(c.log.String(), "sesame") {
		c.t.Error("the log shows a secret")
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "sesame") {
			c.t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func (c *clouds) wantCalls(aws, tencent int) {
	c.t.Helper()
	if a, t := c.calls(); a != aws || t != tencent {
		c.t.Errorf("%d calls of AWS and %d of Tencent, want %d and %d", a, t, aws, tencent)
	}
}

func TestLoopback(t *testing.T) {
	c := newClouds(t)
	source := c.onLoopback()
	c.wantCalls(0, 0) // it connects to nothing before it is asked
	for range 3 {
		if id := c.wantKeys(t.Context(), source); id != "id-1" {
			t.Errorf("got keys %s, want id-1", id)
		}
	}
	c.wantCalls(1, 1)
}

// Tokens are carried nowhere but to the two addresses. AWS's side is in TestFailures,
// where its SDK's retries take no time, and a third address is an error.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			c := newClouds(t)
			source := c.onLoopback()
			c.fail(nil, redirect(status, other.URL+"/sesame"))
			c.wantError(t.Context(), source, "Tencent STS can't be reached or understood: the answer is a redirect, which is not followed")
			c.fail(nil, nil)
			c.wantKeys(t.Context(), source)
		})
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

func redirect(status int, address string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, status) }
}

// Who has no time to wait stops waiting; the exchange goes on for the next.
func TestLoopbackHangs(t *testing.T) {
	c := newClouds(t)
	source := c.onLoopback()
	release := make(chan struct{})
	c.fail(nil, func(w http.ResponseWriter, r *http.Request) {
		<-release
		c.mu.Lock()
		defer c.mu.Unlock()
		c.expires["late"] = c.now().Add(time.Hour)
		tencentKeys("late", c.expires["late"].Unix())(w, r)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.wantError(ctx, source, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	close(release)
	if id := c.wantKeys(t.Context(), source); id != "late" {
		t.Errorf("got keys %s, want late", id)
	}
	c.wantCalls(1, 1)
}

// What net/http makes of bytes that are no answer.
func TestLoopbackGarbage(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"not HTTP":              "sesame\r\n\r\n",
		"a status that is none": "HTTP/1.1 sesame OK\r\n\r\n",
		"cut short":             "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"sesame",
	} {
		t.Run(name, func(t *testing.T) {
			c := newClouds(t)
			source := c.onLoopback()
			c.fail(nil, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				fmt.Fprint(conn, text)
			})
			c.wantError(t.Context(), source, "Tencent STS can't be reached or understood")
			c.fail(nil, nil)
			c.wantKeys(t.Context(), source)
			c.wantCalls(2, 2) // Tencent is asked once with each token
		})
	}
}

func TestLoopbackRefused(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	c := newClouds(t)
	config := c.config()
	config.Endpoint, _ = url.Parse(server.URL)
	awsServer := httptest.NewServer(http.HandlerFunc(c.serveAWS))
	defer awsServer.Close()
	config.AWSEndpoint = awsServer.URL
	err := c.wantError(t.Context(), webidentity.New(config), "connection refused")
	if !strings.Contains(err.Error(), server.Listener.Addr().String()) {
		t.Errorf("%q does not name the address", err)
	}
}

// Keys are renewed in time, each time with a new token, and once for all.
func TestRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClouds(t)
		source := c.inMemory()
		for n := 1; n <= 3; n++ {
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() {
					if id := c.wantKeys(t.Context(), source); id != fmt.Sprint("id-", n) {
						t.Errorf("got keys %s, want id-%d", id, n)
					}
				})
			}
			callers.Wait()
			c.wantCalls(n, n)
			time.Sleep(time.Hour) // they have expired
		}
		for range 3 * 60 { // in steady use nobody waits
			c.wantKeys(t.Context(), source)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if aws, tencent := c.calls(); aws != tencent || aws < 6 || aws > 8 {
			t.Errorf("%d and %d calls", aws, tencent)
		}
	})
}

// Whatever goes wrong on either side, the error says where and shows no secret, keys
// that are none are given to nobody, and the next call works.
func TestFailures(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	breaks := func(err error) http.HandlerFunc {
		return func(http.ResponseWriter, *http.Request) { panic(err) }
	}
	const (
		answered = " answered "
		lost     = " can't be reached or understood: "
		late     = " did not answer: context deadline exceeded"
		request  = ", request " + requestID
	)
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix() // of time in a bubble
	for service, faults := range map[string]map[string]struct {
		fault http.HandlerFunc
		want  string
	}{
		"AWS STS": {
			"denied":           {awsFails(403, "AccessDenied", "not authorized with sesame-role-token"), answered + "AccessDenied" + request},
			"not enabled":      {awsFails(400, "OutboundWebIdentityFederationDisabledException", "m"), answered + "OutboundWebIdentityFederationDisabled"},
			"expired token":    {awsFails(403, "ExpiredToken", "sesame-role-token"), answered + "ExpiredToken" + request},
			"bad signature":    {awsFails(403, "SignatureDoesNotMatch", "x-amz-security-token:sesame-role-token"), answered + "SignatureDoesNotMatch" + request},
			"odd code":         {awsFails(400, "sesame-role-token", "m"), answered + "without a proper code" + request},
			"throttled":        {awsFails(400, "Throttling", "sesame-role-token"), answered + "Throttling" + request},
			"500":              {awsFails(500, "InternalFailure", "sesame-role-token"), answered + "InternalFailure" + request},
			"503 in HTML":      {answer(503, "text/html", "<html><p>sesame-role-token"), lost + "HTTP status 503"},
			"503 in text":      {answer(503, "text/plain", "sesame & <"), lost + "HTTP status 503"},
			"403, empty":       {answer(403, "text/xml", ""), answered + "UnknownError"},
			"empty":            {answer(200, "text/xml", ""), answered + "without a token"},
			"JSON":             {answer(200, "application/json", `{"WebIdentityToken":"sesame-jwt"}`), answered + "without a token"},
			"garbage":          {answer(200, "text/xml", "<sesame-jwt <"), lost},
			"another answer":   {answer(200, "text/xml", "<R><Other>sesame-jwt</Other></R>"), lost},
			"no token":         {answer(200, "text/xml", "<R><GetWebIdentityTokenResult></GetWebIdentityTokenResult></R>"), answered + "without a token"},
			"an empty token":   {awsToken("", "2030-01-01T00:00:00Z"), answered + "without a token"},
			"a time that none": {awsToken("sesame-jwt", "sesame"), lost},
			"302":              {redirect(302, "https://example.com/sesame"), lost + "the answer is a redirect"},
			"307":              {redirect(307, "https://example.com/sesame"), lost + "the answer is a redirect"},
			"308, same host":   {redirect(308, "/sesame"), lost + "the answer is a redirect"},
			"refused":          {breaks(errRefused), lost + errRefused.Error()},
			"reset":            {breaks(errReset), lost + errReset.Error()},
			"cut":              {breaks(io.ErrUnexpectedEOF), lost},
			"hang":             {hang, late},
		},
		"Tencent STS": {
			"bad token":         {tencentFails("InvalidParameter.WebIdentityTokenError", "sesame-jwt"), answered + "InvalidParameter.WebIdentityTokenError" + request},
			"denied":            {tencentFails("UnauthorizedOperation", "sesame-jwt"), answered + "UnauthorizedOperation" + request},
			"odd code":          {tencentFails("sesame-jwt", "m"), answered + "without a proper code" + request},
			"an error of old":   {tencentAnswers(`{"code":4100,"codeDesc":"AuthFailure","message":"sesame"}`), lost + "the SDK reports AuthFailure"},
			"500":               {answer(500, "application/json", `{"Response":{"Credentials":{"Token":"sesame"}}}`), lost + "the SDK reports ClientError.HttpStatusCodeError"},
			"502 in HTML":       {answer(502, "text/html", "<html>sesame"), lost + "the SDK reports ClientError.ParseJsonError"},
			"empty":             {tencentAnswers(""), lost},
			"garbage":           {tencentAnswers(`{"Response":{"Credentials":{"Token":"sesame`), lost},
			"an array":          {tencentAnswers(`["sesame"]`), lost},
			"empty object":      {tencentAnswers(`{}`), answered + "without credentials"},
			"null":              {tencentAnswers(`null`), "panicked"},
			"null response":     {tencentAnswers(`{"Response":null}`), answered + "without credentials"},
			"empty response":    {tencentAnswers(`{"Response":{}}`), answered + "without credentials"},
			"null credentials":  {tencentAnswers(`{"Response":{"Credentials":null,"ExpiredTime":4102444800}}`), answered + "without credentials"},
			"empty credentials": {tencentAnswers(`{"Response":{"Credentials":{},"ExpiredTime":4102444800}}`), answered + "without credentials"},
			"no key":            {tencentAnswers(`{"Response":{"Credentials":{"TmpSecretId":"id","Token":"sesame"},"ExpiredTime":4102444800}}`), "incomplete"},
			"no token":          {tencentAnswers(`{"Response":{"Credentials":{"TmpSecretId":"id","TmpSecretKey":"sesame"},"ExpiredTime":4102444800}}`), "without credentials"},
			"a numeric key":     {tencentAnswers(`{"Response":{"Credentials":{"TmpSecretId":"id","TmpSecretKey":1,"Token":"sesame"},"ExpiredTime":4102444800}}`), lost},
			"a text for a time": {tencentAnswers(`{"Response":{"Credentials":{"TmpSecretId":"id","TmpSecretKey":"sesame","Token":"sesame"},"ExpiredTime":"sesame"}}`), lost},
			"an event stream":   {answer(200, "text/event-stream", "data: sesame\n\n"), lost},
			"octets":            {answer(200, "application/octet-stream", "sesame"), lost},
			"no time":           {tencentAnswers(`{"Response":{"Credentials":{"TmpSecretId":"id","TmpSecretKey":"sesame","Token":"sesame"}}}`), "have expired"},
			"time 0":            {tencentKeys("id", 0), "have expired"},
			"time -1":           {tencentKeys("id", -1), "have expired"},
			"a past time":       {tencentKeys("id", start), "have expired"},
			"too soon":          {tencentKeys("id", start+60), "do not last"},
			"refused":           {breaks(errRefused), lost + errRefused.Error()},
			"reset":             {breaks(errReset), lost + errReset.Error()},
			"cut":               {breaks(io.ErrUnexpectedEOF), lost},
			"hang":              {hang, late},
		},
	} {
		for name, f := range faults {
			t.Run(service+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newClouds(t)
					source := c.inMemory()
					if service == "AWS STS" {
						c.fail(f.fault, nil)
					} else {
						c.fail(nil, f.fault)
					}
					start := time.Now()
					c.wantError(t.Context(), source, f.want)
					if took := time.Since(start); took > 10*time.Second {
						t.Errorf("failed after %v", took)
					}
					aws, tencent := c.calls()
					if service == "AWS STS" && (aws > 3 || tencent != 0) || service == "Tencent STS" && (aws != 1 || tencent != 1) {
						t.Errorf("%d calls of AWS, %d of Tencent", aws, tencent)
					}
					c.fail(nil, nil)
					c.wantKeys(t.Context(), source)
					c.wantCalls(aws+1, tencent+1)
					if !strings.Contains(c.log.String(), "credentials could not be fetched") {
						t.Error("the failure is not in the log")
					}
				})
			})
		}
	}
}

// An early renewal that fails leaves the keys in use until they expire.
func TestRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClouds(t)
		source := c.inMemory()
		start := time.Now()
		c.wantKeys(t.Context(), source)
		c.fail(nil, tencentFails("InternalError", "sesame-jwt"))
		for time.Since(start) < 59*time.Minute {
			c.wantKeys(t.Context(), source)
			time.Sleep(10 * time.Second)
		}
		c.wantError(t.Context(), source, "Tencent STS answered InternalError")
		synctest.Wait()
		c.wantNoSecret(nil)
	})
}

// Keys are not believed to last longer than was asked for.
func TestAbsurdLives(t *testing.T) {
	for name, expires := range map[string]int64{
		"milliseconds": time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC).UnixMilli(),
		"a century":    time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix(),
		"the end":      math.MaxInt64,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClouds(t)
				source := c.inMemory()
				c.fail(nil, tencentKeys("id", expires))
				for range 60 {
					if id, _, _, err := source.Keys(t.Context()); err == nil && id != "id" {
						t.Errorf("got keys %q", id)
					}
					time.Sleep(time.Minute)
					synctest.Wait()
				}
				if _, tencent := c.calls(); tencent < 2 {
					t.Error("the keys were not renewed within the hour")
				}
			})
		})
	}
}

// A clock that is off does not keep a function from its keys, nor keeps expired ones in
// use: AWS's refusal says the true time, and keys last from when they were asked for.
func TestClockIsOff(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, -time.Minute, time.Minute, 10 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClouds(t)
				c.skew = skew
				source := c.inMemory()
				first := c.wantKeys(t.Context(), source)
				refused := 0
				if skew.Abs() > 5*time.Minute {
					refused = 1 // the SDK learns of it once
				}
				c.wantCalls(1+refused, 1)
				time.Sleep(30 * time.Minute)
				if id := c.wantKeys(t.Context(), source); id != first {
					t.Errorf("the keys are thrown away after half an hour")
				}
				for range 6 * 60 {
					time.Sleep(time.Minute)
					c.wantKeys(t.Context(), source)
					synctest.Wait()
				}
				aws, tencent := c.calls()
				if aws-refused != tencent || tencent > 11 {
					t.Errorf("%d calls of AWS and %d of Tencent", aws, tencent)
				}
				c.wantNoSecret(nil)
			})
		})
	}
}

// The same over the network, where the answer's Date is the server's own.
func TestLoopbackClockIsOff(t *testing.T) {
	for _, skew := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			c := newClouds(t)
			c.skew = skew
			c.wantKeys(t.Context(), c.onLoopback())
			c.wantCalls(2, 1)
		})
	}
}

// The role's keys are the runtime's, and are read at each exchange.
func TestRoleIsReadAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClouds(t)
		config := c.config()
		config.Transport = c
		reads, fails := 0, true
		config.AWSCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			reads++
			if fails {
				return aws.Credentials{}, errors.New("sesame")
			}
			return role, nil
		})
		source := webidentity.New(config)
		c.wantError(t.Context(), source, "AWS STS can't be reached or understood")
		fails, reads = false, 0
		for range 3 {
			c.wantKeys(t.Context(), source)
			time.Sleep(time.Hour)
		}
		if reads != 3 {
			t.Errorf("the role was read %d times for 3 exchanges", reads)
		}
	})
}
