package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// One file, executable, and the same bytes whenever and of whatever file with this content.
func TestZipFile(t *testing.T) {
	dir := t.TempDir()
	content := bytes.Repeat([]byte("a function\n"), 1000)
	var zips [2][]byte
	for i := range zips {
		file, out := filepath.Join(dir, "built"+string(rune('0'+i))), filepath.Join(dir, "out.zip")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := zipFile(out, "bootstrap", file); err != nil {
			t.Fatal(err)
		}
		var err error
		if zips[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(zips[0], zips[1]) {
		t.Error("two zips of the same content differ")
	}
	archive, err := zip.NewReader(bytes.NewReader(zips[0]), int64(len(zips[0])))
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode() != 0o755 {
		t.Fatalf("it holds %v", archive.File)
	}
	entry, err := archive.Open("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(entry); err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestZipFileThatIsNotThere(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.zip")
	if err := zipFile(out, "bootstrap", filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("it left a zip")
	}
}
