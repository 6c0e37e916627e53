package deployment_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// tools are all that the scripts need beside those that they ask for.
var tools = []string{"bash", "base64", "cat", "cp", "dirname", "mkdir", "mktemp", "paste", "rm", "sed", "sort", "tr", "wc"}

// The scripts run in a copy of what they read, with nothing on their PATH but tools and the
// stubs that a test asks for: `stub NAME…`. A stub writes how it was called to $LOG.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"stub": func(ts *testscript.TestScript, _ bool, names []string) {
				stub, err := filepath.Abs("testdata/stub")
				ts.Check(err)
				for _, name := range names {
					ts.Check(os.Symlink(stub, filepath.Join(ts.Getenv("WORK"), "bin", name)))
				}
			},
		},
	})
}

func setup(env *testscript.Env) error {
	for _, dir := range []string{"bin", "tools", "repo"} {
		if err := os.MkdirAll(filepath.Join(env.WorkDir, dir), 0o755); err != nil {
			return err
		}
	}
	for _, name := range tools {
		path, err := exec.LookPath(name)
		if err != nil {
			return err
		}
		if err := os.Symlink(path, filepath.Join(env.WorkDir, "tools", name)); err != nil {
			return err
		}
	}
	env.Setenv("PATH", filepath.Join(env.WorkDir, "bin")+":"+filepath.Join(env.WorkDir, "tools"))
	env.Setenv("LOG", filepath.Join(env.WorkDir, "log"))
	return copyScripts(filepath.Join(env.WorkDir, "repo"))
}

// copyScripts copies the scripts, and the two files that they deploy.
func copyScripts(to string) error {
	root := os.DirFS("../..")
	names, err := fs.Glob(root, "scripts/*")
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(to, "scripts"), 0o755); err != nil {
		return err
	}
	for _, name := range append(names, "template.yaml", "serverless.yml") {
		content, err := fs.ReadFile(root, name)
		if err != nil {
			continue // a folder
		}
		if err := os.WriteFile(filepath.Join(to, name), content, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// The policies that keyless prints are JSON, the one with its issuer put in by the shell.
func TestKeylessPolicies(t *testing.T) {
	for _, args := range [][]string{{"aws", "-uin", "1", "-account", "123456789012", "-region", "eu-west-1"}, {"scf"}} {
		out, err := exec.Command("../keyless", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		policies := regexp.MustCompile(`(?s)<<POLICY\n(.*?)\nPOLICY|PolicyDocument '(.*?)'`).FindAllSubmatch(out, -1)
		if len(policies) != 2 {
			t.Errorf("%v: %d policies", args, len(policies))
		}
		for _, m := range policies {
			text := bytes.ReplaceAll(append(m[1], m[2]...), []byte("$ISSUER"), []byte("https://issuer"))
			if !json.Valid(text) {
				t.Errorf("%v: %s", args, text)
			}
		}
	}
}

// Every script says what it is for, whatever is installed.
func TestEveryScriptHasAnUsage(t *testing.T) {
	for _, name := range []string{"build", "deploy-aws", "deploy-tencent", "keyless", "smoke"} {
		cmd := exec.Command("../"+name, "-h")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "scripts/"+name) || strings.Contains(string(out), "set -euo") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
