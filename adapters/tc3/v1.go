package tc3

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"phoneverify/core"
)

// parseV1 reads the parameters SecretId, Timestamp, Signature, SignatureMethod and
// Token, of the query of a GET or the form of a POST.
func parseV1(r *http.Request, body []byte) (signature, error) {
	raw := r.URL.RawQuery
	if r.Method == http.MethodPost {
		raw = string(body)
	}
	values, err := url.ParseQuery(raw)
	if err != nil || !values.Has("Signature") {
		return signature{}, malformed("The request is not signed.")
	}
	params := make(map[string]string, len(values))
	for name, value := range values {
		if len(value) != 1 {
			return signature{}, malformed("A signed parameter is given twice.")
		}
		params[name] = value[0]
	}
	scheme := params["SignatureMethod"]
	switch scheme {
	case "":
		scheme = schemeSHA1
	case schemeSHA1, schemeSHA256:
	default:
		return signature{}, malformed("The SignatureMethod is neither HmacSHA1 nor HmacSHA256.")
	}
	at, err := parseTime(params["Timestamp"])
	if err != nil {
		return signature{}, err
	}
	if params["Nonce"] == "" {
		return signature{}, malformed("The Nonce is missing.")
	}
	return signature{
		scheme:   scheme,
		secretID: params["SecretId"],
		token:    params["Token"],
		time:     at,
		toSign:   v1ToSign(r, params),
		given:    params["Signature"],
	}, nil
}

// v1ToSign is METHOD HOST PATH ? and the parameters but the signature, sorted, with
// their values as they are before they are encoded.
func v1ToSign(r *http.Request, params map[string]string) string {
	pairs := make([]string, 0, len(params))
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if name != "Signature" {
			pairs = append(pairs, name+"="+params[name])
		}
	}
	path := r.URL.Path
	if path == "" {
		path = "/"
	}
	return r.Method + r.Host + path + "?" + strings.Join(pairs, "&")
}

func (s signature) expectedV1(secret core.Private) string {
	sum := hmacSHA1
	if s.scheme == schemeSHA256 {
		sum = hmacSHA256
	}
	return base64.StdEncoding.EncodeToString(sum([]byte(secret), s.toSign))
}

func hmacSHA1(key []byte, text string) []byte {
	mac := hmac.New(sha1.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
