package daemon

import (
	"slices"

	"sekimori/controller/door"
	"sekimori/controller/event"
)

// unfinished is a fold of what the sensors hold and should not: of a door's
// state only its Erasures and its Enrolment.
type unfinished struct{ open door.State }

func newUnfinished(st door.State) unfinished {
	return unfinished{door.State{Erasures: slices.Clone(st.Erasures), Enrolment: st.Enrolment}}
}

// follow takes a recorded event, and tells whether it was about the sensors.
func (u *unfinished) follow(ev event.Event) bool {
	switch ev.Kind {
	case event.OrderAccepted, event.BiometricEnrolled, event.EnrolmentFailed, event.BiometricPending, event.BiometricErased:
		u.open.Apply(ev)
		return true
	default:
		return false
	}
}

// at tells whether it is open what a side's sensor holds.
func (u *unfinished) at(side event.Side) bool {
	if e := u.open.Enrolment; e != nil && slices.Contains(e.Sides, side) {
		return true
	}
	return slices.ContainsFunc(u.open.Erasures, func(e door.Erasure) bool { return e.Side == side })
}

// pages lists what is still to be erased from the sensors of these sides. A
// sensor that is no longer fitted keeps no page from being used: nothing would
// ever erase it.
func (u *unfinished) pages(sides []event.Side) []uint16 {
	var out []uint16
	for _, e := range u.open.Erasures {
		if slices.Contains(sides, e.Side) {
			out = append(out, e.Page)
		}
	}
	return out
}
