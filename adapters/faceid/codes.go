package faceid

import (
	"strings"

	"phoneverify/core"
)

// kinds is the one table of the API's error codes: those of PhoneVerification, and
// the common ones of API 3.0. Nothing is charged for any of them.
var kinds = map[string]core.Kind{
	// PhoneVerification
	"FailedOperation.DecryptSystemError":          core.Invalid, // the caller's ciphertext
	"FailedOperation.StsUnAuthErrError":           core.Rejected,
	"FailedOperation.UnKnown":                     core.Unavailable,
	"InvalidParameter":                            core.Invalid,
	"InvalidParameter.UnsupportEncryptField":      core.Invalid,
	"InvalidParameterValue":                       core.Invalid,
	"UnauthorizedOperation.Arrears":               core.Rejected,
	"UnauthorizedOperation.ChargeStatusException": core.Rejected,
	"UnauthorizedOperation.NonAuthorize":          core.Rejected,
	"UnauthorizedOperation.Nonactivated":          core.Rejected,

	// our credentials
	"AuthFailure.InvalidAuthorization":  core.Rejected,
	"AuthFailure.InvalidSecretId":       core.Rejected,
	"AuthFailure.MFAFailure":            core.Rejected,
	"AuthFailure.SecretIdNotFound":      core.Rejected,
	"AuthFailure.SignatureExpire":       core.Rejected,
	"AuthFailure.SignatureFailure":      core.Rejected,
	"AuthFailure.TokenFailure":          core.Rejected,
	"AuthFailure.UnauthorizedOperation": core.Rejected,

	// families of codes
	"AuthFailure":           core.Rejected,
	"UnauthorizedOperation": core.Rejected,

	// throttling
	"RequestLimitExceeded":                              core.RateLimited,
	"RequestLimitExceeded.GlobalRegionUinLimitExceeded": core.RateLimited,
	"RequestLimitExceeded.IPLimitExceeded":              core.RateLimited,
	"RequestLimitExceeded.UinLimitExceeded":             core.RateLimited,
	"LimitExceeded":                                     core.RateLimited,

	// what the caller sent
	"MissingParameter":         core.Invalid,
	"UnknownParameter":         core.Invalid,
	"RequestSizeLimitExceeded": core.Invalid,

	// how we are set up to call
	"ActionOffline":        core.Rejected,
	"InvalidAction":        core.Rejected,
	"InvalidRequest":       core.Rejected,
	"IpInBlacklist":        core.Rejected,
	"IpNotInWhitelist":     core.Rejected,
	"NoSuchProduct":        core.Rejected,
	"NoSuchVersion":        core.Rejected,
	"UnsupportedOperation": core.Rejected,
	"UnsupportedProtocol":  core.Rejected,
	"UnsupportedRegion":    core.Rejected,

	// the API's own trouble, which may pass
	"FailedOperation":     core.Unavailable,
	"InternalError":       core.Unavailable,
	"ResourceUnavailable": core.Unavailable,
	"ServiceUnavailable":  core.Unavailable,
}

// kindOf returns what an error code means. One that is not in the table goes by what
// stands before its first dot; one that is wholly new is taken for a rejection, since
// nothing says that trying again would help.
func kindOf(code string) core.Kind {
	if kind, ok := kinds[code]; ok {
		return kind
	}
	family, _, _ := strings.Cut(code, ".")
	if kind, ok := kinds[family]; ok {
		return kind
	}
	return core.Rejected
}
