package door

import (
	"slices"
	"testing"

	"sekimori/policy"
)

// BenchmarkMatchToRelease is the door's own part of the way from a finger
// match to the relay: the judgement, the record's request and, once it is
// durable, the release.
func BenchmarkMatchToRelease(b *testing.B) {
	w := newWorld(b, machineRoom(b))
	w.begin()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		w.out.Reset()
		w.badge(policy.Entry, "s-001")
		c := w.capture[0]
		t := w.now()
		b.StartTimer()
		out := w.door.Step(t, Finger{ID: c.ID, Result: policy.FactorMatch, Page: c.Pages[0], Score: 120})
		r := out[len(out)-1].(Record)
		out = w.door.Step(t, w.durable(r))
		b.StopTimer()
		if !slices.ContainsFunc(out, func(e Effect) bool { _, ok := e.(Release); return ok }) {
			b.Fatalf("no release: %v", out)
		}
		w.pass(10e9)
		b.StartTimer()
	}
}

// BenchmarkTick is a step in which nothing happens: what the door costs while
// it waits.
func BenchmarkTick(b *testing.B) {
	w := newWorld(b, machineRoom(b))
	w.begin()
	w.pass(10e9)
	t := w.now()
	b.ReportAllocs()
	for b.Loop() {
		w.door.Step(t, Tick{})
	}
}
