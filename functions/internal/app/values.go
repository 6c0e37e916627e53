package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"phoneverify/core"
)

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
