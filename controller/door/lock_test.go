package door

import (
	"slices"
	"testing"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// TestP3P11LockThatCannotBeSecured: it is said, nobody enters while it stands,
// it is tried again until it works, and then that is said, too.
func TestP3P11LockThatCannotBeSecured(t *testing.T) {
	for name, learn := range map[string]func(w *world){
		"from the answer to secure": func(w *world) {
			w.enter("s-001")
			w.line(LineLeaf, Active)
			w.line(LineLeaf, Inactive)
		},
		"from the driver's own end of a release": func(w *world) { w.step(Secured{Err: w.stuck}) },
		"at the start":                           func(w *world) { w.restart(); w.begin() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, machineRoom(t))
			w.begin()
			w.stuck = "the output cannot be driven"
			learn(w)
			w.pass(10 * time.Second)
			if i := slices.Index(w.kinds(0), event.LockFault); i < 0 || w.ledger[i].Device != "lock" {
				t.Fatalf("the ledger says nothing of it: %v", w.kinds(0))
			}
			released := w.released()
			w.enter("s-002")
			if *released != 0 || w.door.sides[0].shown != SignalUnavailable {
				t.Errorf("%d releases for somebody entering, shown %s", *released, w.door.sides[0].shown)
			}
			w.stuck = ""
			w.pass(10 * time.Second)
			if k := w.kinds(0); k[len(k)-1] != event.LockFaultCleared {
				t.Errorf("it works again, and nobody says so: %v", k)
			}
			w.enter("s-002")
			if *released != 1 {
				t.Errorf("%d releases once it works again", *released)
			}
		})
	}
}

// TestP11AttemptThatHadBegunWaits: it opens once the lock can be secured, if
// that is soon.
func TestP11AttemptThatHadBegunWaits(t *testing.T) {
	for _, soon := range []bool{true, false} {
		w := newWorld(t, machineRoom(t))
		w.begin()
		released := w.released()
		w.badge(policy.Entry, "s-001")
		w.stuck = "the output cannot be driven"
		w.step(Secured{Err: w.stuck})
		w.finger(policy.Entry, policy.FactorMatch)
		w.pass(2 * time.Second)
		if !soon {
			w.pass(time.Minute)
		}
		if *released != 0 {
			t.Error("an attempt that had begun opened while the lock could not be secured")
		}
		w.stuck = ""
		w.pass(2 * time.Second)
		if (*released == 1) != soon {
			t.Errorf("%d releases, soon: %v", *released, soon)
		}
	}
}

// TestP4NoSecureIsRetriedInAFire: also not of a lock that could not be secured;
// and a release for somebody who leaves is not cut short by it.
func TestP4NoSecureIsRetriedInAFire(t *testing.T) {
	w := newWorld(t, machineRoom(t))
	w.begin()
	w.stuck = "the output cannot be driven"
	w.step(Secured{Err: w.stuck})
	secures := 0
	w.watch = append(w.watch, func(_ Input, out []Effect) {
		for _, e := range out {
			if _, ok := e.(Secure); ok {
				secures++
			}
		}
	})
	w.leave("s-001")
	w.pass(4 * time.Second)
	if secures != 0 {
		t.Errorf("secured %d times in the release of somebody who leaves", secures)
	}
	w.line(LineFire, Active)
	w.pass(time.Minute)
	w.step(Stop{})
	if secures != 0 {
		t.Errorf("secured %d times while fire was active", secures)
	}
}

// TestNobodyToAsk: a door without ids for requests refuses instead of asking.
func TestNobodyToAsk(t *testing.T) {
	f := terminal(t)
	f.cfg.NewID = nil
	w := newWorld(t, f)
	w.begin()
	w.badge(policy.Entry, "s-001")
	if last := w.ledger[len(w.ledger)-1]; last.Kind != event.AccessDenied || last.Reason != policy.OutOfService {
		t.Errorf("got %s", eventLine(last))
	}
}
