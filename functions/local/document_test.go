package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"phoneverify/adapters/httpapi"
)

// The document is there for anyone, and the API at every other path and method.
func TestDocumentIsServed(t *testing.T) {
	for _, environ := range [][]string{nil, {"PHONEVERIFY_CALLER_AUTH=tc3", `PHONEVERIFY_CALLER_KEYS={"AKIDcaller":"caller-secret"}`}} {
		p := start(t, environ...)
		address := p.said["api"] + "/openapi.yaml"
		r, err := http.Get(address)
		if got := text(t, r, err); got != httpapi.OpenAPI || r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/yaml" {
			t.Errorf("got %d %v of %d bytes", r.StatusCode, r.Header, len(got))
		}
		for _, elsewhere := range []string{p.said["api"] + "/openapi", p.said["api"] + "/v1/openapi.yaml"} {
			r, err = http.Get(elsewhere)
			if got := text(t, r, err); !strings.HasPrefix(got, `{"Response":`) {
				t.Errorf("at %s there is %s", elsewhere, got)
			}
		}
		r, err = http.Post(address, "application/json", strings.NewReader("{}"))
		if got := text(t, r, err); !strings.HasPrefix(got, `{"Response":`) {
			t.Errorf("a POST got %s", got)
		}
	}
}

func text(t *testing.T, r *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The requests that the document shows get the answers that it shows, to the byte.
func TestDocumentedTranscripts(t *testing.T) {
	p := start(t)
	ids := regexp.MustCompile(`"RequestId":"[^"]*"`)
	shown := ids.ReplaceAllString(httpapi.OpenAPI, `"RequestId":"ID"`)
	const person = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao",`
	for _, c := range []struct{ name, body, answer string }{
		{"match", person + `"Phone":"16137688175"}`, `"Outcome":"match","Billed":true,"Replayed":false}`},
		{"replayed", person + `"Phone":"16137688175"}`, `"Outcome":"match","Billed":true,"Replayed":true}`},
		{"mismatch", person + `"Phone":"16137688176"}`, `"Outcome":"mismatch","Billed":true,"Replayed":false}`},
		{"encrypted", person + `"Phone":"tTiR6CeA9wyO8obgugEeSg==","CiphertextBlob":"demo-k-wrapped/data+key==-k-of-the-simulator",` +
			`"EncryptList":["Phone"],"Iv":"fedcba9876543210"}`, `"Outcome":"match","Billed":true,"Replayed":false}`},
		{"missing", strings.Replace(person, `"Name":"Wei Xiaobao",`, `"Phone":"16137688175"}`, 1), `"MissingParameter"`},
		{"another action", person + `"Phone":"16137688175","Action":"DetectAuth"}`, `"InvalidAction"`},
	} {
		r, err := http.Post(p.said["api"], "application/json", strings.NewReader(c.body))
		answer := ids.ReplaceAllString(strings.TrimSpace(text(t, r, err)), `"RequestId":"ID"`)
		if !strings.Contains(answer, c.answer) || !strings.Contains(shown, "value: "+answer+"\n") {
			t.Errorf("%s: the document does not show the answer %s", c.name, answer)
		}
		if strings.Contains(c.answer, "Outcome") && !strings.Contains(shown, "value: "+c.body+"\n") {
			t.Errorf("%s: the document does not show the request %s", c.name, c.body)
		}
	}
}
