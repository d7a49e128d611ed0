package door

import (
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// erasure is the one template that is being erased. What is still to be erased
// stands in the State, so that a power cut cannot forget it.
type erasure struct {
	id       uint64 // 0: none runs
	side     policy.Side
	page     uint16
	deadline time.Duration
	again    time.Duration // after a failure: not before this moment; 0: at once
	failures int
}

const (
	eraseTime  = 30 * time.Second
	eraseAgain = time.Minute
)

// diffPage is the key under which events give a sensor's page.
const diffPage = "page"

// erase forgets a person's fingers: in the roster as soon as that is written,
// in the sensors as soon as they can.
func (d *Door) erase(in Act) {
	if in.Roster == nil {
		d.refuseAct(in, "it brings no roster")
		return
	}
	d.replaceRoster(in)
}

// forgetTemplates puts down every page that no longer belongs to whom it
// belonged. A page that another person owns now is erased as well: what it
// holds is not his finger.
func (d *Door) forgetTemplates(in Act) {
	owner := map[uint16]policy.PersonID{}
	for _, f := range in.Roster.Data().Fingers {
		owner[f.Page] = f.Person
	}
	for _, f := range d.ro.Data().Fingers {
		if owner[f.Page] == f.Person {
			continue
		}
		for i := range d.sides {
			s := &d.sides[i]
			if s.sensor.name == "" {
				continue
			}
			ev := d.event(event.BiometricPending)
			ev.Order, ev.Person, ev.Side, ev.Device = in.Order, f.Person, event.SideOf(s.Side), s.sensor.name
			ev.Diff = map[string]int{diffPage: int(f.Page)}
			d.emit(ev)
		}
	}
}

// eraseNext does the next erasure as soon as its sensor is free. After a
// failure the next one in line has its turn: a broken sensor must not keep the
// other side's template alive.
func (d *Door) eraseNext() bool {
	x, all := &d.erasure, d.state.Erasures
	if x.id != 0 || len(all) == 0 || d.recorder.bad || d.enrolment != nil || x.again != 0 && !d.due(x.again) {
		return false
	}
	for i := range all {
		e := all[(x.failures+i)%len(all)]
		s := d.side(e.Side.Policy())
		if s == nil || s.attempt != nil || s.sensor.unusable(s.sensor.name) != "" {
			continue
		}
		*x = erasure{id: d.newEffectID(), side: s.Side, page: e.Page, deadline: d.t.Mono + eraseTime, failures: x.failures}
		d.do(EraseFinger{ID: x.id, Side: s.Side, Page: e.Page})
		return true
	}
	return false
}

func (d *Door) eraseDone(in EraseDone) {
	x := &d.erasure
	switch {
	case x.id == 0 || x.id != in.ID:
		d.stale("an erasure's")
		return
	case in.Err != "":
		d.eraseFailed()
		return
	}
	ev := d.event(event.BiometricErased)
	ev.Side, ev.Device = event.SideOf(x.side), d.side(x.side).sensor.name
	ev.Diff = map[string]int{diffPage: int(x.page)}
	for _, e := range d.state.Erasures {
		if e.Side == ev.Side && e.Page == x.page {
			ev.Person, ev.Of = e.Person, e.Seq
		}
	}
	d.emit(ev)
	*x = erasure{}
}

func (d *Door) eraseFailed() {
	d.erasure = erasure{again: d.t.Mono + eraseAgain, failures: d.erasure.failures + 1}
}

// erasureDue gives up waiting for an erasure's outcome.
func (d *Door) erasureDue() bool {
	if !d.due(d.erasure.deadline) {
		return false
	}
	d.eraseFailed()
	return true
}
