package door

import (
	"slices"
	"testing"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// noise is what nobody misses: an enclosure contact that flaps.
func (w *world) noise(n int) {
	for i := range n {
		w.step(DeviceTamper{Side: policy.Exit, Name: "reader-exit", Active: i%2 == 0})
	}
}

// TestP9OutageKeepsWhatTheStateNeeds: however much happens while nothing can be
// recorded, a passage stays a passage and what must be erased is erased.
func TestP9OutageKeepsWhatTheStateNeeds(t *testing.T) {
	tests := map[string]struct {
		before, during func(w *world)
		want, never    event.Kind
	}{
		"somebody passed": {
			before: func(w *world) { w.enter("s-001") },
			during: func(w *world) {
				w.line(LineBolt, Inactive)
				w.line(LineLeaf, Active)
				w.pass(time.Second)
				w.line(LineLeaf, Inactive)
				w.line(LineBolt, Active)
			},
			want: event.AccessTaken, never: event.AccessNotTaken,
		},
		"an enrolment ended": {
			before: func(w *world) { w.act(ActEnroll, with(t, "m-001", 100)) },
			during: func(w *world) {
				w.step(EnrolDone{ID: w.stored.enrol})
				w.step(StoreDone{ID: w.stored.store})
			},
			want: event.EnrolmentFailed, never: event.BiometricEnrolled,
		},
		"fire came and went": {
			before: func(*world) {},
			during: func(w *world) { w.line(LineFire, Active); w.line(LineFire, Inactive) },
			want:   event.FireInput,
		},
	}
	for name, test := range tests {
		for order, noise := range map[string][2]int{"in a full shelf": {2 * maxLate, 0}, "and then much else": {0, 2 * maxLate}} {
			t.Run(name+" "+order, func(t *testing.T) {
				w := newWorld(t, machineRoom(t))
				w.begin()
				test.before(w)
				w.recorder = recordFails
				w.noise(noise[0])
				test.during(w)
				w.noise(noise[1])
				bounded(t, w.door)
				w.recorder = recordOK
				w.pass(time.Minute)
				if k := w.kinds(0); !slices.Contains(k, test.want) || slices.Contains(k, test.never) {
					t.Errorf("want %s, never %q: %v", test.want, test.never, k)
				}
				sameAsFold(t, w)
				if e := w.door.state.Enrolment; e != nil {
					t.Errorf("an enrolment that ended stands for ever: %+v", e)
				}
			})
		}
	}
}

// TestP9LongOutageIsBounded: people leave by the handle for weeks. Each is
// counted, and the shelf does not grow.
func TestP9LongOutageIsBounded(t *testing.T) {
	const exits = 2000
	w := newWorld(t, machineRoom(t))
	w.begin()
	w.enter("s-001")
	w.recorder = recordFails
	w.line(LineLeaf, Active) // he goes in
	w.line(LineLeaf, Inactive)
	for range exits {
		w.line(LineHandle, Active)
		w.line(LineLeaf, Active)
		w.line(LineHandle, Inactive)
		w.line(LineLeaf, Inactive)
		w.pass(time.Second)
	}
	bounded(t, w.door)
	w.recorder = recordOK
	w.pass(time.Minute)
	n := uint64(0)
	for _, ev := range w.ledger {
		if ev.Kind == event.ExitUnidentified {
			n += max(ev.Count, 1)
		}
	}
	if n != exits {
		t.Errorf("%d exits by the handle, %d on record", exits, n)
	}
	if p := w.door.state.Zone.Presence("s-001"); p != policy.PresenceUnidentified {
		t.Errorf("s-001 went in, and somebody left after him: presence %v", p)
	}
}
