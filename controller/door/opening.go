package door

import (
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// grant is the right to one opening. It begins with its durable record and
// ends when the leaf opens (taken), or when the lock is locked again without
// that (not taken). There is at most one.
type grant struct {
	side     policy.Side
	passage  string
	person   policy.PersonID
	badge    policy.BadgeID
	permit   policy.PermitID
	post     policy.PostID
	extended bool
	by       policy.Attempt // the evidence, should it have to be judged again
	seq      uint64
	over     time.Duration // from here on it ends once the lock is locked again
	until    time.Duration // and here in any case
}

// opening is the time from the leaf's opening to its closing.
type opening struct {
	since    time.Duration
	passage  string
	extended bool
	warned   bool
}

// lock is what the door wants of the lock, and what driving it came to.
type lock struct {
	id         uint64        // of the release that runs or ran last
	until      time.Duration // end of the release that runs; 0: none
	err        string        // why the last release could not be driven
	stuck      string        // why the lock cannot be secured: nobody enters while it stands
	tried      bool          // securing it was tried in this run
	again      time.Duration // when that is tried again; 0: not
	unhomeFrom time.Duration // since when the bolt is not where it should be; 0: it is
	freed      freedBy
}

// contactGrace is what a leaf contact may lag behind the leaf: bounce and
// debouncing, at most 400 ms, and a second look.
const contactGrace = time.Second

// free tells whether an opening could begin now, and would have one owner.
func (d *Door) free(s policy.Side) bool {
	if d.grant != nil || d.releasing() && !d.quiet() {
		return false
	}
	switch {
	case s == policy.Entry && (d.lock.stuck != "" || d.cfg.Fire && d.lines[LineFire].level != Inactive):
		return false
	case !d.cfg.Leaf || d.leaf() == Inactive:
		return true
	case d.stoodOpen(s):
		return false
	default:
		return s == policy.Exit // an unread contact keeps nobody in (P4)
	}
}

// stoodOpen tells that the leaf stands open, so that a release would serve
// nobody. A leaf that reads open while the bolt stays home in the frame is a
// cut loop: it keeps nobody in (P4), and still lets nobody enter (P11).
func (d *Door) stoodOpen(s policy.Side) bool {
	return d.leaf() == Active && !(s == policy.Exit && d.contactsDisagree() == yes)
}

func (d *Door) releasing() bool { return d.lock.until != 0 && d.t.Mono < d.lock.until }

// granted tells whether this badge's own grant is pending on this side.
func (d *Door) granted(s *side, v *policy.Verdict) bool {
	return d.grant != nil && d.grant.side == s.Side && v.Badge != "" && d.grant.badge == v.Badge
}

// release opens the lock for a grant whose record is durable; why not, if
// something came in between. It is the only function that emits Release, and
// settle is the only one that calls it (P1).
func (d *Door) release(g *grant, why string) {
	s := d.side(g.side)
	if why == "" && g.seq == 0 {
		why = "the ledger did not confirm it"
	}
	if why != "" {
		d.show(s, SignalUnavailable)
		d.notTaken(openGrant(g), policy.Other, "nothing was released: "+why)
		return
	}
	t := d.timings()
	span, _, _ := t.For(g.extended)
	g.until = d.t.Mono + max(t.NotTaken, span)
	g.over = d.t.Mono + span + contactGrace
	d.grant = g
	d.hold(s, SignalGranted, d.t.Mono+span)
	// The fire contact has opened the lock line already; or it has just come to
	// rest, and the release that it found running has not ended.
	if d.quiet() || d.releasing() {
		return
	}
	d.lock.id, d.lock.until = d.newEffectID(), d.t.Mono+span
	d.do(Release{ID: d.lock.id, For: span})
}

// secure ends a release early, except while fire is active (P4): then it runs
// out by itself.
func (d *Door) secure() {
	if d.quiet() {
		return
	}
	if d.releasing() {
		d.do(Secure{})
	}
	d.lock.until = 0
}

// released takes what driving the lock came to.
func (d *Door) released(in Released) {
	if in.ID == 0 || in.ID != d.lock.id {
		d.stale("a release's")
		return
	}
	d.lock.err = in.Err
	if in.Err == "" {
		return
	}
	d.lock.until = 0
	if g := d.grant; g != nil {
		d.dropGrant(policy.OutOfService, "the lock could not be driven")
		d.show(d.side(g.side), SignalUnavailable)
	}
}

// secureAgain is how soon a lock that could not be secured is tried again. The
// driver tries by itself as well, but only tells when it fails.
const secureAgain = time.Second

// secured takes what driving the lock to its secured level came to. A lock that
// may be open although nobody holds a grant lets nobody in (P3, P11); it still
// lets out.
func (d *Door) secured(in Secured) {
	d.lock.tried, d.lock.stuck, d.lock.again = true, in.Err, 0
	if in.Err != "" {
		d.lock.again = d.t.Mono + secureAgain
	}
}

// secureDue tries again to secure a lock that could not be secured; a release
// that runs meanwhile, for somebody who leaves, is not cut short.
func (d *Door) secureDue() bool {
	if !d.due(d.lock.again) || d.quiet() || d.releasing() {
		return false
	}
	d.lock.again = d.t.Mono + secureAgain
	d.do(Secure{})
	return true
}

// lockTrouble is the fault of driving the lock itself.
func (d *Door) lockTrouble() truth {
	switch {
	case d.lock.stuck != "" || d.lock.err != "":
		return yes
	case !d.lock.tried:
		return unknown
	default:
		return no
	}
}

// dropGrant ends the pending grant without a passage.
func (d *Door) dropGrant(r policy.Reason, detail string) {
	d.notTaken(openGrant(d.grant), r, detail)
	d.spend()
}

// spend ends the pending grant, however it was used, and its signal.
func (d *Door) spend() {
	if d.grant != nil {
		d.side(d.grant.side).answerUntil = 0
		d.grant = nil
	}
}

func (d *Door) notTaken(g OpenGrant, r policy.Reason, detail string) {
	ev := d.event(event.AccessNotTaken)
	g.describe(&ev)
	ev.Of, ev.Reason, ev.Detail = g.Seq, r, detail
	d.emit(ev)
}

// grantDue ends a grant that nobody used: the person walked away.
func (d *Door) grantDue() bool {
	g := d.grant
	if g == nil || !d.due(g.over) {
		return false
	}
	locked := !d.cfg.Latched
	if d.cfg.Bolt {
		locked = d.lines[LineBolt].level == Active
	}
	switch {
	case !d.cfg.Leaf:
		d.assumeTaken(g)
	case !locked && !d.due(g.until):
		return false
	case d.leaf() != Inactive:
		d.secure()
		d.dropGrant("", "nobody saw whether he passed: the leaf contact could not be believed")
	default:
		d.secure()
		d.dropGrant("", "")
	}
	return true
}

// assumeTaken closes a grant at a doorway without a leaf contact: nobody can
// see the passage, and a register without it would be emptier than the room.
func (d *Door) assumeTaken(g *grant) {
	ev := d.takenBy(g)
	ev.Detail = "assumed: there is no leaf contact"
	d.emit(ev)
	d.spend()
	d.secure()
}

func (d *Door) takenBy(g *grant) event.Event {
	ev := d.event(event.AccessTaken)
	openGrant(g).describe(&ev)
	ev.Post, ev.Of = g.post, g.seq
	return ev
}

// leafOpened finds the owner of an opening and records it. first tells that
// the leaf was never read before in this run.
func (d *Door) leafOpened(first bool) {
	again := d.open != nil
	d.open = &opening{since: d.t.Mono}
	g, sensed := d.grant, d.egressSensed()
	switch {
	case g != nil && (first || again):
		d.ambiguous(g, "granted while it could not be read whether the leaf was open already")
	case first:
		d.unowned(event.DoorFoundOpen, "")
	case g != nil && g.side == policy.Entry && sensed != "":
		d.ambiguous(g, "granted on the entry side while "+sensed+" sensed somebody leaving")
	case g != nil:
		d.emit(d.takenBy(g))
		d.open.passage, d.open.extended = g.passage, g.extended
	case sensed != "":
		d.unidentified(sensed)
	case d.quiet():
		d.ambiguous(nil, "the lock is free: fire")
	case d.lock.freed == freedByNobody:
		d.unowned(event.DoorOpenedByKey, "the bolt was drawn without a release")
	default:
		d.unowned(event.DoorForced, "")
	}
	d.spend() // one opening each
	d.sensed.at = 0
	if !d.cfg.AfterRelease {
		d.secure()
	}
}

// leafClosed ends the opening, and with it whatever is left of its release: one
// release, one opening (P6). A grant that is still pending was given to somebody
// who leaves while the contact could not be believed; his release goes on (P4).
func (d *Door) leafClosed() {
	opened := d.open != nil
	d.open = nil
	if opened && d.grant == nil {
		d.secure()
	}
}

// unidentified records that somebody left by the inside handle, the exit
// button or past the motion sense.
func (d *Door) unidentified(device string) {
	ev := d.event(event.ExitUnidentified)
	ev.Side, ev.Device, ev.Passage = event.SideOf(policy.Exit), device, d.newPassage()
	d.open.passage = ev.Passage
	d.emit(ev)
}

// ambiguous records an opening with two possible owners. The grant is spent.
func (d *Door) ambiguous(g *grant, detail string) {
	ev := d.event(event.OpeningAmbiguous)
	ev.Passage = d.newPassage()
	if g != nil {
		openGrant(g).describe(&ev)
		ev.Post, ev.Of = g.post, g.seq
	}
	ev.Detail = detail
	if d.open != nil {
		d.open.passage = ev.Passage
	}
	d.emit(ev)
}

// unowned records an opening that nobody was allowed, as an alarm that stands
// until the leaf is closed.
func (d *Door) unowned(k event.Kind, detail string) {
	ev := d.event(k)
	ev.Passage, ev.Device, ev.Detail = d.newPassage(), LineLeaf.String(), detail
	d.open.passage = ev.Passage
	d.raise(ev)
}

// openingDue warns, then alarms, when the leaf stands open too long. While
// fire is active it may stand open as long as people need.
func (d *Door) openingDue() bool {
	o := d.open
	if o == nil || d.quiet() {
		return false
	}
	warn, alarm := d.openTimes(o)
	switch {
	case !o.warned && d.due(warn):
		o.warned = true
		ev := d.event(event.DoorPreAlarm)
		ev.Passage, ev.Device = o.passage, LineLeaf.String()
		d.emit(ev)
	case d.due(alarm) && !d.standing[alarmKey{event.DoorOpenTooLong, LineLeaf.String()}]:
		ev := d.event(event.DoorOpenTooLong)
		ev.Passage, ev.Device = o.passage, LineLeaf.String()
		d.raise(ev)
	default:
		return false
	}
	return true
}

func (d *Door) openTimes(o *opening) (warn, alarm time.Duration) {
	t := d.timings()
	_, open, _ := t.For(o.extended)
	return o.since + open - t.PreAlarm, o.since + open
}

// reviewGrant ends a grant on the entry side that no longer holds, although
// its release may be running.
func (d *Door) reviewGrant() {
	g := d.grant
	if g == nil || g.side != policy.Entry {
		return
	}
	at := g.by
	at.Facts = d.facts(d.side(g.side), at.Holder.Number)
	if v := policy.Judge(d.rb, d.ro, &at, d.t.Instant); v.Decision != policy.Grant {
		d.secure()
		d.dropGrant(v.Primary, "it was taken back")
		d.show(d.side(g.side), signalOf(v.Primary.Class(true)))
	}
}
