package door

import (
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// truth is whether a condition holds. Unknown keeps what is written: an alarm
// is neither raised nor ended by not knowing.
type truth uint8

const (
	unknown truth = iota
	yes
	no
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// condition is one alarm that is a level: it stands as long as it is true.
type condition struct {
	kind   event.Kind
	device string
	side   policy.Side
	is     truth
	detail string
}

// alarmKey names one alarm.
type alarmKey struct {
	kind   event.Kind
	device string
}

// endsWith gives the event that ends an alarm of each kind. A kind that is not
// here is no alarm that stands.
var endsWith = map[event.Kind]event.Kind{
	event.DoorForced:       event.DoorRestored,
	event.DoorOpenedByKey:  event.DoorRestored,
	event.DoorFoundOpen:    event.DoorRestored,
	event.DoorOpenTooLong:  event.DoorRestored,
	event.DoorFault:        event.DoorFaultCleared,
	event.LockFault:        event.LockFaultCleared,
	event.InputFault:       event.InputRestored,
	event.Tamper:           event.TamperRestored,
	event.ReaderLost:       event.ReaderRestored,
	event.ReaderRejected:   event.ReaderRestored,
	event.FireInput:        event.FireCleared,
	event.EmergencyRelease: event.EmergencyReset,
	event.TimeUntrusted:    event.TimeTrusted,
	event.LinkLost:         event.LinkRestored,
	event.RosterStale:      event.RosterChanged,
}

// raise emits an alarm.
func (d *Door) raise(ev event.Event) {
	d.standing[alarmKey{ev.Kind, ev.Device}] = true
	d.emit(ev)
}

// lower emits the end of an alarm.
func (d *Door) lower(k alarmKey, side policy.Side) {
	ev := d.event(endsWith[k.kind])
	ev.Side, ev.Device = event.SideOf(side), k.device
	if a, ok := d.state.find(k); ok {
		ev.Of, ev.Passage = a.Seq, a.Passage
	}
	delete(d.standing, k)
	d.emit(ev)
}

// reconcile records the difference between what is true and what is written,
// and puts in order what was left behind. It tells whether anything was done.
func (d *Door) reconcile() bool {
	if !d.started || d.stopped {
		return false
	}
	d.conditions = d.level(d.conditions[:0])
	for _, c := range d.conditions {
		k := alarmKey{c.kind, c.device}
		switch {
		case c.is == yes && !d.standing[k]:
			ev := d.event(c.kind)
			ev.Side, ev.Device, ev.Detail = event.SideOf(c.side), c.device, c.detail
			d.raise(ev)
		case c.is == no && d.standing[k]:
			d.lower(k, c.side)
		}
	}
	if len(d.recorder.batch) > 0 {
		return true
	}
	return d.sweep() || d.eraseNext()
}

// level appends every level alarm of the doorway, always in this order.
func (d *Door) level(out []condition) []condition {
	fire := d.lines[LineFire].level
	out = append(out,
		condition{kind: event.FireInput, device: LineFire.String(), is: levelTruth(fire)},
		condition{kind: event.EmergencyRelease, device: LineFire.String(), is: d.emergency(), detail: d.emergencyDetail()},
		condition{kind: event.Tamper, device: LineTamper.String(), is: levelTruth(d.lines[LineTamper].level)},
		condition{kind: event.LockFault, device: LineSupply.String(), is: levelTruth(d.lines[LineSupply].level)},
		condition{kind: event.LockFault, device: LineBolt.String(), is: d.boltMisplaced(), detail: d.boltDetail()},
		condition{kind: event.LockFault, device: "lock", is: d.lockTrouble(), detail: sentence(d.lock.err, d.lock.stuck)},
		condition{kind: event.DoorFault, device: LineLeaf.String(), is: d.contactsDisagree(),
			detail: "the leaf reads open and the bolt reads home"},
	)
	for l := LineLeaf; l <= LineSupply; l++ {
		out = append(out, condition{kind: event.InputFault, device: l.String(), is: d.unreadable(l)})
	}
	for i := range d.sides {
		s := &d.sides[i]
		for _, v := range []*device{&s.reader, &s.sensor} {
			out = append(out,
				condition{kind: event.ReaderLost, device: v.name, side: s.Side, is: v.lost(), detail: v.reason},
				condition{kind: event.ReaderRejected, device: v.name, side: s.Side, is: v.rejected(), detail: v.reason},
				condition{kind: event.Tamper, device: v.name, side: s.Side, is: v.tamper},
			)
		}
	}
	out = append(out,
		condition{kind: event.TimeUntrusted, is: truthOf(!d.t.Trusted)},
		condition{kind: event.LinkLost, is: d.link, detail: d.linkWhy},
	)
	if d.leaf() == Inactive {
		for _, k := range leafAlarms {
			out = append(out, condition{kind: k, device: LineLeaf.String(), is: no})
		}
	}
	return out
}

func levelTruth(l Level) truth {
	switch l {
	case Active:
		return yes
	case Inactive:
		return no
	default:
		return unknown
	}
}

// lineSettle is how long after the start a fitted line may stay unread.
const lineSettle = 5 * time.Second

// unreadable tells whether a line that should be read cannot be: one that is
// fitted, or one that was read before.
func (d *Door) unreadable(id LineID) truth {
	l := d.lines[id]
	fitted := id == LineLeaf && d.cfg.Leaf || id == LineBolt && d.cfg.Bolt || id == LineFire && d.cfg.Fire
	switch {
	case l.level != Unknown:
		return no
	case l.known, fitted && d.due(d.startedAt+lineSettle):
		return yes
	default:
		return unknown
	}
}

// contactsDisagree tells that leaf and bolt contradict each other: a bolt
// cannot be home in the frame while the leaf is away from it. A cut wire of
// the leaf's loop reads so.
func (d *Door) contactsDisagree() truth {
	bolt := d.lines[LineBolt].level
	if !d.cfg.Bolt || bolt == Unknown || d.leaf() == Unknown {
		d.disagreeFrom = 0
		return unknown
	}
	return d.lasting(d.leaf() == Active && bolt == Active, &d.disagreeFrom)
}

func (d *Door) boltDetail() string {
	if d.quiet() {
		return "fire is active and the bolt is still home"
	}
	return "the leaf is closed, nothing is released, and the bolt is not home"
}

// sweep closes what stands open on paper and is held by nobody: grants whose
// passage can no longer come.
func (d *Door) sweep() bool {
	if d.recorder.bad {
		return false // what is on paper cannot change now
	}
	for _, g := range d.state.Grants {
		if d.grant == nil || d.grant.passage != g.Passage {
			d.notTaken(g, policy.Other, "nothing was released")
		}
	}
	return len(d.recorder.batch) > 0
}
