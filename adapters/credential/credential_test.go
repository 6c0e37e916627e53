package credential_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid"
	"phoneverify/core"
)

var (
	_ faceid.Credentials = credential.Static{}
	_ faceid.Credentials = credential.Env{}
	_ faceid.Credentials = (*credential.Cache)(nil)
	_ faceid.Dropper     = (*credential.Cache)(nil)
)

// three are what a source gives.
type three struct{ id, key, token string }

func ask(ctx context.Context, source faceid.Credentials) (three, error) {
	id, key, token, err := source.Keys(ctx)
	return three{id, string(key), string(token)}, err
}

// environment holds the three under their names; those that are "" are not set.
func environment(k three) map[string]string {
	e := map[string]string{}
	for name, value := range map[string]string{
		"TENCENTCLOUD_SECRETID": k.id, "TENCENTCLOUD_SECRETKEY": k.key, "TENCENTCLOUD_SESSIONTOKEN": k.token,
	} {
		if value != "" {
			e[name] = value
		}
	}
	return e
}

func setProcess(t *testing.T, k three) {
	t.Setenv("TENCENTCLOUD_SECRETID", k.id)
	t.Setenv("TENCENTCLOUD_SECRETKEY", k.key)
	t.Setenv("TENCENTCLOUD_SESSIONTOKEN", k.token)
}

func TestStatic(t *testing.T) {
	got, err := ask(t.Context(), credential.Static{SecretID: "id", SecretKey: "key"})
	if want := (three{"id", "key", ""}); got != want || err != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

// The three come from the invocation or from the process, never from both.
func TestEnv(t *testing.T) {
	process := three{"process-id", "process-key", "process-token"}
	for name, c := range map[string]struct {
		process    three
		invocation *three // nil: it has no environment
		want       three  // the zero three: an error
	}{
		"process alone":                      {process, nil, process},
		"process without token":              {three{"id", "key", ""}, nil, three{"id", "key", ""}},
		"invocation first":                   {process, &three{"i", "k", "t"}, three{"i", "k", "t"}},
		"invocation without token":           {process, &three{"i", "k", ""}, three{"i", "k", ""}},
		"invocation without key":             {process, &three{"i", "", "t"}, three{}},
		"invocation without id":              {process, &three{"", "k", "t"}, process},
		"invocation of nothing":              {process, &three{}, process},
		"invocation where the process lacks": {three{}, &three{"i", "k", "t"}, three{"i", "k", "t"}},
		"neither":                            {three{}, &three{}, three{}},
		"no id":                              {three{"", "key", "token"}, nil, three{}},
		"no key":                             {three{"id", "", "token"}, nil, three{}},
	} {
		t.Run(name, func(t *testing.T) {
			setProcess(t, c.process)
			source := credential.Env{Invocation: func(context.Context) map[string]string {
				if c.invocation == nil {
					return nil
				}
				return environment(*c.invocation)
			}}
			got, err := ask(t.Context(), source)
			if got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if c.want != (three{}) {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*core.Error](err)
			if !ok || e.Kind != core.Rejected || e.Code == "" {
				t.Fatalf("got %v, want a core.Error of Kind Rejected with a code", err)
			}
			for _, variable := range []string{"TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY"} {
				if !strings.Contains(err.Error(), variable) {
					t.Errorf("%q does not name %s", err, variable)
				}
			}
		})
	}
}

// The platform renews the keys while the process runs.
func TestEnvIsReadAnew(t *testing.T) {
	for _, want := range []three{{"1", "k1", "t1"}, {"2", "k2", "t2"}, {"3", "k3", ""}} {
		setProcess(t, want)
		if got, err := ask(t.Context(), credential.Env{}); got != want || err != nil {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
}

// Each invocation is asked for its own environment.
func TestEnvOfEachInvocation(t *testing.T) {
	setProcess(t, three{"process-id", "process-key", "process-token"})
	type invocation struct{}
	source := credential.Env{Invocation: func(ctx context.Context) map[string]string {
		e, _ := ctx.Value(invocation{}).(map[string]string)
		return e
	}}
	for _, want := range []three{{"1", "k1", "t1"}, {"2", "k2", ""}} {
		ctx := context.WithValue(t.Context(), invocation{}, environment(want))
		if got, err := ask(ctx, source); got != want || err != nil {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
}
