package main

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signers prove who calls, with secrets from the environment, by the name of the way.
var signers = map[string]func(r *http.Request, body []byte, getenv func(string) string) error{
	"none":   func(*http.Request, []byte, func(string) string) error { return nil },
	"bearer": signBearer,
	"tc3":    signTC3,
	"aws":    signAWS,
	"cam":    signCAM,
}

// hosts are the clouds' own addresses, whose pattern tells region and service.
var (
	apiHost   = regexp.MustCompile(`^[a-z0-9]+\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$`)
	lambdaURL = regexp.MustCompile(`^[a-z0-9]+\.lambda-url\.([a-z0-9-]+)\.on\.aws$`)
	scfURL    = regexp.MustCompile(`^[0-9]+-[a-z0-9]+\.[a-z0-9-]+\.tencentscf\.com$`)
)

// authOf is how a host has its callers authenticated, "" if it does not show.
func authOf(host string) string {
	switch {
	case apiHost.MatchString(host), lambdaURL.MatchString(host):
		return "aws"
	case scfURL.MatchString(host):
		return "cam"
	case isLoopback(host):
		return "none"
	}
	return ""
}

// need returns variables that must all be set.
func need(getenv func(string) string, names ...string) ([]string, error) {
	var values, missing []string
	for _, name := range names {
		values = append(values, getenv(name))
		if getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, errors.New("not set: " + strings.Join(missing, ", "))
	}
	return values, nil
}

func signBearer(r *http.Request, _ []byte, getenv func(string) string) error {
	values, err := need(getenv, "SMOKE_TOKEN")
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+values[0])
	return nil
}

// signAWS signs as IAM wants it (SigV4), for an HTTP API or a function URL.
func signAWS(r *http.Request, body []byte, getenv func(string) string) error {
	values, err := need(getenv, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
	if err != nil {
		return fmt.Errorf(`%w; for a profile: eval "$(aws configure export-credentials --format env)"`, err)
	}
	service, region := "execute-api", cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))
	if m := apiHost.FindStringSubmatch(r.URL.Hostname()); m != nil {
		region = m[1]
	} else if m := lambdaURL.FindStringSubmatch(r.URL.Hostname()); m != nil {
		service, region = "lambda", m[1]
	}
	if region == "" {
		return errors.New("not set: AWS_REGION, which an address of one's own does not tell")
	}
	keys := aws.Credentials{AccessKeyID: values[0], SecretAccessKey: values[1], SessionToken: getenv("AWS_SESSION_TOKEN")}
	return v4.NewSigner().SignHTTP(context.Background(), keys, r, hexSHA256(string(body)), service, region, time.Now())
}

// signTC3 signs as for Tencent Cloud API 3.0, for a function with CALLER_AUTH tc3.
func signTC3(r *http.Request, body []byte, getenv func(string) string) error {
	values, err := need(getenv, "SMOKE_SECRET_ID", "SMOKE_SECRET_KEY")
	if err != nil {
		return err
	}
	now := time.Now()
	r.Header.Set("X-TC-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Authorization", authorization(r, body, values[0], values[1], "faceid", now, "content-type", "host"))
	return nil
}

// signCAM signs as a function URL of SCF with CAM wants it: TC3 for the service scf, with the
// account's UIN among what is signed.
func signCAM(r *http.Request, body []byte, getenv func(string) string) error {
	values, err := need(getenv, "TENCENT_SECRET_ID", "TENCENT_SECRET_KEY", "TENCENT_UIN")
	if err != nil {
		return err
	}
	if getenv("TENCENT_TOKEN") != "" {
		return errors.New("TENCENT_TOKEN is set: a function URL is signed with keys that last")
	}
	now := time.Now()
	r.Header.Set("X-Scf-Cam-Uin", values[2])
	r.Header.Set("X-Scf-Cam-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Authorization", authorization(r, body, values[0], values[1], "scf", now, "content-type", "host", "x-scf-cam-uin"))
	return nil
}

// authorization is that of TC3-HMAC-SHA256 over the headers of these names, in lower case
// and in order.
func authorization(r *http.Request, body []byte, id, secret, service string, at time.Time, names ...string) string {
	var headers strings.Builder
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.URL.Host
		}
		headers.WriteString(name + ":" + strings.ToLower(value) + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.Method, "/", "", headers.String(), signed, hexSHA256(string(body))}, "\n")
	date := at.UTC().Format(time.DateOnly)
	scope := date + "/" + service + "/tc3_request"
	key := []byte("TC3" + secret)
	for _, part := range []string{date, service, "tc3_request"} {
		key = hmacSHA256(key, part)
	}
	toSign := fmt.Sprintf("TC3-HMAC-SHA256\n%d\n%s\n%s", at.Unix(), scope, hexSHA256(canonical))
	return fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", id, scope, signed, hmacSHA256(key, toSign))
}

func hmacSHA256(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
