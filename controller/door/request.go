package door

import (
	"slices"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// request is a permission that the entry manager was asked for (6-3-2). It is
// not an attempt: the reader is free for the next person, and several may
// wait.
type request struct {
	id       string
	side     policy.Side
	passage  string
	attempt  *attempt
	verdict  policy.Verdict // what was known when it was asked
	seq      uint64
	until    time.Duration
	repeated bool
	trouble  string // why the broker did not take it
}

// maxRequests bounds the people who can stand before one door.
const maxRequests = 16

// askPermission ends the attempt and asks for the permission.
func (d *Door) askPermission(s *side, v *policy.Verdict) {
	a := s.attempt
	switch {
	case d.cfg.NewID == nil:
		d.end(s, obstacle{SignalUnavailable, policy.OutOfService, "nobody can be asked at this door"})
		return
	case len(d.requests) >= maxRequests:
		d.end(s, obstacle{SignalBusy, policy.Other, "too many requests wait"})
		return
	}
	s.attempt = nil
	wait := d.timings().Request
	ev := d.event(event.PermissionRequested)
	ev.Side = event.SideOf(s.Side)
	d.describe(&ev, a, v)
	until := event.At(d.t.Wall.Add(2 * wait)) // asked once more before it is refused
	ev.Until = &until
	d.emit(ev)
	d.recorder.then.request = &request{side: s.Side, passage: a.passage, attempt: a, verdict: *v}
	d.hold(s, SignalWait, d.t.Mono+wait)
}

// publish asks the manager, once it is written that he was asked.
func (d *Door) publish(r *request, seq uint64) {
	r.id, r.seq = d.cfg.NewID(), seq
	r.until = d.t.Mono + d.timings().Request
	d.requests = append(d.requests, r)
	d.review = true // a lockdown may have come in between
	d.do(d.question(r))
}

func (d *Door) question(r *request) Request {
	h := r.attempt.holder()
	return Request{
		ID: r.id, Side: r.side, Person: r.verdict.Person, Badge: r.verdict.Badge, Post: r.verdict.Post,
		Wire: wireWord(h.Wire), Proof: proofWord(h.Proof), Expires: r.until - d.t.Mono,
	}
}

// asked tells whether this badge's request waits on this side.
func (d *Door) asked(s *side, v *policy.Verdict) bool {
	return v.Badge != "" && slices.ContainsFunc(d.requests, func(r *request) bool {
		return r.side == s.Side && r.verdict.Badge == v.Badge
	})
}

// requested notes whether the broker took the question.
func (d *Door) requested(in Requested) {
	for _, r := range d.requests {
		if r.id == in.ID {
			r.trouble = in.Err
			return
		}
	}
	if in.Err != "" {
		d.stale("a request's")
	}
}

// requestsDue repeats a question once, without a new badge, and then refuses.
func (d *Door) requestsDue() bool {
	i := slices.IndexFunc(d.requests, func(r *request) bool { return d.due(r.until) })
	if i < 0 {
		return false
	}
	r := d.requests[i]
	if !r.repeated {
		r.repeated = true
		r.until = d.t.Mono + d.timings().Request
		d.do(d.question(r))
		return true
	}
	ev := d.event(event.PermissionTimeout)
	d.describeRequest(&ev, r)
	ev.Detail = r.trouble
	d.emit(ev)
	r.attempt.permission = policy.PermissionTimedOut
	d.closeRequest(i, "")
	return true
}

// closeRequest ends a request with the verdict that now holds.
func (d *Door) closeRequest(i int, detail string) {
	r := d.requests[i]
	d.requests = slices.Delete(d.requests, i, i+1)
	s := d.side(r.side)
	v := d.judge(s, r.attempt)
	ev := d.event(event.AccessDenied)
	d.describeRequest(&ev, r)
	d.describe(&ev, r.attempt, &v)
	if v.Decision != policy.Deny { // not refused by the rules, but by the doorway
		ev.Reason = policy.OutOfService
	}
	ev.Of, ev.Detail = r.seq, detail
	d.emit(ev)
	d.do(Withdraw{ID: r.id, Reason: ev.Reason})
	if s.attempt == nil && d.grant == nil {
		d.show(s, signalOf(ev.Reason.Class(v.Identified)))
	}
}

func (d *Door) describeRequest(ev *event.Event, r *request) {
	ev.Side, ev.Passage, ev.Of = event.SideOf(r.side), r.passage, r.seq
	ev.Person, ev.Badge, ev.Post = r.verdict.Person, r.verdict.Badge, r.verdict.Post
}

// reviewed judges again what was judged before an order, a fire or new rules.
// What runs on the exit side is left alone.
func (d *Door) reviewed() bool {
	if !d.review {
		return false
	}
	d.review = false
	d.reviewGrant()
	s := d.side(policy.Entry)
	if s.attempt != nil {
		if v := d.judge(s, s.attempt); v.Decision == policy.Deny && !d.wantsFinger(s, &v) {
			d.refuse(s, &v)
		}
	}
	for i := len(d.requests) - 1; i >= 0; i-- {
		r := d.requests[i]
		if v := d.judge(d.side(r.side), r.attempt); v.Decision == policy.Deny {
			d.closeRequest(i, "")
		}
	}
	return true
}
