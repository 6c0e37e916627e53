package tc3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"phoneverify/core"
)

const unsignedPayload = "UNSIGNED-PAYLOAD"

// parseTC3 reads
//
//	TC3-HMAC-SHA256 Credential=ID/DATE/SERVICE/tc3_request, SignedHeaders=A;B, Signature=HEX
func parseTC3(r *http.Request, body []byte, authorization string) (signature, error) {
	scheme, rest, _ := strings.Cut(authorization, " ")
	if scheme != schemeTC3 {
		return signature{}, malformed("The Authorization is not TC3-HMAC-SHA256.")
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 4 || scope[3] != "tc3_request" || fields["Signature"] == "" {
		return signature{}, malformed("The Authorization lacks its Credential or Signature.")
	}
	seconds := r.Header.Get("X-TC-Timestamp")
	at, err := parseTime(seconds)
	if err != nil {
		return signature{}, err
	}
	if scope[1] != at.Format("2006-01-02") {
		return signature{}, malformed("The date of the credential scope is not the UTC date of the timestamp.")
	}
	headers, err := canonicalHeaders(r, fields["SignedHeaders"])
	if err != nil {
		return signature{}, err
	}
	return signature{
		scheme:   schemeTC3,
		secretID: scope[0],
		token:    r.Header.Get("X-TC-Token"),
		time:     at,
		date:     scope[1],
		service:  scope[2],
		toSign: strings.Join([]string{
			schemeTC3, seconds, strings.Join(scope[1:], "/"), hexSHA256(canonicalRequest(r, body, headers)),
		}, "\n"),
		given: fields["Signature"],
	}, nil
}

// canonicalHeaders returns the signed headers, a line each, then a blank line and
// their list: names and values in lower case, values trimmed.
func canonicalHeaders(r *http.Request, list string) (string, error) {
	list = strings.ToLower(list)
	names := strings.Split(list, ";")
	if !slices.Contains(names, "content-type") || !slices.Contains(names, "host") {
		return "", malformed("The signed headers must hold content-type and host.")
	}
	var text strings.Builder
	for _, name := range names {
		values := r.Header.Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		if len(values) != 1 {
			return "", malformed("A signed header is missing, or is there twice.")
		}
		text.WriteString(name + ":" + strings.ToLower(strings.TrimSpace(values[0])) + "\n")
	}
	return text.String() + "\n" + list, nil
}

// canonicalRequest is the text whose hash is signed. The path is "/" for every
// request of API 3.0, and a POST has no query. The query is taken as it was sent.
func canonicalRequest(r *http.Request, body []byte, headers string) string {
	query := ""
	if r.Method == http.MethodGet {
		query = r.URL.RawQuery
	}
	payload := string(body)
	if r.Header.Get("X-TC-Content-SHA256") == unsignedPayload {
		payload = unsignedPayload
	}
	return strings.Join([]string{r.Method, "/", query, headers, hexSHA256(payload)}, "\n")
}

func (s signature) expectedTC3(secret core.Private) string {
	key := hmacSHA256([]byte("TC3"+string(secret)), s.date)
	key = hmacSHA256(key, s.service)
	key = hmacSHA256(key, "tc3_request")
	return hex.EncodeToString(hmacSHA256(key, s.toSign))
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
