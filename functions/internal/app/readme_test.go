package app_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"phoneverify/functions/internal/app"
)

// readmes are the same text in two languages.
var readmes = []string{"README.md", "README.zh-CN.md"}

func readme(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each README's table of settings is that of the code, and every PHONEVERIFY_ name
// anywhere in it is a setting.
func TestReadmeSettings(t *testing.T) {
	want := app.SettingNames()
	for i, one := range want {
		switch one[0] {
		case "FINGERPRINT_KEY":
			want[i][1] = "random"
		case "CREDENTIALS":
			want[i][1] = "webidentity on Lambda, else env"
		}
	}
	for _, name := range readmes {
		text := readme(t, name)
		_, table, _ := strings.Cut(text, "| PHONEVERIFY_… |")
		table, _, _ = strings.Cut(table, "\n\n")
		var documented [][2]string
		for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z_]+) \|([^|]*)\|`).FindAllStringSubmatch(table, -1) {
			documented = append(documented, [2]string{row[1], strings.TrimSpace(row[2])})
		}
		if !slices.Equal(documented, want) {
			t.Errorf("%s has\n%v\nthe code has\n%v", name, documented, want)
		}
		for _, one := range regexp.MustCompile(app.Prefix+`([A-Z_]+)`).FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(want, func(w [2]string) bool { return w[0] == one[1] }) {
				t.Errorf("%s speaks of %s", name, one[0])
			}
		}
	}
}

// Both languages have the same sections, tables, code and links.
func TestReadmesAgree(t *testing.T) {
	english, chinese := readme(t, readmes[0]), readme(t, readmes[1])
	for what, pattern := range map[string]string{
		"heading":       `(?m)^#+ `,
		"row of tables": `(?m)^\|`,
		"block of code": "(?ms)^```.*?^```$",
		"link":          `\]\((https?:[^)]*|[A-Za-z][^)]*)\)`,
		"code":          "`(PHONEVERIFY_[A-Z_]+|scripts/[a-z-]+|-[0-9]+|[a-z]+[A-Z][A-Za-z.]+)`",
	} {
		find := func(text string) []string {
			if what != "block of code" {
				text = regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
			}
			if what == "link" {
				text = strings.Replace(strings.Replace(text, "README.zh-CN.md", "OTHER", 1), "(README.md)", "(OTHER)", 1)
			}
			found := regexp.MustCompile(pattern).FindAllString(text, -1)
			if what == "code" {
				slices.Sort(found)
			}
			return found
		}
		a, b := find(english), find(chinese)
		for i := range max(len(a), len(b)) {
			if i >= len(a) || i >= len(b) || a[i] != b[i] {
				t.Errorf("%s %d differs: %q, %q", what, i, a[min(i, len(a)-1)], b[min(i, len(b)-1)])
				break
			}
		}
	}
}

// What a README points to in the tree is there.
func TestReadmeLinks(t *testing.T) {
	for _, name := range append(readmes, "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") {
		text := readme(t, name)
		for _, link := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(text, -1) {
			file, section, _ := strings.Cut(link[1], "#")
			if strings.Contains(file, ":") {
				continue
			}
			in := text
			if file != "" {
				if _, err := os.Stat("../../../" + file); err != nil {
					t.Errorf("%s points to %s", name, link[1])
					continue
				}
				if section != "" {
					in = readme(t, file)
				}
			}
			if section != "" && !slices.Contains(anchors(in), section) {
				t.Errorf("%s points to %s, and there is no such section", name, link[1])
			}
		}
	}
}

// anchors are the names by which a text's sections can be pointed to.
func anchors(text string) (names []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(plain, " ", "-"))
	}
	return names
}
