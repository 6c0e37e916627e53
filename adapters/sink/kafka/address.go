package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
)

// What is wrong with an address. None shows a part of it.
var (
	errForm       = errors.New("must be kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]/TOPIC, with what is special in USER and PASSWORD percent-encoded")
	errTopic      = errors.New("must have a topic of at most 249 letters, digits, dots, - and _")
	errParameters = errors.New("has a parameter that is not tls, ca or sasl, or has one twice")
	errTLS        = errors.New("may have tls=off and no other tls")
	errCA         = errors.New("has a ca that is not a file of certificates in PEM, or has it with tls=off")
	errMechanism  = errors.New("must have for sasl plain, scram-sha-256, scram-sha-512 or aws-msk-iam")
	errUser       = errors.New("must have a user and a password for its sasl, and for aws-msk-iam neither")
	errIAM        = errors.New("can't have tls=off with aws-msk-iam")
)

// target is what an address says.
type target struct {
	brokers []string
	topic   string
	tls     *tls.Config    // nil for none
	sasl    sasl.Mechanism // nil for none
}

// parse reads an address. It is not a URL that net/url could read, for its many hosts.
func parse(address string) (t target, err error) {
	rest, ok := strings.CutPrefix(address, "kafka://")
	if !ok || strings.Contains(rest, "#") {
		return target{}, errForm
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, topic, _ := strings.Cut(rest, "/")
	user, password, hosts, err := parseUser(authority)
	if err != nil {
		return target{}, err
	}
	parameters, err := parseParameters(query)
	if err != nil {
		return target{}, err
	}
	if t.brokers, err = parseBrokers(hosts); err != nil {
		return target{}, err
	}
	if t.topic = topic; !topics.MatchString(topic) || strings.Trim(topic, ".") == "" {
		return target{}, errTopic
	}
	if t.tls, err = parseTLS(parameters["tls"], parameters["ca"]); err != nil {
		return target{}, err
	}
	t.sasl, err = parseSASL(parameters["sasl"], user, password, t.tls != nil)
	return t, err
}

var topics = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// parseUser splits USER:PASSWORD@ from the hosts.
func parseUser(authority string) (user, password, hosts string, err error) {
	at := strings.LastIndexByte(authority, '@')
	if at < 0 {
		return "", "", authority, nil
	}
	rawUser, rawPassword, _ := strings.Cut(authority[:at], ":")
	if user, err = url.PathUnescape(rawUser); err != nil || user == "" {
		return "", "", "", errForm
	}
	if password, err = url.PathUnescape(rawPassword); err != nil || password == "" {
		return "", "", "", errForm
	}
	return user, password, authority[at+1:], nil
}

func parseBrokers(hosts string) ([]string, error) {
	brokers := strings.Split(hosts, ",")
	for _, broker := range brokers {
		host, port, err := net.SplitHostPort(broker)
		if err != nil || host == "" || strings.ContainsAny(host, " %") {
			return nil, errForm
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, errForm
		}
	}
	return brokers, nil
}

// parseParameters returns the parameters that there are, none of them empty.
func parseParameters(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errParameters
	}
	parameters := map[string]string{}
	for name, all := range values {
		if name != "tls" && name != "ca" && name != "sasl" || len(all) != 1 || all[0] == "" {
			return nil, errParameters
		}
		parameters[name] = all[0]
	}
	return parameters, nil
}

func parseTLS(mode, ca string) (*tls.Config, error) {
	if mode != "" && mode != "off" {
		return nil, errTLS
	}
	if mode == "off" {
		if ca != "" {
			return nil, errCA
		}
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca == "" {
		return c, nil
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, errCA
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, errCA
	}
	return c, nil
}
