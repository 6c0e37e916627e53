package awslambda

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"phoneverify/adapters/httpapi"
)

// envelope holds what is looked at of any envelope, so that one reading of the payload
// tells them apart.
type envelope struct {
	Version string `json:"version"`

	// payload 1.0 and ALB
	HTTPMethod                      string              `json:"httpMethod"`
	Path                            string              `json:"path"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`

	// payload 2.0
	RawPath        string `json:"rawPath"`
	RawQueryString string `json:"rawQueryString"`

	// all of HTTP
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	RequestContext  requestContext    `json:"requestContext"`

	// SQS and SNS
	Records []record `json:"Records"`

	// Kafka
	EventSource      string                   `json:"eventSource"`
	EventSourceARN   string                   `json:"eventSourceArn"`
	BootstrapServers string                   `json:"bootstrapServers"`
	Kafka            map[string][]kafkaRecord `json:"records"` // by topic and partition

	// EventBridge
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Detail     json.RawMessage `json:"detail"`

	// the request itself
	IdCard json.RawMessage `json:"IdCard"`
	Name   json.RawMessage `json:"Name"`
	Phone  json.RawMessage `json:"Phone"`
}

type requestContext struct {
	ELB        json.RawMessage `json:"elb"`
	RequestID  string          `json:"requestId"`
	DomainName string          `json:"domainName"`
	HTTP       struct {
		Method string `json:"method"`
	} `json:"http"`
	Authorizer json.RawMessage `json:"authorizer"`
	Identity   struct {
		UserARN           string `json:"userArn"`
		CognitoIdentityID string `json:"cognitoIdentityId"`
	} `json:"identity"`
}

// kind is what an event is.
type kind uint8

const (
	kindUnknown kind = iota
	kindALB
	kindV1
	kindV2
	kindDirect
	kindSQS
	kindSNS
	kindKafka
	kindEventBridge
	kindTimer
)

// sources are the kinds of events that name their source.
var sources = map[string]kind{
	"aws:sqs":          kindSQS,
	"aws:sns":          kindSNS,
	"aws:kafka":        kindKafka, // MSK
	"SelfManagedKafka": kindKafka,
}

func (e *envelope) kind() kind {
	switch {
	case e.RequestContext.ELB != nil && e.HTTPMethod != "":
		return kindALB
	case e.Version == "2.0" && e.RequestContext.HTTP.Method != "":
		return kindV2
	case e.HTTPMethod != "":
		return kindV1
	case len(e.Records) > 0:
		return sources[e.Records[0].EventSource]
	case e.EventSource != "":
		return sources[e.EventSource]
	case e.DetailType == "Scheduled Event":
		return kindTimer
	case e.DetailType != "":
		return kindEventBridge
	case e.IdCard != nil || e.Name != nil || e.Phone != nil:
		return kindDirect
	}
	return kindUnknown
}

// trigger names what brought the event, for the log.
func (e *envelope) trigger() string {
	switch {
	case e.kind() == kindALB:
		return "alb"
	case strings.Contains(e.RequestContext.DomainName, ".lambda-url."):
		return "function-url"
	}
	return "apigateway"
}

// request unwraps the HTTP request.
func (e *envelope) request() httpapi.Enveloped {
	caller, vouched := e.caller()
	r := httpapi.Enveloped{
		Origin: httpapi.Origin{
			Trigger: e.trigger(), RequestID: e.RequestContext.RequestID, Caller: caller, Vouched: vouched,
		},
		Method:   e.HTTPMethod,
		Path:     e.Path,
		RawQuery: e.rawQuery(),
		Header:   e.header(),
		Body:     e.Body,
		Base64:   e.IsBase64Encoded,
	}
	if e.kind() == kindV2 {
		r.Method, r.Path = e.RequestContext.HTTP.Method, e.RawPath
	}
	if r.Host = r.Header.Get("Host"); r.Host == "" {
		r.Host = e.RequestContext.DomainName
	}
	return r
}

// header returns the headers, every value where the envelope has them.
func (e *envelope) header() http.Header {
	header := http.Header{}
	if e.MultiValueHeaders != nil {
		for name, values := range e.MultiValueHeaders {
			for _, value := range values {
				header.Add(name, value)
			}
		}
		return header
	}
	for name, value := range e.Headers {
		header.Set(name, value)
	}
	return header
}

// rawQuery returns the query as it was, or for payload 1.0, which has its values
// decoded, one that means the same.
func (e *envelope) rawQuery() string {
	if e.kind() == kindV2 {
		return e.RawQueryString
	}
	values := url.Values(e.MultiValueQueryStringParameters)
	if values == nil {
		values = url.Values{}
		for name, value := range e.QueryStringParameters {
			values.Set(name, value)
		}
	}
	if e.kind() == kindV1 {
		return values.Encode()
	}
	var pairs []string // an ALB passes them on encoded
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			pairs = append(pairs, name+"="+value)
		}
	}
	return strings.Join(pairs, "&")
}

// answer is the envelope of a response, of whichever kind the event was.
type answer struct {
	StatusCode        int                 `json:"statusCode"`
	StatusDescription string              `json:"statusDescription,omitempty"` // ALB
	Headers           map[string]string   `json:"headers,omitempty"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"` // ALB, if the event had them
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

func (e *envelope) answer(r httpapi.Response) answer {
	a := answer{StatusCode: r.Status, Body: string(r.Body)}
	if e.kind() == kindALB {
		a.StatusDescription = strconv.Itoa(r.Status) + " " + http.StatusText(r.Status)
		if e.MultiValueHeaders != nil {
			a.MultiValueHeaders = r.Header
			return a
		}
	}
	a.Headers = r.SingleHeader()
	return a
}
