package main

import (
	"fmt"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
)

// report prints what came of it all, and says whether every promise was kept.
func report(o options, w *work, u *upstream, f *fleet, took time.Duration) bool {
	calls := u.sim.Calls()
	charged := map[string]int{}
	twice, charges := 0, 0
	for _, c := range calls {
		if !c.Charged {
			continue
		}
		charges++
		who := string(c.Request.Name)
		if charged[who]++; charged[who] == 2 {
			twice++
		}
	}
	lost := 0
	for person := range o.people {
		if !w.answered[person] {
			lost++
		}
	}
	used := throughput(calls) / faceidsim.RequestsPerSecond
	fmt.Printf("store %s, %d processes, %d people, seed %d, trouble %.0f %%, restart %t: %.0f s\n\n",
		o.store, o.processes, o.people, o.seed, 100*o.trouble, o.restart, took.Seconds())
	fmt.Printf("| | |\n|---|---|\n")
	for _, row := range []struct {
		name  string
		value any
	}{
		{"verdicts", w.verdicts},
		{"replayed", w.replayed},
		{"unknown, and said so", len(w.unknown)},
		{"charges", charges},
		{"charged twice", twice},
		{"lost", lost},
		{"calls upstream", len(calls)},
		{"throttled upstream", u.sim.Throttled()},
		{"of the quota used", fmt.Sprintf("%.1f %%", 100*used)},
		{"processes killed", f.killed.Load()},
		{"tried again", fmt.Sprint(w.again)},
	} {
		fmt.Printf("| %s | %v |\n", row.name, row.value)
	}
	ok := twice == 0 && lost == 0
	if !o.restart && o.trouble == 0 {
		ok = ok && u.sim.Throttled() == 0 && used >= o.quota
	}
	fmt.Printf("\n%s\n", map[bool]string{true: "every promise was kept", false: "A PROMISE WAS BROKEN"}[ok])
	return ok
}

// throughput is the calls a second while there was work: without the last tenth, when
// processes wait for what was killed to come back.
func throughput(calls []faceidsim.Call) float64 {
	n := len(calls) * 9 / 10
	if n < 2 {
		return 0
	}
	return float64(n-1) / calls[n-1].Time.Sub(calls[0].Time).Seconds()
}
