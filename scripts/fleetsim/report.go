package main

import (
	"fmt"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
)

// report implements [load]: it prints what came of it all, and says whether every promise
// was kept.
func (w *work) report(o options, u *upstream, f *fleet, took time.Duration) bool {
	bill := u.bill()
	lost := 0
	for person := range o.people {
		if !w.told[person] {
			lost++
		}
	}
	fmt.Printf("store %s, %d processes, %d people, seed %d, trouble %.0f %%, restart %t: %.0f s\n\n",
		o.store, o.processes, o.people, o.seed, 100*o.trouble, o.restart, took.Seconds())
	table([]row{
		{"verdicts", w.verdicts},
		{"replayed", w.replayed},
		{"unknown, and said so", len(w.unknown)},
		{"charges", bill.charges},
		{"charged twice", bill.twice},
		{"lost", lost},
		{"calls upstream", bill.calls},
		{"throttled upstream", bill.throttled},
		{"of the quota used", percent(bill.used)},
		{"processes killed", f.killed.Load()},
		{"tried again", fmt.Sprint(w.again)},
	})
	return promises(bill.twice == 0 && lost == 0 && bill.inQuota(o, bill.used))
}

// row is a line of a report.
type row struct {
	name  string
	value any
}

func table(rows []row) {
	fmt.Printf("| | |\n|---|---|\n")
	for _, r := range rows {
		fmt.Printf("| %s | %v |\n", r.name, r.value)
	}
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func promises(kept bool) bool {
	fmt.Printf("\n%s\n", map[bool]string{true: "every promise was kept", false: "A PROMISE WAS BROKEN"}[kept])
	return kept
}

// bill is what the upstream has seen of the fleet.
type bill struct {
	calls, charges, throttled int
	twice                     int     // people that were charged more than once
	used                      float64 // the share of the quota
}

func (u *upstream) bill() bill {
	calls := u.sim.Calls()
	b := bill{calls: len(calls), throttled: u.sim.Throttled(), used: quota(calls, nil)}
	charged := map[string]int{}
	for _, c := range calls {
		if !c.Charged {
			continue
		}
		b.charges++
		who := string(c.Request.Name)
		if charged[who]++; charged[who] == 2 {
			b.twice++
		}
	}
	return b
}

// inQuota reports whether the fleet kept to the quota and used it. Trouble and a store
// that is away cost some of it, which is then not judged.
func (b bill) inQuota(o options, used float64) bool {
	return o.restart || o.trouble > 0 || b.throttled == 0 && used >= o.quota
}

// quota is the share of the quota that was used while there was work: without the last
// tenth, when processes wait for what was killed to come back. Slots that were lost count
// as used.
func quota(calls []faceidsim.Call, lost []time.Time) float64 {
	n := len(calls) * 9 / 10
	if n < 2 {
		return 0
	}
	began, ended := calls[0].Time, calls[n-1].Time
	for _, at := range lost {
		if at.Before(ended) {
			n++
		}
	}
	return float64(n-1) / ended.Sub(began).Seconds() / faceidsim.RequestsPerSecond
}
