package credential_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	tcerr "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"

	"phoneverify/adapters/credential"
	"phoneverify/core"
)

// Of an error its code, id, address or type is shown, and nothing that could be a key.
func TestFailure(t *testing.T) {
	const id = "a5fdb909-289f-4b4e-a0b3-2315f02ab31e"
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want string
	}{
		"AWS":               {t.Context(), &smithy.GenericAPIError{Code: "AccessDenied", Message: "sesame"}, "STS answered AccessDenied, request unknown"},
		"AWS, odd code":     {t.Context(), &smithy.GenericAPIError{Code: "sesame1"}, "STS answered without a proper code, request unknown"},
		"Tencent":           {t.Context(), tcerr.NewTencentCloudSDKError("InvalidParameter.RoleArnError", "sesame", id), "STS answered InvalidParameter.RoleArnError, request " + id},
		"Tencent, odd id":   {t.Context(), tcerr.NewTencentCloudSDKError("InternalError", "", "sesame"), "STS answered InternalError, request unknown"},
		"Tencent's SDK":     {t.Context(), tcerr.NewTencentCloudSDKError("ClientError.ParseJsonError", "sesame", ""), "STS can't be reached or understood: the SDK reports ClientError.ParseJsonError"},
		"refused":           {t.Context(), tcerr.NewTencentCloudSDKErrorWithCause("ClientError.NetworkError", "sesame", "", refused), "STS can't be reached or understood: dial tcp: connection refused"},
		"another":           {t.Context(), fmt.Errorf("sesame: %w", errors.New("sesame")), "STS can't be reached or understood: an error of type *errors.errorString"},
		"context":           {ended, errors.New("sesame"), "STS did not answer: context canceled"},
		"context, answered": {ended, &smithy.GenericAPIError{Code: "AccessDenied"}, "STS did not answer: context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			got := credential.Failure(c.ctx, "STS", c.err)
			if !strings.Contains(got.Error(), c.want) || strings.Contains(got.Error(), "sesame") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			refused := strings.Contains(c.want, "answered AccessDenied") || strings.Contains(c.want, "answered InvalidParameter")
			if errors.Is(got, core.Rejected) != refused {
				t.Errorf("%v is of the kind Rejected: %t", got, !refused)
			}
			if c.ctx.Err() != nil && !errors.Is(got, context.Canceled) {
				t.Error("the error is not the context's")
			}
		})
	}
}
