package faceid

import (
	"strings"
	"testing"

	"phoneverify/core"
)

// The codes of the specification and the common ones, by what they mean for us.
var documented = map[core.Kind]string{
	core.Invalid: `FailedOperation.DecryptSystemError InvalidParameter InvalidParameter.UnsupportEncryptField
		InvalidParameterValue MissingParameter UnknownParameter RequestSizeLimitExceeded`,
	core.Rejected: `FailedOperation.StsUnAuthErrError UnauthorizedOperation.Arrears UnauthorizedOperation.ChargeStatusException
		UnauthorizedOperation.NonAuthorize UnauthorizedOperation.Nonactivated
		AuthFailure.InvalidAuthorization AuthFailure.InvalidSecretId AuthFailure.MFAFailure AuthFailure.SecretIdNotFound
		AuthFailure.SignatureExpire AuthFailure.SignatureFailure AuthFailure.TokenFailure AuthFailure.UnauthorizedOperation
		InvalidAction InvalidRequest NoSuchProduct NoSuchVersion ActionOffline IpInBlacklist IpNotInWhitelist
		UnsupportedRegion UnsupportedProtocol UnsupportedOperation`,
	core.RateLimited: `RequestLimitExceeded RequestLimitExceeded.GlobalRegionUinLimitExceeded
		RequestLimitExceeded.IPLimitExceeded RequestLimitExceeded.UinLimitExceeded LimitExceeded`,
	core.Unavailable: `FailedOperation.UnKnown FailedOperation InternalError ServiceUnavailable ResourceUnavailable`,
}

func TestDocumentedCodes(t *testing.T) {
	n := 0
	for want, codes := range documented {
		for code := range strings.FieldsSeq(codes) {
			n++
			if got, ok := kinds[code]; !ok || got != want {
				t.Errorf("%s is %v, want %v", code, got, want)
			}
		}
	}
	if n != 40 {
		t.Errorf("%d codes, want 40", n)
	}
}

func TestOtherCodes(t *testing.T) {
	for code, want := range map[string]core.Kind{
		"InvalidParameterValue.16137688175": core.Invalid,
		"AuthFailure.New":                   core.Rejected,
		"UnauthorizedOperation.New":         core.Rejected,
		"InvalidParameter.New":              core.Invalid,
		"InvalidParameterValue.TooLong":     core.Invalid,
		"RequestLimitExceeded.New":          core.RateLimited,
		"LimitExceeded.New":                 core.RateLimited,
		"InternalError.DBError":             core.Unavailable,
		"FailedOperation.New":               core.Unavailable,
		"ResourceUnavailable.NotExist":      core.Unavailable,
		"ResourceNotFound":                  core.Rejected,
		"SomethingNew":                      core.Rejected,
		"SomethingNew.RequestLimitExceeded": core.Rejected,
	} {
		if got := kindOf(code); got != want {
			t.Errorf("%s is %v, want %v", code, got, want)
		}
	}
}

// A failure of our own signature must not look like one of the caller's.
func TestAuthFailureIsOurs(t *testing.T) {
	e := answered("AuthFailure.SignatureFailure", "r").(*core.Error)
	if e.Kind != core.Rejected || strings.HasPrefix(e.Code, "AuthFailure") || !strings.Contains(e.Message, "AuthFailure.SignatureFailure") {
		t.Errorf("got %v", e)
	}
}
