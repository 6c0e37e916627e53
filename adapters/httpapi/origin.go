package httpapi

import (
	"context"
	"crypto/rand"
	"net/http"

	"phoneverify/core"
)

// Origin is what a platform says of a request that it hands over.
type Origin struct {
	Trigger   string // what brought it, for the log; by default "http"
	RequestID string // the platform's id of it; by default a random one
	Vouched   bool   // the platform has let the caller in
	Caller    string // whom it has let in, "" if it does not say
}

type originKey struct{}

// WithOrigin returns a context for a request of which the platform says o.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

func originOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	if o.Trigger == "" {
		o.Trigger = "http"
	}
	if o.RequestID == "" {
		o.RequestID = rand.Text()
	}
	return o
}

// Platform lets in whom the platform has let in: see [Origin].
type Platform struct{}

// Authenticate returns the Caller of the request's Origin.
func (Platform) Authenticate(r *http.Request, _ []byte) (string, error) {
	o := originOf(r.Context())
	if !o.Vouched {
		return "", errNotVouched
	}
	return o.Caller, nil
}

// Challenge is "": there is nothing that a caller could do.
func (Platform) Challenge() string { return "" }

var errNotVouched = refusal{http.StatusForbidden, &core.Error{
	Kind: core.Unauthenticated, Code: "AuthFailure.UnauthorizedOperation",
	Message: "The request does not show that the gateway has authenticated its caller."}}
