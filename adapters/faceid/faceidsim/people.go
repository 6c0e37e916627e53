package faceidsim

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// verdict is what the API found.
type verdict struct {
	result string
	isp    string
}

// person is what the carriers know of a number.
type person struct {
	idCard string
	names  []string
	isp    string
}

// people are those the simulator knows, by phone. The first is the specification's
// example, the second its neighbour, of whom its second example would be true.
var people = map[string]person{
	"16137688175": {"11204416541220243X", []string{"Wei Xiaobao", "韦小宝"}, "Telecom"},
	"16137688176": {"110101199003070134", []string{"Shuang Er", "双儿"}, "China Unicom"},
}

// magicResults and magicFaults are answered for a phone whoever asks.
var (
	magicResults = map[string]string{
		"16100000000": "0",
		"16100000004": "-4",
		"16100000005": "-5",
		"16100000006": "-6",
		"16100000007": "-7",
		"16100000008": "-8",
		"16100000009": "-9",
		"16100000011": "-11",
		"16100000012": "-12",
		"16100000013": "-13",
	}
	magicFaults = map[string]*fault{
		"16100000101": {"FailedOperation.DecryptSystemError", "Decryption failed."},
		"16100000102": {"FailedOperation.StsUnAuthErrError", "STS unauthorized."},
		"16100000103": {"FailedOperation.UnKnown", "Unknown internal error."},
		"16100000104": {"InvalidParameter", "Invalid parameter."},
		"16100000105": {"InvalidParameter.UnsupportEncryptField", "Unencrypted fields exist."},
		"16100000106": {"InvalidParameterValue", "Incorrect parameter value."},
		"16100000107": {"UnauthorizedOperation.Arrears", "The account is in arrears."},
		"16100000108": {"UnauthorizedOperation.ChargeStatusException", "The billing status is abnormal."},
		"16100000109": {"UnauthorizedOperation.NonAuthorize", "Identity verification has not been completed for the account."},
		"16100000110": {"UnauthorizedOperation.Nonactivated", "The service has not been activated."},
	}
)

var descriptions = map[string]string{
	"0":   "Authentication passed",
	"-4":  "Information inconsistency",
	"-5":  "Information inconsistency",
	"-6":  "Invalid phone number",
	"-7":  "Identity number error",
	"-8":  "Name verification failed",
	"-9":  "No records",
	"-11": "The Verification Center Service is busy",
	"-12": "Authentication attempts exceeded the daily limit",
	"-13": "The number range is unsupported for verification",
}

// charged are the results that cost money.
var charged = map[string]bool{"0": true, "-4": true, "-5": true}

// verify does the business of a request: required parameters, what is scripted,
// decryption, and what is known of the phone.
func (s *Simulator) verify(p parameters, t Trouble) (*verdict, *fault) {
	if bad := checkRequired(p); bad != nil {
		return nil, bad
	}
	if t.Code != "" {
		return nil, &fault{t.Code, "Scripted."}
	}
	if t.Result != "" {
		return &verdict{t.Result, "mobile"}, nil
	}
	plain, bad := decrypt(p)
	if bad != nil {
		return nil, bad
	}
	phone := plain.get("Phone")
	switch {
	case magicFaults[phone] != nil:
		return nil, magicFaults[phone]
	case magicResults[phone] != "":
		return &verdict{magicResults[phone], "mobile"}, nil
	case phone == busyTwice:
		return &verdict{s.busyThenMatch(), "mobile"}, nil
	}
	return lookUp(plain), nil
}

var (
	phoneForm  = regexp.MustCompile(`^1[0-9]{10}$`)
	idCardForm = regexp.MustCompile(`^[0-9]{17}[0-9Xx]$`)
)

// lookUp compares a person with what is known of their phone.
func lookUp(p parameters) *verdict {
	phone, idCard, name := p.get("Phone"), p.get("IdCard"), p.get("Name")
	switch {
	case !phoneForm.MatchString(phone):
		return &verdict{result: "-6"}
	case !idCardForm.MatchString(idCard):
		return &verdict{result: "-7"}
	case strings.ContainsFunc(name, unicode.IsDigit):
		return &verdict{result: "-8"}
	}
	known, ok := people[phone]
	switch {
	case !ok:
		return &verdict{result: "-9"}
	case known.idCard == idCard && slices.Contains(known.names, name):
		return &verdict{"0", known.isp}
	}
	return &verdict{"-4", known.isp}
}
