package daemon

import (
	"fmt"
	"sync"
	"time"

	"sekimori/controller/door"
	"sekimori/policy"
)

const (
	// stepSeen is the smallest jump of the wall clock against the monotonic
	// one that is recorded: the alarm offset of IEC 60839-11-1 §6.4 practice.
	stepSeen = 5 * time.Second
	// stepDistrusted is how far the clock may move in all before it must earn
	// its trust again: whoever sets a clock back, at once or bit by bit, makes
	// an expired permit valid.
	stepDistrusted = 60 * time.Second
)

// clock owns the trust in the wall clock. Every reading is compared with the
// monotonic clock, so that a judgement right after a jump already knows of it;
// the clock task only reports what changed.
//
// A clock that is behind the newest event with a trusted clock is not believed.
// An event whose clock was not trusted says nothing: one start with a dead
// battery must not close the door for years. A clock that was trusted and
// wrong does: if whoever vouches for it says a year too much, the door refuses
// entry until that moment has come, or until the ledger is set aside by hand
// and a new one begun.
type clock struct {
	wall  func() (time.Time, bool)
	start time.Time
	zone  *time.Location

	mu sync.Mutex // guards what follows
	// base is the wall time at monotonic zero as it was last read; sure, as it
	// was when it was vouched for. Small steps move base and leave sure.
	base, sure time.Time
	vouched    bool // it was trusted once; until then sure follows it
	// doubted: the wall moved too far from where it was vouched for. It ends
	// when the wall is there again, or when the operating system's word goes
	// from not synchronised to synchronised.
	doubted bool
	synced  bool
	floor   time.Time // the newest trusted moment: time was later than this
	began   time.Time // the floor at the start
	notes   []door.ClockChanged
	trusted bool
}

func newClock(wall func() (time.Time, bool), zone *time.Location, floor time.Time) *clock {
	c := &clock{wall: wall, start: time.Now(), zone: zone, floor: floor, began: floor}
	now, synced := wall()
	c.base, c.sure, c.synced = now.Round(0), now.Round(0), synced
	c.trusted = synced && !now.Before(floor)
	c.vouched = c.trusted
	return c
}

// Now reads both clocks.
func (c *clock) Now() door.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	mono := time.Since(c.start)
	now, synced := c.wall()
	now = now.Round(0)
	c.observe(mono, now, synced)
	return door.Time{Mono: mono, Instant: policy.Instant{Wall: now.In(c.zone), Trusted: c.trusted}}
}

// horizon reads the clock and gives the latest moment that has surely come:
// the newest trusted event before the start, and the time that this run lasts.
// What cannot be undone goes by it: a clock that leapt into a far year while
// the box was off must not make the door forget everything.
func (c *clock) horizon() (door.Time, time.Time) {
	t := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	sure := c.began.Add(t.Mono)
	if t.Wall.Before(sure) {
		sure = t.Wall
	}
	return t, sure
}

// observe judges one reading. It is the only place where trust changes.
func (c *clock) observe(mono time.Duration, now time.Time, synced bool) {
	zero := now.Add(-mono)
	step := zero.Sub(c.base)
	var note door.ClockChanged
	if step.Abs() >= stepSeen {
		note = door.ClockChanged{Step: step, Reason: fmt.Sprintf("the wall clock jumped by %v against the monotonic clock", step.Round(time.Millisecond))}
		c.base = zero
	}
	anew := synced && !c.synced
	switch away := zero.Sub(c.sure).Abs(); {
	case anew, away < stepSeen:
		c.doubted = false
	case away >= stepDistrusted && c.trusted:
		c.doubted = true
	}
	c.synced = synced
	behind := now.Before(c.floor)
	trusted := synced && !c.doubted && !behind
	if trusted != c.trusted {
		c.trusted = trusted
		if note.Reason == "" {
			note.Reason = reason(synced, behind)
		}
	}
	if note.Reason != "" {
		c.notes = append(c.notes, note)
	}
	if anew || !c.vouched {
		c.sure = zero
	}
	c.vouched = c.vouched || trusted
	if trusted && now.After(c.floor) {
		c.floor = now
	}
}

func reason(synced, behind bool) string {
	switch {
	case behind:
		return "the wall clock is behind the newest trusted time in the ledger"
	case !synced:
		return "the operating system does not vouch for the wall clock"
	default:
		return "the wall clock is vouched for"
	}
}

// changes takes what observe noted since the last call.
func (c *clock) changes() []door.ClockChanged {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.notes
	c.notes = nil
	return out
}
