// Package credential finds the keys that requests to Tencent Cloud are signed with.
// Each type here gives them by a method Keys, as package faceid asks for it.
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
// TENCENTCLOUD_SESSIONTOKEN from the process's environment, each time it is asked:
// these are the names under which SCF gives a function its role's keys, and renews
// them.
type Env struct{}

// Keys returns the three, or an error of Kind Rejected that names what is not set.
func (Env) Keys(context.Context) (string, core.Private, core.Private, error) {
	id, key := os.Getenv("TENCENTCLOUD_SECRETID"), os.Getenv("TENCENTCLOUD_SECRETKEY")
	if id == "" || key == "" {
		return "", "", "", &core.Error{Kind: core.Rejected, Code: "UnauthorizedOperation",
			Message: "The function has no credentials: TENCENTCLOUD_SECRETID and TENCENTCLOUD_SECRETKEY are not both set."}
	}
	return id, core.Private(key), core.Private(os.Getenv("TENCENTCLOUD_SESSIONTOKEN")), nil
}
