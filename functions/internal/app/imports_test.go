package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// allowed are the imports between adapters: nobody else's business but theirs.
var allowed = map[string][]string{
	"adapters/awslambda":                 {"adapters/event", "adapters/httpapi", "adapters/queue"},
	"adapters/credential/secretsmanager": {"adapters/credential"},
	"adapters/credential/webidentity":    {"adapters/credential"},
	"adapters/event":                     {"adapters/queue"},
	"adapters/faceid/faceidsim":          {"adapters/tc3"},
	"adapters/httpapi":                   {"adapters/tc3"},
	"adapters/httpapi/httpapitest":       {"adapters/httpapi", "adapters/store/memory"},
	"adapters/queue/queuetest":           {"adapters/queue"},
	"adapters/sink/kafka":                {"adapters/queue"},
	"adapters/sink/lines":                {"adapters/queue"},
	"adapters/sink/sqs":                  {"adapters/queue"},
	"adapters/sink/webhook":              {"adapters/queue"},
	"adapters/tencentscf":                {"adapters/event", "adapters/httpapi", "adapters/queue"},
}

// Imports point one way: functions, adapters, core.
func TestImportsPointOneWay(t *testing.T) {
	root := os.DirFS("../../..")
	seen := 0
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		seen++
		for _, spec := range file.Imports {
			to, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), "phoneverify/")
			if ours && !mayImport(path.Dir(name), to) {
				t.Errorf("%s imports %s", name, to)
			}
		}
		return nil
	})
	if err != nil || seen < 20 {
		t.Fatal(seen, err)
	}
}

func mayImport(from, to string) bool {
	switch {
	case strings.HasPrefix(from, "functions"), strings.HasPrefix(from, "scripts"), from == "core/coretest":
		return true
	case strings.HasPrefix(from, "adapters"):
		return to == "core" || slices.Contains(allowed[from], to)
	}
	return false
}
