// Package app reads the settings and wires the parts together. Nothing else knows
// both.
package app

import (
	"log/slog"
	"net/http"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid"
	"phoneverify/adapters/httpapi"
	"phoneverify/adapters/queue"
	"phoneverify/core"
)

// App is the function, wired.
type App struct {
	Verifier *core.Verifier
	HTTP     *httpapi.Handler
	Queue    *queue.Handler // nil if the settings do not say where results go
}

// Options are what a program brings that is not a setting. The zero value is that of
// a function in its cloud.
type Options struct {
	Log         *slog.Logger
	Credentials faceid.Credentials // nil: as the settings say
	Transport   http.RoundTripper  // to FaceID; nil: the network
	Sink        queue.Sink         // nil: as the settings say
}

// New wires a function. It connects to nothing yet.
func New(s Settings, o Options) *App {
	if o.Credentials == nil {
		o.Credentials = credential.Env{}
	}
	verifier := &core.Verifier{
		Upstream: faceid.New(faceid.Config{
			Endpoint:    s.FaceIDEndpoint,
			Region:      s.Region,
			Language:    s.Language,
			Credentials: o.Credentials,
			Transport:   o.Transport,
		}),
		Ledger:  s.ledger,
		Limiter: s.limiter,
		Policy: core.Policy{
			Secret:         s.FingerprintKey,
			AttemptTimeout: s.AttemptTimeout,
			DedupeWindow:   s.DedupeWindow,
			LedgerTTL:      s.LedgerTTL,
			ResendUnknown:  s.UnknownOutcome == "retry",
		},
		Log: o.Log,
	}
	a := &App{
		Verifier: verifier,
		HTTP:     &httpapi.Handler{Verifier: verifier, Auth: s.Auth, Log: o.Log},
	}
	if o.Sink == nil {
		o.Sink = s.sink
	}
	if o.Sink != nil {
		a.Queue = &queue.Handler{Verifier: verifier, Sink: o.Sink, Log: o.Log}
		if s.Store == inMemory && o.Log != nil {
			o.Log.Warn(Prefix + "STORE is memory: a message that is delivered again to another instance is charged again")
		}
	}
	return a
}
