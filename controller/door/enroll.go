package door

import (
	"fmt"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// enrolment is one finger being taken at one side's sensor and copied to the
// other's. Until both hold it and that is written, the roster knows nothing of
// it; whatever ends it earlier has the page erased on both sides.
type enrolment struct {
	act      Act
	side     policy.Side // where the person stands
	other    policy.Side // where the template is copied to; 0: there is no other sensor
	id       uint64      // of the operation that runs
	from     uint64      // of the enrolment, once the template is taken
	deadline time.Duration
	copying  bool // the copy waits for the other sensor to be free, or runs
}

// An enrolment takes a person two or three touches; longer than a minute means
// that he went away. A copy takes the sensor some seconds.
const (
	enrolTime = 60 * time.Second
	copyTime  = 30 * time.Second
)

// enroll begins an enrolment, if the doorway can see it through.
func (d *Door) enroll(in Act) {
	e, why := d.planEnrolment(in)
	if why != "" {
		d.refuseAct(in, why)
		return
	}
	ev := d.accepted(in)
	// Should the power fail now, the next start knows which page to erase.
	ev.Diff = map[string]int{diffPage: int(in.Page), e.side.String(): 1}
	if e.other != 0 {
		ev.Diff[e.other.String()] = 1
	}
	d.emit(ev)
	d.recorder.then.enrol = e
}

func (d *Door) planEnrolment(in Act) (*enrolment, string) {
	e := &enrolment{act: in}
	for i := range d.sides {
		s := &d.sides[i]
		switch {
		case s.sensor.name == "":
			continue
		case s.sensor.unusable(s.sensor.name) != "":
			return nil, fmt.Sprintf("sensor %s: %s", s.sensor.name, s.sensor.unusable(s.sensor.name))
		case s.attempt != nil:
			return nil, "somebody is at the " + s.String() + " side"
		case e.side == 0:
			e.side = s.Side
		default:
			e.other = s.Side
		}
	}
	owner, taken := d.ro.PageOwner(in.Page)
	switch {
	case e.side == 0:
		return nil, "there is no sensor at this door"
	case d.enrolment != nil || d.state.Enrolment != nil:
		return nil, "another enrolment runs"
	case in.Roster == nil:
		return nil, "it brings no roster"
	case in.Person == "":
		return nil, "it names nobody"
	case taken:
		return nil, fmt.Sprintf("page %d holds a finger of %s", in.Page, owner)
	case d.state.erasingAt(e.side, in.Page), e.other != 0 && d.state.erasingAt(e.other, in.Page):
		// On a sensor that is no longer fitted nothing is ever erased: it blocks
		// nothing here.
		return nil, fmt.Sprintf("page %d is still to be erased", in.Page)
	}
	return e, ""
}

// beginEnrolment starts the sensor once the order is written.
func (d *Door) beginEnrolment(e *enrolment) {
	e.id, e.deadline = d.newEffectID(), d.t.Mono+enrolTime+captureGrace
	d.enrolment = e
	d.hold(d.side(e.side), SignalPlaceFinger, e.deadline)
	d.do(EnrolFinger{ID: e.id, Side: e.side, Page: e.act.Page, Timeout: enrolTime})
}

// enrolling tells whether a side's sensor is taken by an enrolment.
func (d *Door) enrolling(s *side) bool {
	e := d.enrolment
	return e != nil && (s.Side == e.side || s.Side == e.other && e.copying && e.id != 0)
}

// Awaits tells whether the template that the enrolment with this id produced is
// still to be copied: until then, and no longer, the loop keeps it (P12).
func (d *Door) Awaits(id uint64) bool {
	e := d.enrolment
	return e != nil && e.copying && e.id == 0 && e.from == id
}

func (d *Door) enrolProgress(in EnrolProgress) {
	e := d.enrolment
	if e == nil || e.id != in.ID || e.copying {
		d.staleEnrolment(in.ID)
		return
	}
	sig := SignalLiftFinger
	if in.Place {
		sig = SignalPlaceFinger
	}
	d.hold(d.side(e.side), sig, e.deadline)
}

func (d *Door) enrolDone(in EnrolDone) {
	e := d.enrolment
	switch {
	case e == nil || e.id != in.ID || e.copying:
		d.staleEnrolment(in.ID)
	case in.Duplicate:
		d.enrolmentFailed(fmt.Sprintf("this finger is already enrolled, on page %d", in.Of))
	case in.Err != "":
		d.enrolmentFailed(in.Err)
	case e.other == 0:
		d.enrolled()
	default:
		e.copying, e.from, e.id = true, e.id, 0
		e.deadline = d.t.Mono + copyTime
		d.hold(d.side(e.side), SignalWait, e.deadline)
	}
}

// copyNext copies the template as soon as nobody stands at the other sensor.
func (d *Door) copyNext() bool {
	e := d.enrolment
	if e == nil || !e.copying || e.id != 0 || d.side(e.other).attempt != nil {
		return false
	}
	e.id = d.newEffectID()
	d.do(StoreFinger{ID: e.id, From: e.from, Side: e.other, Page: e.act.Page})
	return true
}

func (d *Door) storeDone(in StoreDone) {
	e := d.enrolment
	switch {
	case e == nil || !e.copying || e.id != in.ID:
		d.staleEnrolment(in.ID)
	case in.Err != "":
		d.enrolmentFailed("the copy to the " + e.other.String() + " side failed: " + in.Err)
	default:
		d.enrolled()
	}
}

// enrolled writes that both sensors hold the finger; only then does the roster
// know it.
func (d *Door) enrolled() {
	in, side := d.enrolment.act, d.enrolment.side
	d.enrolment = nil
	ev := d.event(event.BiometricEnrolled)
	ev.Order, ev.Post, ev.Person = in.Order, in.Post, in.Person
	ev.Side, ev.Device, ev.Diff = event.SideOf(side), d.side(side).sensor.name, map[string]int{diffPage: int(in.Page)}
	d.emit(ev)
	d.emit(d.rosterChanged(in))
	d.recorder.then.roster = in.Roster
	d.recorder.then.show = append(d.recorder.then.show, Show{Side: side, Signal: SignalEnrolled})
}

func (d *Door) enrolmentFailed(why string) {
	in, side := d.enrolment.act, d.enrolment.side
	d.abandoned, d.enrolment = d.enrolment.id, nil
	ev := d.event(event.EnrolmentFailed)
	ev.Order, ev.Post, ev.Person = in.Order, in.Post, in.Person
	ev.Side, ev.Device, ev.Detail = event.SideOf(side), d.side(side).sensor.name, why
	d.emit(ev)
	d.show(d.side(side), SignalRefused)
}

// staleEnrolment notes an outcome for which no enrolment waits, except that of
// the one that was given up last.
func (d *Door) staleEnrolment(id uint64) {
	if id == 0 || id != d.abandoned {
		d.stale("an enrolment's")
	}
}

// sensorLost ends an enrolment whose sensor went away.
func (d *Door) sensorLost(s *side) {
	if e := d.enrolment; e != nil && (s.Side == e.side || s.Side == e.other) {
		d.enrolmentFailed("sensor " + s.sensor.name + " was lost")
	}
	if d.erasure.id != 0 && d.erasure.side == s.Side {
		d.eraseFailed()
	}
}

// enrolmentDue ends an enrolment whose outcome never came.
func (d *Door) enrolmentDue() bool {
	if d.enrolment == nil || !d.due(d.enrolment.deadline) {
		return false
	}
	d.enrolmentFailed("the sensor did not answer in time")
	return true
}
