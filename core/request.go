package core

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxField is the longest value of one parameter, in bytes.
	MaxField = 4 << 10

	// MaxRequest is the longest request as it is written, in JSON or as a form, in bytes.
	MaxRequest = 64 << 10
)

// Request asks whether IdCard, Name and Phone belong to one person. The names are
// the API's own. Every value goes upstream byte for byte as it came.
type Request struct {
	IdCard Private // identity card number
	Name   Private // the person's name, UTF-8
	Phone  Private // mobile number

	// For callers who encrypt: the fields listed in EncryptList hold
	// ciphertext, under the data key that CiphertextBlob carries wrapped.
	CiphertextBlob Private
	EncryptList    []string // of "IdCard", "Name", "Phone"
	Iv             Private  // initial vector of CBC
}

// field returns the parameter called name, nil if there is none.
// EncryptList, the only list, is not one of them.
func (r *Request) field(name string) *Private {
	switch name {
	case "IdCard":
		return &r.IdCard
	case "Name":
		return &r.Name
	case "Phone":
		return &r.Phone
	case "CiphertextBlob":
		return &r.CiphertextBlob
	case "Iv":
		return &r.Iv
	}
	return nil
}

// The parameters of a Request that hold text. The first three are required, and
// are what EncryptList may name.
var (
	required = []string{"IdCard", "Name", "Phone"}
	optional = []string{"CiphertextBlob", "Iv"}
)

// Validate reports the first thing that keeps r from being sent: a required
// parameter that is missing, a value that is too long, is not UTF-8 or has control
// characters, an EncryptList that the other parameters do not bear out. Whether a
// number is well formed is for the API to say: it says so for free, and it accepts
// more than a local check would.
func (r Request) Validate() error {
	for _, name := range required {
		if *r.field(name) == "" {
			return invalid("MissingParameter", name+" is required.")
		}
	}
	for _, name := range slices.Concat(required, optional) {
		if err := validateText(name, string(*r.field(name))); err != nil {
			return err
		}
	}
	return r.validateEncryption()
}

func validateText(name, value string) error {
	switch {
	case len(value) > MaxField:
		return invalid("InvalidParameterValue", name+" is longer than 4096 bytes.")
	case !utf8.ValidString(value):
		return invalid("InvalidParameterValue", name+" is not valid UTF-8.")
	case strings.ContainsFunc(value, unicode.IsControl):
		return invalid("InvalidParameterValue", name+" has a control character.")
	}
	return nil
}

func (r Request) validateEncryption() error {
	if len(r.EncryptList) == 0 {
		return nil
	}
	for i, name := range r.EncryptList {
		if !slices.Contains(required, name) {
			return invalid("InvalidParameterValue", "EncryptList may name IdCard, Name and Phone only.")
		}
		if slices.Contains(r.EncryptList[:i], name) {
			return invalid("InvalidParameterValue", "EncryptList names "+name+" twice.")
		}
	}
	if r.CiphertextBlob == "" {
		return invalid("MissingParameter", "CiphertextBlob is required with EncryptList.")
	}
	if r.Iv == "" {
		return invalid("MissingParameter", "Iv is required with EncryptList.")
	}
	return nil
}

// IsRepeatedIn reports whether text holds the number, the name or the card of r. Values
// of one character say nothing about anyone and are let be.
func (r Request) IsRepeatedIn(text string) bool {
	for _, private := range []Private{r.IdCard, r.Name, r.Phone} {
		if value := string(private); utf8.RuneCountInString(value) > 1 && strings.Contains(text, value) {
			return true
		}
	}
	return false
}

// isValue reports whether text is the number, the name or the card of r.
func (r Request) isValue(text string) bool {
	return text != "" && slices.Contains([]Private{r.IdCard, r.Name, r.Phone}, Private(text))
}

// String returns a constant: nothing of a request may be shown, not even
// EncryptList, which is a stranger's text until it is validated.
func (Request) String() string { return "Request(" + redacted + ")" }

// GoString is String, for %#v.
func (r Request) GoString() string { return r.String() }

// Format writes String for every verb.
func (r Request) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.String()) }

// LogValue is String, for log/slog.
func (r Request) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText returns String. It serves encoding/json too: an adapter that sends a
// request writes it field by field.
func (r Request) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
