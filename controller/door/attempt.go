package door

import (
	"slices"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// attempt is one try to pass at one side, from the badge to the verdict. It
// holds 1..n presentations: the first is the holder's; a further badge joins
// only if the judgement asks for one.
type attempt struct {
	passage       string
	presentations []presentation
	permission    policy.Permission

	capture  uint64 // the capture that runs; 0: none
	pages    []uint16
	deadline time.Duration // of the capture, should its outcome never come

	waiting   bool // it would be granted, but the doorway is in use
	waitUntil time.Duration
}

// presentation is what one person showed.
type presentation struct {
	policy.Presentation
	device string
	tag    string
	detail string // what the sensor said beside its result
}

func (a *attempt) holder() *presentation { return &a.presentations[0] }

// captureGrace is how much later than its timeout a capture's outcome may
// come; then the sensor counts as unavailable.
const captureGrace = 5 * time.Second

// badge takes one read: every one of them comes to a recorded outcome.
func (d *Door) badge(in Badge) {
	s := d.side(in.Side)
	if s == nil {
		d.stray("a badge read at no side of this door")
		return
	}
	a := &attempt{passage: d.newPassage(), presentations: []presentation{{
		Presentation: policy.Presentation{Number: in.Number, Wire: in.Wire, Proof: in.Proof},
		device:       in.Device, tag: in.Tag,
	}}}
	v := d.judge(s, a)
	if o := d.obstacle(s, a, &v); o.signal != "" {
		d.turnAway(s, a, &v, o)
		return
	}
	s.attempt = a
	d.proceed(s, &v)
}

// judge asks the one decider, with what the doorway knows at this instant.
func (d *Door) judge(s *side, a *attempt) policy.Verdict {
	return policy.Judge(d.rb, d.ro, d.evidence(s, a), d.t.Instant)
}

func (d *Door) evidence(s *side, a *attempt) *policy.Attempt {
	return &policy.Attempt{
		Place: d.cfg.Place, Side: s.Side, Holder: a.holder().Presentation,
		Permission: a.permission, Facts: d.facts(s, a.holder().Number),
	}
}

// facts are what the doorway itself adds to the evidence.
func (d *Door) facts(s *side, number string) policy.Facts {
	b, _ := d.ro.BadgeByNumber(number)
	f := policy.Facts{
		Presence:    d.state.Zone.Presence(b.Person),
		Lockdown:    d.state.Lockdown != 0,
		Resecure:    d.mustResecure(),
		RecorderBad: d.recorder.bad || d.suspect != "",
		RosterStale: d.state.alarm(event.RosterStale, "") != 0,
	}
	if s.Side == policy.Entry { // never on the exit side
		f.LockedOut = d.lockedOut(b.ID) || d.blocked(s)
	}
	return f
}

// obstacle is why a read does not become an attempt: something about the
// doorway, not about the person.
type obstacle struct {
	signal Signal
	reason policy.Reason
	detail string
}

// obstacle finds the first thing that keeps a read from becoming an attempt.
// On the exit side only what makes a release impossible or pointless counts
// (P4): no state of the place refuses egress.
func (d *Door) obstacle(s *side, a *attempt, v *policy.Verdict) obstacle {
	entry := s.Side == policy.Entry
	switch why := s.reader.unusable(a.holder().device); {
	case why != "":
		return obstacle{SignalUnavailable, policy.AuthUnavailable, why}
	case !d.started || d.stopped:
		return obstacle{SignalUnavailable, policy.OutOfService, "the door is not in service"}
	case d.recorder.bad:
		return obstacle{SignalUnavailable, policy.OutOfService, "nothing can be recorded"}
	case d.stoodOpen(s.Side):
		return obstacle{SignalDoorOpen, policy.Other, "the leaf is open"}
	case d.granted(s, v):
		return obstacle{SignalGranted, policy.Other, "already granted"}
	case d.asked(s, v):
		return obstacle{SignalWait, policy.Other, "already asked for permission"}
	case s.attempt != nil:
		return obstacle{SignalBusy, policy.Other, "another attempt runs"}
	case entry && d.enrolling(s):
		return obstacle{SignalBusy, policy.Other, "a finger is being enrolled"}
	case entry && d.lock.stuck != "":
		return obstacle{SignalUnavailable, policy.OutOfService, "the lock cannot be secured"}
	case entry && s.reader.tamper == yes:
		return obstacle{SignalUnavailable, policy.AuthUnavailable, "the reader's enclosure is open"}
	case entry && d.cfg.Leaf && d.leaf() == Unknown:
		return obstacle{SignalUnavailable, policy.OutOfService, "it is unknown whether the leaf is closed"}
	case entry && d.cfg.Fire && d.lines[LineFire].level == Unknown:
		return obstacle{SignalUnavailable, policy.OutOfService, "the state of the fire contact is unknown"}
	}
	return obstacle{}
}

// turnAway records a read that did not become an attempt.
func (d *Door) turnAway(s *side, a *attempt, v *policy.Verdict, o obstacle) {
	ev := d.unjudged(s.Side)
	if o.signal == SignalGranted || o.signal == SignalWait { // the same person again: no refusal
		ev = d.event(event.FactorRead)
		ev.Side = event.SideOf(s.Side)
	}
	d.describe(&ev, a, v)
	ev.Reason, ev.Detail, ev.Article = o.reason, o.detail, ""
	d.note(ev)
	if s.attempt == nil && !d.enrolling(s) { // else it belongs to whoever is using the side
		d.show(s, o.signal)
	}
}

// unjudged is the event of a read that the door's own state answered. Nobody
// is refused egress by a state: there it is only noted that somebody was read.
func (d *Door) unjudged(s policy.Side) event.Event {
	k := event.AccessDenied
	if s == policy.Exit {
		k = event.FactorRead
	}
	ev := d.event(k)
	ev.Side = event.SideOf(s)
	return ev
}

// describe fills in who was there and what he showed. A badge that names
// nobody stands by its keyed tag; the number itself goes nowhere (P12).
func (d *Door) describe(ev *event.Event, a *attempt, v *policy.Verdict) {
	h := a.holder()
	ev.Passage = a.passage
	ev.Person, ev.Badge, ev.Permit, ev.Post = v.Person, v.Badge, v.Permit, v.Post
	if v.Badge == "" {
		ev.Tag = h.tag
	}
	ev.Reason, ev.Article = v.Primary, v.Article
	ev.Failed, ev.Remarks = event.Findings(v.Failed()), event.Findings(v.Remarks())
	ev.Wire, ev.Proof, ev.Score = wireWord(h.Wire), proofWord(h.Proof), h.FingerScore
	ev.Device, ev.Detail = h.device, h.detail
}

// proceed does what the verdict asks for.
func (d *Door) proceed(s *side, v *policy.Verdict) {
	switch {
	case v.Decision == policy.Grant:
		d.allow(s, v)
	case d.wantsFinger(s, v):
		d.capture(s, v)
	case v.Decision == policy.Need && v.Need == policy.NeedPermission:
		d.askPermission(s, v)
	default:
		d.refuse(s, v)
	}
}

// wantsFinger tells whether the finger is the next thing to see. It is, too,
// when the refusal is already certain but has a reason that only the holder
// may be told: he is not sent away with a bare no, and whoever found his badge
// learns nothing from it.
func (d *Door) wantsFinger(s *side, v *policy.Verdict) bool {
	switch {
	case s.attempt.holder().Finger != policy.FactorMissing:
		return false
	case v.Decision == policy.Need:
		return v.Need == policy.NeedFinger
	}
	p, ok := d.rb.Place(d.cfg.Place)
	if !ok || v.Person == "" || !p.Side(s.Side).Finger || len(d.ro.Pages(nil, v.Person)) == 0 {
		return false
	}
	for _, f := range v.Failed() {
		if c := f.Reason.Class(true); c != policy.ClassRefusedPermit && c != policy.ClassRefusedTime {
			return false
		}
	}
	return true
}

// capture asks for the finger of exactly one person. A page that is still to
// be erased on this side holds somebody else's finger, or one that was
// withdrawn: it proves nothing about him (P5). A sensor at which a finger is
// being enrolled is taken from the enrolment: nobody waits inside for that (P4).
func (d *Door) capture(s *side, v *policy.Verdict) {
	a := s.attempt
	a.holder().FingerOf = v.Person
	a.pages = slices.DeleteFunc(d.ro.Pages(nil, v.Person), func(page uint16) bool { return d.state.erasingAt(s.Side, page) })
	why := s.sensor.unusable(s.sensor.name)
	if why == "" && len(a.pages) == 0 {
		why = "this sensor holds no finger of his that counts"
	}
	if why != "" {
		d.fingerResult(s, policy.FactorUnavailable, 0, why)
		return
	}
	if d.enrolling(s) {
		d.enrolmentFailed("somebody wants to leave at this sensor")
	}
	_, _, wait := d.timings().For(v.Extended)
	a.capture = d.newEffectID()
	a.deadline = d.t.Mono + wait + captureGrace
	d.hold(s, SignalFinger, a.deadline)
	d.do(Capture{
		ID: a.capture, Side: s.Side, Pages: slices.Clone(a.pages), MinScore: d.cfg.MinScore,
		MaxUnreadable: max(d.rb.UnreadableCaptures(), 1), Timeout: wait,
	})
}

// finger takes a capture's outcome. A match counts only for a page that was
// asked for and with the score that was asked for: the sensor is believed as
// far as it was questioned.
func (d *Door) finger(in Finger) {
	i := slices.IndexFunc(d.sides[:], func(s side) bool {
		return in.ID != 0 && s.attempt != nil && s.attempt.capture == in.ID
	})
	if i < 0 {
		if in.ID == 0 || in.ID != d.sides[0].cancelled && in.ID != d.sides[1].cancelled {
			d.stale("a finger's")
		}
		return
	}
	s, result, detail := &d.sides[i], in.Result, in.Detail
	switch {
	case result == policy.FactorMatch && !slices.Contains(s.attempt.pages, in.Page):
		result, detail = policy.FactorUnavailable, "the sensor matched a page that was not asked for"
	case result == policy.FactorMatch && d.state.erasingAt(s.Side, in.Page):
		result, detail = policy.FactorUnavailable, "the sensor matched a page that is to be erased"
	case result == policy.FactorMatch && in.Score < d.cfg.MinScore:
		result, detail = policy.FactorMismatch, "the sensor matched below the score that was asked for"
	case result == policy.FactorMissing || result > policy.FactorUnavailable:
		result, detail = policy.FactorUnavailable, "the sensor gave no result"
	}
	d.fingerResult(s, result, in.Score, detail)
}

// fingerResult adds the finger to the evidence and judges again.
func (d *Door) fingerResult(s *side, r policy.FactorResult, score uint16, detail string) {
	h := s.attempt.holder()
	s.attempt.capture, s.attempt.deadline = 0, 0
	h.Finger, h.FingerScore, h.detail = r, score, detail
	v := d.judge(s, s.attempt)
	d.proceed(s, &v)
}

// allow grants, or waits until the doorway is free: an opening never has two
// owners.
func (d *Door) allow(s *side, v *policy.Verdict) {
	a := s.attempt
	if d.free(s.Side) {
		s.attempt = nil
		d.grantAccess(s, a, v)
		return
	}
	if !a.waiting {
		a.waiting, a.waitUntil = true, d.t.Mono+d.timings().NotTaken
		d.hold(s, SignalBusy, a.waitUntil)
	}
}

// grantAccess writes the grant; nothing opens before it is durable.
func (d *Door) grantAccess(s *side, a *attempt, v *policy.Verdict) {
	if slices.ContainsFunc(v.Remarks(), func(f policy.Finding) bool { return f.Reason == policy.Passback }) {
		ev := d.event(event.PassbackDetected)
		ev.Side, ev.Passage, ev.Person, ev.Badge, ev.Reason = event.SideOf(s.Side), a.passage, v.Person, v.Badge, policy.Passback
		d.emit(ev)
	}
	ev := d.event(event.AccessGranted)
	ev.Side = event.SideOf(s.Side)
	d.describe(&ev, a, v)
	if v.SelfPermitted && s.Side == policy.Entry {
		ev.Detail = sentence(ev.Detail, "self-permitted") // 自己許可
	}
	d.emit(ev)
	d.recorder.then.grant = &grant{
		side: s.Side, passage: a.passage, person: v.Person, badge: v.Badge,
		permit: v.Permit, post: v.Post, extended: v.Extended, by: *d.evidence(s, a),
	}
	d.hold(s, SignalWait, d.t.Mono+d.cfg.RecordLimit)
}

// refuse ends an attempt with its verdict.
func (d *Door) refuse(s *side, v *policy.Verdict) {
	a := s.attempt
	d.cancelCapture(s)
	s.attempt = nil
	ev := d.event(event.AccessDenied)
	ev.Side = event.SideOf(s.Side)
	d.describe(&ev, a, v)
	sig := signalOf(v.Primary.Class(v.Identified))
	if a.holder().Finger == policy.FactorMissing {
		d.note(ev) // a flood of badges must not become a flood of commits
	} else {
		d.emit(ev)
		if d.countMismatch(s, a, v) {
			sig = SignalRefused // there is no next try
		}
	}
	d.show(s, sig)
}

// end ends an attempt for a reason of the doorway.
func (d *Door) end(s *side, o obstacle) {
	a := s.attempt
	d.cancelCapture(s)
	s.attempt = nil
	v := d.judge(s, a)
	ev := d.unjudged(s.Side)
	d.describe(&ev, a, &v)
	ev.Reason, ev.Article, ev.Detail = o.reason, "", o.detail
	d.emit(ev)
	d.show(s, o.signal)
}

func (d *Door) cancelCapture(s *side) {
	if a := s.attempt; a.capture != 0 {
		d.do(CancelCapture{ID: a.capture, Side: s.Side})
		s.cancelled, a.capture = a.capture, 0
	}
}

// attemptsDue takes the attempts forward for which time went on or the doorway
// became free; egress first.
func (d *Door) attemptsDue() bool {
	for _, s := range []*side{&d.sides[1], &d.sides[0]} {
		switch a := s.attempt; {
		case a == nil:
		case d.due(a.deadline):
			d.cancelCapture(s)
			d.fingerResult(s, policy.FactorUnavailable, 0, "the sensor did not answer")
			return true
		case a.waiting && d.free(s.Side):
			v := d.judge(s, a)
			d.proceed(s, &v)
			return true
		case a.waiting && d.due(a.waitUntil):
			d.end(s, obstacle{SignalBusy, policy.Other, "the doorway did not become free"})
			return true
		}
	}
	return false
}

func wireWord(w policy.Wire) string {
	switch w {
	case policy.WireOpen:
		return "open"
	case policy.WireSecured:
		return "secured"
	default:
		return ""
	}
}

func proofWord(p policy.Proof) string {
	switch p {
	case policy.ProofClonable:
		return "clonable"
	case policy.ProofReaderAsserted:
		return "reader_asserted"
	case policy.ProofAuthenticated:
		return "authenticated"
	default:
		return ""
	}
}
