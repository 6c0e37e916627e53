package core

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// DecodeJSON reads a request from data, one JSON object whose members are the API's
// parameters. Beside them it may have the common parameters Action, Version, Region and
// Language, and those named in also, which are returned with their values: with an error,
// those that were read before it. A null is taken for a member that is not there.
//
// It is stricter than encoding/json where that would change what was sent or let two
// readers see two requests: no invalid UTF-8, no half of a surrogate pair, no name
// twice, no name in another case, no unknown name, nothing after the object. It does
// not check values: see [Request.Validate]. Errors are of Kind Invalid.
func DecodeJSON(data []byte, also ...string) (Request, map[string]string, error) {
	if len(data) > MaxRequest {
		return Request{}, nil, ErrTooLarge
	}
	body := bytes.Trim(data, jsonSpace)
	if len(body) == 0 {
		return Request{}, nil, invalid("InvalidParameter", "The request has no body.")
	}
	p := newParams(slices.Concat(also, commonInJSON))
	d := tokens{decoder: json.NewDecoder(bytes.NewReader(body)), data: body}
	d.decoder.UseNumber() // a number is refused, whatever its size
	if err := p.readJSON(&d); err != nil {
		return Request{}, p.extra, err
	}
	return p.request, p.extra, nil
}

var errNotObject = invalid("InvalidParameter", "The body must be one JSON object, and nothing after it.")

// commonInJSON are the common parameters of API 3.0 that a body may have. The others
// are headers', or the older signature's.
var commonInJSON = []string{"Action", "Version", "Region", "Language"}

// ErrTooLarge is what is said of a request longer than MaxRequest.
var ErrTooLarge = invalid("RequestSizeLimitExceeded", "The request is larger than 64 KB.")

func (p *params) readJSON(d *tokens) error {
	if d.next() != json.Delim('{') {
		return errNotObject
	}
	for d.decoder.More() {
		name, ok := d.next().(string)
		if !ok {
			return errNotObject
		}
		if !d.faithful() {
			return invalid("InvalidParameter", "The name of a parameter is not valid UTF-8.")
		}
		if err := p.open(name); err != nil {
			return err
		}
		if err := d.value(name, p); err != nil {
			return err
		}
	}
	if d.next() != json.Delim('}') || d.decoder.InputOffset() != int64(len(d.data)) {
		return errNotObject
	}
	return nil
}

const jsonSpace = " \t\r\n"

// tokens reads JSON, token by token.
type tokens struct {
	decoder *json.Decoder
	data    []byte
	raw     []byte // the token just read, as it was written
}

// notJSON is the token of what is no JSON. The decoder's error would quote it.
type notJSON struct{}

func (d *tokens) next() json.Token {
	began := d.decoder.InputOffset()
	token, err := d.decoder.Token()
	if err != nil {
		return notJSON{}
	}
	d.raw = bytes.TrimLeft(d.data[began:d.decoder.InputOffset()], jsonSpace+",:")
	return token
}

// value reads the value of the member name into p. It goes one level deep, which is
// all a request has: deeper nesting is refused where it begins.
func (d *tokens) value(name string, p *params) error {
	token := d.next()
	switch token {
	case nil:
		return nil
	case notJSON{}:
		return errNotObject
	}
	if name != encryptList {
		return d.text(token, name, " must be a string.", func(s string) { p.set(name, s) })
	}
	if token != json.Delim('[') {
		return invalid("InvalidParameter", "EncryptList must be an array of strings.")
	}
	for d.decoder.More() {
		err := d.text(d.next(), name, " must be an array of strings.", func(s string) {
			p.request.EncryptList = append(p.request.EncryptList, s)
		})
		if err != nil {
			return err
		}
	}
	if d.next() != json.Delim(']') {
		return errNotObject
	}
	return nil
}

// text hands over the string that the token just read is.
func (d *tokens) text(token json.Token, name, mustBe string, use func(string)) error {
	s, ok := token.(string)
	if token == (notJSON{}) {
		return errNotObject
	}
	if !ok {
		return invalid("InvalidParameter", name+mustBe)
	}
	if !d.faithful() {
		return invalid("InvalidParameterValue", name+" is not valid UTF-8.")
	}
	use(s)
	return nil
}

// faithful reports whether the string just read is what was written.
func (d *tokens) faithful() bool { return Faithful(d.raw) }

// Faithful reports whether encoding/json reads a string, given as JSON, as it was
// written: it replaces invalid UTF-8, and an escaped surrogate without its partner,
// unasked.
func Faithful(raw []byte) bool {
	if !utf8.Valid(raw) {
		return false
	}
	for len(raw) > 0 {
		if raw[0] != '\\' {
			raw = raw[1:]
			continue
		}
		first, ok := surrogate(raw)
		if !ok {
			raw = raw[min(2, len(raw)):]
			continue
		}
		second, ok := surrogate(raw[6:])
		if !ok || first >= 0xDC00 || second < 0xDC00 {
			return false
		}
		raw = raw[12:]
	}
	return true
}

// surrogate returns the surrogate that raw begins with, written \uXXXX.
func surrogate(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return rune(unit), err == nil && unit >= 0xD800 && unit <= 0xDFFF
}

// DecodeForm reads a request from a query or form: EncryptList.0, EncryptList.1 and
// so on hold the list. It is otherwise like [DecodeJSON].
func DecodeForm(values url.Values, also ...string) (Request, map[string]string, error) {
	p := newParams(also)
	if err := p.readForm(values); err != nil {
		return Request{}, p.extra, err
	}
	return p.request, p.extra, nil
}

func (p *params) readForm(values url.Values) error {
	list := map[int]string{}
	for _, name := range slices.Concat(p.also, slices.Sorted(maps.Keys(values))) {
		value, ok := values[name]
		if !ok || p.seen[name] {
			continue // not given, or read as one of also
		}
		if len(value) != 1 {
			return twice(name)
		}
		if n, ok := listIndex(name); ok {
			list[n] = value[0]
			continue
		}
		if name == encryptList {
			return invalid("InvalidParameter", "EncryptList is written EncryptList.0, EncryptList.1 and so on.")
		}
		if err := p.open(name); err != nil {
			return err
		}
		p.set(name, value[0])
	}
	for n := range len(list) {
		value, ok := list[n]
		if !ok {
			return invalid("InvalidParameter", "EncryptList.N must count from 0 without a gap.")
		}
		p.request.EncryptList = append(p.request.EncryptList, value)
	}
	return nil
}

// listIndex returns the N of EncryptList.N.
func listIndex(name string) (int, bool) {
	index, ok := strings.CutPrefix(name, encryptList+".")
	n, err := strconv.Atoi(index)
	return n, ok && err == nil && n >= 0 && strconv.Itoa(n) == index
}

const encryptList = "EncryptList"

// params collects the parameters of a request, each once.
type params struct {
	request Request
	also    []string
	extra   map[string]string
	seen    map[string]bool
}

func newParams(also []string) *params {
	return &params{also: also, extra: map[string]string{}, seen: map[string]bool{}}
}

// open checks that a parameter called name may come now.
func (p *params) open(name string) error {
	if name != encryptList && p.request.field(name) == nil && !slices.Contains(p.also, name) {
		return unknownParameter(name)
	}
	if p.seen[name] {
		return twice(name)
	}
	p.seen[name] = true
	return nil
}

func (p *params) set(name, value string) {
	if field := p.request.field(name); field != nil {
		*field = Private(value)
		return
	}
	p.extra[name] = value
}

func twice(name string) error {
	return invalid("InvalidParameter", shown(name)+" is given twice.")
}

func unknownParameter(name string) error {
	return invalid("UnknownParameter", shown(name)+" is not a parameter of PhoneVerification.")
}

// shown is a stranger's name for a parameter as far as it can be repeated: people
// put values where names belong.
func shown(name string) string {
	if isParameterName(name) {
		return name
	}
	return "A parameter whose name is not shown"
}
