package app

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/store/memory"
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
	LogLevel       slog.Level

	given   map[string]bool // by name, without the prefix
	ledger  core.Ledger     // of Store
	limiter core.Limiter
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
	{"LOG_LEVEL", "info", (*Settings).readLogLevel},
}

// Build is what a binary has of what is not in all of them.
type Build struct {
	Credentials []string             // sources of keys; the first is the default
	Stores      map[string]OpenStore // by the scheme of their URLs
}

// OpenStore returns the ledger, and the limiter of perSecond requests a second, in the
// store at an address. It connects to nothing yet, and its error does not show the
// address.
type OpenStore func(address string, perSecond float64) (core.Ledger, core.Limiter, error)

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

// combine reads what takes several settings to read.
func (s *Settings) combine(b Build) (problems []error) {
	if err := s.openStore(b.Stores); err != nil {
		problems = append(problems, problem("STORE", err.Error()))
	}
	if s.FingerprintKey == "" && s.Store == inMemory {
		s.FingerprintKey = core.Private(rand.Text() + rand.Text())
	} else if !s.given["FINGERPRINT_KEY"] {
		problems = append(problems, problem("FINGERPRINT_KEY", "must be set for a STORE that is shared"))
	}
	var err error
	if s.Auth, err = readAuth(s.CallerAuth, s.CallerKeys); err != nil {
		problems = append(problems, problem("CALLER_KEYS", err.Error()))
	}
	if !slices.Contains(b.Credentials, s.Credentials) {
		problems = append(problems, problem("CREDENTIALS", "must be "+strings.Join(b.Credentials, " or ")+" in this program; a build tag adds others"))
	}
	for _, name := range needed[s.Credentials] {
		if !s.given[name] {
			problems = append(problems, problem(name, "must be set for CREDENTIALS "+s.Credentials))
		}
	}
	return problems
}

// inMemory is the STORE that every binary has.
const inMemory = "memory:"

func (s *Settings) openStore(stores map[string]OpenStore) (err error) {
	if s.Store == inMemory {
		s.ledger, s.limiter = memory.NewLedger(), memory.NewLimiter(s.RateLimit)
		return nil
	}
	scheme, _, _ := strings.Cut(string(s.Store), "://")
	open, ok := stores[scheme]
	if !ok {
		known := inMemory
		for _, scheme := range slices.Sorted(maps.Keys(stores)) {
			known += " or " + scheme + "://…"
		}
		return errors.New("must be " + known + " in this program; a build tag adds others")
	}
	s.ledger, s.limiter, err = open(string(s.Store), s.RateLimit)
	return err
}

// needed are the settings without which a source of credentials can't be.
var needed = map[string][]string{
	"webidentity":    {"ROLE_ARN", "OIDC_PROVIDER", "OIDC_AUDIENCE"},
	"secretsmanager": {"SECRET_ID"},
}

// readAuth returns who may call.
func readAuth(how string, keys core.Private) (httpapi.Authenticator, error) {
	switch how {
	case "tc3":
		return readSigned(keys)
	case "bearer":
		return readBearer(keys)
	}
	if keys != "" {
		return nil, errors.New("goes with CALLER_AUTH tc3 or bearer only")
	}
	switch how {
	case "platform":
		return httpapi.Platform{}, nil
	case "none":
		return httpapi.Anyone{}, nil
	}
	return httpapi.Nobody{Hint: "set " + Prefix + "CALLER_AUTH to platform, tc3, bearer or none"}, nil
}

func readSigned(keys core.Private) (httpapi.Authenticator, error) {
	var secrets map[string]string
	if json.Unmarshal([]byte(keys), &secrets) != nil || len(secrets) == 0 {
		return nil, errors.New(`must be JSON like {"SecretId":"SecretKey"}`)
	}
	signed := httpapi.Signed{}
	for id, secret := range secrets {
		if id == "" || secret == "" {
			return nil, errors.New("has an empty SecretId or SecretKey")
		}
		signed[id] = core.Private(secret)
	}
	return signed, nil
}

func readBearer(keys core.Private) (httpapi.Authenticator, error) {
	var sums map[string]string
	if json.Unmarshal([]byte(keys), &sums) != nil || len(sums) == 0 {
		return nil, errors.New(`must be JSON like {"name":"SHA-256 of the token in hex"}`)
	}
	bearer := httpapi.Bearer{}
	for name, sum := range sums {
		raw, err := hex.DecodeString(sum)
		if err != nil || len(raw) != sha256.Size {
			return nil, errors.New("has a value that is not a SHA-256 in hex")
		}
		bearer[name] = [sha256.Size]byte(raw)
	}
	return bearer, nil
}

func readEndpoint(field **url.URL, v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return errors.New("must be a scheme and a host, as https://faceid.intl.tencentcloudapi.com")
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && IsLoopback(u.Host)) {
		return errors.New("must be https; http is for loopback addresses only")
	}
	*field = u
	return nil
}

// IsLoopback reports whether host, with or without a port, is this machine alone.
func IsLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *Settings) readFingerprintKey(v string) error {
	if len(v) < 32 {
		return errors.New("must have 32 bytes or more")
	}
	s.FingerprintKey = core.Private(v)
	return nil
}

func (s *Settings) readRateLimit(v string) error {
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || !(n >= 0.01 && n <= 1000) {
		return errors.New("must be a number of requests a second, from 0.01 to 1000")
	}
	s.RateLimit = n
	return nil
}

func (s *Settings) readLogLevel(v string) error {
	if s.LogLevel.UnmarshalText([]byte(v)) != nil {
		return errors.New("must be debug, info, warn or error")
	}
	return nil
}

func readName(field *string, v string) error {
	if len(v) > 32 || strings.Trim(v, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return errors.New("must be a name like ap-guangzhou")
	}
	*field = v
	return nil
}

// readID reads a name that another system gave, which may look like anything.
func readID(field *string, v string) error {
	if len(v) > 2048 || strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return errors.New("must be at most 2048 characters without space")
	}
	*field = v
	return nil
}

func readOneOf(field *string, v string, allowed ...string) error {
	for _, a := range allowed {
		if v == a {
			*field = v
			return nil
		}
	}
	return errors.New("must be " + strings.Join(allowed, " or "))
}

func readDuration(field *time.Duration, v string, least, most time.Duration) error {
	d, err := time.ParseDuration(v)
	if err != nil || d < least || d > most {
		return fmt.Errorf("must be a duration like 5s or 2h, from %v to %v", least, most)
	}
	*field = d
	return nil
}
