package door

import (
	"slices"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// recorder is the door's view of the ledger: at most one record in flight, the
// inputs that wait for its outcome, and what could not be recorded.
type recorder struct {
	batch   []event.Event // of the input being taken
	then    consequence   // of the batch
	pending *pending
	queue   []Input
	turned  [2]uint64 // badge reads turned away because the queue was full, by side
	lost    uint64    // other inputs that found no room

	outage
}

// consequence is what a batch leads to once it is durable. It is data and not
// code, so that a step can be replayed and nothing hides in a closure.
type consequence struct {
	grant   *grant
	request *request
	roster  *policy.Roster
	rules   *policy.Rulebook
	enrol   *enrolment
	show    []Show
	probe   bool
}

// pending is the record in flight.
type pending struct {
	id     uint64
	asked  time.Duration
	sent   bool
	events []event.Event
	then   consequence
	// spoiled is why the grant may not open any more although its record may
	// still succeed; "" while it may.
	spoiled string
}

// Bounds. A reader sends at most some ten reads a second, and a record takes
// two seconds at most: 64 waiting badges are a flood. Contacts and devices are
// rarer still.
const (
	maxBadges  = 64
	maxWaiting = 1024
	reserve    = 32 // room beyond it for the first word of each contact and device
)

// admit puts an input behind those that wait. While a record is in flight it
// notes what may no longer open by it: the answer must not overtake a
// lockdown, a fire or a revocation that is already here.
func (d *Door) admit(in Input) {
	r := &d.recorder
	if p := r.pending; p != nil {
		p.overtaken(in)
		if _, tick := in.(Tick); tick {
			return
		}
	}
	b, badge := in.(Badge)
	switch {
	case badge && r.badges() >= maxBadges:
		if s := d.side(b.Side); s != nil {
			r.turned[s.Side-policy.Entry]++
			d.show(s, SignalBusy)
		}
	case len(r.queue) >= maxWaiting:
		r.replace(in)
		r.lost++
	default:
		r.queue = append(r.queue, in)
	}
}

// replace lets the newest level of a contact or device stand for an older one
// in a full queue: moments may be lost in a flood, but never what is true now.
func (r *recorder) replace(in Input) {
	var same func(Input) bool
	switch in := in.(type) {
	case Line:
		same = func(o Input) bool { l, ok := o.(Line); return ok && l.ID == in.ID }
	case Device:
		same = func(o Input) bool { v, ok := o.(Device); return ok && v.Side == in.Side && v.Kind == in.Kind }
	case DeviceTamper:
		same = func(o Input) bool { v, ok := o.(DeviceTamper); return ok && v.Side == in.Side && v.Name == in.Name }
	default:
		return
	}
	// The newest of its kind goes, and in takes the last place: the order
	// among contacts is kept.
	for i := len(r.queue) - 1; i >= 0; i-- {
		if same(r.queue[i]) {
			r.queue = append(slices.Delete(r.queue, i, i+1), in)
			return
		}
	}
	if len(r.queue) < maxWaiting+reserve {
		r.queue = append(r.queue, in)
	}
}

func (r *recorder) badges() int {
	n := 0
	for _, in := range r.queue {
		if _, ok := in.(Badge); ok {
			n++
		}
	}
	return n
}

// spoils tells why a grant that waits for its record must not open after this
// input. Egress is spoiled only by what makes the release pointless (the leaf
// is open, the reader is gone), or what changes who the person is.
func spoils(in Input, s policy.Side) string {
	entry := s == policy.Entry
	switch in := in.(type) {
	case Line:
		switch {
		case in.ID == LineLeaf && (in.Level == Active || entry && in.Level == Unknown):
			return "the leaf was not closed any more"
		case in.ID == LineFire && in.Level != Inactive && entry:
			return "the fire contact was not at rest any more"
		}
	case Act:
		if in.Roster != nil || entry && in.Kind == ActLockdown {
			return "an order came in between"
		}
	case Rules:
		return "the rules changed in between"
	case ClockChanged:
		if entry {
			return "the clock changed in between"
		}
	case Device:
		if in.Side == s && !in.Online {
			return "a device of this side was lost in between"
		}
	case DeviceTamper:
		if entry && in.Side == s && in.Active {
			return "a device of this side was opened in between"
		}
	case Secured:
		if entry && in.Err != "" {
			return "the lock could not be secured in between"
		}
	case Stop:
		return "the daemon stopped in between"
	}
	return ""
}

// next takes the first input that waits.
func (d *Door) next() bool {
	r := &d.recorder
	if len(r.queue) == 0 {
		return d.ownUp()
	}
	in := r.queue[0]
	r.queue = r.queue[1:]
	d.take(in)
	return true
}

// ownUp records what found no room in the queue: a count instead of silence.
func (d *Door) ownUp() bool {
	r := &d.recorder
	for i := range r.turned {
		if n := r.turned[i]; n > 0 {
			r.turned[i] = 0
			ev := d.unjudged(d.sides[i].Side)
			ev.Reason, ev.Detail, ev.Count = policy.Other, "too many reads at once", n
			d.emit(ev)
			return true
		}
	}
	if n := r.lost; n > 0 {
		r.lost = 0
		ev := d.event(event.InputFault)
		ev.Detail, ev.Count = "inputs found no room while a record was pending", n
		d.emit(ev)
		return true
	}
	return false
}

// emit adds an event to the batch.
func (d *Door) emit(ev event.Event) { d.recorder.batch = append(d.recorder.batch, ev) }

// commit asks for the batch's record, or shelves it while the recorder is bad.
func (d *Door) commit() {
	r := &d.recorder
	if len(r.batch) == 0 || r.pending != nil {
		return
	}
	events, then := r.batch, r.then
	r.batch, r.then = nil, consequence{}
	if r.bad && !then.probe {
		d.shelve(events, then)
		return
	}
	r.pending = &pending{id: d.newEffectID(), asked: d.t.Mono, events: events, then: then}
	for _, in := range r.queue { // what waits already is also in between
		r.pending.overtaken(in)
	}
}

// overtaken notes an input that the record's outcome must not overtake.
func (p *pending) overtaken(in Input) {
	if p.spoiled == "" && p.then.grant != nil {
		p.spoiled = spoils(in, p.then.grant.side)
	}
}

// recorded takes the good outcome: the state changes, and what was waiting for
// it happens.
func (d *Door) recorded(in Recorded) {
	r := &d.recorder
	p := r.pending
	mine := p != nil && p.id == in.ID
	if mine && !d.numbered(p, in.Events) {
		d.recordFailed(RecordFailed{ID: in.ID, Err: "the ledger confirmed something else than was asked for"})
		return
	}
	for _, ev := range in.Events {
		if ev.Seq > d.state.Seq { // durable is durable, whoever asked for it
			d.applied(ev)
		}
	}
	d.standing = d.state.standing()
	if !mine {
		d.stale("a record's")
		return
	}
	r.pending = nil
	if p.then.probe {
		r.bad, r.late, r.omitted = false, nil, nil
	}
	d.settle(p, in.Events)
}

// numbered tells whether what came back is what was asked for, with numbers
// that go on from the last. Anything else is no confirmation (P11).
func (d *Door) numbered(p *pending, stored []event.Event) bool {
	last := d.state.Seq
	for i, ev := range stored {
		if i >= len(p.events) || ev.Seq <= last || ev.Kind != p.events[i].Kind || ev.Passage != p.events[i].Passage {
			return false
		}
		last = ev.Seq
	}
	return len(stored) == len(p.events)
}

// applied folds one event and starts what runs by it in this run.
func (d *Door) applied(ev event.Event) {
	d.state.Apply(ev)
	switch ev.Kind {
	case event.LockoutStart:
		d.startBlock(ev)
	case event.LockoutEnd, event.PassbackReset:
		d.dropBlocks()
	case event.Lockdown, event.FireInput, event.RosterChanged, event.ConfigChanged, event.TimeUntrusted:
		d.review = true
	}
}

// settle carries out the consequence of a durable batch. This is the only way
// to a Release (P1).
func (d *Door) settle(p *pending, stored []event.Event) {
	then := &p.then
	if then.rules != nil {
		d.rb = then.rules
	}
	if then.roster != nil {
		d.ro = then.roster
	}
	for _, s := range then.show {
		d.show(d.side(s.Side), s.Signal)
	}
	if then.request != nil {
		d.publish(then.request, seqOf(stored, event.PermissionRequested, then.request.passage))
	}
	if then.enrol != nil {
		d.beginEnrolment(then.enrol)
	}
	if then.grant != nil {
		why := p.spoiled
		if why == "" && d.t.Mono-p.asked > d.cfg.RecordLimit {
			why = "it was recorded too late"
		}
		then.grant.seq = seqOf(stored, event.AccessGranted, then.grant.passage)
		d.release(then.grant, why)
	}
}

// seqOf finds the number that the ledger gave to one event of a batch; 0 if it
// is not among those stored.
func seqOf(stored []event.Event, k event.Kind, passage string) uint64 {
	i := slices.IndexFunc(stored, func(ev event.Event) bool { return ev.Kind == k && ev.Passage == passage })
	if i < 0 {
		return 0
	}
	return stored[i].Seq
}

// recordFailed takes the bad outcome: nothing opens until the recorder works
// again, on either side.
func (d *Door) recordFailed(in RecordFailed) {
	r := &d.recorder
	p := r.pending
	if p == nil || p.id != in.ID {
		d.stale("a record's")
		return
	}
	r.pending = nil
	if p.then.probe {
		r.pause = min(2*r.pause, probeLast)
		r.probeAt = d.t.Mono + r.pause
		return
	}
	r.bad, r.pause, r.probeAt = true, probeFirst, d.t.Mono+probeFirst
	r.failed = d.event(event.DiskFull)
	r.failed.Detail = "cannot record: " + in.Err
	if in.Full {
		r.failed.Detail = "the disk is full"
	}
	d.shelve(p.events, p.then)
}

// stale notes an outcome that nobody waits for.
func (d *Door) stale(whose string) {
	ev := d.event(event.InputFault)
	ev.Detail = "ignored: " + whose + " outcome for which nobody waits"
	d.note(ev)
}

// sentence joins two parts of a detail.
func sentence(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	default:
		return a + "; " + b
	}
}
