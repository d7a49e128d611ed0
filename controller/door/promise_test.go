package door

import (
	"slices"
	"testing"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// Each promise is walked with its own invariant; TestInvariantsCatch shows
// that none of them is asleep. What the invariants are stands in model_test.go.

func TestP1NothingOpensUnrecorded(t *testing.T) { walks(t, "P1", *steps, nil, nil) }

func TestP2NothingOpensByItself(t *testing.T) {
	walks(t, "P2", *steps, nil, func(k *walker) {
		// Whatever state survives: a start and everything that may come with
		// it releases nothing, and the lock is told to be secured.
		k.restart()
		secured := false
		k.watch = append(k.watch, func(in Input, out []Effect) {
			for _, e := range out {
				switch e.(type) {
				case Release:
					k.m.must("P2", false, "a release by %T", in)
				case Secure:
					secured = true
				}
			}
		})
		k.step(Start{Version: "again"})
		k.m.must("P2", secured, "a start did not secure the lock")
		k.ready()
		k.step(Link{Up: true})
		k.step(ClockChanged{Step: time.Hour})
		k.step(Rules{Rulebook: k.f.rb, Before: "a", After: "b"})
		k.pass(10 * time.Minute)
	})
}

func TestP3EveryReleaseEnds(t *testing.T) { walks(t, "P3", *steps, nil, nil) }

// TestP4NobodyIsShutIn: besides the invariants of the walk, from wherever it
// ended an identified person leaves, whatever stands against entering.
func TestP4NobodyIsShutIn(t *testing.T) {
	walks(t, "P4", *steps, nil, letsOut)
}

// letsOut puts the devices in order and has somebody leave by the exit reader.
func letsOut(k *walker) {
	k.rest()
	if k.chance(30) {
		k.line(LineLeaf, Unknown)
	}
	from, released := len(k.ledger), false
	k.watch = append(k.watch, func(_ Input, out []Effect) {
		released = released || slices.ContainsFunc(out, func(e Effect) bool { _, ok := e.(Release); return ok })
	})
	k.out.Reset()
	k.badge(policy.Exit, "s-005")
	k.finger(policy.Exit, policy.FactorMatch)
	granted := slices.ContainsFunc(k.ledger[from:], func(ev event.Event) bool {
		return ev.Kind == event.AccessGranted && ev.Side == "exit"
	})
	k.m.must("P4", granted, "an identified person was not let out")
	k.m.must("P4", released || k.m.level[LineFire] == Active, "the lock was not released for an identified person")
}

func TestP5GrantedMeansAllOfIt(t *testing.T) { walks(t, "P5", *steps, nil, nil) }

// TestP6OneOpeningOneOwner: a grant ends once and is released once.
func TestP6OneOpeningOneOwner(t *testing.T) {
	walks(t, "P6", *steps, nil, func(k *walker) {
		k.rest()
		allGrantsEnded(k)
	})
}

func allGrantsEnded(k *walker) {
	for passage, how := range k.m.grants {
		k.m.must("P6", how != "", "the grant %s never ended", passage)
	}
}

// TestP9NoReadIsSilent: every badge read comes to exactly one recorded
// outcome, alone or counted, also through failures of the recorder; every
// opening has exactly one owner on record.
func TestP9NoReadIsSilent(t *testing.T) {
	for _, fails := range []bool{false, true} {
		walks(t, "P9", *steps/2, func(k *walker) { k.kills, k.fails = false, fails }, func(k *walker) {
			k.rest()
			k.step(Stop{})
			k.pass(time.Minute)
			k.m.must("P9", k.m.reads == k.m.outcomes, "%d reads came to %d outcomes", k.m.reads, k.m.outcomes)
			if !fails {
				k.m.must("P9", k.m.owned >= k.m.openings, "%d openings have %d owners", k.m.openings, k.m.owned)
			}
		})
	}
}

func TestP11UnknownIsNotFine(t *testing.T) { walks(t, "P11", *steps, nil, nil) }

func TestP12NumbersStayInside(t *testing.T) { walks(t, "P12", *steps/4, nil, nil) }

// TestWalkHoldsEveryPromise is the long walk, with every invariant at once and
// a person who leaves at the end of each.
func TestWalkHoldsEveryPromise(t *testing.T) {
	walks(t, "", *steps, nil, func(k *walker) {
		letsOut(k)
		k.pass(3 * time.Minute)
		allGrantsEnded(k)
		sameAsFold(t, k.world)
	})
}

// TestInvariantsCatch breaks each promise from outside, by changing what the
// door does or is given, and demands that its invariant notices.
func TestInvariantsCatch(t *testing.T) {
	grant := func(w *world) { w.enter("s-001") }
	tests := []struct {
		promise string
		do      func(w *world, m *model)
	}{
		{"P1", func(w *world, m *model) { m.see(Tick{}, []Effect{Release{For: 5 * time.Second}}) }},
		{"P1", func(w *world, m *model) { m.see(Recorded{ID: 999}, []Effect{Release{For: 5 * time.Second}}) }},
		{"P1", func(w *world, m *model) { w.slow = 3 * time.Second; w.door.cfg.RecordLimit = time.Hour; grant(w) }},
		{"P1", func(w *world, m *model) {
			w.badge(policy.Entry, "s-001")
			w.recorder = recordHeld
			w.finger(policy.Entry, policy.FactorMatch)
			m.spoiled = true
			w.recorder = recordOK
			w.settle()
		}},
		{"P2", func(w *world, m *model) { m.badges = -10; grant(w) }},
		{"P3", func(w *world, m *model) { m.until = w.mono + time.Hour; grant(w) }},
		{"P3", func(w *world, m *model) {
			w.door.rb = rulebook(t, func(d *policy.RulebookData) { d.Places[0].Timings.Release = policy.Span(6 * time.Second) })
			grant(w)
		}},
		{"P4", func(w *world, m *model) { m.level[LineFire] = Active; grant(w) }},
		{"P4", func(w *world, m *model) {
			ev := event.New(event.AccessDenied)
			ev.Side, ev.Reason = "exit", policy.Lockdown
			m.see(Tick{}, []Effect{Record{Events: []event.Event{ev}}})
		}},
		{"P5", func(w *world, m *model) { m.lockdown = true; grant(w) }},
		{"P5", func(w *world, m *model) {
			m.people = roster(t, func(d *policy.RosterData) { without(d, "s-001") })
			grant(w)
		}},
		{"P5", func(w *world, m *model) {
			w.badge(policy.Entry, "s-001")
			clear(m.captures)
			w.finger(policy.Entry, policy.FactorMatch)
		}},
		{"P5", func(w *world, m *model) { m.erasing["entry 1"] = true; grant(w) }},
		{"P6", func(w *world, m *model) {
			grant(w)
			m.recorded(event.Event{Kind: event.AccessTaken, Passage: "0-1", Side: "entry"})
			m.recorded(event.Event{Kind: event.AccessNotTaken, Passage: "0-1", Side: "entry"})
		}},
		{"P11", func(w *world, m *model) { m.level[LineLeaf] = Unknown; grant(w) }},
		{"P11", func(w *world, m *model) { clear(m.online); grant(w) }},
		{"P11", func(w *world, m *model) { m.stuck = true; grant(w) }},
		{"P12", func(w *world, m *model) {
			ev := event.New(event.AccessDenied)
			ev.Detail = "badge " + strange
			m.see(Tick{}, []Effect{Record{Events: []event.Event{ev}}})
		}},
	}
	for i, test := range tests {
		w := newWorld(t, machineRoom(t))
		m := newModel(w)
		m.only = test.promise
		w.begin()
		test.do(w, m)
		if m.found == "" {
			t.Errorf("%d: %s did not notice", i, test.promise)
		}
	}
}
