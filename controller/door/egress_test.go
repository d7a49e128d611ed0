package door

import (
	"slices"
	"testing"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// with gives a page to a person, as an enrolment does.
func with(t testing.TB, person policy.PersonID, page uint16) func(*Act) {
	return func(a *Act) {
		a.Person, a.Page = person, page
		a.Roster = roster(t, func(d *policy.RosterData) {
			d.Fingers = append(d.Fingers, policy.FingerPage{Person: person, Page: page, EnrolledAt: 1})
		})
	}
}

// released counts the releases from here on.
func (w *world) released() *int {
	n := new(int)
	w.watch = append(w.watch, func(_ Input, out []Effect) {
		for _, e := range out {
			if _, ok := e.(Release); ok {
				*n++
			}
		}
	})
	return n
}

func (w *world) leave(person string) {
	w.badge(policy.Exit, person)
	w.finger(policy.Exit, policy.FactorMatch)
}

// cutLeafLoop is a wire of the leaf's loop that breaks while the bolt is home.
func (w *world) cutLeafLoop() {
	w.line(LineLeaf, Active)
	w.pass(5 * time.Second)
}

// TestP4ReaderLetsOut: nothing that goes on at the doorway keeps the exit
// reader from letting somebody out who can say who he is.
func TestP4ReaderLetsOut(t *testing.T) {
	tests := map[string]struct {
		fit  func(*fixture)
		then func(w *world)
		// also is recorded besides the grant.
		also event.Kind
	}{
		"a finger is copied to the exit sensor": {
			then: func(w *world) {
				w.act(ActEnroll, with(t, "m-001", 100))
				w.step(EnrolDone{ID: w.stored.enrol})
			},
			also: event.EnrolmentFailed,
		},
		"a finger is enrolled at the exit sensor": {
			fit:  func(f *fixture) { f.cfg.Sensors = map[policy.Side]string{policy.Exit: "sensor-exit"} },
			then: func(w *world) { w.act(ActEnroll, with(t, "m-001", 100)) },
			also: event.EnrolmentFailed,
		},
		"the leaf's loop is cut and the bolt is home": {
			then: (*world).cutLeafLoop,
			also: event.DoorFault,
		},
		"the leaf cannot be read since it stood open": {
			then: func(w *world) {
				w.line(LineLeaf, Active)
				w.line(LineLeaf, Unknown)
				w.pass(time.Hour)
			},
			also: event.InputFault,
		},
		"the lock cannot be secured": {
			then: func(w *world) { w.stuck = "stuck"; w.step(Secured{Err: "stuck"}) },
			also: event.LockFault,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := machineRoom(t)
			if test.fit != nil {
				test.fit(&f)
			}
			w := newWorld(t, f)
			m := newModel(w)
			w.begin()
			test.then(w)
			released := w.released()
			w.out.Reset()
			w.leave("s-001")
			if *released != 1 {
				t.Errorf("not let out: %s", w.out.String())
			}
			if !slices.Contains(w.kinds(0), test.also) {
				t.Errorf("no %s in %v", test.also, w.kinds(0))
			}
			if m.found != "" {
				t.Error(m.found)
			}
		})
	}
}

// TestP4BadgeAloneEndsNoEnrolment: where leaving asks for no finger, the sensor
// is not needed and the enrolment goes on.
func TestP4BadgeAloneEndsNoEnrolment(t *testing.T) {
	f := machineRoom(t)
	f.rb = rulebook(t, func(d *policy.RulebookData) {
		d.Readings = map[string]string{"exit_auth": "card"}
		d.Places[0].Exit.Factors = []string{"badge"}
	})
	w := newWorld(t, f)
	w.begin()
	w.act(ActEnroll, with(t, "m-001", 100))
	w.step(EnrolDone{ID: w.stored.enrol})
	released := w.released()
	w.badge(policy.Exit, "s-001")
	w.step(StoreDone{ID: w.stored.store})
	if *released != 1 || !slices.Contains(w.kinds(0), event.BiometricEnrolled) {
		t.Errorf("%d releases, %v", *released, w.kinds(0))
	}
}

// TestEnrolmentGivenUpIsErased: an enrolment that made way for somebody who
// left is erased on both sides, and what its sensors still answer is no fault.
func TestEnrolmentGivenUpIsErased(t *testing.T) {
	w := newWorld(t, machineRoom(t))
	w.begin()
	w.act(ActEnroll, with(t, "m-001", 100))
	enrol := w.stored.enrol
	w.step(EnrolDone{ID: enrol})
	if w.door.Awaits(enrol) {
		t.Error("the template is awaited although the copy has it")
	}
	w.badge(policy.Exit, "s-001")
	w.step(StoreDone{ID: w.stored.store, Err: "ended by another operation"})
	if slices.Contains(w.kinds(0), event.InputFault) {
		t.Errorf("an outcome that was to be expected is a fault: %v", w.kinds(0))
	}
	w.finger(policy.Exit, policy.FactorMatch)
	for range 2 {
		w.step(EraseDone{ID: w.stored.erase})
		w.pass(time.Second)
	}
	if w.door.state.Enrolment != nil || len(w.door.state.Erasures) != 0 {
		t.Errorf("left behind: %+v %+v", w.door.state.Enrolment, w.door.state.Erasures)
	}
}

// TestP4ReleaseOutlivesTheContact: a contact that becomes readable again, or
// flickers, does not cut the release of somebody who leaves.
func TestP4ReleaseOutlivesTheContact(t *testing.T) {
	for name, before := range map[string]func(w *world){
		"unread since the start": func(w *world) { w.line(LineLeaf, Unknown) },
		"a cut loop":             (*world).cutLeafLoop,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, machineRoom(t))
			w.begin()
			before(w)
			w.leave("s-001")
			w.watch = append(w.watch, func(_ Input, out []Effect) {
				if slices.ContainsFunc(out, func(e Effect) bool { _, ok := e.(Secure); return ok }) {
					t.Error("the release was cut short")
				}
			})
			w.line(LineLeaf, Inactive)
			w.watch = nil
			if !w.door.releasing() {
				t.Error("nothing is released any more")
			}
		})
	}
}

// TestOpeningAfterUnknownHasAnOwner: a leaf that could not be read, and reads
// open after somebody was let out, is his opening or an earlier one: on record,
// and not "not taken".
func TestOpeningAfterUnknownHasAnOwner(t *testing.T) {
	for name, before := range map[string]func(w *world){
		"since it stood open": func(w *world) {
			w.begin()
			w.enter("s-002")
			w.line(LineLeaf, Active)
			w.line(LineLeaf, Unknown)
			w.pass(time.Minute)
		},
		"since the start": func(w *world) {
			w.step(Start{Version: "test"})
			for _, s := range []policy.Side{policy.Entry, policy.Exit} {
				w.step(Device{Side: s, Kind: BadgeReader, Name: w.f.cfg.Readers[s], Online: true})
				w.step(Device{Side: s, Kind: FingerSensor, Name: w.f.cfg.Sensors[s], Online: true})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, machineRoom(t))
			before(w)
			w.leave("s-001")
			n := len(w.ledger)
			w.line(LineBolt, Inactive)
			w.line(LineLeaf, Active)
			w.line(LineLeaf, Inactive)
			w.pass(time.Minute)
			i := slices.Index(w.kinds(n), event.OpeningAmbiguous)
			if i < 0 || w.ledger[n+i].Person != "s-001" || slices.Contains(w.kinds(n), event.AccessNotTaken) {
				t.Errorf("%v", w.out.String())
			}
		})
	}
}
