package tencentscf

import (
	"encoding/json"
	"net/http"
	"net/url"

	"phoneverify/adapters/httpapi"
)

// envelope holds what is looked at of any envelope, so that one reading of the payload
// tells them apart. The library's own types lose isBase64Encoded, and fail on nulls.
type envelope struct {
	// HTTP
	HTTPMethod      string                `json:"httpMethod"`
	Path            string                `json:"path"`
	Headers         map[string]string     `json:"headers"`
	QueryString     map[string]queryValue `json:"queryString"`
	Body            string                `json:"body"`
	IsBase64Encoded bool                  `json:"isBase64Encoded"`
	RequestContext  struct {
		ServiceID string `json:"serviceId"`
		RequestID string `json:"requestId"`
		Identity  struct {
			SecretID string `json:"secretId"`
		} `json:"identity"`
	} `json:"requestContext"`

	// queues
	Records   []record `json:"Records"`   // CKafka and CMQ
	EventList []bridge `json:"EventList"` // EventBridge, in batches
	bridge             // EventBridge, one

	Timer string `json:"Type"`

	// the request itself
	IdCard json.RawMessage `json:"IdCard"`
	Name   json.RawMessage `json:"Name"`
	Phone  json.RawMessage `json:"Phone"`
}

// queryValue is a value of a query: text, texts where its name is repeated, or true
// where it has no value.
type queryValue []string

// UnmarshalJSON reads any of the three.
func (v *queryValue) UnmarshalJSON(data []byte) error {
	var text string
	var present bool
	switch {
	case json.Unmarshal(data, &text) == nil:
		*v = queryValue{text}
	case json.Unmarshal(data, &present) == nil:
		*v = queryValue{""}
	default:
		return json.Unmarshal(data, (*[]string)(v))
	}
	return nil
}

// kind is what an event is.
type kind uint8

const (
	kindUnknown kind = iota
	kindHTTP
	kindDirect
	kindTimer
	kindCKafka
	kindCMQ
	kindBridge
)

func (e *envelope) kind() kind {
	switch {
	case e.HTTPMethod != "":
		return kindHTTP
	case e.Timer == "Timer":
		return kindTimer
	case len(e.Records) > 0:
		return e.Records[0].kind()
	case len(e.EventList) > 0:
		return e.EventList[0].kind()
	case e.bridge.Type != "":
		return e.bridge.kind()
	case e.IdCard != nil || e.Name != nil || e.Phone != nil:
		return kindDirect
	}
	return kindUnknown
}

// trigger names what brought the event, for the log.
func (e *envelope) trigger() string {
	switch e.kind() {
	case kindCKafka:
		return "ckafka"
	case kindCMQ:
		return "cmq"
	case kindBridge:
		return "tdmq"
	}
	if e.RequestContext.ServiceID != "" {
		return "apigateway"
	}
	return "function-url"
}

// request unwraps the HTTP request, whose id is id if the envelope has none. Its caller
// is vouched for: neither trigger shows whether it authenticates callers, so that the
// operator says that it does, by setting CALLER_AUTH to platform.
func (e *envelope) request(id string) httpapi.Enveloped {
	header := http.Header{}
	for name, value := range e.Headers {
		header.Set(name, value)
	}
	query := url.Values{}
	for name, values := range e.QueryString {
		query[name] = values
	}
	if e.RequestContext.RequestID != "" {
		id = e.RequestContext.RequestID
	}
	return httpapi.Enveloped{
		Origin: httpapi.Origin{
			Trigger: e.trigger(), RequestID: id, Caller: e.RequestContext.Identity.SecretID, Vouched: true,
		},
		Method:   e.HTTPMethod,
		Host:     header.Get("Host"),
		Path:     e.Path,
		RawQuery: query.Encode(),
		Header:   header,
		Body:     e.Body,
		Base64:   e.IsBase64Encoded,
	}
}

// answer is the envelope of a response. Both triggers refuse any other shape.
type answer struct {
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
}

func newAnswer(r httpapi.Response) answer {
	return answer{StatusCode: r.Status, Headers: r.SingleHeader(), Body: string(r.Body)}
}
