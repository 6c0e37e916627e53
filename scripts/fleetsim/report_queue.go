package main

import (
	"fmt"
	"time"

	"phoneverify/adapters/faceid/faceidsim"
)

// report implements [load].
func (b *broker) report(o options, u *upstream, f *fleet, took time.Duration) bool {
	bill, told := u.bill(), read(b.all, b.sink.receiver.Events())
	given := quota(u.sim.Calls(), b.lost(u.sim.Calls()))
	fmt.Printf("a queue, store %s, %d processes, %d people, seed %d, trouble %.0f %%, restart %t, refusals %.0f %%: %.0f s\n\n",
		o.store, o.processes, o.people, o.seed, 100*o.trouble, o.restart, 100*o.refusals, took.Seconds())
	table([]row{
		{"messages", len(b.all)},
		{"events", told.events},
		{"messages without an event", told.without},
		{"acknowledged before their event", b.early},
		{"events that are wrong", told.wrong + b.sink.wrong},
		{"keys told two ways", told.twoWays},
		{"malformed, and told as failed", fmt.Sprintf("%d, %d", told.malformed, told.failed)},
		{"unknown, and said so", told.unknown},
		{"charges", bill.charges},
		{"keys charged twice", bill.twice},
		{"delivered again", b.redelivered},
		{"duplicates", b.duplicated},
		{fmt.Sprintf("given up after %d deliveries", maxTaken), b.dead},
		{"refused by the sink", b.sink.refused},
		{"answers after the deadline", b.late},
		{"calls upstream", bill.calls},
		{"throttled upstream", bill.throttled},
		{"of the quota used", percent(bill.used)},
		{"with the slots that the killed had taken, which is judged", percent(given)},
		{"processes killed", f.killed.Load()},
	})
	kept := told.without+b.early+told.wrong+b.sink.wrong+bill.twice+b.dead == 0 && told.failed == told.malformed
	// A verdict that the store was not there to record is told, and its key then unknown.
	kept = kept && (told.twoWays == 0 || o.restart)
	return promises(kept && bill.inQuota(o, given))
}

// lost is when slots were lost: a process that is killed had taken one for each person in
// hand who had not been sent.
func (b *broker) lost(calls []faceidsim.Call) (lost []time.Time) {
	called := map[string]time.Time{} // first, by name
	for _, c := range calls {
		if at, ok := called[string(c.Request.Name)]; !ok || c.Time.Before(at) {
			called[string(c.Request.Name)] = c.Time
		}
	}
	for _, k := range b.kills {
		for _, m := range k.messages {
			if at, ok := called[m.person]; m.person != "" && (!ok || at.After(k.at)) {
				lost = append(lost, k.at)
			}
		}
	}
	return lost
}
