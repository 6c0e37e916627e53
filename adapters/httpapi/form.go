package httpapi

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"phoneverify/core"
)

// form is the way in which a request carries its parameters.
type form string

const (
	query      form = "query"
	postedForm form = "application/x-www-form-urlencoded"
	postedJSON form = "application/json"
)

// commonParameters may stand beside the API's own in a query or form: the older signature
// needs them there.
var commonParameters = []string{"Action", "Version", "Region", "Language", "Timestamp", "Nonce",
	"SecretId", "Signature", "SignatureMethod", "Token", "RequestClient"}

// formOf tells the form of a request by its method and Content-Type.
func formOf(r *http.Request) (form, error) {
	if r.Method == http.MethodGet {
		if len(r.URL.RawQuery) > core.MaxRequest {
			return "", errTooLarge
		}
		return query, nil
	}
	if r.Method != http.MethodPost {
		return "", errMethod
	}
	mediaType, params, err := mime.ParseMediaType(header(r, "Content-Type"))
	charset := params["charset"]
	if err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") || header(r, "Content-Encoding") != "" {
		return "", errContentType
	}
	switch f := form(mediaType); f {
	case postedForm, postedJSON:
		return f, nil
	}
	return "", errContentType
}

// decode reads the parameters: the request's own, and the common ones by name.
func (f form) decode(r *http.Request, body []byte) (core.Request, map[string]string, error) {
	if f != query && r.URL.RawQuery != "" {
		return core.Request{}, nil, invalid("InvalidParameter", "A POST has its parameters in the body, and none in the query.")
	}
	switch f {
	case postedJSON:
		return core.DecodeJSON(body)
	case postedForm:
		return decodeForm(string(body), "The form")
	}
	if len(body) > 0 {
		return core.Request{}, nil, invalid("InvalidParameter", "A GET has its parameters in the query, and no body.")
	}
	return decodeForm(r.URL.RawQuery, "The query")
}

func decodeForm(text, what string) (core.Request, map[string]string, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return core.Request{}, nil, invalid("InvalidParameter", what+" is not properly encoded.")
	}
	return core.DecodeForm(values, commonParameters...)
}

// namesAction reports whether a request names the Action, as far as can be told
// before its body is read.
func namesAction(r *http.Request) bool {
	return header(r, "X-TC-Action") != "" || r.URL.Query().Get("Action") != ""
}

// namesAction reports whether a body names the Action although it can't be decoded.
func (f form) namesAction(body []byte) bool {
	var common struct{ Action string }
	return f == postedJSON && json.Unmarshal(body, &common) == nil && common.Action != ""
}

// checkAction refuses a request that names another API than this, by its headers or
// among its common parameters.
func checkAction(r *http.Request, common map[string]string) error {
	if err := core.CheckAction(header(r, "X-TC-Action"), header(r, "X-TC-Version")); err != nil {
		return err
	}
	return core.CheckAction(common["Action"], common["Version"])
}

func invalid(code, message string) error {
	return &core.Error{Kind: core.Invalid, Code: code, Message: message}
}
