package door

import "time"

// expire does one thing whose time has come, before the next input is looked
// at: a grant that is over must not own an opening that comes after it. It
// tells whether it did anything.
func (d *Door) expire() bool {
	if !d.started || d.stopped {
		return false
	}
	return d.probe() || d.reviewed() ||
		d.grantDue() || d.openingDue() || d.blocksDue() ||
		d.attemptsDue() || d.requestsDue() ||
		d.secureDue() || d.enrolmentDue() || d.copyNext() || d.erasureDue() ||
		d.talliesDue(false)
}

// askWake asks for a Tick at the next moment at which something falls due.
func (d *Door) askWake() {
	if d.due(d.wake) {
		d.wake = 0 // it has come
	}
	next := d.nextDue()
	if next != 0 && next != d.wake {
		d.wake = next
		d.do(Wake{At: next})
	}
}

// nextDue is the earliest moment in the future at which time alone changes
// something; 0 if there is none.
func (d *Door) nextDue() time.Duration {
	next := time.Duration(0)
	at := func(t time.Duration) {
		if t > d.t.Mono && (next == 0 || t < next) {
			next = t
		}
	}
	for i := range d.sides {
		s := &d.sides[i]
		at(s.answerUntil)
		at(s.blockedUntil)
		if s.attempt != nil {
			at(s.attempt.deadline)
			at(s.attempt.waitUntil)
		}
	}
	if d.grant != nil {
		at(d.grant.over)
		at(d.grant.until)
	}
	if d.open != nil {
		warn, alarm := d.openTimes(d.open)
		at(warn)
		at(alarm)
	}
	at(d.lock.until)
	at(d.lock.again)
	for _, from := range []time.Duration{d.lock.unhomeFrom, d.disagreeFrom} {
		if from != 0 {
			at(from + d.timings().BoltHome)
		}
	}
	for _, r := range d.requests {
		at(r.until)
	}
	for _, b := range d.blocks {
		at(b.until)
	}
	for _, t := range d.tallies {
		at(t.until)
	}
	if d.enrolment != nil {
		at(d.enrolment.deadline)
	}
	at(d.erasure.deadline)
	at(d.erasure.again)
	at(d.recorder.probeAt)
	at(d.startedAt + lineSettle)
	return next
}
