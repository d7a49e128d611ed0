package door

import (
	"sekimori/controller/event"
)

// quiet tells that fire is active: the fire contact has opened the lock line
// in hardware, and no lock command is given until it is over (P4), neither a
// release nor an end of one, nor at the end of the daemon. Fire that waits in
// the queue behind a record counts already.
//
// Two things come before it. At a start the relay is put to rest before the
// fire contact was read even once: what a killed process left released must end
// (P2, P3). And when the process ends, the driver gives its output back at rest
// for the same reason. Neither shuts anybody in: the contact is in the lock
// line itself.
func (d *Door) quiet() bool {
	if d.lines[LineFire].level == Active {
		return true
	}
	for _, in := range d.recorder.queue {
		if l, ok := in.(Line); ok && l.ID == LineFire && l.Level == Active {
			return true
		}
	}
	return false
}

// mustResecure tells that entry is stopped until a person at the box has
// ended the emergency by a recorded act (DENY_ALL).
func (d *Door) mustResecure() bool {
	return d.quiet() || d.state.Resecure != 0 ||
		d.standing[alarmKey{event.FireInput, LineFire.String()}] ||
		d.standing[alarmKey{event.EmergencyRelease, LineFire.String()}]
}

// fireMoved ends what the emergency made void: a grant to enter. A release
// that runs ends by itself; securing it would be a lock command.
func (d *Door) fireMoved() {
	if d.quiet() {
		d.review = true
	}
}

// emergency is the release by the fire contact as observed at the bolt. Once
// observed it stands until it is reset by an act; fire that is over does not
// end it.
func (d *Door) emergency() truth {
	if d.quiet() && (!d.cfg.Bolt || d.lines[LineBolt].level == Inactive) {
		return yes
	}
	return unknown
}

func (d *Door) emergencyDetail() string {
	if d.cfg.Bolt {
		return "the bolt is drawn"
	}
	return "not observed: there is no bolt contact"
}

// resecure ends an emergency, by a person at the box.
func (d *Door) resecure(in Act) {
	k := alarmKey{event.EmergencyRelease, LineFire.String()}
	switch {
	case d.quiet() || d.cfg.Fire && d.lines[LineFire].level == Unknown:
		d.refuseAct(in, "the fire contact is not at rest")
		return
	case !d.mustResecure():
		d.refuseAct(in, "there is no emergency to end")
		return
	}
	d.accept(in)
	ev := d.event(event.EmergencyReset)
	ev.Order, ev.Device, ev.Of = in.Order, k.device, d.state.Resecure
	if a, ok := d.state.find(k); ok {
		ev.Of = a.Seq
	}
	delete(d.standing, k)
	d.emit(ev)
	d.secure()
}
