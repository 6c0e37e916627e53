package core_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"phoneverify/core"
)

func TestDecodeJSON(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		code  string // "" for a good one
		names string
	}{
		"the example":          {`{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`, "", ""},
		"space around":         {" \r\n\t{\n\"Name\" : \"n\"\t}\n ", "", ""},
		"escapes":              {`{"Name":"\u97e6\ud83d\ude00\\ud800\"\\"}`, "", ""},
		"all parameters":       {`{"IdCard":"a","Name":"b","Phone":"c","CiphertextBlob":"d","EncryptList":["Name","Phone"],"Iv":"e","Id":"f"}`, "", ""},
		"null is absent":       {`{"Iv":null,"EncryptList":null}`, "", ""},
		"an empty list":        {`{"EncryptList":[]}`, "", ""},
		"no body":              {"", "InvalidParameter", "no body"},
		"blank":                {" \n ", "InvalidParameter", "no body"},
		"not JSON":             {`Name=Wei`, "InvalidParameter", "JSON object"},
		"cut short":            {`{"Name":"n"`, "InvalidParameter", "JSON object"},
		"not an object":        {`["Name"]`, "InvalidParameter", "JSON object"},
		"a string":             {`"Name"`, "InvalidParameter", "JSON object"},
		"null":                 {`null`, "InvalidParameter", "JSON object"},
		"trailing data":        {`{"Name":"n"}{"Name":"m"}`, "InvalidParameter", "JSON object"},
		"a trailing comma":     {`{"Name":"n",}`, "InvalidParameter", "JSON object"},
		"another space":        {"{}\v", "InvalidParameter", "JSON object"},
		"a byte order mark":    {"\ufeff{}", "InvalidParameter", "JSON object"},
		"a number":             {`{"Phone":16137688175}`, "InvalidParameter", "Phone must be a string"},
		"a number too large":   {`{"Phone":1e999}`, "InvalidParameter", "Phone must be a string"},
		"a list of such":       {`{"EncryptList":[1e999]}`, "InvalidParameter", "EncryptList must be an array"},
		"two second halves":    {`{"Name":"\ude00\ude00"}`, "InvalidParameterValue", "Name is not valid UTF-8"},
		"a bool":               {`{"Name":true}`, "InvalidParameter", "Name must be a string"},
		"an object":            {`{"IdCard":{}}`, "InvalidParameter", "IdCard must be a string"},
		"an array":             {`{"IdCard":["1"]}`, "InvalidParameter", "IdCard must be a string"},
		"a list that is text":  {`{"EncryptList":"Name"}`, "InvalidParameter", "EncryptList must be an array"},
		"a list of numbers":    {`{"EncryptList":["Name",1]}`, "InvalidParameter", "EncryptList must be an array"},
		"a list with null":     {`{"EncryptList":[null]}`, "InvalidParameter", "EncryptList must be an array"},
		"a list of lists":      {`{"EncryptList":[["Name"]]}`, "InvalidParameter", "EncryptList must be an array"},
		"200 levels":           {`{"Name":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, "InvalidParameter", "Name must be a string"},
		"200 levels, unnamed":  {strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200), "UnknownParameter", "a is not"},
		"200 levels of arrays": {strings.Repeat("[", 200) + strings.Repeat("]", 200), "InvalidParameter", "JSON object"},
		"a name twice":         {`{"Name":"n","Phone":"1","Name":"m"}`, "InvalidParameter", "Name is given twice"},
		"a name twice, null":   {`{"Name":null,"Name":"m"}`, "InvalidParameter", "Name is given twice"},
		"a list twice":         {`{"EncryptList":[],"EncryptList":["Name"]}`, "InvalidParameter", "EncryptList is given twice"},
		"an escaped twin":      {`{"Name":"n","N\u0061me":"m"}`, "InvalidParameter", "Name is given twice"},
		"another case":         {`{"name":"n"}`, "UnknownParameter", "name is not"},
		"an unknown name":      {`{"VerifyMode":"1"}`, "UnknownParameter", "VerifyMode is not"},
		"a value for a name":   {`{"16137688175":"1"}`, "UnknownParameter", "whose name is not shown"},
		"invalid UTF-8":        {"{\"Name\":\"Wei \xff\"}", "InvalidParameterValue", "Name is not valid UTF-8"},
		"a half pair":          {`{"Name":"\ud83d"}`, "InvalidParameterValue", "Name is not valid UTF-8"},
		"a half pair and text": {`{"Name":"\ud83dx\ude00"}`, "InvalidParameterValue", "Name is not valid UTF-8"},
		"a pair turned round":  {`{"Name":"\ude00\ud83d"}`, "InvalidParameterValue", "Name is not valid UTF-8"},
		"a half pair in list":  {`{"EncryptList":["\udfff"]}`, "InvalidParameterValue", "EncryptList is not valid UTF-8"},
		"an invalid name":      {"{\"Nam\xe9\":\"n\"}", "InvalidParameter", "name of a parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := core.DecodeJSON([]byte(c.body), "Id")
			wantInvalid(t, err, c.code, c.names)
		})
	}
}

func TestDecodeJSONKeepsValues(t *testing.T) {
	body := `{"IdCard":"a","Name":"\u97e6 \ud83d\ude00 \\ud800","Phone":" 1 ","CiphertextBlob":"x-k-y\u2028","EncryptList":["Name","Phone"],"Iv":"+/=","Id":"m-1"}`
	r, also, err := core.DecodeJSON([]byte(body), "Id")
	if err != nil {
		t.Fatal(err)
	}
	if r.IdCard != "a" || r.Name != "韦 😀 \\ud800" || r.Phone != " 1 " || r.CiphertextBlob != "x-k-y\u2028" || r.Iv != "+/=" {
		t.Error("a text was changed")
	}
	if strings.Join(r.EncryptList, ",") != "Name,Phone" || also["Id"] != "m-1" || len(also) != 1 {
		t.Errorf("got list %v, also %v", r.EncryptList, also)
	}
}

func TestDecodeForm(t *testing.T) {
	for name, c := range map[string]struct {
		query string
		code  string
		names string
	}{
		"the example":      {"Action=PhoneVerification&IdCard=11204416541220243X&Name=Wei%20Xiaobao&Phone=16137688175", "", ""},
		"a list":           {"EncryptList.1=Phone&EncryptList.0=Name", "", ""},
		"a name twice":     {"Name=a&Name=b", "InvalidParameter", "Name is given twice"},
		"an unknown name":  {"VerifyMode=1", "UnknownParameter", "VerifyMode"},
		"another case":     {"phone=1", "UnknownParameter", "phone"},
		"a value alone":    {"16137688175", "UnknownParameter", "not shown"},
		"a bare list":      {"EncryptList=Name", "InvalidParameter", "EncryptList.0"},
		"a list with gaps": {"EncryptList.0=Name&EncryptList.2=Phone", "InvalidParameter", "EncryptList.N"},
		"a list from one":  {"EncryptList.1=Name", "InvalidParameter", "EncryptList.N"},
		"an item twice":    {"EncryptList.0=Name&EncryptList.0=Phone", "InvalidParameter", "EncryptList.0 is given twice"},
		"an item by word":  {"EncryptList.first=Name", "UnknownParameter", "not shown"},
		"leading zeros":    {"EncryptList.00=Name", "UnknownParameter", "EncryptList.00"},
		"a huge index":     {"EncryptList.99999999999999999999=Name", "UnknownParameter", "not shown"},
		"a minus":          {"EncryptList.-1=Name", "UnknownParameter", "not shown"},
	} {
		t.Run(name, func(t *testing.T) {
			values, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = core.DecodeForm(values, "Action")
			wantInvalid(t, err, c.code, c.names)
		})
	}
}

// Whatever DecodeJSON takes, encoding/json reads the same from, and it takes again
// what is written from it.
func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(`{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`))
	f.Add([]byte(`{"Name":"\u97e6\ud83d\ude00\\ud800\"\\","EncryptList":["Name"],"Iv":null,"Id":"x"}`))
	f.Add([]byte(`{"Name":"\ud83d","Name":1}`))
	f.Add([]byte(`{"EncryptList":[1e999]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, also, err := core.DecodeJSON(body, "Id")
		if err != nil {
			if core.AsError(err).Kind != core.Invalid {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		var plain struct {
			IdCard, Name, Phone, CiphertextBlob, Iv, Id string
			EncryptList                                 []string
		}
		if err := json.Unmarshal(body, &plain); err != nil || !utf8.Valid(body) {
			t.Fatalf("%q was taken: %v", body, err)
		}
		if string(r.IdCard) != plain.IdCard || string(r.Name) != plain.Name || string(r.Phone) != plain.Phone ||
			string(r.CiphertextBlob) != plain.CiphertextBlob || string(r.Iv) != plain.Iv || also["Id"] != plain.Id ||
			strings.Join(r.EncryptList, "\x00") != strings.Join(plain.EncryptList, "\x00") {
			t.Fatalf("%q was read differently", body)
		}
		again, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := core.DecodeJSON(again, "Id"); err != nil {
			t.Fatalf("%q is not taken again: %v", again, err)
		}
	})
}

// Whatever DecodeForm takes, it has taken whole.
func FuzzDecodeForm(f *testing.F) {
	f.Add("IdCard=11204416541220243X&Name=Wei+Xiaobao&Phone=16137688175&EncryptList.0=Name&EncryptList.1=Phone")
	f.Add("EncryptList.00=a&EncryptList.0=b&=&Name")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		r, also, err := core.DecodeForm(values, "Action")
		if err != nil {
			if core.AsError(err).Kind != core.Invalid {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		taken := len(r.EncryptList) + len(also)
		for _, name := range []string{"IdCard", "Name", "Phone", "CiphertextBlob", "Iv"} {
			if values.Has(name) {
				taken++
			}
		}
		if taken != len(values) {
			t.Fatalf("%q: %d of %d parameters were taken", query, taken, len(values))
		}
	})
}
