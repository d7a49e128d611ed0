package door

import (
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// tally counts events that are alike. Whoever holds a dead badge to a reader
// for an hour, or pushes ten thousand reads into the wire, must neither fill
// the ledger nor go unrecorded: the first few stand alone, the rest stand as
// one event with a count.
type tally struct {
	key   tallyKey
	last  event.Event
	until time.Duration
	alone int
	more  uint64
}

// tallyKey says which events are alike.
type tallyKey struct {
	kind                event.Kind
	side                event.Side
	reason              policy.Reason
	badge               policy.BadgeID
	tag, device, detail string
}

const (
	tallyAlone  = 3
	tallyWindow = 10 * time.Second
	maxTallies  = 64 // of a flood of ever different badges, each stands alone
)

// note emits an event, or counts it with those that are alike. Only events
// that change nothing may be noted; a grant, an alarm or a mismatch never is.
func (d *Door) note(ev event.Event) {
	k := tallyKey{ev.Kind, ev.Side, ev.Reason, ev.Badge, ev.Tag, ev.Device, ev.Detail}
	for i := range d.tallies {
		t := &d.tallies[i]
		if t.key != k {
			continue
		}
		if t.alone < tallyAlone {
			t.alone++
			d.emit(ev)
			return
		}
		t.more, t.last = t.more+max(ev.Count, 1), ev
		return
	}
	if len(d.tallies) == maxTallies {
		d.closeTally(0)
	}
	d.tallies = append(d.tallies, tally{key: k, until: d.t.Mono + tallyWindow, alone: 1})
	d.emit(ev)
}

// closeTally writes what was counted.
func (d *Door) closeTally(i int) {
	t := d.tallies[i]
	d.tallies = append(d.tallies[:i], d.tallies[i+1:]...)
	if t.more == 0 {
		return
	}
	t.last.Count, t.last.Passage = t.more, ""
	d.emit(t.last)
}

// talliesDue closes the windows that are over; all closes every one.
func (d *Door) talliesDue(all bool) bool {
	n := len(d.tallies)
	for i := 0; i < len(d.tallies); {
		if all || d.due(d.tallies[i].until) {
			d.closeTally(i)
			continue
		}
		i++
	}
	return len(d.tallies) < n
}

// stray notes an input that cannot be: it changes nothing.
func (d *Door) stray(what string) {
	ev := d.event(event.InputFault)
	ev.Detail = "ignored: " + what
	d.note(ev)
}
