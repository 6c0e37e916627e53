package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// answer is the API's envelope.
type answer struct {
	Response *struct {
		Outcome  string
		Billed   bool
		Replayed bool
		Error    *struct{ Code string }
	}
}

// meaning is one sentence on an answer, and whether it is a verdict.
func meaning(status int, body []byte) (sentence string, verdict bool) {
	var a answer
	if json.Unmarshal(body, &a) != nil || a.Response == nil {
		return ofGateway(status), false
	}
	if a.Response.Error != nil {
		return ofError(a.Response.Error.Code), false
	}
	if a.Response.Outcome == "" {
		return "It answers as FaceID does, but it is not this function: it tells no Outcome.", false
	}
	charge := "at no charge"
	if a.Response.Billed {
		charge = "charged once"
	}
	if a.Response.Replayed {
		charge = "charged before"
	}
	return fmt.Sprintf("It works: FaceID's verdict on the specification's example is %q, %s.", a.Response.Outcome, charge), true
}

// ofGateway is what an answer means that is not of the API's form: the function did not give it.
func ofGateway(status int) string {
	switch status {
	case 401:
		return "The gateway does not know the caller: the token or the signature is missing, expired or wrong."
	case 403:
		return "The gateway refuses the caller: the keys are wrong, or their policy does not allow this call."
	case 404:
		return "Nothing is at this address: the URL is that of the stack's output, with its path."
	case 429:
		return "The gateway is asked too often, or the function has no instance free."
	case 500, 502, 503, 504:
		return "The function failed before it could answer: its log says why, and its settings are the likeliest cause."
	}
	return "This is no answer of this function's: is the address right?"
}

// ofError is what an error of the API's means, by the beginning of its code; the first that
// fits counts.
func ofError(code string) string {
	for _, e := range errorMeanings {
		if strings.HasPrefix(code, e.prefix) {
			return e.sentence
		}
	}
	return "The function refuses the request: see the code."
}

var errorMeanings = []struct{ prefix, sentence string }{
	{"AuthFailure.UnauthorizedOperation", "The function lets nobody in yet: set PHONEVERIFY_CALLER_AUTH, or give the gateway an authorizer."},
	{"AuthFailure", "The function does not know the caller: the token, or the key that it was signed with, is not among PHONEVERIFY_CALLER_KEYS."},
	{"FailedOperation.OutcomeUnknown", "It was sent and FaceID's answer was lost, so that it is perhaps charged: look for the request in FaceID's console."},
	{"UnauthorizedOperation", "The function works, but Tencent Cloud refuses the account: FaceID is not activated, or there are arrears, or the role may not name/faceid:PhoneVerification."},
	{"FailedOperation.StsUnAuthErrError", "The function works, but Tencent Cloud refuses its keys: is the role right?"},
	{"RequestLimitExceeded", "The function works, but the quota of 20 requests a second is full: try again."},
	{"ResourceInUse", "Another call is at it: try again."},
	{"ServiceUnavailable", "The function works, but FaceID, the ledger or the keys can't be had: its log says which."},
	{"InternalError", "Something failed that should not: the function's log says what."},
}
