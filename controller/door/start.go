package door

import (
	"sekimori/controller/event"
	"sekimori/policy"
)

// start is the first input of a run. The lock is told to be secured before
// anything else, and nothing opens by starting (P2). What the last run left
// open is closed: nobody knows whether he went in, and nobody may still.
func (d *Door) start(in Start) {
	if d.started {
		d.stray("a second start")
		return
	}
	d.started, d.suspect, d.startedAt = true, in.Suspect, d.t.Mono
	if !d.quiet() {
		d.do(Secure{})
	}
	ev := d.event(event.DaemonStarted)
	ev.Detail = in.Version
	d.emit(ev)
	if in.Suspect != "" {
		ev := d.event(event.LedgerSuspect)
		ev.Detail = in.Suspect
		d.emit(ev)
	}
	if in.Rules != "" && in.Rules != d.state.Rules {
		ev := d.event(event.ConfigChanged)
		ev.Before, ev.After, ev.Detail = d.state.Rules, in.Rules, "in force since this start"
		d.emit(ev)
	}
	const cut = "the daemon ended before it was used"
	for _, g := range d.state.Grants {
		d.notTaken(g, policy.Other, cut)
	}
	for _, r := range d.state.Requests {
		ev := d.event(event.PermissionTimeout)
		r.describe(&ev)
		ev.Of, ev.Reason, ev.Detail = r.Seq, policy.VerificationTimeout, "the daemon ended before it was answered"
		d.emit(ev)
	}
	if e := d.state.Enrolment; e != nil {
		ev := d.event(event.EnrolmentFailed)
		ev.Order, ev.Person, ev.Of, ev.Detail = e.Order, e.Person, e.Seq, "the daemon ended before it was complete"
		d.emit(ev)
	}
	d.restoreBlocks()
}

// stop is the last input of an orderly end: what runs is ended and said.
func (d *Door) stop() {
	if d.stopped || !d.started {
		return
	}
	for i := range d.sides {
		if s := &d.sides[i]; s.attempt != nil {
			d.end(s, obstacle{SignalUnavailable, policy.OutOfService, "the daemon stopped"})
		}
	}
	for len(d.requests) > 0 {
		d.closeRequest(0, "the daemon stopped")
	}
	if d.enrolment != nil {
		d.enrolmentFailed("the daemon stopped")
	}
	if d.grant != nil {
		d.dropGrant(policy.OutOfService, "the daemon stopped")
	}
	if !d.quiet() {
		d.do(Secure{})
	}
	d.lock.until = 0
	d.talliesDue(true)
	d.emit(d.event(event.DaemonStopped))
	d.stopped = true
}
