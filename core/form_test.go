package core_test

import (
	"regexp"
	"strings"
	"testing"

	"phoneverify/core"
)

// forms are the forms as regular expressions, which are plainer to read.
var forms = map[string]struct {
	is   func(string) bool
	form *regexp.Regexp
}{
	"code":       {core.IsCode, regexp.MustCompile(`^[A-Za-z]{1,64}(\.[A-Za-z]{1,64}){0,3}$`)},
	"request id": {core.IsRequestID, regexp.MustCompile(`^[0-9A-Fa-f-]{32,40}$`)},
	"result":     {core.IsResult, regexp.MustCompile(`^-?[A-Za-z0-9]{1,7}$`)},
}

func FuzzForms(f *testing.F) {
	for _, s := range []string{"", "-", ".", "0", "-13", "-12345678", "InternalError", "InvalidParameter.A.B.C", "A.B.C.D.E", "A..B", "A.", ".A", "A1",
		"a5fdb909-289f-4b4e-a0b3-2315f02ab31e", "A5FDB909289F4B4EA0B32315F02AB31E", strings.Repeat("a", 41), "g5fdb909-289f-4b4e-a0b3-2315f02ab31e",
		strings.Repeat("x", 65), "[", "`", "{", "@", "é", "a\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, c := range forms {
			if got, want := c.is(s), c.form.MatchString(s); got != want {
				t.Errorf("%q is a %s: %t, want %t", s, name, got, want)
			}
		}
	})
}
