// Fleetsim runs a fleet of real function processes that share one store, against the
// simulator of FaceID, and counts what came of it. See scripts/fleet.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// options are what the command line says.
type options struct {
	store     string
	processes int
	people    int
	kills     int
	trouble   float64
	restart   bool
	quota     float64
	seed      uint64
	queue     bool
	refusals  float64
}

func main() {
	var o options
	flag.StringVar(&o.store, "store", "redis", "redis or dynamodb")
	flag.IntVar(&o.processes, "processes", 8, "how many run at once, Lambda's and SCF's in turn")
	flag.IntVar(&o.people, "people", 2000, "how many are verified; a tenth of them are sent two or three times")
	flag.IntVar(&o.kills, "kills", 12, "how many processes are killed in the middle of their work")
	flag.Float64Var(&o.trouble, "trouble", 0, "the share of calls that run into trouble upstream, as 0.05")
	flag.BoolVar(&o.restart, "restart", false, "kill the store in the middle, and start it again two seconds later")
	flag.Float64Var(&o.quota, "quota", 0.95, "the share of the quota that must be used if there is neither trouble nor -restart")
	flag.Uint64Var(&o.seed, "seed", 1, "of the order, the trouble and the kills")
	flag.BoolVar(&o.queue, "queue", false, "put a queue in front of the fleet, and a sink that refuses results behind it")
	flag.Float64Var(&o.refusals, "refusals", 0.05, "with -queue, the share of results that the sink refuses, in one way or another")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run builds the binaries, starts everything, does the work, and reports.
func run(ctx context.Context, o options) (ok bool, err error) {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	store, err := startStore(ctx, o.store, dir)
	if err != nil {
		return false, err
	}
	defer store.close()
	upstream := startUpstream(o)
	defer upstream.close()
	var load load = newWork(o)
	var settings map[string]string
	if o.queue {
		sink := startSink(o)
		defer sink.close()
		load, settings = newBroker(o, store.onSCF, sink), sink.settings()
	}
	fleet, err := startFleet(dir, o, store, upstream.server.URL, settings)
	if err != nil {
		return false, err
	}
	defer fleet.close()
	began := time.Now()
	if err := fleet.run(ctx, load, began); err != nil {
		return false, err
	}
	return load.report(o, upstream, fleet, time.Since(began)), nil
}
