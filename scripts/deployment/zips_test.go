package deployment_test

import (
	"archive/zip"
	"context"
	"debug/buildinfo"
	"debug/elf"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"phoneverify/functions/platform"
)

// unzip takes the one file out of a zip of $DIST, which scripts/build wrote, and returns where
// it put it, with the mode that the zip gives it.
func unzip(t *testing.T, name, holds string) string {
	t.Helper()
	dist := os.Getenv("DIST")
	if dist == "" {
		t.Skip("DIST is not set; scripts/check sets it to what scripts/build wrote")
	}
	archive, err := zip.OpenReader(filepath.Join(dist, name))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != 1 || archive.File[0].Name != holds || archive.File[0].Mode() != 0o755 {
		t.Fatalf("%s holds %v", name, archive.File)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, archive); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, holds)
	if err := os.Chmod(file, archive.File[0].Mode()); err != nil { // CopyFS adds to it
		t.Fatal(err)
	}
	return file
}

// What is in the zips was built as a release is, for its cloud's machines.
func TestZipsHoldReleases(t *testing.T) {
	for name, c := range map[string]struct {
		holds    string
		machine  elf.Machine
		function string
	}{
		"lambda.zip": {"bootstrap", elf.EM_AARCH64, "lambda"},
		"scf.zip":    {"main", elf.EM_X86_64, "scf"},
	} {
		file := unzip(t, name, c.holds)
		binary, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer binary.Close()
		if binary.Machine != c.machine || binary.Section(".interp") != nil {
			t.Errorf("%s: for %v, or not static", name, binary.Machine)
		}
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, s := range info.Settings {
			got[s.Key] = s.Value
		}
		tags := "lambda.norpc," + strings.Join(tagsOf(t, c.function), ",")
		if got["CGO_ENABLED"] != "0" || got["-trimpath"] != "true" || got["-tags"] != tags || got["vcs.revision"] != "" {
			t.Errorf("%s was built with %v", name, got)
		}
	}
}

// The zip for Lambda, built for this machine instead of arm64, under a Runtime API server.
func TestLambdaZipStarts(t *testing.T) {
	file := unzip(t, "host/lambda.zip", "bootstrap")
	l, err := platform.StartLambda(file, "PHONEVERIFY_CREDENTIALS=env", "PHONEVERIFY_CALLER_AUTH=platform")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := l.Invoke(ctx, []byte(`{"IdCard":"","Name":"n","Phone":"1"}`), time.Now().Add(10*time.Second))
	if err != nil || !strings.Contains(string(r.Payload), `"MissingParameter"`) {
		t.Errorf("got %s %s, %v", r.Payload, r.Failure, err)
	}
}

// The zip for SCF, over net/rpc.
func TestSCFZipStarts(t *testing.T) {
	file := unzip(t, "scf.zip", "main")
	if runtime.GOARCH != "amd64" {
		t.Skip("it is for amd64")
	}
	s, err := platform.StartSCF(file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Invoke(t.Context(), []byte(`{"IdCard":"","Name":"n","Phone":"1"}`), time.Now().Add(10*time.Second),
		map[string]string{"PHONEVERIFY_CALLER_AUTH": "platform"})
	if err != nil || !strings.Contains(string(r.Payload), `"MissingParameter"`) {
		t.Errorf("got %s %s, %v", r.Payload, r.Failure, err)
	}
}
