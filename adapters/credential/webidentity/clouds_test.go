package webidentity_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/credential/webidentity"
)

const (
	region    = "eu-central-1"
	awsHost   = "sts." + region + ".amazonaws.com"
	tencent   = "sts.intl.tencentcloudapi.com"
	requestID = "a5fdb909-289f-4b4e-a0b3-2315f02ab31e"
)

// role is the function's. Each secret here and in the clouds' answers has the word
// sesame in it, which no error and no log may show.
var role = aws.Credentials{
	AccessKeyID:     "AKIDEXAMPLE",
	SecretAccessKey: "sesame-role-key",
	SessionToken:    "sesame-role-token",
}

// clouds are AWS STS and Tencent STS. They check all that a request holds.
type clouds struct {
	t    *testing.T
	skew time.Duration // by which our clock is behind the true one
	log  bytes.Buffer

	mu      sync.Mutex
	aws     service
	tencent service
	minted  map[string]time.Time // tokens, until they are used
	expires map[string]time.Time // Tencent's keys by id
}

// service is what one of the two does.
type service struct {
	calls int
	fault http.HandlerFunc // answers instead, nil for none
}

func (s *service) next() http.HandlerFunc {
	s.calls++
	return s.fault
}

func newClouds(t *testing.T) *clouds {
	return &clouds{t: t, minted: map[string]time.Time{}, expires: map[string]time.Time{}}
}

// now is the true time.
func (c *clouds) now() time.Time { return time.Now().Add(c.skew) }

func (c *clouds) config() webidentity.Config {
	return webidentity.Config{
		RoleARN:   "qcs::cam::uin/100000000001:roleName/phoneverify",
		Provider:  "aws-outbound",
		Audience:  "phoneverify-audience",
		Endpoint:  &url.URL{Scheme: "https", Host: tencent},
		AWSRegion: region,
		AWSCredentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return role, nil
		}),
		Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	}
}

// inMemory returns a source that reaches the clouds without a network.
func (c *clouds) inMemory() *credential.Cache {
	config := c.config()
	config.Transport = c
	return webidentity.New(config)
}

// onLoopback returns a source that reaches the clouds at two ports.
func (c *clouds) onLoopback() *credential.Cache {
	awsServer := httptest.NewServer(http.HandlerFunc(c.serveAWS))
	c.t.Cleanup(awsServer.Close)
	tencentServer := httptest.NewServer(http.HandlerFunc(c.serveTencent))
	c.t.Cleanup(tencentServer.Close)
	config := c.config()
	config.AWSEndpoint = awsServer.URL
	config.Endpoint, _ = url.Parse(tencentServer.URL)
	return webidentity.New(config)
}

var (
	errReset   = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
)

// RoundTrip implements [http.RoundTripper]. A handler that panics with an error is a
// network that fails with it.
func (c *clouds) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		if r := recover(); r != nil {
			response, err = nil, r.(error)
		}
	}()
	serve := map[string]http.HandlerFunc{awsHost: c.serveAWS, tencent: c.serveTencent}[r.URL.Host]
	if serve == nil || r.URL.Scheme != "https" {
		c.t.Errorf("%s is neither cloud", r.URL.Redacted())
		return nil, errRefused
	}
	arrived := r.Clone(r.Context())
	arrived.Host, arrived.RequestURI = r.URL.Host, r.URL.RequestURI()
	w := httptest.NewRecorder()
	serve(w, arrived)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func (c *clouds) calls() (aws, tencent int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.aws.calls, c.tencent.calls
}

// fail sets what the two do from now on, nil for what is right.
func (c *clouds) fail(aws, tencent http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.aws.fault, c.tencent.fault = aws, tencent
}

func (c *clouds) serveAWS(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	want := url.Values{
		"Action":            {"GetWebIdentityToken"},
		"Version":           {"2011-06-15"},
		"Audience.member.1": {"phoneverify-audience"},
		"SigningAlgorithm":  {"RS256"},
		"DurationSeconds":   {"300"},
	}
	if r.Method != "POST" || r.RequestURI != "/" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || string(body) != want.Encode() {
		c.t.Errorf("AWS got %s %s: %s, want %s", r.Method, r.RequestURI, body, want.Encode())
	}
	signed := c.checkSignature(r, body)

	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
	if fault := c.aws.next(); fault != nil {
		c.mu.Unlock() // a fault may hang
		defer c.mu.Lock()
		fault(w, r)
		return
	}
	if off := c.now().Sub(signed).Abs(); off > 5*time.Minute {
		awsFails(http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired: the canonical string was x-amz-security-token:"+role.SessionToken)(w, r)
		return
	}
	token := fmt.Sprintf("sesame-jwt-%d", c.aws.calls)
	c.minted[token] = c.now()
	awsToken(token, c.now().Add(5*time.Minute).UTC().Format(time.RFC3339))(w, r)
}

var authorizationForm = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/` + region + `/sts/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

// checkSignature signs the request again, and returns when it was signed.
func (c *clouds) checkSignature(r *http.Request, body []byte) time.Time {
	if r.Header.Get("X-Amz-Security-Token") != role.SessionToken {
		c.t.Error("the request to AWS has not the role's session token")
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	parts := authorizationForm.FindStringSubmatch(r.Header.Get("Authorization"))
	if err != nil || parts == nil {
		c.t.Errorf("the request to AWS is not signed: %v", err)
		return at
	}
	again, err := http.NewRequest(r.Method, "https://"+r.Host+r.RequestURI, bytes.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return at
	}
	for name := range strings.SplitSeq(parts[1], ";") {
		if name != "host" && name != "content-length" {
			again.Header.Set(name, r.Header.Get(name))
		}
	}
	hash := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), role, again, hex.EncodeToString(hash[:]), "sts", region, at); err != nil {
		c.t.Error(err)
	}
	if again.Header.Get("Authorization") != r.Header.Get("Authorization") {
		c.t.Error("the signature of the request to AWS does not match")
	}
	return at
}

func (c *clouds) serveTencent(w http.ResponseWriter, r *http.Request) {
	for name, want := range map[string]string{
		"X-TC-Action":          "AssumeRoleWithWebIdentity",
		"X-TC-Version":         "2018-08-13",
		"Authorization":        "SKIP",
		"Content-Type":         "application/json",
		"X-TC-Token":           "",
		"X-Amz-Security-Token": "",
	} {
		if got := r.Header.Get(name); got != want {
			c.t.Errorf("Tencent got %s %q, want %q", name, got, want)
		}
	}
	if r.Method != "POST" || r.RequestURI != "/" {
		c.t.Errorf("Tencent got %s %s", r.Method, r.RequestURI)
	}
	type parameters struct {
		ProviderId, WebIdentityToken, RoleArn, RoleSessionName string
		DurationSeconds                                        int
	}
	var got parameters
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		c.t.Errorf("Tencent got a body with %v", err)
	}
	want := parameters{"aws-outbound", got.WebIdentityToken, "qcs::cam::uin/100000000001:roleName/phoneverify", "phoneverify", 3600}
	if got != want {
		c.t.Errorf("Tencent got %+v, want %+v", got, want)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	minted, ok := c.minted[got.WebIdentityToken]
	delete(c.minted, got.WebIdentityToken)
	if !ok || c.now().Sub(minted) > 5*time.Minute {
		c.t.Errorf("Tencent got a token that is not AWS's, is used or has expired")
	}
	if fault := c.tencent.next(); fault != nil {
		c.mu.Unlock()
		defer c.mu.Lock()
		fault(w, r)
		return
	}
	id := fmt.Sprintf("id-%d", c.tencent.calls)
	c.expires[id] = c.now().Add(time.Hour)
	tencentKeys(id, c.expires[id].Unix())(w, r)
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// awsToken is AWS's answer with a token.
func awsToken(token, expiration string) http.HandlerFunc {
	return answer(http.StatusOK, "text/xml", `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetWebIdentityTokenResult>
    <WebIdentityToken>`+token+`</WebIdentityToken>
    <Expiration>`+expiration+`</Expiration>
  </GetWebIdentityTokenResult>
  <ResponseMetadata><RequestId>`+requestID+`</RequestId></ResponseMetadata>
</GetWebIdentityTokenResponse>`)
}

// awsFails is AWS's answer with an error.
func awsFails(status int, code, message string) http.HandlerFunc {
	return answer(status, "text/xml", `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>`+code+`</Code><Message>`+message+`</Message></Error>
  <RequestId>`+requestID+`</RequestId>
</ErrorResponse>`)
}

// tencentKeys is Tencent's answer with keys.
func tencentKeys(id string, expires int64) http.HandlerFunc {
	return tencentAnswers(fmt.Sprintf(`{"Response":{"Credentials":{"Token":"sesame-token-%s","TmpSecretId":"%s","TmpSecretKey":"sesame-key-%s"},
		"ExpiredTime":%d,"Expiration":"2026-01-01T00:00:00Z","RequestId":"%s"}}`, id, id, id, expires, requestID))
}

// tencentFails is Tencent's answer with an error.
func tencentFails(code, message string) http.HandlerFunc {
	return tencentAnswers(fmt.Sprintf(`{"Response":{"Error":{"Code":"%s","Message":"%s"},"RequestId":"%s"}}`, code, message, requestID))
}

func tencentAnswers(body string) http.HandlerFunc {
	return answer(http.StatusOK, "application/json", body)
}
