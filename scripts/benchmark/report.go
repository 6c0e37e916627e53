package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// report prints what was measured, as Markdown.
func report(w io.Writer, programs []*program, p plan) {
	fmt.Fprintln(w, "| program | start → first answer | warm p50 | warm p99 | peak memory | zip |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|")
	for _, one := range programs {
		fmt.Fprintf(w, "| `%s` | %.1f ms | %.3f ms | %.3f ms | %.1f MB | %d bytes |\n", one.name,
			ms(median(one.starts)), ms(median(one.p50)), ms(median(one.p99)), mb(median(one.peak)), one.zipSize)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| of | measured | limit | |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, one := range programs {
		if one.name != bare && one.name != plain {
			reportLimits(w, one, find(programs, bare), find(programs, plain))
		}
	}
	fmt.Fprintf(w, "\n%s\n", measuredOn())
	fmt.Fprintf(w, "Medians of %d starts and of %d runs of %d invocations each, the programs in turn; peak memory is VmHWM after a run.\n",
		p.starts, p.runs, p.invocations)
}

// reportLimits prints the three ratios that are promised.
func reportLimits(w io.Writer, p, bare, plain *program) {
	for _, ratio := range []struct {
		what  string
		got   float64
		limit float64
	}{
		{"start → first answer, to the " + bare.name + "'s", over(p.starts, bare.starts), 1.5},
		{"warm p50, to the " + plain.name + "'s", over(p.p50, plain.p50), 1.10},
		{"peak memory, to the " + bare.name + "'s", over(p.peak, bare.peak), 1.5},
	} {
		held := "held"
		if ratio.got > ratio.limit {
			held = "MISSED"
		}
		fmt.Fprintf(w, "| `%s`: %s | %.2f× | %.2f× | %s |\n", p.name, ratio.what, ratio.got, ratio.limit, held)
	}
}

// over is the ratio of two medians.
func over[T int | time.Duration](a, b []T) float64 { return float64(median(a)) / float64(median(b)) }

func find(programs []*program, name string) *program {
	for _, p := range programs {
		if p.name == name {
			return p
		}
	}
	panic("benchmark: no program " + name)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func mb(bytes int) float64       { return float64(bytes) / (1 << 20) }

// measuredOn names the machine.
func measuredOn() string {
	return fmt.Sprintf("Measured on %s, %d cores, %s, %s, linux/%s natively, everything on loopback.",
		firstMatch("/proc/cpuinfo", `(?m)^model name\s*:\s*(.+)$`, "an unnamed CPU"), runtime.NumCPU(),
		runtime.Version(), firstMatch("/etc/os-release", `(?m)^PRETTY_NAME="(.+)"$`, "an unnamed system"), runtime.GOARCH)
}

// firstMatch is what the file has where the pattern says, or otherwise if it has not.
func firstMatch(file, pattern, otherwise string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return otherwise
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		return otherwise
	}
	return strings.TrimSpace(string(found[1]))
}
