package app

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// Prefix is what the names of all settings begin with.
const Prefix = "PHONEVERIFY_"

// Settings are what an operator decides, through the environment. What is secret in
// them redacts itself.
type Settings struct {
	FaceIDEndpoint *url.URL
	Region         string
	Language       string
	Credentials    string // "env", "webidentity" or "secretsmanager"
	RoleARN        string
	OIDCProvider   string
	OIDCAudience   string
	STSEndpoint    *url.URL
	SecretID       string
	CallerAuth     string // "", "platform", "tc3", "bearer" or "none"
	CallerKeys     core.Private
	Auth           httpapi.Authenticator // of the two above
	Store          core.Private          // a URL, which may hold a password
	FingerprintKey core.Private
	DedupeWindow   time.Duration
	LedgerTTL      time.Duration
	RateLimit      float64 // requests a second
	AttemptTimeout time.Duration
	UnknownOutcome string // "report" or "retry"
	Results        core.Private
	ResultsSecret  core.Private
	LogLevel       slog.Level

	given   map[string]bool // by name, without the prefix
	ledger  core.Ledger     // of Store
	limiter core.Limiter
	sink    queue.Sink // of Results, nil for none
}

// Given reports whether the setting called name, without the prefix, was given a value.
func (s Settings) Given(name string) bool { return s.given[name] }

// setting is one name and what its value means.
type setting struct {
	name  string
	value string // by default
	read  func(*Settings, string) error
}

// settings is the one table of them. A default of "" is not read: it stands for the
// field's zero value.
var settings = []setting{
	{"FACEID_ENDPOINT", "https://faceid.intl.tencentcloudapi.com", func(s *Settings, v string) error {
		return readEndpoint(&s.FaceIDEndpoint, v)
	}},
	{"REGION", "", func(s *Settings, v string) error { return readName(&s.Region, v) }},
	{"LANGUAGE", "en-US", func(s *Settings, v string) error { return readOneOf(&s.Language, v, "en-US", "zh-CN") }},
	{"CREDENTIALS", "", func(s *Settings, v string) error {
		return readOneOf(&s.Credentials, v, "env", "webidentity", "secretsmanager")
	}},
	{"ROLE_ARN", "", func(s *Settings, v string) error { return readID(&s.RoleARN, v) }},
	{"OIDC_PROVIDER", "", func(s *Settings, v string) error { return readID(&s.OIDCProvider, v) }},
	{"OIDC_AUDIENCE", "", func(s *Settings, v string) error { return readID(&s.OIDCAudience, v) }},
	{"STS_ENDPOINT", "https://sts.intl.tencentcloudapi.com", func(s *Settings, v string) error {
		return readEndpoint(&s.STSEndpoint, v)
	}},
	{"SECRET_ID", "", func(s *Settings, v string) error { return readID(&s.SecretID, v) }},
	{"CALLER_AUTH", "", func(s *Settings, v string) error {
		return readOneOf(&s.CallerAuth, v, "platform", "tc3", "bearer", "none")
	}},
	{"CALLER_KEYS", "", func(s *Settings, v string) error { s.CallerKeys = core.Private(v); return nil }},
	{"STORE", "memory:", func(s *Settings, v string) error { s.Store = core.Private(v); return nil }},
	{"FINGERPRINT_KEY", "", (*Settings).readFingerprintKey},
	{"DEDUPE_WINDOW", "5m", func(s *Settings, v string) error {
		return readDuration(&s.DedupeWindow, v, time.Second, 90*24*time.Hour)
	}},
	{"LEDGER_TTL", "336h", func(s *Settings, v string) error {
		return readDuration(&s.LedgerTTL, v, time.Minute, 366*24*time.Hour)
	}},
	{"RATE_LIMIT", "20", (*Settings).readRateLimit},
	{"ATTEMPT_TIMEOUT", "5s", func(s *Settings, v string) error {
		return readDuration(&s.AttemptTimeout, v, 100*time.Millisecond, 20*time.Second)
	}},
	{"UNKNOWN_OUTCOME", "report", func(s *Settings, v string) error {
		return readOneOf(&s.UnknownOutcome, v, "report", "retry")
	}},
	{"RESULTS", "", func(s *Settings, v string) error { s.Results = core.Private(v); return nil }},
	{"RESULTS_SECRET", "", func(s *Settings, v string) error { s.ResultsSecret = core.Private(v); return nil }},
	{"LOG_LEVEL", "info", (*Settings).readLogLevel},
}

// Build is what a binary has of what is not in all of them.
type Build struct {
	Credentials []string             // sources of keys; the first is the default
	Stores      map[string]OpenStore // by the scheme of their URLs
	Sinks       map[string]OpenSink  // likewise
}

// OpenStore returns the ledger, and the limiter of perSecond requests a second, in the
// store at an address. It connects to nothing yet, and its error does not show the
// address.
type OpenStore func(address string, perSecond float64) (core.Ledger, core.Limiter, error)

// OpenSink returns the sink at an address. It connects to nothing yet, and its error does
// not show the address.
type OpenSink func(address string) (queue.Sink, error)

// ReadSettings reads the settings from environ, which is of os.Environ's form. Every
// problem is in the error, each named by its setting and without its value.
func ReadSettings(environ []string, b Build) (Settings, error) {
	given := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if bare, ok := strings.CutPrefix(name, Prefix); ok {
			given[bare] = value
		}
	}
	s := Settings{given: map[string]bool{}, Credentials: b.Credentials[0]}
	var problems []error
	for _, one := range settings {
		value := given[one.name]
		delete(given, one.name)
		s.given[one.name] = value != ""
		if value == "" {
			value = one.value
		}
		if value == "" {
			continue
		}
		if err := one.read(&s, value); err != nil {
			problems = append(problems, problem(one.name, err.Error()))
		}
	}
	for name := range given {
		problems = append(problems, unknownSetting(name))
	}
	return s, errors.Join(append(problems, s.combine(b)...)...)
}

func problem(name, what string) error { return errors.New(Prefix + name + " " + what) }

// unknownSetting names a setting that is in no table, if it can be a name at all.
func unknownSetting(name string) error {
	if len(name) > 40 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		name = "…"
	}
	return problem(name, "is not a setting")
}
