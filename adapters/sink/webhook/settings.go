package webhook

import (
	"encoding/base64"
	"errors"
	"net"
	"net/url"
	"strings"

	"phoneverify/core"
)

var (
	errURL       = errors.New("must be a URL with a host, and without user, password or fragment")
	errPlainHTTP = errors.New("must be https; http is for loopback addresses only")
	errSecret    = errors.New("must be 24 to 64 bytes in base64, with or without whsec_ before them")
)

// ParseURL reads where events go: https, or http on loopback. It may have a path and a
// query, and tokens in them: no error shows it.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#") {
		return nil, errURL
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, errPlainHTTP
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// ParseSecret returns the key that a secret stands for: whsec_ and base64, as Standard
// Webhooks writes it, or the base64 alone. No error shows it.
func ParseSecret(text core.Private) (key core.Private, err error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(text), "whsec_"))
	if err != nil || len(raw) < 24 || len(raw) > 64 {
		return "", errSecret
	}
	return core.Private(raw), nil
}
