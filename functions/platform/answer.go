package platform

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Answer is what the function answers: the API's Response, and the status of the HTTP
// envelope it came in, 0 for none.
type Answer struct {
	Result string
	Error  struct{ Code string }
	Status int
}

// Answer reads the payload of an invocation by a request.
func (r Result) Answer() (Answer, error) {
	var envelope struct {
		StatusCode int
		Body       string
		Response   *Answer
	}
	if err := json.Unmarshal(r.Payload, &envelope); err != nil {
		return Answer{}, fmt.Errorf("%w in %q, %s", err, r.Payload, r.Failure)
	}
	status := envelope.StatusCode
	if envelope.Response == nil {
		if err := json.Unmarshal([]byte(envelope.Body), &envelope); err != nil || envelope.Response == nil {
			return Answer{}, fmt.Errorf("%w in %q", err, envelope.Body)
		}
	}
	envelope.Response.Status = status
	return *envelope.Response, nil
}

// Trace returns the surroundings of seven characters in a row of any of the values, ""
// if text has none.
func Trace(text string, values ...string) string {
	for _, value := range values {
		for i := 0; i+7 <= len(value); i++ {
			if at := strings.Index(text, value[i:i+7]); at >= 0 {
				return fmt.Sprintf("%q is in …%s…", value[i:i+7], text[max(0, at-100):min(len(text), at+100)])
			}
		}
	}
	return ""
}
