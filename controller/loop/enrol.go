package loop

import (
	"sekimori/controller/door"
	"sekimori/drivers"
)

// held is an enrolment's outcome together with its template. The template
// never enters the door: it stays here until it is stored on the other side,
// and is wiped then (P12).
type held struct {
	door.EnrolDone
	template drivers.Template
}

func (l *Loop) keep(h held) {
	if h.template.Len() > 0 {
		l.templates[h.ID] = h.template
	}
}

// drop lets go of an input that the loop will not take any more.
func drop(in door.Input) {
	if h, ok := in.(held); ok {
		h.template.Wipe()
	}
}

// discard drops what still waits when the loop has ended.
func (l *Loop) discard() {
	for {
		select {
		case in := <-l.inputs:
			drop(in)
		default:
			return
		}
	}
}

// wipe ends what the door does not await any more: the copy was given up, or
// the outcome came when nobody waited for it.
func (l *Loop) wipe() {
	for id, t := range l.templates {
		if !l.o.Door.Awaits(id) {
			t.Wipe()
			delete(l.templates, id)
		}
	}
}

func (l *Loop) enrol(e door.EnrolFinger) {
	if s := l.o.Sensors[e.Side]; s != nil {
		s.Enrol(e.ID, e.Page, e.Timeout)
		return
	}
	l.next = append(l.next, door.EnrolDone{ID: e.ID, Err: "no sensor on this side"})
}

func (l *Loop) store(e door.StoreFinger) {
	s, t := l.o.Sensors[e.Side], l.templates[e.From]
	delete(l.templates, e.From)
	switch {
	case s == nil:
		t.Wipe()
		l.next = append(l.next, door.StoreDone{ID: e.ID, Err: "no sensor on this side"})
	case t.Len() == 0:
		l.next = append(l.next, door.StoreDone{ID: e.ID, Err: "the template is no longer in memory"})
	default:
		s.Store(e.ID, e.Page, t) // the driver wipes it once it is stored
	}
}

func (l *Loop) erase(e door.EraseFinger) {
	if s := l.o.Sensors[e.Side]; s != nil {
		s.Erase(e.ID, e.Page)
		return
	}
	l.next = append(l.next, door.EraseDone{ID: e.ID, Err: "no sensor on this side"})
}
