package door

import (
	"time"

	"sekimori/controller/event"
)

// lineCount sizes a table by LineID; index 0 is no line.
const lineCount = int(LineSupply) + 1

// String is the line's name in the door's configuration and in events.
func (l LineID) String() string {
	switch l {
	case LineLeaf:
		return "door_contact"
	case LineBolt:
		return "bolt_contact"
	case LineHandle:
		return "handle_switch"
	case LineExitButton:
		return "exit_button"
	case LineMotion:
		return "motion"
	case LineFire:
		return "fire"
	case LineTamper:
		return "tamper"
	case LineSupply:
		return "lock_supply"
	default:
		return "unknown"
	}
}

// line is an input line as last read. Unknown is what it is before the first
// read and whenever the wire cannot be read; it is never taken for a level.
type line struct {
	level Level
	known bool // was read at least once in this run
	since time.Duration
}

// freedBy is what drew the bolt out of its keeper the last time.
type freedBy uint8

const (
	freedUnseen freedBy = iota // before the first read, or the bolt is home
	freedByUs                  // a release, an egress sense, or fire
	freedByNobody
)

// egressSense is the last moment at which somebody inside reached for the
// door.
type egressSense struct {
	at   time.Duration
	line LineID
}

func (d *Door) leaf() Level { return d.lines[LineLeaf].level }

// lineMoved takes a level. Repeats change nothing.
func (d *Door) lineMoved(in Line) {
	if in.ID < LineLeaf || in.ID > LineSupply || in.Level > Active {
		d.stray("a line that this door does not know")
		return
	}
	l := &d.lines[in.ID]
	was, first := *l, !l.known
	if was.level == in.Level {
		return
	}
	l.level, l.since = in.Level, d.t.Mono
	l.known = l.known || in.Level != Unknown
	switch in.ID {
	case LineLeaf:
		d.leafMoved(in.Level, first)
	case LineBolt:
		d.boltMoved(in.Level, was.level)
	case LineHandle, LineExitButton, LineMotion:
		// Only the moment of reaching counts: a switch that sticks must not
		// excuse every later opening.
		if in.Level == Active && d.senses(in.ID) {
			d.sensed = egressSense{d.t.Mono, in.ID}
		}
	case LineFire:
		d.fireMoved()
	case LineTamper, LineSupply: // conditions in alarm.go
	}
}

// senses tells which lines mean that somebody leaves. The handle and the
// button act in the lock line, so that they count wherever they are fitted;
// motion also sees people who stay.
func (d *Door) senses(l LineID) bool {
	return l != LineMotion || d.cfg.Egress == EgressMotion
}

// egressSensed names the line that sensed somebody leaving in the last
// seconds; "" if none did.
func (d *Door) egressSensed() string {
	if d.sensed.at == 0 || d.t.Mono-d.sensed.at > d.cfg.EgressWindow {
		return ""
	}
	return d.sensed.line.String()
}

// leafMoved begins or ends an opening. A leaf that cannot be read neither
// opened nor closed: what was going on goes on, unless somebody was let out
// meanwhile, whose opening this may be.
func (d *Door) leafMoved(to Level, first bool) {
	switch {
	case to == Active && (d.open == nil || d.grant != nil):
		d.leafOpened(first)
	case to == Inactive:
		d.leafClosed()
	}
}

// boltMoved notes who drew the bolt, which tells a key from a crowbar.
func (d *Door) boltMoved(to, from Level) {
	switch {
	case to == Active:
		d.lock.freed = freedUnseen
	case to == Inactive && from == Active:
		d.lock.freed = freedByNobody
		if d.releasing() || d.grant != nil || d.egressSensed() != "" || d.mustResecure() {
			d.lock.freed = freedByUs
		}
	}
}

// boltMisplaced follows how long the bolt has not been where it should be:
// home when the leaf is closed, the relay inactive and nobody reaches for the
// door; drawn while fire is active.
func (d *Door) boltMisplaced() truth {
	bolt := d.lines[LineBolt].level
	if !d.cfg.Bolt || bolt == Unknown {
		d.lock.unhomeFrom = 0
		return unknown
	}
	wrong := bolt == Active
	if !d.quiet() {
		reached := d.lines[LineHandle].level == Active || d.lines[LineExitButton].level == Active
		wrong = bolt == Inactive && d.leaf() == Inactive && !d.releasing() && !reached && !d.mustResecure() && d.grant == nil
	}
	return d.lasting(wrong, &d.lock.unhomeFrom)
}

// lasting is a condition that counts after the place's bolt time.
func (d *Door) lasting(is bool, from *time.Duration) truth {
	switch {
	case !is:
		*from = 0
		return no
	case *from == 0:
		*from = d.t.Mono
	}
	if d.due(*from + d.timings().BoltHome) {
		return yes
	}
	return unknown
}

// leafAlarm tells whether an alarm of the leaf stands, written or on its way.
func (d *Door) leafAlarm() bool {
	if d.leaf() == Inactive {
		return false
	}
	for _, k := range leafAlarms {
		if d.standing[alarmKey{k, LineLeaf.String()}] {
			return true
		}
	}
	return false
}

// leafAlarms stand until the leaf is closed.
var leafAlarms = [...]event.Kind{
	event.DoorForced, event.DoorOpenedByKey, event.DoorFoundOpen, event.DoorOpenTooLong,
}
