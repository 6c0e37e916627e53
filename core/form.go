package core

import "strings"

// The forms of what API 3.0 answers with beside its texts. Whatever is formed otherwise
// could be anything, a person's data or a key included, and is not shown. They are
// written out, since a regular expression takes longer to compile than a function has to
// start.

// IsCode reports whether s has the form of an error code: words of letters, up to four,
// with dots between them.
func IsCode(s string) bool {
	words := strings.Split(s, ".")
	if len(words) > 4 {
		return false
	}
	for _, word := range words {
		if len(word) > 64 || !all(word, isLetter) {
			return false
		}
	}
	return true
}

// IsRequestID reports whether s has the form of a request's id: a UUID, more or less.
func IsRequestID(s string) bool {
	return len(s) >= 32 && len(s) <= 40 && all(s, func(c byte) bool {
		return c == '-' || isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f'
	})
}

// IsResult reports whether s has the form of a result code, as "0" or "-13".
func IsResult(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return len(digits) <= 7 && all(digits, func(c byte) bool { return isDigit(c) || isLetter(c) })
}

// isParameterName reports whether s can be the name of a parameter: letters, and the
// number of an item.
func isParameterName(s string) bool {
	name, item, numbered := strings.Cut(s, ".")
	return len(name) <= 32 && all(name, isLetter) && (!numbered || len(item) <= 2 && all(item, isDigit))
}

// all reports whether s is not empty and every byte of it is of a kind.
func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
