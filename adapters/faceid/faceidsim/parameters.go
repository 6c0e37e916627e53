package faceidsim

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"phoneverify/core"
)

const (
	action  = "PhoneVerification"
	version = "2018-03-01"

	maxQuery = 32 << 10
)

// parameters are those of one request, by name; only EncryptList may have several.
type parameters map[string][]string

func (p parameters) get(name string) string {
	if len(p[name]) == 0 {
		return ""
	}
	return p[name][0]
}

func (p parameters) request() core.Request {
	return core.Request{
		IdCard:         core.Private(p.get("IdCard")),
		Name:           core.Private(p.get("Name")),
		Phone:          core.Private(p.get("Phone")),
		CiphertextBlob: core.Private(p.get("CiphertextBlob")),
		EncryptList:    p["EncryptList"],
		Iv:             core.Private(p.get("Iv")),
	}
}

// What a request may hold: the API's own parameters, and the common ones, which come
// as headers with TC3 and as parameters with v1.
var (
	own    = []string{"IdCard", "Name", "Phone", "CiphertextBlob", "EncryptList", "Iv"}
	common = []string{"Action", "Version", "Region", "Timestamp", "Nonce", "SecretId", "Signature",
		"SignatureMethod", "Token", "Language", "RequestClient"}
)

// readParameters reads the parameters of a GET, a POST form or POST JSON.
func readParameters(r *http.Request, body []byte) (parameters, *fault) {
	var params parameters
	var bad *fault
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method == http.MethodGet && len(r.URL.RawQuery) > maxQuery:
		return nil, &fault{"RequestSizeLimitExceeded", "The query is larger than 32 KB."}
	case r.Method == http.MethodGet:
		params, bad = readForm(r.URL.RawQuery)
	case r.Method != http.MethodPost:
		return nil, &fault{"UnsupportedProtocol", "Only GET and POST are supported."}
	case contentType == "application/json":
		params, bad = readJSON(body)
	case contentType == "application/x-www-form-urlencoded":
		params, bad = readForm(string(body))
	default:
		return nil, &fault{"InvalidRequest", "The Content-Type is not supported."}
	}
	for name := range params {
		if !slices.Contains(own, name) && !slices.Contains(common, name) {
			return nil, &fault{"UnknownParameter", "The request has a parameter that is not recognized."}
		}
	}
	return params, bad
}

func readForm(text string) (parameters, *fault) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, &fault{"InvalidParameter", "The parameters can't be parsed."}
	}
	params := parameters{}
	list := map[int]string{}
	for name, value := range values {
		if index, ok := strings.CutPrefix(name, "EncryptList."); ok {
			n, err := strconv.Atoi(index)
			if err != nil {
				return nil, &fault{"InvalidParameter", "EncryptList.N is not numbered."}
			}
			list[n] = value[0]
			continue
		}
		params[name] = value[:1]
	}
	for n := range len(list) {
		params["EncryptList"] = append(params["EncryptList"], list[n])
	}
	return params, nil
}

func readJSON(body []byte) (parameters, *fault) {
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, &fault{"InvalidParameter", "The body is not a JSON object."}
	}
	params := parameters{}
	for name, member := range members {
		values, ok := texts(name, member)
		if !ok {
			return nil, &fault{"InvalidParameter", "A parameter has the wrong type."}
		}
		params[name] = values
	}
	return params, nil
}

// texts returns the strings that a member of a JSON body holds.
func texts(name string, member any) ([]string, bool) {
	if name != "EncryptList" {
		text, ok := member.(string)
		return []string{text}, ok
	}
	list, ok := member.([]any)
	values := make([]string, len(list))
	for i := range list {
		var isText bool
		values[i], isText = list[i].(string)
		ok = ok && isText
	}
	return values, ok
}

// checkAction checks the common parameters that name the API.
func checkAction(r *http.Request, p parameters) *fault {
	for _, c := range []struct{ name, want, code string }{
		{"Action", action, "InvalidAction"},
		{"Version", version, "NoSuchVersion"},
	} {
		got := r.Header.Get("X-TC-" + c.name)
		if got == "" {
			got = p.get(c.name)
		}
		if got == "" {
			return &fault{"MissingParameter", "The request is missing " + c.name + "."}
		}
		if got != c.want {
			return &fault{c.code, "The " + c.name + " is not one of this API's."}
		}
	}
	return nil
}

// checkRequired checks that the parameters which must be there are.
func checkRequired(p parameters) *fault {
	names := []string{"IdCard", "Name", "Phone"}
	if len(p["EncryptList"]) > 0 {
		names = append(names, "CiphertextBlob", "Iv")
	}
	for _, name := range names {
		if p.get(name) == "" {
			return &fault{"MissingParameter", "The request is missing " + name + "."}
		}
	}
	return nil
}
