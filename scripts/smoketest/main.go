// Smoketest asks a deployed function the specification's own example, signed as its caller
// authentication wants, and says what the answer means. scripts/smoke runs it.
package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// example is the person in the specification's example.
const example = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`

func main() { os.Exit(run(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)) }

// run is the program. Its status is 0 for a verdict, 1 for any other answer or none, and 2
// if nothing was sent.
func run(args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	flags.SetOutput(stderr)
	auth := flags.String("auth", "", "how callers are authenticated: none, bearer, tc3, aws or cam; by default as the URL's host has it")
	timeout := flags.Duration("timeout", 30*time.Second, "for the whole request")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	request, err := newRequest(flags.Args(), *auth, getenv)
	if err != nil {
		fmt.Fprintln(stderr, "scripts/smoke:", err)
		return 2
	}
	client := &http.Client{
		Timeout: *timeout,
		// A redirect would carry the person and a token to another address.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		fmt.Fprintln(stdout, withoutURL(err))
		fmt.Fprintln(stdout, "No answer came: is the address right, and the function there?")
		return 1
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		fmt.Fprintln(stdout, "The answer broke off.")
		return 1
	}
	fmt.Fprintf(stdout, "HTTP %d %s\n", response.StatusCode, bytes.TrimSpace(body))
	sentence, verdict := meaning(response.StatusCode, body)
	fmt.Fprintln(stdout, sentence)
	if verdict {
		return 0
	}
	return 1
}

// newRequest returns the request, signed.
func newRequest(args []string, auth string, getenv func(string) string) (*http.Request, error) {
	if len(args) != 1 {
		return nil, errors.New("give one URL; see scripts/smoke -h")
	}
	u, err := url.Parse(args[0])
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, errors.New("the URL must be https; http is for this machine only")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	if auth == "" {
		auth = authOf(u.Hostname())
	}
	sign, ok := signers[auth]
	if !ok {
		return nil, errors.New("-auth must be none, bearer, tc3, aws or cam; this host does not tell which")
	}
	request, err := http.NewRequest(http.MethodPost, u.String(), strings.NewReader(example))
	if err != nil {
		return nil, errors.New("the URL is none")
	}
	request.Header.Set("Content-Type", "application/json")
	// Each run is a question of its own: a replayed verdict would say nothing of today.
	request.Header.Set("Idempotency-Key", "smoke-"+rand.Text())
	return request, sign(request, []byte(example), getenv)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withoutURL is an error of a client's, without the URL that it begins with.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
