package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/creack/pty"

	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/functions/platform"
)

// bureau is people in a file, and a simulator that knows how often each was charged.
type bureau struct {
	dir string
	sim *faceidsim.Simulator
	env []string
}

// newBureau writes a file of 300 messages: every 30th is broken, every 30th is never
// answered, every tenth repeats the one before it, by Id or by what it asks.
func newBureau(t *testing.T) *bureau {
	t.Helper()
	b := &bureau{dir: t.TempDir(), sim: &faceidsim.Simulator{Quota: 150}}
	server := httptest.NewServer(b.sim)
	t.Cleanup(server.Close)
	b.env = append(os.Environ(), "PHONEVERIFY_FACEID_ENDPOINT="+server.URL, "PHONEVERIFY_RATE_LIMIT=120", "PHONEVERIFY_ATTEMPT_TIMEOUT=1s",
		"TENCENTCLOUD_SECRETID="+faceidsim.SecretID, "TENCENTCLOUD_SECRETKEY="+faceidsim.SecretKey)
	var text bytes.Buffer
	for i := range 300 {
		n := i
		if i%10 == 9 {
			n--
		}
		id, phone := fmt.Sprintf(`"Id":"id-%d",`, n), "16100000000"
		if n%20 > 15 {
			id = "" // known by what it asks
		}
		if i%30 == 7 {
			phone = "16100000204" // charged, and never answered
		}
		if i%30 == 3 {
			id = `"Id":1,`
		}
		fmt.Fprintf(&text, `{%s"IdCard":"11204416541220243X","Name":"person %d","Phone":"%s"}`+"\n", id, n, phone)
	}
	b.write(t, "people.jsonl", text.String())
	return b
}

const (
	bureauBroken  = 10
	bureauUnknown = 10
	bureauRepeats = 30
	bureauPeople  = 300 - bureauBroken - bureauRepeats // each is charged
)

func (b *bureau) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bureau) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// events returns how many events of each type a file has, and of how many Ids.
func (b *bureau) events(t *testing.T, name string) (types map[string]int, total int) {
	t.Helper()
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		t.Fatal(err)
	}
	types = map[string]int{}
	for line := range strings.Lines(string(text)) {
		var e struct{ Type string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		types[strings.TrimPrefix(e.Type, "phoneverification.")]++
		total++
	}
	return types, total
}

// command is the command, with -messages.
func (b *bureau) command(args ...string) *exec.Cmd {
	c := exec.Command("local", append([]string{"-messages", b.path("people.jsonl")}, args...)...)
	c.Env = b.env
	return c
}

// summarized reads a summary.
func summarized(t *testing.T, text string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, row := range regexp.MustCompile(`(?m)^([a-z ]+?) {2,}(\d+)(?: |$)`).FindAllStringSubmatch(text, -1) {
		counts[row[1]], _ = strconv.Atoi(row[2])
	}
	if len(counts) != 7 {
		t.Fatalf("the summary is %s", text)
	}
	if got := counts["answered before"] + counts["verdicts"] + counts["unknown"] + counts["failed"] + counts["left"]; got != counts["messages"] {
		t.Errorf("the summary does not add up: %s", text)
	}
	return counts
}

// wantWhole checks that all 300 have one event, and each person one charge.
func (b *bureau) wantWhole(t *testing.T, results string) {
	t.Helper()
	types, total := b.events(t, results)
	if total != 300 || types["failed"] != bureauBroken || types["unknown"] != bureauUnknown {
		t.Errorf("%d events: %v", total, types)
	}
	if charged := b.wantOneCharge(t); charged != bureauPeople {
		t.Errorf("%d people were charged, want %d", charged, bureauPeople)
	}
}

// wantOneCharge checks that nobody is charged twice, and returns how many are.
func (b *bureau) wantOneCharge(t *testing.T) int {
	t.Helper()
	charged := map[string]int{}
	for _, c := range b.sim.Calls() {
		if c.Charged {
			charged[string(c.Request.Name)]++
		}
	}
	for who, n := range charged {
		if n != 1 {
			t.Errorf("%s was charged %d times", who, n)
		}
	}
	return len(charged)
}

// A file comes to as many events as it has messages, and a summary that adds up.
func TestMessages(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(b *bureau, c *exec.Cmd) (*exec.Cmd, error){
		"a file": func(b *bureau, c *exec.Cmd) (*exec.Cmd, error) {
			out, err := os.Create(b.path("results.jsonl"))
			c.Stdout = out
			return c, err
		},
		"standard input": func(b *bureau, c *exec.Cmd) (*exec.Cmd, error) {
			in, err := os.Open(b.path("people.jsonl"))
			c.Args[2] = "-"
			c.Stdin = struct{ io.Reader }{in} // a pipe
			c.Args = append(c.Args, "-results", b.path("results.jsonl"))
			return c, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBureau(t)
			c, err := run(b, b.command())
			if err != nil {
				t.Fatal(err)
			}
			said := b.run(t, c, nil)
			b.wantWhole(t, "results.jsonl")
			got := summarized(t, said)
			for name, want := range map[string]int{"messages": 300, "answered before": 0, "verdicts": bureauPeople - bureauUnknown + bureauRepeats,
				"unknown": bureauUnknown, "failed": bureauBroken, "left": 0, "charges": bureauPeople - bureauUnknown} {
				if got[name] != want {
					t.Errorf("%s: %d, want %d", name, got[name], want)
				}
			}
			if strings.ContainsAny(said, "\x1b\r") {
				t.Errorf("there is a bar in a pipe: %q", said)
			}
		})
	}
}

// Stopped in the middle and run again with the same output, each is charged once.
func TestMessagesInterrupted(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(b *bureau, c *exec.Cmd) error{
		"-results": func(b *bureau, c *exec.Cmd) error {
			c.Args = append(c.Args, "-results", b.path("results.jsonl"))
			return nil
		},
		">>": func(b *bureau, c *exec.Cmd) error {
			out, err := os.OpenFile(b.path("results.jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
			c.Stdout = out
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBureau(t)
			for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, nil} {
				if b.written() > 0 {
					b.tear(t)
				}
				c := b.command()
				if err := open(b, c); err != nil {
					t.Fatal(err)
				}
				said := b.run(t, c, signal)
				if left := summarized(t, said)["left"]; (left > 0) != (signal != nil) {
					t.Errorf("after %v, %d are left: %s", signal, left, said)
				}
			}
			b.wantWhole(t, "results.jsonl")
		})
	}
}

// tear leaves half of an event at the end of the results, as a full disk does.
func (b *bureau) tear(t *testing.T) {
	t.Helper()
	file, err := os.OpenFile(b.path("results.jsonl"), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = file.WriteString(`{"specversion":"1.0","ha`)
	}
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
}

// run runs a command to its end, or if there is a signal until it has written some 80
// events more and is sent it. It returns what the command says.
func (b *bureau) run(t *testing.T, c *exec.Cmd, signal os.Signal) string {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	before := b.written()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); signal != nil && b.written() < before+80; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nothing comes: %s", stderr.String())
		}
	}
	if signal != nil {
		c.Process.Signal(signal)
	}
	if err := c.Wait(); (err != nil) != (signal != nil) {
		t.Fatalf("after %v: %v: %s", signal, err, stderr.String())
	}
	return stderr.String()
}

// written is how many lines the results have.
func (b *bureau) written() int {
	text, _ := os.ReadFile(b.path("results.jsonl"))
	return bytes.Count(text, []byte("\n"))
}

// Killed in the middle, nothing but a store remembers what was on its way.
func TestMessagesKilled(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	binary, err := platform.Build(b.dir, ".", []string{"redis"})
	if err != nil {
		t.Fatal(err)
	}
	b.env = append(b.env, "PHONEVERIFY_STORE=redis://"+miniredis.RunT(t).Addr(), "PHONEVERIFY_FINGERPRINT_KEY=0123456789abcdef0123456789abcdef")
	for _, signal := range []os.Signal{os.Kill, nil} {
		c := b.command("-results", b.path("results.jsonl"))
		c.Path, c.Err = binary, nil
		b.run(t, c, signal)
	}
	types, total := b.events(t, "results.jsonl")
	if total != 300 || types["failed"] != bureauBroken || types["unknown"] < bureauUnknown {
		t.Errorf("%d events: %v", total, types)
	}
	b.wantOneCharge(t)
}

// On a terminal there is a bar.
func TestMessagesBar(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	c := b.command("-results", b.path("results.jsonl"))
	terminal, theirs, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 100})
	c.Stderr = theirs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	shown, _ := io.ReadAll(terminal) // ends with an error once nobody writes
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	if !regexp.MustCompile(`verifying +\d+% .*\(\d+/300`).Match(shown) {
		t.Errorf("there is no bar: %q", shown)
	}
	if end := shown[bytes.LastIndexByte(shown, 27)+1:]; !bytes.Contains(end, []byte("verdicts")) {
		t.Errorf("the summary is not by itself: %q", end)
	}
	b.wantWhole(t, "results.jsonl")
}

// The canary: whoever is in the file is in nothing that is written.
func TestMessagesCanary(t *testing.T) {
	t.Parallel()
	const card, name, phone = "310115198507264391", "Zhuge Canarius", "16183940572"
	b := newBureau(t)
	b.env = append(b.env, "PHONEVERIFY_LOG_LEVEL=debug")
	var text strings.Builder
	for i, line := range []string{
		`{"Id":"ID","IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`, `{"IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`,
		`{"Id":"PHONE","IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`, `{"Id":"u-PHONE-ID","IdCard":"CARD","Name":"NAME","Phone":"PHONE"}`,
		`{"IdCard":"CARD","Name":"NAME","Phone":PHONE}`, `CARD,NAME,PHONE`, `{"PHONE":"NAME"}`, `"NAME"`, `{"IdCard":"CARD"`,
	} {
		id := fmt.Sprint("id-", i)
		text.WriteString(strings.NewReplacer("CARD", card, "NAME", name, "PHONE", phone, "ID", id).Replace(line) + "\n")
	}
	b.write(t, "people.jsonl", text.String())
	b.sim.Script(faceidsim.Trouble{Status: 502})
	out, err := b.command().CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if trace := platform.Trace(string(out), card, name, phone); trace != "" {
		t.Error(trace)
	}
}

// What is in the results is whole, torn off, or not ours: and nothing of it is lost.
func TestResultsFile(t *testing.T) {
	t.Parallel()
	event := `{"specversion":"1.0","id":"1","source":"phoneverify","type":"phoneverification.completed","data":{"Id":"a","Result":"0"}}`
	for name, c := range map[string]struct {
		before string
		status int
		asked  int // that are asked again, of a and b
		after  string
	}{
		"nothing":                      {"", 0, 2, ""},
		"one event":                    {event + "\n", 0, 1, event + "\n"},
		"one without the line's end":   {event, 0, 1, event + "\n"},
		"one torn off":                 {event + "\n" + event[:40], 0, 1, event + "\n"},
		"nothing but a torn one":       {event[:30], 0, 2, ""},
		"torn off early":               {event + "\n{\"sp", 0, 1, event + "\n"},
		"something else":               {"precious", 1, 0, "precious"},
		"something else after one":     {event + "\nprecious", 1, 0, event + "\nprecious"},
		"something else and its end":   {"precious\n", 1, 0, "precious\n"},
		"an event that failed":         {strings.Replace(event, "completed", "failed", 1) + "\n", 0, 1, strings.Replace(event, "completed", "failed", 1) + "\n"},
		"an event of somebody else's":  {strings.Replace(event, "phoneverification.completed", "x", 1) + "\n", 1, 0, strings.Replace(event, "phoneverification.completed", "x", 1) + "\n"},
		"an event that nobody asks of": {strings.Replace(event, `"a"`, `"z"`, 1) + "\n", 0, 2, strings.Replace(event, `"a"`, `"z"`, 1) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBureau(t)
			b.write(t, "people.jsonl", strings.Replace(ab, "PHONE", "16100000000", 2))
			b.write(t, "results.jsonl", c.before)
			command := b.command("-results", b.path("results.jsonl"))
			said, _ := command.CombinedOutput()
			if command.ProcessState.ExitCode() != c.status || len(b.sim.Calls()) != c.asked {
				t.Errorf("status %d after %d calls: %s", command.ProcessState.ExitCode(), len(b.sim.Calls()), said)
			}
			after, err := os.ReadFile(b.path("results.jsonl"))
			if err != nil || !strings.HasPrefix(string(after), c.after) || strings.Count(string(after), "\n") != strings.Count(c.after, "\n")+c.asked {
				t.Errorf("then the file is %s, %v", after, err)
			}
		})
	}
}

// ab is two people.
const ab = `{"Id":"a","IdCard":"11204416541220243X","Name":"A","Phone":"PHONE"}
{"Id":"b","IdCard":"11204416541220243X","Name":"B","Phone":"PHONE"}
`

// What an earlier run could not learn stays so for all that ask the same, unless the
// settings say otherwise; what failed is not taken for unknown.
func TestRecall(t *testing.T) {
	t.Parallel()
	event := func(kind, id string) string {
		return `{"specversion":"1.0","id":"1","type":"phoneverification.` + kind + `","data":{"Id":"` + id + `"}}` + "\n"
	}
	for name, c := range map[string]struct {
		results string
		env     string
		calls   int
		want    map[string]int // types of events, in all
	}{
		"unknown":            {event("unknown", "a"), "", 0, map[string]int{"unknown": 2}},
		"unknown, and retry": {event("unknown", "a"), "PHONEVERIFY_UNKNOWN_OUTCOME=retry", 1, map[string]int{"unknown": 1, "completed": 2}},
		"failed":             {event("failed", "a"), "", 1, map[string]int{"failed": 1, "completed": 1}},
		"under another key":  {event("completed", "a"), "PHONEVERIFY_FINGERPRINT_KEY=0123456789abcdef0123456789abcdef", 1, map[string]int{"completed": 3}},
	} {
		for _, input := range []string{"file", "stream"} {
			t.Run(name+", a "+input, func(t *testing.T) {
				t.Parallel()
				b := newBureau(t)
				again := strings.Replace(strings.Split(ab, "\n")[0]+"\n", "PHONE", "16100000000", 1)
				b.write(t, "people.jsonl", again+again)
				b.write(t, "results.jsonl", c.results)
				command := b.command("-results", b.path("results.jsonl"))
				if input == "stream" {
					command.Args[2] = "-"
					command.Stdin = strings.NewReader(again + again)
				}
				command.Env = append(command.Env, c.env)
				if said, err := command.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, said)
				}
				if types, _ := b.events(t, "results.jsonl"); len(b.sim.Calls()) != c.calls || !maps.Equal(types, c.want) {
					t.Errorf("%d calls, events %v", len(b.sim.Calls()), types)
				}
			})
		}
	}
}

// Lines are known by their file: the results of two files do not answer for each other.
func TestTwoFiles(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	for _, name := range []string{"one.jsonl", "two.jsonl"} {
		b.write(t, name, `{"IdCard":"11204416541220243X","Name":"`+name+`","Phone":"16100000000"}`+"\n")
		c := b.command("-results", b.path("results.jsonl"))
		c.Args[2] = b.path(name)
		b.run(t, c, nil)
	}
	if types, _ := b.events(t, "results.jsonl"); types["completed"] != 2 || b.sim.Charges() != 2 {
		t.Errorf("%v events, %d charges", types, b.sim.Charges())
	}
}

// The same question twice is charged once, however far apart the two are in the file.
func TestSameQuestionLater(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	b.env = append(b.env, "PHONEVERIFY_RATE_LIMIT=2")
	one := `{"IdCard":"11204416541220243X","Name":"One","Phone":"16100000000"}` + "\n"
	b.write(t, "people.jsonl", "\ufeff"+one+strings.Replace(one, "One", strings.Repeat("x", 5000), 1)+strings.Replace(one, `"Name"`, `"CiphertextBlob":"`+strings.Repeat("y", 4090)+`","Name"`, 1)+one)
	said := b.run(t, b.command(), nil)
	if got := summarized(t, said); got["verdicts"] != 3 || got["failed"] != 1 || got["charges"] != 2 {
		t.Errorf("got %s", said)
	}
}

// Results that can't be written: what was paid is said, and no more is.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no full disk here: ", err)
	}
	defer full.Close()
	b := newBureau(t)
	c := b.command()
	c.Stdout = full
	var said bytes.Buffer
	c.Stderr = &said
	if c.Run() == nil {
		t.Error("the status is 0")
	}
	got := summarized(t, said.String())
	if n := b.sim.Charges(); got["left"] != 300 || n == 0 || n > 40 || got["charges"] > n || got["charges"] < n-bureauUnknown {
		t.Errorf("%d charges: %s", n, said.String())
	}
}

// A quota that is small for the number of messages takes its time, and leaves none.
func TestSmallQuota(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	b.env = append(b.env, "PHONEVERIFY_RATE_LIMIT=10")
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, `{"Id":"%d","IdCard":"11204416541220243X","Name":"p%d","Phone":"16100000000"}`+"\n", i, i)
	}
	b.write(t, "people.jsonl", text.String())
	if got := summarized(t, b.run(t, b.command(), nil)); got["verdicts"] != 50 {
		t.Errorf("got %v", got)
	}
}
