package osdp

import (
	"fmt"
	"time"

	"sekimori/drivers"
)

// Bounds of what is told to a person, and of how often a refused reader is
// tried again.
const (
	alarmEvery   = 10 * time.Second // the same fault again is counted, not repeated, within this
	firstHold    = 5 * time.Second  // doubling
	longestHold  = time.Minute
	steadyAfter  = time.Minute // in service this long, the back-off begins anew
	macPerMinute = 3           // 32 bits of MAC: 2^-32 a guess, so few guesses
)

// hold is the back-off of a reader that was refused. While it lasts the reader
// is only asked who it is, so that its absence or its replacement is seen.
type hold struct {
	code     drivers.FaultCode // of the standing refusal, "" if none
	detail   string
	until    time.Time
	length   time.Duration
	serving  time.Time
	failed   int // handshakes that the reader refused in a row
	probe    time.Duration
	stranger bool // the reader refused was not the adopted one
}

// refuse disables the reader: an alarm, no service, a new attempt after the
// back-off. The same refusal again is not told again.
func (p *pd) refuse(now time.Time, code drivers.FaultCode, detail string) {
	h := &p.hold
	if h.code != code || h.detail != detail {
		p.out = append(p.out, drivers.Fault{Code: code, Detail: detail, Disabled: true})
	}
	if !h.serving.IsZero() && now.Sub(h.serving) >= steadyAfter {
		h.length = 0
	}
	h.serving = time.Time{}
	h.code, h.detail = code, detail
	h.length = min(max(2*h.length, firstHold), longestHold)
	h.until = now.Add(h.length)
	h.stranger = code == drivers.IdentityChanged && p.seen.PDID != p.opt.Pin.PDID
	p.restart(now, detail)
	p.due = now.Add(p.tim.probe)
	p.goOffline(string(code), false)
}

// failedOnce forgives one failed handshake, since the reader may have lost power
// in the middle or answered an older attempt late; the second in a row is an
// alarm.
func (p *pd) failedOnce(now time.Time, code drivers.FaultCode, detail string) {
	if p.hold.failed++; p.hold.failed == 1 {
		p.restart(now, detail)
		return
	}
	p.refuse(now, code, detail)
}

// keeps tells whether a reader that answers must still wait. The adopted reader
// put back in place of a stranger need not.
func (h *hold) keeps(now time.Time, adopted bool) bool {
	return now.Before(h.until) && !(h.stranger && adopted)
}

// absent tells that the reader fell silent: another, or the same repaired, may
// come next. Wrong MACs are not forgotten by that.
func (h *hold) absent() {
	if h.code != drivers.MACFailure {
		h.until, h.length = time.Time{}, 0
	}
}

// served tells that the reader came into service.
func (h *hold) served(now time.Time) {
	h.code, h.detail, h.failed = "", "", 0
	h.serving, h.probe = now, firstProbe
}

// alarms bounds the faults that do not disable.
type alarms struct {
	last map[drivers.FaultCode]alarmed
	macs [macPerMinute + 1]time.Time // the last wrong MACs
	mac  int
}

type alarmed struct {
	at   time.Time
	more int
}

// alarm tells of a fault that does not disable the reader. Each is counted;
// within alarmEvery the same one is told once.
func (p *pd) alarm(now time.Time, code drivers.FaultCode, format string, args ...any) {
	if p.alarms.last == nil {
		p.alarms.last = make(map[drivers.FaultCode]alarmed)
	}
	was, told := p.alarms.last[code]
	if told && now.Sub(was.at) < alarmEvery {
		was.more++
		p.alarms.last[code] = was
		return
	}
	detail := fmt.Sprintf(format, args...)
	if was.more > 0 {
		detail = fmt.Sprintf("%s (and %d more before)", detail, was.more)
	}
	p.alarms.last[code] = alarmed{at: now}
	p.out = append(p.out, drivers.Fault{Code: code, Detail: detail})
}

// macFailed counts a wrong MAC and tells whether there were too many in the
// last minute.
func (a *alarms) macFailed(now time.Time) bool {
	a.macs[a.mac%len(a.macs)] = now
	a.mac++
	oldest := a.macs[a.mac%len(a.macs)]
	return a.mac >= len(a.macs) && now.Sub(oldest) < time.Minute
}
