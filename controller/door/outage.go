package door

import (
	"slices"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// outage is the time in which nothing can be recorded: nothing opens on either
// side, and what happens is shelved until the recorder works again.
type outage struct {
	bad     bool
	failed  event.Event // the first failure
	probeAt time.Duration
	pause   time.Duration // before the next probe
	late    []event.Event // what happened meanwhile, in order
	omitted map[string]int
}

// The shelf holds maxLate events. Then what the State does not depend on makes
// room, counted by kind; and once only the rest is left, what is alike stands
// as one event with its count. Beyond that there is only what cannot recur
// while nothing is granted: ends of passages, of requests and of an enrolment.
const (
	maxLate = 256
	// A failed recorder is tried again after probeFirst, then ever more
	// rarely, down to every probeLast.
	probeFirst = 2 * time.Second
	probeLast  = 8 * time.Second
)

// shelve keeps what could not be recorded, as what it then came to: a grant
// that was not recorded was no grant.
func (d *Door) shelve(events []event.Event, then consequence) {
	o := &d.recorder.outage
	for _, ev := range events {
		if ev, keep := unrecorded(ev); keep {
			o.shelve(ev)
		} else {
			o.omit(ev)
		}
	}
	switch {
	case then.grant != nil:
		d.show(d.side(then.grant.side), SignalUnavailable)
	case then.request != nil:
		d.show(d.side(then.request.side), SignalUnavailable)
	}
}

// shelve puts one event down, within the bound.
func (o *outage) shelve(ev event.Event) {
	if len(o.late) >= maxLate {
		if !folded(ev) {
			o.omit(ev)
			return
		}
		if i := slices.IndexFunc(o.late, func(l event.Event) bool { return !folded(l) }); i >= 0 {
			o.omit(o.late[i])
			o.late = slices.Delete(o.late, i, i+1)
		} else if i := slices.IndexFunc(o.late, func(l event.Event) bool { return alike(l, ev) }); i >= 0 {
			ev.Count = max(ev.Count, 1) + max(o.late[i].Count, 1)
			o.late = slices.Delete(o.late, i, i+1)
		}
	}
	o.late = append(o.late, ev)
}

func (o *outage) omit(ev event.Event) {
	if o.omitted == nil {
		o.omitted = map[string]int{}
	}
	o.omitted[string(ev.Kind)] += int(max(ev.Count, 1))
}

// folded tells the events without which the State would be another one for
// good. Alarms that are levels are not among them: what is true is written
// anew after the outage (reconcile).
func folded(ev event.Event) bool {
	switch ev.Kind {
	case event.AccessTaken, event.AccessNotTaken, event.OpeningAmbiguous, event.ExitUnidentified,
		event.DoorForced, event.DoorOpenedByKey, event.DoorFoundOpen, // somebody may have left
		event.FireInput, event.EmergencyRelease,
		event.LockoutStart, event.LockoutEnd, event.PermissionTimeout,
		event.EnrolmentFailed, event.BiometricErased, event.BiometricPending,
		event.DaemonStarted, event.DaemonStopped, event.LedgerSuspect, event.LedgerRolledBack:
		return true
	case event.AccessDenied: // it ends a request, or counts as a mismatch
		return ev.Of != 0 || mismatched(ev)
	default:
		return false
	}
}

// alike tells events of which the last says everything to the State. What
// names a person, a passage's grant or a page never is.
func alike(a, b event.Event) bool {
	named := func(ev event.Event) bool { return ev.Person != "" || ev.Badge != "" || ev.Of != 0 || len(ev.Diff) > 0 }
	return a.Kind == b.Kind && a.Device == b.Device && !named(a) && !named(b)
}

// unrecorded turns an event whose record failed into what is true instead;
// false if nothing happened without the record: an order that is not in the
// ledger was not accepted, and comes again.
func unrecorded(ev event.Event) (event.Event, bool) {
	to := ev.Kind
	switch ev.Kind {
	case event.AccessGranted, event.PermissionRequested:
		to = event.AccessDenied
		if ev.Side.Policy() == policy.Exit {
			to = event.FactorRead
		}
		ev.Reason = policy.OutOfService
	case event.ConfigChanged:
		to = event.ConfigRejected
	case event.BiometricEnrolled:
		to = event.EnrolmentFailed
	case event.EnrolmentFailed:
	default:
		return ev, ev.Order == "" && ev.Kind != event.PassbackDetected
	}
	if to != ev.Kind {
		ev.Kind, ev.Severity = to, to.Severity()
		ev.Detail = sentence(ev.Detail, "could not be recorded")
	}
	return ev, true
}

// probe tries a failed recorder again. What it records says first that there
// was an outage, then what happened in it, then that it is over.
func (d *Door) probe() bool {
	r := &d.recorder
	if !r.bad || !d.due(r.probeAt) {
		return false
	}
	r.probeAt = 0
	d.emit(r.failed)
	for _, ev := range r.late {
		d.emit(ev)
	}
	end := d.event(event.DiskRestored)
	if len(r.omitted) > 0 {
		end.Diff = r.omitted
		end.Detail = "not kept while nothing could be recorded: see the counts by kind"
	}
	d.emit(end)
	r.then.probe = true
	return true
}
