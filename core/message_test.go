package core_test

import (
	"strings"
	"testing"

	"phoneverify/core"
)

// A message is a request with an Id, which may be shown.
func TestDecodeMessage(t *testing.T) {
	const person = `"IdCard":"card-1","Name":"Wei Xiaobao","Phone":"16137688175"}`
	for name, c := range map[string]struct {
		message string
		id      string
		says    string // of the error, "" for none
	}{
		"with an Id":           {`{"Id":"signup-1",` + person, "signup-1", ""},
		"without":              {`{` + person, "", ""},
		"null":                 {`{"Id":null,` + person, "", ""},
		"the longest":          {`{"Id":"` + strings.Repeat("x", 255) + `",` + person, strings.Repeat("x", 255), ""},
		"too long":             {`{"Id":"` + strings.Repeat("x", 256) + `",` + person, "", "Id is longer"},
		"a control character":  {`{"Id":"a\nb",` + person, "", "Id has a control character"},
		"the person's number":  {`{"Id":"16137688175",` + person, "", "Id repeats"},
		"their name in it":     {`{"Id":"of Wei Xiaobao",` + person, "", "Id repeats"},
		"a number":             {`{"Id":1,` + person, "", "Id must be a string"},
		"twice":                {`{"Id":"a","Id":"b",` + person, "", "Id is given twice"},
		"with the Action":      {`{"Action":"PhoneVerification","Version":"2018-03-01",` + person, "", ""},
		"with another Action":  {`{"Action":"DetectAuth",` + person, "", "Action must be"},
		"with another Version": {`{"Version":"2017-03-12",` + person, "", "Version must be"},
		"too large":            {`{"Id":"` + strings.Repeat("x", core.MaxRequest) + `",` + person, "", "larger than 64 KB"},
	} {
		r, id, err := core.DecodeMessage([]byte(c.message))
		if c.says == "" && (err != nil || id != c.id || r.Phone != "16137688175") || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || id != "") {
			t.Errorf("%s: got %q, %v", name, id, err)
		}
		if err != nil && strings.Contains(err.Error(), "1613768") {
			t.Errorf("%s: the error shows the number", name)
		}
	}
}

// What is known of a call from elsewhere is what a call for its key comes to; what the
// ledger knows itself goes before it.
func TestRemember(t *testing.T) {
	w := newWorld()
	verdict := core.Verdict{Result: "-4", Description: "d", RequestID: "earlier"}
	for key, known := range map[core.Private]*core.Verdict{"known": &verdict, "unknown": nil} {
		if err := w.Remember(t.Context(), core.Call{Request: example, Key: key}, known); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := w.Verify(t.Context(), core.Call{Request: example, Key: "known"}); err != nil || a.Verdict != verdict || !a.Replayed {
		t.Errorf("got %+v, %v", a, err)
	}
	if _, err := w.Verify(t.Context(), core.Call{Request: example, Key: "unknown"}); core.AsError(err).Kind != core.Unknown {
		t.Errorf("got %v", err)
	}
	if n := w.upstream.count(); n != 0 {
		t.Errorf("%d calls were made", n)
	}
	w.Verify(t.Context(), core.Call{Request: example, Key: "own"})
	if err := w.Remember(t.Context(), core.Call{Request: example, Key: "own"}, &verdict); err != nil {
		t.Fatal(err)
	}
	if a, _ := w.Verify(t.Context(), core.Call{Request: example, Key: "own"}); a.Result != "0" {
		t.Errorf("the ledger's own verdict became %s", a.Result)
	}
}
