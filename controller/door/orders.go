package door

import (
	"sekimori/controller/event"
	"sekimori/policy"
)

// String is the act's word, as it stands in the order.
func (k ActKind) String() string {
	switch k {
	case ActLockdown:
		return "lockdown"
	case ActRelease:
		return "release"
	case ActResecure:
		return "resecure"
	case ActReset:
		return "reset"
	case ActEnroll:
		return "enroll"
	case ActErase:
		return "erase"
	case ActImport:
		return "import"
	default:
		return "unknown"
	}
}

// act does what a verified order says. What it does stands in the same record
// as its acceptance: both, or neither.
func (d *Door) act(in Act) {
	switch in.Kind {
	case ActLockdown:
		d.lockdown(in)
	case ActRelease:
		d.unlockdown(in)
	case ActResecure:
		d.resecure(in)
	case ActReset:
		d.reset(in)
	case ActEnroll:
		d.enroll(in)
	case ActErase:
		d.erase(in)
	case ActImport:
		d.replaceRoster(in)
	default:
		d.refuseAct(in, "this door does not know the act")
	}
}

// accept emits the acceptance of an order. It carries nobody's name or reason
// beyond what the signer wrote.
func (d *Door) accept(in Act) {
	d.emit(d.accepted(in))
}

func (d *Door) accepted(in Act) event.Event {
	ev := d.event(event.OrderAccepted)
	ev.Order, ev.Post, ev.Person = in.Order, in.Post, in.Person
	ev.Detail = sentence(in.Kind.String()+" signed by "+in.Signer, in.Reason)
	return ev
}

// refuseAct answers an order that is genuine but cannot be done here and now.
func (d *Door) refuseAct(in Act, why string) {
	ev := d.event(event.OrderRefused)
	ev.Order, ev.Post, ev.Person = in.Order, in.Post, in.Person
	ev.Detail = sentence(in.Kind.String()+" signed by "+in.Signer, why)
	d.emit(ev)
}

// orderRefused notes an order that was not believed.
func (d *Door) orderRefused(in Refused) {
	ev := d.event(event.OrderRefused)
	ev.Order, ev.Detail = in.Order, sentence(in.Code, in.Detail)
	if in.Count > 1 {
		ev.Count = in.Count
	}
	d.emit(ev)
}

// lockdown closes the entry side at once, before it is even written: a release
// that runs for somebody entering ends. Egress is untouched (P4).
func (d *Door) lockdown(in Act) {
	d.accept(in)
	if d.state.Lockdown == 0 {
		ev := d.event(event.Lockdown)
		ev.Order, ev.Post = in.Order, in.Post
		d.emit(ev)
	}
	if d.grant != nil && d.grant.side == policy.Entry {
		d.secure()
		d.dropGrant(policy.Lockdown, "ended by a lockdown")
		d.show(d.side(policy.Entry), SignalUnavailable)
	}
}

func (d *Door) unlockdown(in Act) {
	if d.state.Lockdown == 0 {
		d.refuseAct(in, "there is no lockdown to end")
		return
	}
	d.accept(in)
	ev := d.event(event.LockdownReleased)
	ev.Order, ev.Post, ev.Of = in.Order, in.Post, d.state.Lockdown
	d.emit(ev)
}

// replaceRoster swaps the people once the change is written. Templates of
// people or pages that the new roster does not hold are erased (P12).
func (d *Door) replaceRoster(in Act) {
	if in.Roster == nil {
		d.refuseAct(in, "it brings no roster")
		return
	}
	d.accept(in)
	d.emit(d.rosterChanged(in))
	d.recorder.then.roster = in.Roster
	d.forgetTemplates(in)
}

func (d *Door) rosterChanged(in Act) event.Event {
	ev := d.event(event.RosterChanged)
	ev.Order, ev.Post, ev.Person = in.Order, in.Post, in.Person
	ev.Before, ev.After, ev.Diff = in.Before, in.After, in.Diff
	return ev
}

// rules swaps the rulebook once the change is written; a rejected one leaves
// the old in force.
func (d *Door) rules(in Rules) {
	if in.Err != "" || in.Rulebook == nil {
		ev := d.event(event.ConfigRejected)
		ev.Before, ev.After, ev.Detail = in.Before, in.After, in.Err
		d.emit(ev)
		return
	}
	ev := d.event(event.ConfigChanged)
	ev.Before, ev.After = in.Before, in.After
	d.emit(ev)
	d.recorder.then.rules = in.Rulebook
}
