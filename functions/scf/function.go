package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tencentyun/scf-go-lib/functioncontext"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/tencentscf"
	"phoneverify/functions/internal/app"
)

// build is what this binary has. What not everyone needs is added by build tags, in
// files of their own: it would make everyone's function start later.
var build = app.Build{
	Credentials: []string{"env"},
	Stores:      map[string]app.OpenStore{},
	Sinks:       map[string]app.OpenSink{},
}

// errSettings is all that leaves of settings that can't be. The log has the rest.
var errSettings = errors.New("phoneverify: the settings are wrong, and the log says which")

// function is a handler that is wired when it is first invoked: with the first
// invocation comes the environment, which is where the settings are.
type function struct {
	once    sync.Once
	handler *tencentscf.Handler
	err     error
}

// Invoke answers one event.
func (f *function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	f.once.Do(f.wire)
	if f.err != nil {
		fmt.Fprintln(os.Stderr, f.err)
		return nil, errSettings
	}
	return f.handler.Invoke(ctx, event)
}

func (f *function) wire() {
	settings, err := app.ReadSettings(os.Environ(), build)
	if err != nil {
		f.err = err
		return
	}
	log := settings.NewLogger(os.Stdout)
	app.TakeStandardLog(log)
	parts := app.New(settings, app.Options{Log: log, Credentials: credential.Env{Invocation: environment}})
	f.handler = &tencentscf.Handler{API: parts.HTTP, Queue: parts.Queue, Log: log}
}

// environment is that of an invocation: a role's renewed keys come with it.
func environment(ctx context.Context) map[string]string {
	if fc, ok := functioncontext.FromContext(ctx); ok {
		return fc.Environment
	}
	return nil
}
