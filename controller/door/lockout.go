package door

import (
	"slices"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// block is a credential's lockout as this run counts it, on Mono: setting the
// clock forward must not end it.
type block struct {
	badge policy.BadgeID
	until time.Duration
}

// readerBlock is how long the reader takes nobody after a lockout, so that a
// handful of found badges cannot be tried in turn.
const readerBlock = 30 * time.Second

// countMismatch locks the credential with the last mismatch that the rulebook
// allows in a row. Unreadable captures are no mismatches, and leaving never
// counts. It tells whether this was the last.
func (d *Door) countMismatch(s *side, a *attempt, v *policy.Verdict) bool {
	if s.Side != policy.Entry || a.holder().Finger != policy.FactorMismatch || v.Badge == "" {
		return false
	}
	rule := d.rb.Lockout()
	if rule.Mismatches == 0 || d.state.Mismatches[v.Badge]+1 < rule.Mismatches {
		return false
	}
	ev := d.event(event.LockoutStart)
	ev.Side, ev.Passage, ev.Person, ev.Badge, ev.Reason = event.SideOf(s.Side), a.passage, v.Person, v.Badge, policy.Lockout
	until := event.At(d.t.Wall.Add(rule.Block))
	ev.Until = &until
	d.emit(ev)
	return true
}

// lockedOut tells whether a credential is blocked.
func (d *Door) lockedOut(b policy.BadgeID) bool {
	_, ok := d.state.Lockouts[b]
	return b != "" && ok
}

// blocked tells whether the side's reader takes nobody just now.
func (d *Door) blocked(s *side) bool { return s.blockedUntil != 0 && d.t.Mono < s.blockedUntil }

// startBlock counts a lockout from its durable record.
func (d *Door) startBlock(ev event.Event) {
	span := d.rb.Lockout().Block
	if ev.Until != nil {
		span = ev.Until.Sub(ev.Time.Time)
	}
	d.blocks = append(d.blocks, block{ev.Badge, d.t.Mono + span})
	d.side(policy.Entry).blockedUntil = d.t.Mono + readerBlock
}

// dropBlocks forgets the timers of lockouts that are over.
func (d *Door) dropBlocks() {
	d.blocks = slices.DeleteFunc(d.blocks, func(b block) bool { return !d.lockedOut(b.badge) })
}

// restoreBlocks goes on with the lockouts of the last run. Without a trusted
// clock nobody can say how much of one is over: it begins again.
func (d *Door) restoreBlocks() {
	for _, b := range d.state.locked() {
		l := d.state.Lockouts[b]
		span := l.Until.Sub(l.From.Time)
		left := span
		if d.t.Trusted {
			left = min(max(l.Until.Sub(d.t.Wall), 0), span)
		}
		d.blocks = append(d.blocks, block{b, d.t.Mono + max(left, 1)})
	}
}

// blocksDue ends a lockout whose time is over. While nothing can be recorded
// it stays: entry is refused anyway.
func (d *Door) blocksDue() bool {
	if d.recorder.bad {
		return false
	}
	for _, b := range d.blocks {
		if d.due(b.until) {
			d.endLockout(b.badge, "")
			return true
		}
	}
	return false
}

func (d *Door) endLockout(b policy.BadgeID, order string) {
	l := d.state.Lockouts[b]
	ev := d.event(event.LockoutEnd)
	ev.Side, ev.Person, ev.Badge, ev.Of, ev.Order = event.SideOf(policy.Entry), l.Person, b, l.Seq, order
	d.emit(ev)
}
