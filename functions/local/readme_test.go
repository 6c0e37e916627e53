package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// notHere are the commands in the READMEs' transcripts that are not run here, since they
// need more than Go or run this test themselves. Every other is.
var notHere = []string{
	"go test ./...",
	"scripts/bench",
	"scripts/build",
	"scripts/check",
	"scripts/clients",
	"scripts/deploy-aws",
	"scripts/deploy-tencent",
	"scripts/fleet",
	"scripts/keyless",
	"scripts/smoke",
	"tccli", // scripts/clients runs it
}

// The transcripts in a README are what happens when one types them in from the first to
// the last, in an empty folder.
func TestReadme(t *testing.T) {
	names, err := filepath.Glob("../../README*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatal("there is no README")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			commands := readTranscripts(t, string(text))
			if len(commands) == 0 {
				t.Error("it has no transcript")
			}
			terminal := newTerminal(t)
			for _, c := range commands {
				if !c.isOf(notHere) {
					terminal.enter(t, c)
				}
			}
		})
	}
}

// command is one that a README shows, with what it prints.
type command struct{ text, want string }

func (c command) isOf(names []string) bool {
	for _, name := range names {
		if strings.HasPrefix(c.text+" ", name+" ") {
			return true
		}
	}
	return false
}

var (
	consoleBlock = regexp.MustCompile("(?ms)^```console\n(.*?)^```$")
	hereDocument = regexp.MustCompile(`<<'?(\w+)`)
)

// readTranscripts returns the commands in the blocks of console. A command goes on after a
// backslash, and to the end of a here document.
func readTranscripts(t *testing.T, text string) (all []command) {
	t.Helper()
	for _, block := range consoleBlock.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(block[1], "$ ") {
			t.Fatalf("a transcript does not begin with a command:\n%s", block[1])
		}
		goesOn := func(string) bool { return false }
		for line := range strings.Lines(block[1]) {
			typed, isCommand := strings.CutPrefix(line, "$ ")
			line = strings.TrimSuffix(line, "\n")
			switch {
			case goesOn(line):
				all[len(all)-1].text += "\n" + line
			case isCommand:
				all = append(all, command{text: strings.TrimSuffix(typed, "\n")})
				goesOn = untilEnd(all[len(all)-1].text)
			default:
				all[len(all)-1].want += line + "\n"
			}
		}
	}
	return all
}

// untilEnd says of each line after a command's first whether it is the command's too.
func untilEnd(first string) func(line string) bool {
	end, more := "", strings.HasSuffix(first, `\`)
	if word := hereDocument.FindStringSubmatch(first); word != nil {
		end, more = word[1], true
	}
	return func(line string) bool {
		was := more
		if end != "" {
			more = more && line != end
		} else {
			more = more && strings.HasSuffix(line, `\`)
		}
		return was
	}
}

// terminal is where commands are entered: in an empty folder, with no programs but those
// that a transcript may use.
type terminal struct {
	dir, bash, local string
	env              []string

	// here and there are the addresses of what listens, and those that a README has for them.
	here, there *strings.Replacer
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	programs := t.TempDir()
	for _, name := range []string{"cat", "local-curl"} {
		if err := os.Symlink(find(t, name), filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	// Not everyone who has Go has curl.
	if err := os.WriteFile(filepath.Join(programs, "curl"), []byte("#!/bin/sh\nexec local-curl \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return &terminal{
		dir: dir, bash: find(t, "bash"), local: find(t, "local"),
		env:  []string{"PATH=" + programs, "HOME=" + dir},
		here: strings.NewReplacer(), there: strings.NewReplacer(),
	}
}

func find(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const goRun = "go run ./functions/local"

var catFile = regexp.MustCompile(`^cat (\S+)$`)

// enter enters a command, and compares what it prints.
func (w *terminal) enter(t *testing.T, c command) {
	t.Helper()
	if name := catFile.FindStringSubmatch(c.text); name != nil {
		w.show(t, name[1], c.want)
	}
	var got string
	if strings.Contains(c.text, goRun) && strings.HasPrefix(c.want, "api=") {
		got = w.serve(t, c)
	} else {
		got = w.run(t, c)
	}
	if got, want := mask(w.there.Replace(got)), mask(c.want); got != want {
		t.Errorf("$ %s\n%s\nbut the README says\n%s", c.text, got, want)
	}
}

// show makes a file of which a README first shows what is in it.
func (w *terminal) show(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if _, err := os.Stat(path); err == nil {
		return
	}
	if err := os.WriteFile(path, []byte(strings.TrimRight(text, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (w *terminal) command(ctx context.Context, text string) *exec.Cmd {
	c := exec.CommandContext(ctx, w.bash, "-c", w.here.Replace(text))
	c.Dir, c.Env = w.dir, w.env
	return c
}

// run runs a command to its end.
func (w *terminal) run(t *testing.T, c command) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := w.command(ctx, strings.ReplaceAll(c.text, goRun, w.local)).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v\n", out, err)
	}
	return string(out)
}

// serve leaves a command running until the test ends, on free ports, and returns as many
// lines as the README has of it.
func (w *terminal) serve(t *testing.T, c command) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	text := strings.Replace(c.text, goRun, "exec "+w.local+" -addr 127.0.0.1:0 -faceid-addr 127.0.0.1:0", 1)
	server := w.command(ctx, text)
	stdout, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); server.Wait() })
	defer time.AfterFunc(30*time.Second, cancel).Stop()
	var got strings.Builder
	addresses := map[string]string{}
	lines := bufio.NewScanner(stdout)
	for range strings.Count(strings.TrimRight(c.want, "\n")+"\n", "\n") {
		if !lines.Scan() {
			break
		}
		got.WriteString(lines.Text() + "\n")
		if name, url, ok := strings.Cut(lines.Text(), "=http://"); ok {
			addresses[name] = url
		}
	}
	if addresses["api"] == "" || addresses["faceid"] == "" {
		return got.String()
	}
	w.here = strings.NewReplacer("127.0.0.1:8080", addresses["api"], "127.0.0.1:8081", addresses["faceid"])
	w.there = strings.NewReplacer(addresses["api"], "127.0.0.1:8080", addresses["faceid"], "127.0.0.1:8081")
	return got.String()
}

var masked = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "DIGEST"},
	{regexp.MustCompile(`\b[A-Z2-7]{26}\b`), "REQUEST"},
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
}

// mask hides what is another each time, and empty lines at the end.
func mask(text string) string {
	for _, m := range masked {
		text = m.pattern.ReplaceAllString(text, m.name)
	}
	return strings.TrimRight(text, "\n") + "\n"
}

// curl is what the READMEs need of curl.
func curl() {
	log.SetFlags(0)
	log.SetPrefix("curl: ")
	header := http.Header{}
	flags := flag.NewFlagSet("curl", flag.ExitOnError)
	flags.Func("H", "a `header`", func(line string) error {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return fmt.Errorf("%q is no header", line)
		}
		header.Add(name, strings.TrimSpace(value))
		return nil
	})
	data := flags.String("d", "", "what to POST, or @ and a file")
	flags.Bool("s", false, "without a progress bar, which there is none of")
	var urls []string
	for args := os.Args[1:]; len(args) > 0; {
		flags.Parse(args)
		if args = flags.Args(); len(args) > 0 {
			urls, args = append(urls, args[0]), args[1:]
		}
	}
	if len(urls) != 1 {
		log.Fatalf("one URL, not %q", urls)
	}
	method := http.MethodGet
	if *data != "" {
		method = http.MethodPost
	}
	if name, ok := strings.CutPrefix(*data, "@"); ok {
		text, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		*data = strings.ReplaceAll(string(text), "\n", "")
	}
	request, err := http.NewRequest(method, urls[0], strings.NewReader(*data))
	if err != nil {
		log.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		log.Fatal(err)
	}
}
