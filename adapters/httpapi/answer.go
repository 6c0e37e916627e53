package httpapi

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"

	"phoneverify/core"
)

// statuses is the one table from an error's kind to the status that a caller gets who
// does not name the Action.
var statuses = map[core.Kind]int{
	core.Invalid:         http.StatusBadRequest,
	core.Unauthenticated: http.StatusUnauthorized,
	core.Conflict:        http.StatusUnprocessableEntity,
	core.InProgress:      http.StatusConflict,
	core.RateLimited:     http.StatusTooManyRequests,
	core.Unavailable:     http.StatusServiceUnavailable,
	core.Rejected:        http.StatusBadGateway,
	core.Unknown:         http.StatusGatewayTimeout,
	core.Internal:        http.StatusInternalServerError,
}

// refusal is an error for which HTTP has a status of its own.
type refusal struct {
	status int
	err    *core.Error
}

func (r refusal) Error() string { return r.err.Error() }
func (r refusal) Unwrap() error { return r.err }

var (
	errMethod = refusal{http.StatusMethodNotAllowed, &core.Error{
		Kind: core.Invalid, Code: "UnsupportedProtocol",
		Message: "The method must be GET or POST."}}
	errTooLarge    = refusal{http.StatusRequestEntityTooLarge, core.AsError(core.ErrTooLarge)}
	errContentType = refusal{http.StatusUnsupportedMediaType, &core.Error{
		Kind: core.Invalid, Code: "InvalidRequest",
		Message: "The Content-Type must be application/json or application/x-www-form-urlencoded, in UTF-8 and not compressed."}}

	errPanic = errors.New("httpapi: a panic")
)

func statusOf(err error) int {
	if r, ok := errors.AsType[refusal](err); ok {
		return r.status
	}
	return statuses[core.AsError(err).Kind]
}

// envelope is the specification's.
type envelope struct {
	Response any // core.Success or core.Failure
}

func (x *exchange) succeed(a core.Answer) { x.set(http.StatusOK, a.Success()) }

func (x *exchange) fail(err error) {
	e := core.AsError(err)
	status := statusOf(err)
	if e.RetryAfter > 0 {
		x.header.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if status == http.StatusMethodNotAllowed {
		x.header.Set("Allow", "GET, POST")
	}
	if status == http.StatusUnauthorized {
		x.header.Set("WWW-Authenticate", x.challenge)
	}
	x.set(status, e.Failure(x.origin.RequestID))
}

func (x *exchange) set(status int, response any) {
	if x.namesAction {
		status = http.StatusOK
	}
	x.status = status
	x.header.Set("Content-Type", "application/json")
	x.header.Set("Cache-Control", "no-store")
	body, err := json.Marshal(envelope{response})
	if err != nil {
		panic(err) // texts and flags can always be written
	}
	x.body = append(body, '\n')
}

func (x *exchange) writeTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), x.header)
	w.WriteHeader(x.status)
	w.Write(x.body) // a caller who has gone is nobody to tell
}
