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
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"phoneverify/core"
)

const (
	// MaxBody is the largest body, or query, of a request, in bytes.
	MaxBody = 64 << 10

	// MaxDuration is how long a request may take: less than gateways wait.
	MaxDuration = 25 * time.Second

	maxIdempotencyKey = 255
)

// Handler serves the API, at whatever path it is put.
type Handler struct {
	Verifier *core.Verifier
	Auth     Authenticator // nil: every caller is refused with 403
	Log      *slog.Logger  // what does not reach the Verifier, which logs the rest
}

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), MaxDuration)
	defer cancel()
	x := exchange{w: w, r: r, id: rand.Text(), namesAction: namesAction(r)}
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(ctx, &x, p)
			x.fail(core.AsError(errPanic))
		}
	}()
	call, err := h.admit(&x)
	if err != nil {
		h.logRefusal(ctx, &x, err)
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
	w           http.ResponseWriter
	r           *http.Request
	id          string // RequestId of an answer that the API gave none for
	namesAction bool   // the caller is one of Tencent's clients
	challenge   string // for WWW-Authenticate
}

// admit turns the request into a call, or says why not.
func (h *Handler) admit(x *exchange) (core.Call, error) {
	if h.Auth == nil {
		return core.Call{}, errNoAuth
	}
	x.challenge = h.Auth.Challenge()
	form, err := formOf(x.r)
	if err != nil {
		return core.Call{}, err
	}
	body, err := readBody(x.w, x.r)
	if err != nil {
		return core.Call{}, err
	}
	// The parameters are read first, since the Action among them decides how a
	// failure to authenticate is told; but that failure goes before one of theirs.
	request, common, malformed := form.decode(x.r, body)
	x.namesAction = x.namesAction || common["Action"] != ""
	caller, err := h.Auth.Authenticate(x.r, body)
	if err != nil {
		return core.Call{}, err
	}
	if malformed != nil {
		return core.Call{}, malformed
	}
	if err := checkAction(x.r, common); err != nil {
		return core.Call{}, err
	}
	key, err := idempotencyKey(x.r)
	if err != nil {
		return core.Call{}, err
	}
	return core.Call{Request: request, Key: key, Caller: caller, Trigger: "http", ID: x.id}, nil
}

// readBody reads all of a body that is not too large.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, &core.Error{Kind: core.Invalid, Code: "InvalidParameter", Message: "The body could not be read to its end."}
	}
	return body, nil
}

// idempotencyKey returns the Idempotency-Key of a request, "" if it has none.
func idempotencyKey(r *http.Request) (core.Private, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	ok := len(values) == 1 && key != "" && len(key) <= maxIdempotencyKey
	for _, c := range []byte(key) {
		ok = ok && c > ' ' && c <= '~'
	}
	if !ok {
		return "", &core.Error{Kind: core.Invalid, Code: "InvalidParameterValue",
			Message: "Idempotency-Key must be one text of 1 to 255 visible ASCII characters."}
	}
	return core.Private(key), nil
}
