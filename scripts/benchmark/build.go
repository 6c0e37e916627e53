package main

import (
	"archive/zip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// The names of the programs, as the table has them.
const (
	product = "functions/lambda"
	bare    = "bare handler"
	plain   = "plain SDK handler"
)

// buildAll builds the programs into dir, each as functions/lambda is released but for
// the architecture, which is this machine's.
func buildAll(dir string, up *upstream) ([]*program, error) {
	keys := []string{"TENCENTCLOUD_SECRETID=AKIDbenchmark", "TENCENTCLOUD_SECRETKEY=benchmark"}
	programs := []*program{
		{name: product, source: "./functions/lambda", callsUpstream: true, env: append(keys,
			"PHONEVERIFY_CREDENTIALS=env",
			"PHONEVERIFY_FACEID_ENDPOINT=http://"+up.address,
			// The most there is: a slot every 1.03 ms. The pause before each
			// invocation is longer, so that nothing waits for a slot.
			"PHONEVERIFY_RATE_LIMIT=1000")},
		{name: bare, source: "./scripts/benchmark/bare"},
		{name: plain, source: "./scripts/benchmark/plain", callsUpstream: true, env: append(keys,
			"FACEID="+up.address)},
	}
	for i, p := range programs {
		p.binary = filepath.Join(dir, fmt.Sprint("bootstrap", i))
		if err := build(p.source, p.binary); err != nil {
			return nil, err
		}
		var err error
		if p.zipSize, err = zipSize(p.binary); err != nil {
			return nil, err
		}
	}
	return programs, nil
}

func build(source, binary string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", source, err, out)
	}
	return nil
}

// zipSize is the size in bytes of a zip that holds the binary alone.
func zipSize(binary string) (int, error) {
	file, err := os.Open(binary)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var size counter
	archive := zip.NewWriter(&size)
	entry, err := archive.Create("bootstrap")
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(entry, file); err != nil {
		return 0, err
	}
	err = archive.Close()
	return int(size), err
}

// counter is an io.Writer that counts bytes.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
