// Package credential finds the keys that requests to Tencent Cloud are signed with.
// Each type here gives them by a method Keys, as package faceid asks for it.
//
// What needs the AWS SDK is in folders of its own, so that a binary without AWS does
// not carry it: webidentity and secretsmanager, both over a [Cache].
package credential

import (
	"context"
	"os"

	"phoneverify/core"
)

// Static is one pair of keys that lasts.
type Static struct {
	SecretID  string
	SecretKey core.Private
}

// Keys returns the pair.
func (s Static) Keys(context.Context) (string, core.Private, core.Private, error) {
	return s.SecretID, s.SecretKey, "", nil
}

// Env reads TENCENTCLOUD_SECRETID, TENCENTCLOUD_SECRETKEY and, for temporary keys,
// TENCENTCLOUD_SESSIONTOKEN each time it is asked: these are the names under which SCF
// gives a function its role's keys, and renews them.
type Env struct {
	// Invocation returns the environment that came with the invocation of ctx, nil
	// if none did. Where it holds keys they go before the process's own: the three
	// are taken from one of the two, never mixed. A nil func is one of no invocation.
	Invocation func(ctx context.Context) map[string]string
}

// Keys returns the three, or an error of Kind Rejected that names what is not set.
func (e Env) Keys(ctx context.Context) (string, core.Private, core.Private, error) {
	get := os.Getenv
	if e.Invocation != nil {
		if own := e.Invocation(ctx); own["TENCENTCLOUD_SECRETID"] != "" {
			get = func(name string) string { return own[name] }
		}
	}
	id, key := get("TENCENTCLOUD_SECRETID"), get("TENCENTCLOUD_SECRETKEY")
	if id == "" || key == "" {
		return "", "", "", &core.Error{Kind: core.Rejected, Code: "UnauthorizedOperation",
			Message: "The function has no credentials: TENCENTCLOUD_SECRETID and TENCENTCLOUD_SECRETKEY are not both set."}
	}
	return id, core.Private(key), core.Private(get("TENCENTCLOUD_SESSIONTOKEN")), nil
}
