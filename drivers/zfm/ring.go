package zfm

import (
	"time"

	"sekimori/drivers"
)

// ring is the LED ring round the sensor of an R503 (R503 user manual, "aura
// control"). Modules without one refuse the instruction once and are then left
// alone until they start again.
type ring struct {
	want   [4]byte   // control, speed, colour, count
	until  time.Time // then idle again; zero: stays
	dirty  bool      // want has not been sent yet
	absent bool
}

// Controls of AuraLedConfig.
const (
	ringFlash  = 2
	ringOn     = 3
	ringOff    = 4
	speedUnit  = 10 * time.Millisecond // measured in no manual: "0 to 255, from fast to slow"
	speedSlow  = 0xFF
	ringAlways = 0
)

// ringColours: red, blue, green and, for amber, yellow.
var ringColours = map[drivers.Colour]byte{
	drivers.Red: 1, drivers.Blue: 2, drivers.Green: 4, drivers.Amber: 5,
}

// aura is the nearest that a ring can do to p: it knows one colour at a time,
// so an alternation of two colours flashes in the first.
func aura(p drivers.Pattern) [4]byte {
	on, off := p.OnColour, p.OffColour
	if on == drivers.Off {
		on, off = off, on
		if p.Off == 0 {
			on = drivers.Off
		}
	}
	c, lit := ringColours[on]
	switch {
	case !lit:
		return [4]byte{ringOff, 0, 0, 0}
	case p.Off == 0 || on == off:
		return [4]byte{ringOn, 0, c, ringAlways}
	}
	speed := min((p.On+p.Off)/speedUnit, speedSlow)
	return [4]byte{ringFlash, byte(max(speed, 1)), c, ringAlways}
}

// show takes a signal; the last one wins.
func (m *machine) show(now time.Time, s drivers.Signal) {
	m.ring.want, m.ring.dirty, m.ring.until = aura(s.LED), true, time.Time{}
	if s.Until > 0 {
		m.ring.until = now.Add(s.Until)
	}
	m.proceed(now)
}

func (m *machine) ringTick(now time.Time) {
	if !m.ring.until.IsZero() && !now.Before(m.ring.until) {
		m.show(now, drivers.Signal{})
	}
}

// paint sends the signal that waits, if one does, in a gap of the task: never
// between a finger's image and its match.
func (m *machine) paint(now time.Time) bool {
	if !m.ring.dirty || m.ring.absent {
		return false
	}
	m.ring.dirty = false
	m.begin(now, &exchange{ins: auraLedConfig, content: request(auraLedConfig, m.ring.want[:]...),
		then: func(_ time.Time, a answer) { m.ring.absent = a.failure(auraLedConfig) != nil }})
	return true
}
