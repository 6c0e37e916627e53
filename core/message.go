package core

import (
	"strings"
	"unicode"
)

// maxID is the longest Id of a message, in bytes.
const maxID = 255

// DecodeMessage reads a request that comes without HTTP, as an event or a message: the
// JSON of [DecodeJSON], with an Id beside its parameters where the sender has a name for
// what is to be charged once for. The Id is shown to those who get the answer, so that it
// may not hold what the request says of the person.
func DecodeMessage(data []byte) (r Request, id string, err error) {
	r, also, err := DecodeJSON(data, "Id")
	if err != nil {
		return Request{}, "", err
	}
	if err := CheckAction(also["Action"], also["Version"]); err != nil {
		return Request{}, "", err
	}
	id = also["Id"]
	if err := r.validateID(id); err != nil {
		return Request{}, "", err
	}
	return r, id, nil
}

func (r Request) validateID(id string) error {
	switch {
	case len(id) > maxID:
		return invalid("InvalidParameterValue", "Id is longer than 255 bytes.")
	case strings.ContainsFunc(id, unicode.IsControl):
		return invalid("InvalidParameterValue", "Id has a control character.")
	case r.IsRepeatedIn(id):
		return invalid("InvalidParameterValue", "Id repeats a parameter. It is shown with the answer, so that it must not name the person.")
	}
	return nil
}

// CheckAction refuses a request that names another API than PhoneVerification of version
// 2018-03-01. It need not name any.
func CheckAction(action, version string) error {
	if action != "" && action != "PhoneVerification" {
		return invalid("InvalidAction", "The Action must be PhoneVerification.")
	}
	if version != "" && version != "2018-03-01" {
		return invalid("NoSuchVersion", "The Version must be 2018-03-01.")
	}
	return nil
}
