package app

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/sink/lines"
	"phoneverify/adapters/sink/webhook"
	"phoneverify/adapters/store/memory"
	"phoneverify/core"
)

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
	problems = append(problems, s.openSink(b.Sinks)...)
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
		return errors.New("must be " + inMemory + orOneOf(stores) + " in this program; a build tag adds others")
	}
	s.ledger, s.limiter, err = open(string(s.Store), s.RateLimit)
	return err
}

func orOneOf[T any](schemes map[string]T) (text string) {
	for _, scheme := range slices.Sorted(maps.Keys(schemes)) {
		text += " or " + scheme + "://…"
	}
	return text
}

// openSink opens where results go.
func (s *Settings) openSink(sinks map[string]OpenSink) (problems []error) {
	scheme, _, _ := strings.Cut(string(s.Results), ":")
	if scheme == "https" || scheme == "http" {
		return s.openWebhook()
	}
	if s.ResultsSecret != "" {
		problems = append(problems, problem("RESULTS_SECRET", "goes with RESULTS https://… only"))
	}
	switch open, ok := sinks[scheme]; {
	case s.Results == "":
	case s.Results == "log:":
		s.sink = lines.New(os.Stdout)
	case !ok:
		problems = append(problems, problem("RESULTS", "must be https://… or log:"+orOneOf(sinks)+" in this program; a build tag adds others"))
	default:
		var err error
		if s.sink, err = open(string(s.Results)); err != nil {
			problems = append(problems, problem("RESULTS", err.Error()))
		}
	}
	return problems
}

func (s *Settings) openWebhook() (problems []error) {
	url, err := webhook.ParseURL(string(s.Results))
	if err != nil {
		problems = append(problems, problem("RESULTS", err.Error()))
	}
	key, err := webhook.ParseSecret(s.ResultsSecret)
	if s.ResultsSecret == "" {
		problems = append(problems, problem("RESULTS_SECRET", "must be set for RESULTS https://…"))
	} else if err != nil {
		problems = append(problems, problem("RESULTS_SECRET", err.Error()))
	}
	if len(problems) == 0 {
		s.sink = webhook.New(webhook.Config{URL: url, Secret: key})
	}
	return problems
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
