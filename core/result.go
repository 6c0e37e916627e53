package core

import (
	"strings"
	"unicode"
)

// Outcome is a verdict in a word, stable where the API's codes are not telling.
type Outcome string

// The outcomes. OutcomeUnknown is a result code that is in no table.
const (
	Match              Outcome = "match"
	Mismatch           Outcome = "mismatch"
	InvalidPhone       Outcome = "invalid_phone"
	InvalidIDCard      Outcome = "invalid_id_card"
	InvalidName        Outcome = "invalid_name"
	NoRecord           Outcome = "no_record"
	Busy               Outcome = "busy"
	DailyLimit         Outcome = "daily_limit"
	UnsupportedSegment Outcome = "unsupported_segment"
	OutcomeUnknown     Outcome = "unknown"
)

type meaning struct {
	outcome Outcome
	billed  bool
}

// results is the one table of result codes (PhoneVerification, version 2018-03-01).
// A code that is not here was once billed (-5, in 2021): count it as money.
var results = map[string]meaning{
	"0":   {Match, true},
	"-4":  {Mismatch, true},
	"-6":  {InvalidPhone, false},
	"-7":  {InvalidIDCard, false},
	"-8":  {InvalidName, false},
	"-9":  {NoRecord, false},
	"-11": {Busy, false},
	"-12": {DailyLimit, false},
	"-13": {UnsupportedSegment, false},
}

// Verdict is the API's answer, as it came.
type Verdict struct {
	Result      string // result code, "0" for a match
	Description string // the API's text for it
	Isp         string // carrier, in whichever spelling the API chose
	RequestID   string // the API's, to be quoted to its support
}

// Outcome returns what the result code means.
func (v Verdict) Outcome() Outcome { return v.meaning().outcome }

// Billed reports whether the API charged for this verdict. A code it does not
// document counts as charged.
func (v Verdict) Billed() bool { return v.meaning().billed }

func (v Verdict) meaning() meaning {
	if m, ok := results[v.Result]; ok {
		return m
	}
	return meaning{OutcomeUnknown, true}
}

// Carrier returns the verdict's Isp folded to "mobile", "telecom", "unicom" or "";
// a short name it does not know stays as it came, and what is no name is "other". It is
// for logs and counts: callers get Isp.
func (v Verdict) Carrier() string {
	switch strings.ToLower(strings.TrimSpace(v.Isp)) {
	case "":
		return ""
	case "mobile", "china mobile", "cmcc", "移动", "中国移动":
		return "mobile"
	case "telecom", "china telecom", "ctcc", "电信", "中国电信":
		return "telecom"
	case "unicom", "china unicom", "cucc", "联通", "中国联通":
		return "unicom"
	}
	if len(v.Isp) > 32 || strings.ContainsFunc(v.Isp, func(r rune) bool { return !unicode.IsLetter(r) && r != ' ' }) {
		return "other"
	}
	return v.Isp
}

// withoutPerson returns v with no text in it that repeats a value of r: verdicts
// are stored and delivered, and what the API writes in them is not ours to vouch for.
func (v Verdict) withoutPerson(r Request) Verdict {
	for _, text := range []*string{&v.Description, &v.Isp, &v.RequestID} {
		if r.IsRepeatedIn(*text) {
			*text = redacted
		}
	}
	return v
}
