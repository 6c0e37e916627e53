package core_test

import (
	"errors"
	"strings"
	"testing"

	"phoneverify/core"
)

// example is the specification's own.
var example = core.Request{IdCard: "11204416541220243X", Name: "Wei Xiaobao", Phone: "16137688175"}

func TestValidate(t *testing.T) {
	with := func(change func(*core.Request)) core.Request {
		r := example
		change(&r)
		return r
	}
	encrypted := func(list ...string) core.Request {
		return with(func(r *core.Request) { r.CiphertextBlob, r.Iv, r.EncryptList = "a-k-b", "aabbccddeeffgghh", list })
	}
	for name, c := range map[string]struct {
		request core.Request
		code    string // "" for a valid one
		names   string // what the message names
	}{
		"the example":          {example, "", ""},
		"no check of numbers":  {with(func(r *core.Request) { r.IdCard, r.Phone = "x", "+86 no number" }), "", ""},
		"4096 bytes":           {with(func(r *core.Request) { r.Name = core.Private(strings.Repeat("n", 4096)) }), "", ""},
		"all encrypted":        {encrypted("Name", "IdCard", "Phone"), "", ""},
		"a blob without list":  {encrypted(), "", ""},
		"no IdCard":            {with(func(r *core.Request) { r.IdCard = "" }), "MissingParameter", "IdCard"},
		"no Name":              {with(func(r *core.Request) { r.Name = "" }), "MissingParameter", "Name"},
		"no Phone":             {with(func(r *core.Request) { r.Phone = "" }), "MissingParameter", "Phone"},
		"4097 bytes":           {with(func(r *core.Request) { r.Name = core.Private(strings.Repeat("n", 4097)) }), "InvalidParameterValue", "Name"},
		"a long blob":          {with(func(r *core.Request) { r.CiphertextBlob = core.Private(strings.Repeat("n", 4097)) }), "InvalidParameterValue", "CiphertextBlob"},
		"not UTF-8":            {with(func(r *core.Request) { r.Name = "Wei \xff" }), "InvalidParameterValue", "Name"},
		"a newline":            {with(func(r *core.Request) { r.Phone = "1613768\n8175" }), "InvalidParameterValue", "Phone"},
		"a NUL":                {with(func(r *core.Request) { r.IdCard = "1\x00" }), "InvalidParameterValue", "IdCard"},
		"DEL":                  {with(func(r *core.Request) { r.IdCard = "1\x7f" }), "InvalidParameterValue", "IdCard"},
		"a C1 control":         {with(func(r *core.Request) { r.Iv = "1\u0085" }), "InvalidParameterValue", "Iv"},
		"a stranger encrypted": {encrypted("Name", "Isp"), "InvalidParameterValue", "EncryptList"},
		"one encrypted twice":  {encrypted("Name", "Name"), "InvalidParameterValue", "EncryptList"},
		"no blob":              {with(func(r *core.Request) { r.EncryptList, r.Iv = []string{"Name"}, "i" }), "MissingParameter", "CiphertextBlob"},
		"no vector":            {with(func(r *core.Request) { r.EncryptList, r.CiphertextBlob = []string{"Name"}, "b" }), "MissingParameter", "Iv"},
	} {
		t.Run(name, func(t *testing.T) { wantInvalid(t, c.request.Validate(), c.code, c.names) })
	}
}

// wantInvalid checks for an error of Kind Invalid with a code, whose message names a
// parameter; a code of "" is for none.
func wantInvalid(t *testing.T, err error, code, names string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
		return
	}
	e, ok := errors.AsType[*core.Error](err)
	if !ok || !errors.Is(err, core.Invalid) || e.Code != code || !strings.Contains(e.Message, names) {
		t.Errorf("got %v, want an invalid %s that names %s", err, code, names)
	}
}
