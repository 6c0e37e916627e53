package core_test

import (
	"strings"
	"testing"

	"phoneverify/core"
)

func TestOutcomes(t *testing.T) {
	for result, want := range map[string]struct {
		outcome core.Outcome
		billed  bool
	}{
		"0":    {"match", true},
		"-4":   {"mismatch", true},
		"-6":   {"invalid_phone", false},
		"-7":   {"invalid_id_card", false},
		"-8":   {"invalid_name", false},
		"-9":   {"no_record", false},
		"-11":  {"busy", false},
		"-12":  {"daily_limit", false},
		"-13":  {"unsupported_segment", false},
		"-5":   {"unknown", true}, // billed in 2021
		"-10":  {"unknown", true},
		"":     {"unknown", true},
		"new!": {"unknown", true},
	} {
		v := core.Verdict{Result: result}
		if v.Outcome() != want.outcome || v.Billed() != want.billed {
			t.Errorf("result %q: %s, billed %t; want %s, %t", result, v.Outcome(), v.Billed(), want.outcome, want.billed)
		}
	}
}

func TestCarrier(t *testing.T) {
	for want, spellings := range map[string][]string{
		"":        {"", " "},
		"mobile":  {"mobile", "Mobile", "China Mobile", "移动", "中国移动"},
		"telecom": {"telecom", "Telecom", "China Telecom", "电信"},
		"unicom":  {"cucc", "CUCC", "China Unicom", "unicom", "联通"},
		"广电":      {"广电"},
		"other":   {"16137688175", "a\nb", strings.Repeat("x", 33)},
	} {
		for _, isp := range spellings {
			if got := (core.Verdict{Isp: isp}).Carrier(); got != want {
				t.Errorf("%q is %q, want %q", isp, got, want)
			}
		}
	}
}
