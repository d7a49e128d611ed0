package door

import (
	"time"

	"sekimori/policy"
)

// side is one direction of the doorway: its two devices, the one attempt that
// may run at it, and what it shows.
type side struct {
	policy.Side
	reader, sensor device
	attempt        *attempt
	cancelled      uint64        // the last capture that was cancelled: its outcome may still come
	blockedUntil   time.Duration // the reader is blocked (entry only); 0: it is not

	shown       Signal
	answerUntil time.Duration // the answer on show stays until then; 0: no answer is on show
}

// answerTime is how long an answer stands before the side shows its state
// again. A person looks up within it; the next one is not kept waiting.
const answerTime = 2 * time.Second

// show answers the person at a side, also if the same answer stood there
// already: the tone must sound again.
func (d *Door) show(s *side, sig Signal) {
	s.shown, s.answerUntil = sig, d.t.Mono+answerTime
	d.do(Show{Side: s.Side, Signal: sig})
}

// hold is show for what stands as long as an attempt, a grant or an enrolment
// does.
func (d *Door) hold(s *side, sig Signal, until time.Duration) {
	d.show(s, sig)
	s.answerUntil = until
}

// display lets every side show its state once its answer was seen.
func (d *Door) display() {
	for i := range d.sides {
		s := &d.sides[i]
		if s.attempt != nil || d.enrolling(s) || d.t.Mono < s.answerUntil {
			continue
		}
		s.answerUntil = 0
		if want := d.resting(s); want != s.shown {
			s.shown = want
			d.do(Show{Side: s.Side, Signal: want})
		}
	}
}

// resting is what a side shows while nobody uses it.
func (d *Door) resting(s *side) Signal {
	switch {
	case d.leafAlarm():
		return SignalAlarm
	case d.open != nil && d.open.warned:
		return SignalHeld
	case d.recorder.bad || !d.started || d.stopped:
		return SignalUnavailable
	case s.Side == policy.Entry && (d.suspect != "" || d.lock.stuck != "" || d.state.Lockdown != 0 || d.mustResecure()):
		return SignalUnavailable
	default:
		return SignalIdle
	}
}

// signalOf gives a class of refusal its signal.
func signalOf(c policy.Class) Signal {
	switch c {
	case policy.ClassAgain:
		return SignalAgain
	case policy.ClassRefusedPermit:
		return SignalRefusedPermit
	case policy.ClassRefusedTime:
		return SignalRefusedTime
	case policy.ClassUnavailable:
		return SignalUnavailable
	default:
		return SignalRefused
	}
}
