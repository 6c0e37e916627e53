package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"phoneverify/adapters/queue"
	"phoneverify/adapters/sink/lines"
	"phoneverify/adapters/store/redis"
	"phoneverify/functions/internal/app"
)

// justEnv and everything are binaries.
var (
	justEnv    = app.Build{Credentials: []string{"env"}}
	everything = app.Build{Credentials: []string{"env", "webidentity", "secretsmanager"},
		Stores: map[string]app.OpenStore{"redis": redis.Open}, Sinks: map[string]app.OpenSink{"test": openTest}}
)

// openTest opens the sink of a build tag.
func openTest(address string) (queue.Sink, error) {
	if strings.Contains(address, "wrong") {
		return nil, errors.New("is wrong in itself")
	}
	return lines.New(io.Discard), nil
}

const whsec = "whsec_c2VzYW1lc2VzYW1lc2VzYW1lc2VzYW1l" // sesame, four times

func TestDefaults(t *testing.T) {
	s, err := app.ReadSettings([]string{"PATH=/bin", "TENCENTCLOUD_SECRETID=x", "PHONEVERIFY_REGION="}, justEnv)
	if err != nil {
		t.Fatal(err)
	}
	if s.FaceIDEndpoint.String() != "https://faceid.intl.tencentcloudapi.com" || s.Region != "" || s.Language != "en-US" ||
		s.Credentials != "env" || s.CallerAuth != "" || s.Store != "memory:" || s.DedupeWindow != 5*time.Minute ||
		s.LedgerTTL != 336*time.Hour || s.RateLimit != 20 || s.AttemptTimeout != 5*time.Second ||
		s.UnknownOutcome != "report" || s.LogLevel != slog.LevelInfo {
		t.Errorf("got %+v", s)
	}
	if len(s.FingerprintKey) < 32 {
		t.Error("the fingerprint key is short")
	}
	if again, _ := app.ReadSettings(nil, justEnv); again.FingerprintKey == s.FingerprintKey {
		t.Error("the fingerprint key is not random")
	}
	if s.Given("REGION") || s.Given("STORE") {
		t.Error("a setting that was not given is said to be")
	}
}

func TestSettings(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for pair, says := range map[string]string{
		"FACEID_ENDPOINT=https://faceid.tencentcloudapi.com":                  "",
		"FACEID_ENDPOINT=https://faceid.tencentcloudapi.com/":                 "",
		"FACEID_ENDPOINT=http://127.0.0.1:8081":                               "",
		"FACEID_ENDPOINT=http://localhost:8081":                               "",
		"FACEID_ENDPOINT=http://[::1]:8081":                                   "",
		"FACEID_ENDPOINT=http://faceid.tencentcloudapi.com":                   "loopback",
		"FACEID_ENDPOINT=http://127.0.0.1.evil.test":                          "loopback",
		"FACEID_ENDPOINT=faceid.tencentcloudapi.com":                          "a scheme and a host",
		"FACEID_ENDPOINT=https://secret-user@faceid.test":                     "a scheme and a host",
		"FACEID_ENDPOINT=https://faceid.test/secret-path":                     "a scheme and a host",
		"FACEID_ENDPOINT=https://faceid.test?secret=1":                        "a scheme and a host",
		"FACEID_ENDPOINT=ftp://faceid.test":                                   "must be https",
		"REGION=ap-singapore":                                                 "",
		"REGION=secret region":                                                "a name",
		"LANGUAGE=zh-CN":                                                      "",
		"LANGUAGE=secret":                                                     "en-US or zh-CN",
		"CREDENTIALS=env":                                                     "",
		"CREDENTIALS=sesame":                                                  "must be env",
		"CREDENTIALS=webidentity":                                             "ROLE_ARN must be set",
		"CREDENTIALS=secretsmanager":                                          "SECRET_ID must be set",
		"ROLE_ARN=secret arn":                                                 "without space",
		"STS_ENDPOINT=secret":                                                 "a scheme and a host",
		"STORE=memory:":                                                       "",
		"STORE=secret://":                                                     "must be memory: or redis://… in this program",
		"STORE=redis://:secret@127.0.0.1:6379":                                "FINGERPRINT_KEY must be set",
		"STORE=redis://:secret@127.0.0.1:6379/x":                              "not one of Redis",
		"FINGERPRINT_KEY=secret":                                              "32 bytes",
		"FINGERPRINT_KEY=secret-secret-secret-secret-secr":                    "",
		"DEDUPE_WINDOW=1h30m":                                                 "",
		"DEDUPE_WINDOW=0s":                                                    "a duration",
		"DEDUPE_WINDOW=300":                                                   "a duration",
		"LEDGER_TTL=-1h":                                                      "a duration",
		"LEDGER_TTL=secret":                                                   "a duration",
		"RATE_LIMIT=0.5":                                                      "",
		"RATE_LIMIT=0":                                                        "a number",
		"RATE_LIMIT=NaN":                                                      "a number",
		"RATE_LIMIT=secret":                                                   "a number",
		"ATTEMPT_TIMEOUT=500ms":                                               "",
		"ATTEMPT_TIMEOUT=1m":                                                  "from 100ms to 20s",
		"UNKNOWN_OUTCOME=retry":                                               "",
		"UNKNOWN_OUTCOME=secret":                                              "report or retry",
		"LOG_LEVEL=debug":                                                     "",
		"LOG_LEVEL=secret":                                                    "debug, info",
		"CALLER_AUTH=none":                                                    "",
		"CALLER_AUTH=platform":                                                "",
		"CALLER_AUTH=secret":                                                  "platform or tc3 or bearer or none",
		"CALLER_AUTH=tc3":                                                     "JSON",
		`CALLER_AUTH=tc3 CALLER_KEYS={"id":"secret"}`:                         "",
		`CALLER_AUTH=tc3 CALLER_KEYS={"id":""}`:                               "empty",
		`CALLER_AUTH=tc3 CALLER_KEYS=secret`:                                  "JSON",
		`CALLER_AUTH=tc3 CALLER_KEYS={}`:                                      "JSON",
		`CALLER_AUTH=bearer CALLER_KEYS={"alice":"` + sum + `"}`:              "",
		`CALLER_AUTH=bearer CALLER_KEYS={"alice":"secret"}`:                   "SHA-256",
		`CALLER_AUTH=bearer CALLER_KEYS={"alice":"` + sum[2:] + `"}`:          "SHA-256",
		`CALLER_AUTH=none CALLER_KEYS={"id":"secret"}`:                        "goes with",
		`CALLER_KEYS={"id":"secret"}`:                                         "goes with",
		"RESULTS=log:":                                                        "",
		"RESULTS=log:secret":                                                  "must be https",
		"RESULTS=secret":                                                      "must be https",
		"RESULTS=test://secret":                                               "",
		"RESULTS=test://wrong-secret":                                         "wrong in itself",
		"RESULTS=kafka://secret":                                              "a build tag adds others",
		"RESULTS=https://example.test/?token=secret":                          "RESULTS_SECRET must be set",
		"RESULTS=http://example.test RESULTS_SECRET=" + whsec:                 "must be https",
		"RESULTS=http://127.0.0.1:1/ RESULTS_SECRET=" + whsec:                 "",
		"RESULTS=https://example.test/ RESULTS_SECRET=" + whsec:               "",
		"RESULTS=https://example.test/ RESULTS_SECRET=whsec_secret":           "RESULTS_SECRET must be 24 to 64",
		"RESULTS=https://secret:sesame@example.test/ RESULTS_SECRET=" + whsec: "without user",
		"RESULTS=log: RESULTS_SECRET=secret":                                  "goes with",
		"RESULTS_SECRET=secret":                                               "goes with",
		"FACEID_ENDPIONT=secret":                                              "PHONEVERIFY_FACEID_ENDPIONT is not a setting",
		"secret name=1":                                                       "PHONEVERIFY_… is not a setting",
		"DEBUG=secret":                                                        "PHONEVERIFY_DEBUG is not a setting",
	} {
		var environ []string
		for one := range strings.SplitSeq(strings.NewReplacer(" CALLER_KEYS", "\nCALLER_KEYS", " RESULTS_", "\nRESULTS_").Replace(pair), "\n") {
			environ = append(environ, app.Prefix+one)
		}
		_, err := app.ReadSettings(environ, everything)
		if says == "" {
			if err != nil {
				t.Errorf("%s: %v", pair, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), app.Prefix) {
			t.Errorf("%s: got %v, want %q", pair, err, says)
		} else if strings.Contains(strings.ReplaceAll(err.Error(), "secretsmanager", ""), "secret") || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error shows the value: %v", pair, err)
		}
	}
}

// All that is wrong is told at once.
func TestEveryProblemIsReported(t *testing.T) {
	names := []string{"FACEID_ENDPOINT", "LANGUAGE", "RATE_LIMIT", "CALLER_KEYS", "NO_SUCH", "STORE"}
	var environ []string
	for _, name := range names {
		environ = append(environ, app.Prefix+name+"=!")
	}
	_, err := app.ReadSettings(environ, everything)
	for _, name := range names {
		if err == nil || !strings.Contains(err.Error(), app.Prefix+name+" ") {
			t.Errorf("%s is not reported: %v", name, err)
		}
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	s, err := app.ReadSettings([]string{
		app.Prefix + "FINGERPRINT_KEY=secret-secret-secret-secret-secret",
		app.Prefix + "CALLER_AUTH=tc3", app.Prefix + `CALLER_KEYS={"id":"secret"}`,
		app.Prefix + "RESULTS=https://example.test/?secret", app.Prefix + "RESULTS_SECRET=" + whsec}, justEnv)
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	fmt.Fprintf(&shown, "%v %+v %#v", s, s, s)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("settings", "settings", s)
	if strings.Contains(shown.String(), "secret") || strings.Contains(shown.String(), "sesame") || strings.Contains(shown.String(), whsec) {
		t.Errorf("a secret is shown: %s", shown.String())
	}
}
