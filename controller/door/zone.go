package door

import (
	"sekimori/controller/event"
	"sekimori/policy"
)

// Presence itself is a fold over the events (event.Zone): the door, the console
// and an auditor come to the same answer. What is left here is the act that
// corrects it.

// reset forgets where one person is, and ends the lockout of his badges. It
// opens nothing: the next attempt is judged as any other.
func (d *Door) reset(in Act) {
	both := !in.Lockout && !in.Passback
	if in.Person == "" {
		d.refuseAct(in, "it names nobody")
		return
	}
	d.accept(in)
	if in.Passback || both {
		ev := d.event(event.PassbackReset)
		ev.Order, ev.Post, ev.Person = in.Order, in.Post, in.Person
		d.emit(ev)
	}
	if !in.Lockout && !both {
		return
	}
	for _, b := range d.lockedBadges(in.Person) {
		d.endLockout(b, in.Order)
	}
}

func (d *Door) lockedBadges(p policy.PersonID) []policy.BadgeID {
	var out []policy.BadgeID
	for _, b := range d.state.locked() {
		if d.state.Lockouts[b].Person == p {
			out = append(out, b)
		}
	}
	return out
}
