package credential

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"phoneverify/core"
)

// This file is what webidentity and secretsmanager share: how they reach an API that
// gives keys, and what they say when it gives none.

var errRedirect = errors.New("the answer is a redirect, which is not followed")

// transport carries tokens and keys: it follows no redirect.
type transport struct{ base http.RoundTripper }

// Transport returns what carries requests for keys over base, nil for the network. There
// no connection is kept for the hour until it is used again.
func Transport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			TLSHandshakeTimeout: 3 * time.Second,
			DisableKeepAlives:   true,
			DisableCompression:  true,
		}
	}
	return transport{base}
}

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.base.RoundTrip(r)
	if err == nil && response.StatusCode >= 300 && response.StatusCode < 400 {
		response.Body.Close()
		return nil, errRedirect
	}
	return response, err
}

// Failure is what may be shown of an error that AWS's or Tencent's SDK gave, for the API
// that was asked: ctx's where that has ended, else the API's code and the request's id,
// or addresses, statuses and types, but no text that could quote a token.
func Failure(ctx context.Context, api string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s did not answer: %w", api, ctx.Err())
	}
	if code, id := answered(err); code != "" {
		return answer(api, code, id)
	}
	return fmt.Errorf("%s can't be reached or understood: %w", api, unanswered(err))
}

// refusals are the codes, or what stands before their first dot, by which AWS and
// Tencent say that it is no use to ask again until somebody mends the set-up.
var refusals = map[string]bool{
	"AccessDenied":                          true,
	"AccessDeniedException":                 true,
	"AuthFailure":                           true,
	"InvalidClientTokenId":                  true,
	"InvalidParameter":                      true,
	"OutboundWebIdentityFederationDisabled": true,
	"ResourceNotFound":                      true,
	"ResourceNotFoundException":             true,
	"UnauthorizedOperation":                 true,
	"UnrecognizedClientException":           true,
}

// answer is the error that an API gave: a refusal is our own account's, and anything
// else may pass.
func answer(api, code, id string) error {
	text := fmt.Sprintf("%s answered %s, request %s", api, code, id)
	if family, _, _ := strings.Cut(code, "."); !refusals[family] {
		return errors.New(text)
	}
	return &core.Error{Kind: core.Rejected, Code: "UnauthorizedOperation",
		Message: "The function is given no credentials: " + text + "."}
}

// The SDKs' errors by their methods, since not every binary has both SDKs.
type (
	awsError interface {
		error
		ErrorCode() string
	}
	awsResponse interface {
		error
		ServiceRequestID() string
		HTTPStatusCode() int
	}
	tencentError interface {
		error
		GetCode() string
		GetRequestId() string // "" if the error is the SDK's own
	}
)

// answered returns the code and the request's id of an error that the API itself gave,
// "" for any other.
func answered(err error) (code, id string) {
	if e, ok := errors.AsType[awsError](err); ok {
		code = e.ErrorCode()
		if r, ok := errors.AsType[awsResponse](err); ok {
			id = r.ServiceRequestID()
		}
	} else if e, ok := errors.AsType[tencentError](err); ok && e.GetRequestId() != "" {
		code, id = e.GetCode(), e.GetRequestId()
	} else {
		return "", ""
	}
	if !core.IsCode(code) {
		code = "without a proper code"
	}
	if !core.IsRequestID(id) {
		id = "unknown"
	}
	return code, id
}

func unanswered(err error) error {
	var otherwise error
	if e, ok := errors.AsType[awsResponse](err); ok && e.HTTPStatusCode() >= 300 {
		otherwise = fmt.Errorf("HTTP status %d", e.HTTPStatusCode())
	} else if e, ok := errors.AsType[tencentError](err); ok && errors.Unwrap(e) == nil && core.IsCode(e.GetCode()) {
		otherwise = fmt.Errorf("the SDK reports %s", e.GetCode())
	}
	return core.ShownCause(err, otherwise, errRedirect)
}
