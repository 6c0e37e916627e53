// Package faceid is the [core.Upstream] that calls Tencent Cloud FaceID, by the
// client of Tencent's own SDK. One call of [Client.Verify] is one attempt: the SDK's
// retries stay off, since only package core knows which are free.
//
// The SDK flattens errors to text and echoes answers in them, so that text goes
// nowhere: errors are built from the API's code and request id, and from whether
// net/http/httptrace saw the request get a connection.
package faceid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"

	"phoneverify/core"
)

var _ core.Upstream = (*Client)(nil)

// Config is what a [Client] calls, and as whom.
type Config struct {
	Endpoint    *url.URL // scheme and host, as https://faceid.intl.tencentcloudapi.com
	Region      string   // X-TC-Region; may be ""
	Language    string   // X-TC-Language, as "en-US"
	Credentials Credentials

	// Transport carries the requests; nil for the network. One that does not tell
	// net/http/httptrace of its connections is taken to have sent every request.
	Transport http.RoundTripper
}

// Credentials gives the keys that a request is signed with: three that belong
// together, the token "" for keys that last. It is asked at every attempt, since a
// runtime role's keys change. Its error is shown to the operator and holds no key;
// where it is a [core.Error] of Kind Rejected it stands, else the attempt is
// Unavailable: nothing was sent.
type Credentials interface {
	Keys(ctx context.Context) (secretID string, secretKey, token core.Private, err error)
}

// Dropper is [Credentials] that keep what they give. Drop forgets the keys with this
// id, which the API has called stale, and reports whether trying with others is worth it.
type Dropper interface {
	Drop(secretID string) bool
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	sdk     *common.Client // without credentials
	carrier *transport
	drop    func(secretID string) bool
	keys    func(context.Context) (id string, key, token core.Private, err error)
}

// New returns a client. It connects to nothing yet.
func New(c Config) *Client {
	carrier := newTransport()
	if c.Transport != nil {
		carrier.base = c.Transport
	}
	sdk := common.NewCommonClient(nil, c.Region, sdkProfile(c)).WithHttpTransport(carrier)
	client := &Client{sdk: sdk, carrier: carrier, keys: c.Credentials.Keys, drop: func(string) bool { return false }}
	if d, ok := c.Credentials.(Dropper); ok {
		client.drop = d.Drop
	}
	return client
}

// sdkProfile is how the SDK's client is to behave: as we say, whatever its defaults
// become.
func sdkProfile(c Config) *profile.ClientProfile {
	return &profile.ClientProfile{
		SignMethod:           "TC3-HMAC-SHA256",
		Language:             c.Language,
		DisableRegionBreaker: true, // which would send persons to another address
		HttpProfile: &profile.HttpProfile{
			ReqMethod:  http.MethodPost,
			ReqTimeout: 0, // the context's deadline is the only one
			Scheme:     c.Endpoint.Scheme,
			Endpoint:   c.Endpoint.Host,
		},
	}
}

// Verify implements [core.Upstream].
func (c *Client) Verify(ctx context.Context, r core.Request) (core.Verdict, error) {
	id, key, token, err := c.keys(ctx)
	if err != nil {
		return core.Verdict{}, noKeys(err)
	}
	if err := ctx.Err(); err != nil {
		return core.Verdict{}, notSent(err)
	}
	var trace sendTrace
	request := newRequest(r)
	request.SetContext(trace.watch(ctx))
	response := NewPhoneVerificationResponse()

	sdk := *c.sdk // a copy for these keys; the connections are shared
	sdk.WithCredential(common.NewTokenCredential(id, string(key), string(token)))
	if err := send(&sdk, request, response); err != nil {
		return core.Verdict{}, c.failure(ctx, id, err, trace.maybeSent())
	}
	return verdict(response.Response)
}

// errSDKPanic is an answer that the SDK does not survive: the JSON null, for one.
var errSDKPanic = errors.New("the SDK panicked over the answer")

func send(sdk *common.Client, request *PhoneVerificationRequest, response *PhoneVerificationResponse) (err error) {
	defer func() {
		if recover() != nil {
			err = errSDKPanic
		}
	}()
	return sdk.Send(request, response)
}

func newRequest(r core.Request) *PhoneVerificationRequest {
	request := NewPhoneVerificationRequest()
	request.IdCard = parameter(r.IdCard)
	request.Name = parameter(r.Name)
	request.Phone = parameter(r.Phone)
	request.CiphertextBlob = parameter(r.CiphertextBlob)
	for _, name := range r.EncryptList {
		request.EncryptList = append(request.EncryptList, &name)
	}
	request.Iv = parameter(r.Iv)
	return request
}

// parameter is nil for one that was not given.
func parameter(p core.Private) *string {
	if p == "" {
		return nil
	}
	return new(string(p))
}

// verdict reads an answer without an error. It is the API's if it has a Result.
func verdict(p *PhoneVerificationResponseParams) (core.Verdict, error) {
	if p == nil || !core.IsResult(text(p.Result)) {
		return core.Verdict{}, noAnswer(errors.New("the answer has no proper Result"))
	}
	return core.Verdict{
		Result:      text(p.Result),
		Description: text(p.Description),
		Isp:         text(p.Isp),
		RequestID:   requestID(text(p.RequestId)),
	}, nil
}

// text is "" for a parameter that did not come.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// requestID is "" for one that is not of the API's form.
func requestID(id string) string {
	if core.IsRequestID(id) {
		return id
	}
	return ""
}

// failure tells apart the errors of the SDK: the API's own answer, a request that
// never left, and all others, after which the request may have been charged.
func (c *Client) failure(ctx context.Context, secretID string, err error, maybeSent bool) error {
	e, ok := errors.AsType[*tcerr.TencentCloudSDKError](err)
	switch {
	case ok && isAnswer(e):
		if slices.Contains(stale, e.Code) && c.drop(secretID) {
			return staleKeys(e.Code, requestID(e.RequestId))
		}
		return answered(e.Code, requestID(e.RequestId))
	case !maybeSent:
		return notSent(cause(ctx, err))
	}
	return noAnswer(cause(ctx, err))
}

// stale are the codes of keys that were good once: temporary ones that have expired, or
// a secret that was rotated.
var stale = []string{"AuthFailure.TokenFailure", "AuthFailure.SecretIdNotFound", "AuthFailure.InvalidSecretId"}

// isAnswer reports whether an error came from the API, whose envelope has a RequestId,
// and not from the SDK itself or from something in between.
func isAnswer(e *tcerr.TencentCloudSDKError) bool {
	return e.Code != "" && e.RequestId != "" && !strings.HasPrefix(e.Code, "ClientError")
}

// answered is the error that the API itself gave. Its message is not repeated: the
// API may quote values in it. Of a code that is not formed like one, only the family is.
func answered(code, requestID string) error {
	kind := kindOf(code)
	if !core.IsCode(code) {
		code = "FailedOperation"
	}
	e := &core.Error{Kind: kind, Code: code, RequestID: requestID,
		Message: "FaceID answered " + code + "."}
	if e.Kind == core.RateLimited || e.Kind == core.Unavailable {
		e.RetryAfter = time.Second
	}
	if strings.HasPrefix(code, "AuthFailure") {
		e.Code = "UnauthorizedOperation" // callers would take it for a failure of theirs
	}
	return e
}

// staleKeys is the error of keys that were dropped: others are worth a try at once, and
// nothing was charged.
func staleKeys(code, requestID string) error {
	return &core.Error{Kind: core.Unavailable, Code: "ServiceUnavailable", RequestID: requestID,
		Message: "FaceID answered " + code + " to keys that have been dropped."}
}

func noKeys(err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok && e.Kind == core.Rejected {
		return e
	}
	return &core.Error{Kind: core.Unavailable, Code: "ServiceUnavailable", RetryAfter: time.Second,
		Message: "The credentials can't be had. Nothing was sent.", Cause: err}
}

func notSent(cause error) error {
	return &core.Error{Kind: core.Unavailable, Code: "ServiceUnavailable", RetryAfter: time.Second,
		Message: "FaceID can't be reached. Nothing was sent.", Cause: cause}
}

func noAnswer(cause error) error {
	return &core.Error{Kind: core.Unknown, Code: "FailedOperation.OutcomeUnknown",
		Message: "The request was sent and FaceID's answer did not come. It may have been charged.", Cause: cause}
}

// cause is what an operator may see of the SDK's error: its code where it is the SDK's
// own, else what lies beneath it.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*tcerr.TencentCloudSDKError](err); ok && errors.Unwrap(e) == nil && core.IsCode(e.Code) {
		return fmt.Errorf("the SDK reports %s", e.Code)
	}
	return core.ShownCause(err, nil, errSDKPanic, errRedirect, errTooLarge, errNotJSON, io.EOF, io.ErrUnexpectedEOF)
}

// sendTrace sees whether a request may have left this machine.
type sendTrace struct {
	asked, got atomic.Bool
}

func (t *sendTrace) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.asked.Store(true); t.got.Store(false) }, // again if nothing was written
		GotConn: func(httptrace.GotConnInfo) { t.got.Store(true) },
	})
}

// maybeSent is false only if the transport is known to have looked for a connection
// and not to have got one.
func (t *sendTrace) maybeSent() bool { return !t.asked.Load() || t.got.Load() }
