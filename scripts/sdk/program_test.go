package sdk

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build builds one of the product's programs, by its folder's name.
func build(t *testing.T, name string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", binary, "./functions/"+name)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building functions/%s: %v\n%s", name, err, out)
	}
	return binary
}

// run starts a program in this environment and no other, until the test ends.
func run(t *testing.T, program *exec.Cmd, env []string) {
	t.Helper()
	program.Env = env
	var stderr strings.Builder
	program.Stderr = &stderr
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		program.Process.Kill()
		program.Wait() // it was killed: its status says no more
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program.Path), stderr.String())
		}
	})
}

// start starts functions/local, and returns what it prints as name=value.
func start(t *testing.T, binary string, env []string, arguments ...string) map[string]string {
	t.Helper()
	local := exec.Command(binary, arguments...)
	stdout, err := local.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run(t, local, env)
	values := map[string]string{}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if !ok && values["api"] != "" {
			return values
		}
		values[name] = value
	}
	t.Fatal("functions/local did not say where its API is")
	return nil
}
