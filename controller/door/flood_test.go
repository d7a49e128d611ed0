package door

import (
	"fmt"
	"testing"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// TestTenThousandReads: every read comes to a recorded outcome, alone or
// counted, whatever is read and whatever the recorder does meanwhile.
func TestTenThousandReads(t *testing.T) {
	const reads = 10_000
	tests := map[string]func(w *world, i int){
		"one stranger": func(w *world, _ int) { w.badge(policy.Entry, "stranger") },
		"ten thousand strangers": func(w *world, i int) {
			w.step(Badge{Side: policy.Entry, Device: "reader-entry", Number: fmt.Sprint(880018000 + i), Tag: fmt.Sprintf("%010x", i), Wire: policy.WireSecured, Proof: policy.ProofClonable})
		},
		"somebody who may enter": func(w *world, _ int) { w.badge(policy.Entry, "s-001") },
		"both sides":             func(w *world, i int) { w.badge(policy.Side(1+i%2), "s-002") },
		"a recorder that does not answer": func(w *world, i int) {
			if i == 100 {
				w.recorder = recordHeld
			}
			w.step(Badge{Side: policy.Side(1 + i%2), Device: w.f.cfg.Readers[policy.Side(1+i%2)], Tag: fmt.Sprint(i / 1000)})
			if i == reads-100 {
				w.recorder = recordOK
				w.settle()
			}
		},
		"a full disk": func(w *world, i int) {
			if i == 100 {
				w.recorder = recordFull
			}
			w.badge(policy.Side(1+i%2), "stranger")
			if i == reads-100 {
				w.recorder = recordOK
			}
		},
	}
	for name, read := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, machineRoom(t))
			w.begin()
			m := newModel(w)
			for i := range reads {
				read(w, i)
			}
			w.pass(time.Minute)
			w.step(Stop{})
			if m.reads != reads || m.outcomes != reads {
				t.Errorf("%d reads came to %d outcomes", m.reads, m.outcomes)
			}
			if m.found != "" {
				t.Error(m.found)
			}
			if n := len(w.ledger); name != "ten thousand strangers" && n > 200 {
				t.Errorf("a flood of one badge wrote %d events", n)
			}
			bounded(t, w.door)
			leaksNothing(t, w.out.String())
		})
	}
}

// bounded: nothing that a stranger does grows without end.
func bounded(t *testing.T, d *Door) {
	t.Helper()
	r := &d.recorder
	if len(r.queue) > maxWaiting+reserve || len(r.late) > maxLate+64 || len(d.tallies) > maxTallies || len(d.requests) > maxRequests {
		t.Errorf("queue %d late %d tallies %d requests %d", len(r.queue), len(r.late), len(d.tallies), len(d.requests))
	}
}

// TestBoundedWhileNobodyAnswers: a shell that never brings the outcome back
// costs bounded memory and opens nothing.
func TestBoundedWhileNobodyAnswers(t *testing.T) {
	w := newWorld(t, machineRoom(t))
	w.begin()
	m := newModel(w)
	w.badge(policy.Entry, "s-001")
	w.recorder = recordHeld
	w.finger(policy.Entry, policy.FactorMatch)
	for i := range 5000 {
		w.badge(policy.Entry, "s-002")
		w.line(LineHandle, Level(1+i%2))
		w.step(Tick{})
	}
	bounded(t, w.door)
	w.line(LineLeaf, Active)
	w.line(LineFire, Active)
	w.pass(10 * time.Second)
	w.recorder = recordOK
	w.settle()
	if len(m.released) != 0 {
		t.Error("a record that took ten seconds opened the door")
	}
	if w.door.leaf() != Active || !w.door.quiet() {
		t.Error("in a flood the door forgot that the leaf is open and that fire is active")
	}
	lost := uint64(0)
	for _, ev := range w.ledger {
		if ev.Kind == event.InputFault {
			lost += ev.Count
		}
	}
	if lost == 0 {
		t.Error("inputs were lost and nobody says so")
	}
}

// TestPassagesNeverRepeat: across runs, also where a run recorded nothing.
func TestPassagesNeverRepeat(t *testing.T) {
	w := newWorld(t, machineRoom(t))
	seen := map[string]int{}
	for run := range 20 {
		w.begin()
		if run%3 == 0 {
			w.recorder = recordFails
		}
		w.badge(policy.Entry, "stranger")
		w.badge(policy.Exit, "stranger")
		w.pass(time.Second)
		w.recorder = recordOK
		if run%2 == 0 {
			w.pass(time.Minute)
		}
		w.restart()
	}
	for _, ev := range w.ledger {
		if ev.Kind == event.AccessDenied && ev.Passage != "" {
			if seen[ev.Passage]++; seen[ev.Passage] > 1 {
				t.Errorf("two reads share the passage %s", ev.Passage)
			}
		}
	}
	if len(seen) < 20 {
		t.Fatalf("only %d passages were recorded", len(seen))
	}
}

// TestConfirmedIsWhatWasAsked: a shell that confirms something else confirms
// nothing.
func TestConfirmedIsWhatWasAsked(t *testing.T) {
	for name, twist := range map[string]func(*Recorded){
		"no events":      func(r *Recorded) { r.Events = nil },
		"no numbers":     func(r *Recorded) { r.Events[0].Seq = 0 },
		"an old number":  func(r *Recorded) { r.Events[0].Seq = 1 },
		"another event":  func(r *Recorded) { r.Events[0].Kind = event.AccessDenied },
		"another's":      func(r *Recorded) { r.Events[0].Passage = "9-9" },
		"one event more": func(r *Recorded) { r.Events = append(r.Events, event.Event{Seq: 99, Kind: event.AccessGranted}) },
	} {
		w := newWorld(t, machineRoom(t))
		w.begin()
		m := newModel(w)
		w.badge(policy.Entry, "s-001")
		w.recorder = recordHeld
		w.finger(policy.Entry, policy.FactorMatch)
		r := w.durable(*w.held)
		twist(&r)
		w.step(r)
		if len(m.released) != 0 || m.until != 0 {
			t.Errorf("%s: the door opened", name)
		}
	}
}
