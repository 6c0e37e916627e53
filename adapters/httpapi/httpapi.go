// Package httpapi is the PhoneVerification API as our own callers see it: Tencent
// Cloud's specification of it (version 2018-03-01), so that Tencent's SDKs can call it
// with nothing but the address changed, and plain HTTP for everyone else.
//
// A request is a POST of JSON or of a form, or a GET with a query; the answer is the
// specification's envelope, with Outcome, Billed and Replayed added. A caller that
// names the Action always gets status 200, as Tencent's clients expect; any other gets
// the status that fits. A header Idempotency-Key names what is to be charged once.
package httpapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"phoneverify/core"
)

const (
	// MaxDuration is how long a request may take: less than gateways wait.
	MaxDuration = 25 * time.Second

	maxIdempotencyKey = 255
)

// Handler serves the API, at whatever path it is put.
type Handler struct {
	Verifier *core.Verifier
	Auth     Authenticator // nil: Nobody
	Log      *slog.Logger  // what does not reach the Verifier, which logs the rest
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), MaxDuration)
	defer cancel()
	x := newExchange(ctx)
	x.namesAction = namesAction(r)
	h.answer(ctx, x, func() (core.Call, error) { return h.admit(x, w, r) })
	x.writeTo(w)
}

// Direct answers an event that is the request itself, as JSON, with an Id beside its
// parameters where it has one: it is to be charged once for. Whoever can invoke the
// function may call: that is for the platform to say.
func (h *Handler) Direct(ctx context.Context, event []byte) []byte {
	x := newExchange(ctx)
	h.answer(ctx, x, func() (core.Call, error) { return x.admitDirect(event) })
	return x.body
}

// answer makes the call that is admitted, and puts the answer into x.
func (h *Handler) answer(ctx context.Context, x *exchange, admit func() (core.Call, error)) {
	defer func() {
		if p := recover(); p != nil {
			core.LogPanic(ctx, h.logger(), p, slog.String("trigger", x.origin.Trigger), slog.String("request_id", x.origin.RequestID))
			x.fail(errPanic)
		}
	}()
	call, err := admit()
	if err != nil {
		h.logRefusal(ctx, x, err)
		x.fail(err)
		return
	}
	answer, err := h.Verifier.Verify(ctx, call)
	if err != nil {
		x.fail(err)
		return
	}
	x.succeed(answer)
}

// exchange is one request and the answer to it.
type exchange struct {
	origin      Origin
	namesAction bool   // the caller is one of Tencent's clients
	challenge   string // for WWW-Authenticate

	status int
	header http.Header
	body   []byte
}

func newExchange(ctx context.Context) *exchange {
	return &exchange{origin: originOf(ctx), header: http.Header{}}
}

// admit turns a request into a call, or says why not.
func (h *Handler) admit(x *exchange, w http.ResponseWriter, r *http.Request) (core.Call, error) {
	form, err := formOf(r)
	if err != nil {
		return core.Call{}, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return core.Call{}, err
	}
	// The parameters are read first, since the Action among them decides how a
	// failure to authenticate is told; but that failure goes before one of theirs.
	request, common, malformed := form.decode(r, body)
	x.namesAction = x.namesAction || common["Action"] != "" || malformed != nil && form.namesAction(body)
	auth := h.Auth
	if auth == nil {
		auth = Nobody{Hint: "no Authenticator is set"}
	}
	x.challenge = auth.Challenge()
	caller, err := auth.Authenticate(r, body)
	if err != nil {
		return core.Call{}, err
	}
	if malformed != nil {
		return core.Call{}, malformed
	}
	if err := checkAction(r, common); err != nil {
		return core.Call{}, err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return core.Call{}, err
	}
	return x.call(request, key, caller), nil
}

// admitDirect is admit for an event that is the request itself.
func (x *exchange) admitDirect(event []byte) (core.Call, error) {
	request, id, err := core.DecodeMessage(event)
	return x.call(request, core.Private(id), x.origin.Caller), err
}

func (x *exchange) call(r core.Request, key core.Private, caller string) core.Call {
	return core.Call{Request: r, Key: key, Caller: caller, Trigger: x.origin.Trigger, ID: x.origin.RequestID}
}

// readBody reads all of a body that is not too large.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, core.MaxRequest))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, invalid("InvalidParameter", "The body could not be read to its end.")
	}
	return body, nil
}

// header returns the value of a header, "" if there is none. One that is there twice
// is joined with commas, as some gateways do before it gets here.
func header(r *http.Request, name string) string {
	return strings.Join(r.Header.Values(name), ",")
}

// idempotencyKey returns the Idempotency-Key of a request, "" if it has none. A comma
// in it would be two keys.
func idempotencyKey(r *http.Request) (core.Private, error) {
	if len(r.Header.Values("Idempotency-Key")) == 0 {
		return "", nil
	}
	key := header(r, "Idempotency-Key")
	ok := key != "" && len(key) <= maxIdempotencyKey
	for _, c := range []byte(key) {
		ok = ok && c > ' ' && c <= '~' && c != ','
	}
	if !ok {
		return "", invalid("InvalidParameterValue", "Idempotency-Key must be one text of 1 to 255 visible ASCII characters without commas.")
	}
	return core.Private(key), nil
}
