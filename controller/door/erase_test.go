package door

import (
	"testing"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// TestP5PageToBeErasedProvesNothing: page 1 goes from s-001 to s-002, and the
// sensor still holds the finger of s-001 there. It opens for neither.
func TestP5PageToBeErasedProvesNothing(t *testing.T) {
	for _, side := range []policy.Side{policy.Entry, policy.Exit} {
		w := newWorld(t, machineRoom(t))
		m := newModel(w)
		w.begin()
		w.act(ActImport, func(a *Act) { a.Roster = roster(t, movePage) })
		w.step(EraseDone{ID: w.stored.erase, Err: "busy"}) // again in a minute
		released := w.released()
		w.badge(side, "s-002")
		last := w.ledger[len(w.ledger)-1]
		w.finger(side, policy.FactorMatch)
		if *released != 0 || last.Kind != event.AccessDenied || last.Reason != policy.AuthUnavailable {
			t.Errorf("%v: %d releases, %s", side, *released, eventLine(last))
		}
		if m.found != "" {
			t.Error(m.found)
		}
	}
}

// TestP5ErasedWhileCompared: a page that is withdrawn while its finger is on
// the sensor proves nothing any more.
func TestP5ErasedWhileCompared(t *testing.T) {
	w := newWorld(t, machineRoom(t))
	w.begin()
	two := func(d *policy.RosterData) {
		d.Fingers = append(d.Fingers, policy.FingerPage{Person: "s-001", Page: 70, EnrolledAt: 1})
	}
	w.act(ActImport, func(a *Act) { a.Roster = roster(t, two) })
	w.badge(policy.Entry, "s-001")
	w.act(ActImport, func(a *Act) { a.Roster = roster(t, two, movePage) })
	released := w.released()
	w.finger(policy.Entry, policy.FactorMatch) // on page 1
	w.pass(time.Second)
	if *released != 0 {
		t.Error("a finger that was withdrawn opened")
	}
}
