package secretsmanager_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/credential/secretsmanager"
)

const (
	region    = "eu-central-1"
	host      = "secretsmanager." + region + ".amazonaws.com"
	name      = "phoneverify/tencent"
	requestID = "a5fdb909-289f-4b4e-a0b3-2315f02ab31e"
)

// role is the function's. Each secret here has the word sesame in it, which no error
// and no log may show.
var role = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "sesame-role-key", SessionToken: "sesame-role-token"}, nil
})

// manager is AWS Secrets Manager with one secret.
type manager struct {
	t   *testing.T
	log bytes.Buffer

	mu     sync.Mutex
	calls  int
	secret string
	fault  http.HandlerFunc // answers instead, nil for none
}

func newManager(t *testing.T) *manager {
	m := &manager{t: t}
	m.set("id-1")
	return m
}

// set rotates the secret.
func (m *manager) set(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.secret = `{"SecretId":"` + id + `","SecretKey":"sesame-` + id + `"}`
}

func (m *manager) fail(fault http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

func (m *manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	var got map[string]any
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil || len(got) != 1 || got["SecretId"] != name {
		m.t.Errorf("got the parameters %v, %v; want the SecretId %s", got, err, name)
	}
	if target := r.Header.Get("X-Amz-Target"); r.Method != "POST" || target != "secretsmanager.GetSecretValue" {
		m.t.Errorf("got %s %s", r.Method, target)
	}
	if got, want := r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"; !strings.HasPrefix(got, want) ||
		!strings.Contains(got, "/"+region+"/secretsmanager/aws4_request") || r.Header.Get("X-Amz-Security-Token") != "sesame-role-token" {
		m.t.Error("the request is not signed with the role's keys")
	}
	if m.fault != nil {
		m.fault(w, r)
		return
	}
	value(m.secret)(w, r)
}

// RoundTrip is the manager without a network. A fault that panics with an error is a
// network that fails with it.
func (m *manager) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		if r := recover(); r != nil {
			response, err = nil, r.(error)
		}
	}()
	if r.URL.Host != host || r.URL.Scheme != "https" {
		m.t.Errorf("%s is not the manager", r.URL.Redacted())
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// source reads from the manager in memory.
func (m *manager) source() *credential.Cache {
	return secretsmanager.New(secretsmanager.Config{SecretID: name, AWSRegion: region, AWSCredentials: role,
		Log: slog.New(slog.NewTextHandler(&m.log, nil)), Transport: m})
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-RequestId", requestID)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// value is the answer with a secret.
func value(secret string) http.HandlerFunc {
	text, _ := json.Marshal(secret)
	return answer(http.StatusOK, fmt.Sprintf(`{"ARN":"arn:aws:secretsmanager:%s:111122223333:secret:%s-AbCdEf","Name":"%s",
		"SecretString":%s,"VersionId":"%s","VersionStages":["AWSCURRENT"],"CreatedDate":1.7e9}`, region, name, name, text, requestID))
}

// fails is the answer with an error.
func fails(status int, code, message string) http.HandlerFunc {
	return answer(status, fmt.Sprintf(`{"__type":"%s","Message":"%s"}`, code, message))
}

func wantKeys(t *testing.T, source *credential.Cache, want string) {
	t.Helper()
	id, key, token, err := source.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id != want || string(key) != "sesame-"+want || token != "" {
		t.Errorf("got keys %q, want %q with its key and no token", id, want)
	}
}

func (m *manager) wantCalls(want int) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls != want {
		m.t.Errorf("%d calls, want %d", m.calls, want)
	}
}

func (m *manager) wantError(source *credential.Cache, want string) {
	m.t.Helper()
	id, key, _, err := source.Keys(m.t.Context())
	if err == nil || id != "" || key != "" {
		m.t.Fatalf("got keys %q and the error %v", id, err)
	}
	if !strings.Contains(err.Error(), want) {
		m.t.Errorf("got %q, want %q in it", err, want)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "sesame") {
			m.t.Errorf("the error shows a secret: %v", err)
		}
	}
	if text := m.log.String(); strings.Contains(text, "sesame") || !strings.Contains(text, "credentials could not be fetched") {
		m.t.Error("the failure is not in the log, or shows a secret")
	}
}

func TestLoopback(t *testing.T) {
	m := newManager(t)
	server := httptest.NewServer(m)
	defer server.Close()
	source := secretsmanager.New(secretsmanager.Config{SecretID: name, AWSRegion: region, AWSEndpoint: server.URL, AWSCredentials: role})
	m.wantCalls(0) // it connects to nothing before it is asked
	for range 3 {
		wantKeys(t, source, "id-1")
	}
	m.wantCalls(1)
}

// A rotated secret is read when the API calls the old one stale, or within the hour.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		source := m.source()
		wantKeys(t, source, "id-1")
		m.set("id-2")
		time.Sleep(10 * time.Minute)
		wantKeys(t, source, "id-1")
		m.wantCalls(1)
		if !source.Drop("id-1") {
			t.Error("the old secret was not dropped")
		}
		wantKeys(t, source, "id-2")
		m.wantCalls(2)
		if source.Drop("id-2") {
			t.Error("a secret that was just read was dropped")
		}
		m.set("id-3")
		time.Sleep(time.Hour)
		wantKeys(t, source, "id-3")
		m.wantCalls(3)
	})
}

// Whatever goes wrong, the error says what and shows no secret, and the next call works.
func TestFailures(t *testing.T) {
	const (
		api     = "secretsmanager: AWS Secrets Manager"
		lost    = api + " can't be reached or understood: "
		form    = "the secret is not of the form"
		request = ", request " + requestID
	)
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for name, f := range map[string]struct {
		fault http.HandlerFunc
		want  string
	}{
		"not there":          {fails(400, "ResourceNotFoundException", "sesame"), api + " answered ResourceNotFoundException" + request},
		"denied":             {fails(400, "AccessDeniedException", "sesame-role-token"), api + " answered AccessDeniedException" + request},
		"can't be decrypted": {fails(400, "DecryptionFailure", "sesame"), api + " answered DecryptionFailure" + request},
		"bad signature":      {fails(400, "InvalidSignatureException", "x-amz-security-token:sesame-role-token"), api + " answered InvalidSignatureException" + request},
		"500":                {fails(500, "InternalServiceError", "sesame"), api + " answered InternalServiceError" + request},
		"odd code":           {fails(400, "sesame-1", "m"), api + " answered without a proper code" + request},
		"503 in HTML":        {answer(503, "<html>sesame"), lost + "HTTP status 503"},
		"garbage":            {answer(200, `{"SecretString":"sesame`), lost},
		"an array":           {answer(200, `["sesame"]`), lost},
		"a numeric secret":   {answer(200, `{"SecretString":1}`), lost},
		"empty":              {answer(200, ""), "secretsmanager: "},
		"no secret":          {answer(200, "{}"), form},
		"binary":             {answer(200, `{"SecretBinary":"c2VzYW1l"}`), form},
		"302":                {redirect(302, "https://example.com/sesame"), lost + "the answer is a redirect"},
		"307":                {redirect(307, "https://example.com/sesame"), lost + "the answer is a redirect"},
		"refused":            {func(http.ResponseWriter, *http.Request) { panic(refused) }, lost + refused.Error()},
		"hang":               {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, api + " did not answer: context deadline exceeded"},
		"a text":             {value("sesame"), form},
		"a JSON text":        {value(`"sesame"`), form},
		"null":               {value("null"), form},
		"a list":             {value(`["id","sesame"]`), form},
		"no id":              {value(`{"SecretKey":"sesame"}`), form},
		"no key":             {value(`{"SecretId":"sesame"}`), form},
		"an empty key":       {value(`{"SecretId":"sesame","SecretKey":""}`), form},
		"a numeric key":      {value(`{"SecretId":"sesame","SecretKey":1}`), form},
		"half of it":         {value(`{"SecretId":"sesame","SecretKey":"sesame"`), form},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t)
				source := m.source()
				m.fail(f.fault)
				start := time.Now()
				m.wantError(source, f.want)
				if took := time.Since(start); took > 10*time.Second || m.calls > 3 {
					t.Errorf("failed after %v and %d calls", took, m.calls)
				}
				m.fail(nil)
				wantKeys(t, source, "id-1")
			})
		})
	}
}

func redirect(status int, address string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, address, status) }
}

// TestMoto reads a secret from moto_server, which is someone else's idea of the service.
func TestMoto(t *testing.T) {
	endpoint := os.Getenv("MOTO_ENDPOINT")
	if endpoint == "" {
		t.Skip("MOTO_ENDPOINT is not set")
	}
	client := awssm.New(awssm.Options{Region: region, BaseEndpoint: &endpoint, Credentials: role})
	secret := fmt.Sprintf("%s-%d", name, time.Now().UnixNano())
	source := secretsmanager.New(secretsmanager.Config{SecretID: secret, AWSRegion: region, AWSEndpoint: endpoint, AWSCredentials: role})
	if _, _, _, err := source.Keys(t.Context()); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("got %v, want ResourceNotFoundException", err)
	}
	_, err := client.CreateSecret(t.Context(), &awssm.CreateSecretInput{
		Name:         &secret,
		SecretString: aws.String(`{"SecretId":"id-1","SecretKey":"sesame-id-1"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := client.DeleteSecret(ctx, &awssm.DeleteSecretInput{SecretId: &secret, ForceDeleteWithoutRecovery: aws.Bool(true)}); err != nil {
			t.Error(err)
		}
	})
	wantKeys(t, source, "id-1")
}
