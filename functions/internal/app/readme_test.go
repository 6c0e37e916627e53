package app_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"phoneverify/functions/internal/app"
)

// The README's table of settings is that of the code, and every PHONEVERIFY_ name
// anywhere in it is a setting.
func TestReadmeSettings(t *testing.T) {
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| PHONEVERIFY_… |")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented [][2]string
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z_]+) \|([^|]*)\|`).FindAllStringSubmatch(table, -1) {
		documented = append(documented, [2]string{row[1], strings.TrimSpace(row[2])})
	}
	want := app.SettingNames()
	for i, one := range want {
		switch one[0] {
		case "FINGERPRINT_KEY":
			want[i][1] = "random"
		case "CREDENTIALS":
			want[i][1] = "webidentity on Lambda, else env"
		}
	}
	if !slices.Equal(documented, want) {
		t.Errorf("the README has\n%v\nthe code has\n%v", documented, want)
	}
	for _, name := range regexp.MustCompile(app.Prefix+`([A-Z_]+)`).FindAllStringSubmatch(string(text), -1) {
		if !slices.ContainsFunc(want, func(one [2]string) bool { return one[0] == name[1] }) {
			t.Errorf("the README speaks of %s", name[0])
		}
	}
}
