package main

import (
	"log/slog"

	"phoneverify/adapters/faceid"
	"phoneverify/functions/internal/app"
)

// build is what this binary has. What not everyone needs is added by build tags, in
// files of their own: it would make everyone's function start later.
var build = app.Build{
	Credentials: []string{"webidentity", "env"},
	Stores:      map[string]app.OpenStore{},
	Sinks:       map[string]app.OpenSink{},
}

// sources are the credentials that build tags add, by name.
var sources = map[string]func(app.Settings, *slog.Logger) faceid.Credentials{}
