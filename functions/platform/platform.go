// Package platform is the other side of a function's binary: it starts one as AWS
// Lambda does, over the Runtime API, or as Tencent SCF does, over net/rpc, and invokes
// it. It is for tests and measurements of the real binaries.
package platform

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Build builds a package of this module, with build tags beside those of a release, into
// dir and returns the binary. More arguments go to go build. It does without the flags of
// a release that would have everything compiled anew: -trimpath and CGO_ENABLED=0.
func Build(dir, pkg string, tags []string, args ...string) (string, error) {
	binary := filepath.Join(dir, "function")
	all := strings.Join(append([]string{"lambda.norpc"}, tags...), ",")
	args = append([]string{"build", "-tags", all, "-ldflags", "-s -w", "-o", binary}, args...)
	build := exec.Command("go", append(args, pkg)...)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return binary, nil
}

// Result is what an invocation came to: an answer, or an error that left the function.
type Result struct {
	Payload []byte
	Failure string // what the platform was told of the error, "" for none

	Handed, Came time.Time // when Lambda's event was handed out, and when the answer came
}

// Process is a function's binary, running.
type Process struct {
	cmd    *exec.Cmd
	output output
	began  time.Time
	ended  chan struct{} // closed once it has
}

func newProcess() Process { return Process{ended: make(chan struct{})} }

// start starts a binary with nothing in its environment but env.
func (p *Process) start(binary string, env []string) error {
	p.cmd = exec.Command(binary)
	p.cmd.Env = env
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	return nil
}

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Began is when the process was started.
func (p *Process) Began() time.Time { return p.began }

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Wait waits until the process has ended, and returns its exit status, -1 if it was
// ended by a signal.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Close ends the process at once.
func (p *Process) Close() {
	p.cmd.Process.Kill()
	<-p.ended
}

// Output is what the process has written to standard output and error, all of it once
// the process is closed, and until then what has come so far.
func (p *Process) Output() string { return p.output.String() }

// Says reports whether the process has written text, or does in a moment.
func (p *Process) Says(text string) bool {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if strings.Contains(p.Output(), text) {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// output is a buffer that can be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// errEnded is returned of an invocation whose process ended before it answered.
func (p *Process) errEnded() error {
	return fmt.Errorf("platform: the process ended with %v: %s", p.cmd.ProcessState, p.Output())
}

// startTimeout is how long a process may take until it can be invoked.
const startTimeout = 10 * time.Second
