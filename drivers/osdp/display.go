package osdp

import (
	"time"

	"sekimori/drivers"
)

// tick is the resolution of LED and buzzer times (OSDP v2.2 §6.10, §6.11).
const tick = 100 * time.Millisecond

// LED and TEXT control codes (OSDP v2.2 §6.10, §6.12).
const (
	tempCancel, tempSet = 1, 2
	permSet             = 1
	toneOff, tone       = 1, 2
	textSteady          = 1 // 2 with wrapping
	textBrief           = 3 // 4 with wrapping
)

// display is what the reader should show: a steady signal and, until it ends, a
// brief one over it. The LED comes last of a signal's commands, so that who
// watches the LED sees the signal complete.
type display struct {
	columns            int // of text; 0: no display
	steady, brief      drivers.Signal
	hasSteady          bool
	until              time.Time // end of brief
	sounding           time.Time // end of the last tone
	led, buz           bool      // commands still to send
	steadyText, inText bool
}

// show takes a new signal; the last wins. A signal without end also ends a
// brief one.
func (d *display) show(at time.Time, s drivers.Signal) {
	if s.Until > 0 {
		d.brief, d.until = s, at.Add(s.Until)
		d.inText = d.columns > 0
	} else {
		d.steady, d.hasSteady, d.until = s, true, time.Time{}
		d.steadyText, d.inText = d.columns > 0, false
	}
	d.led = true
	d.buz = s.Tone.Count > 0 || at.Before(d.sounding)
}

// resume shows everything again after a new session: the reader may have been
// without power. The tone of a steady signal is not repeated.
func (d *display) resume(now time.Time, columns int) {
	d.columns = columns
	brief := now.Before(d.until)
	d.led = d.hasSteady || brief
	d.buz = brief && d.brief.Tone.Count > 0
	d.steadyText = d.hasSteady && columns > 0
	d.inText = brief && columns > 0
}

func (d *display) pending() bool { return d.led || d.buz || d.steadyText || d.inText }

// command gives the next command to send, code 0 if none.
func (d *display) command(now time.Time, b []byte) (code byte, data []byte) {
	brief := now.Before(d.until)
	if d.steadyText {
		d.steadyText = false
		return CommandText, d.appendText(b, textSteady, 0, d.steady.Text)
	}
	if d.inText {
		d.inText = false
		if brief {
			seconds := min((d.until.Sub(now)+time.Second-1)/time.Second, 255)
			return CommandText, d.appendText(b, textBrief, byte(seconds), d.brief.Text)
		}
	}
	if d.buz {
		d.buz = false
		t := d.steady.Tone
		if !d.until.IsZero() {
			t = d.brief.Tone
		}
		return CommandBuz, d.appendTone(b, now, t)
	}
	if d.led {
		d.led = false
		return CommandLED, d.appendLED(b, now, brief)
	}
	return 0, nil
}

// appendLED sets the temporary and the permanent state of LED 0 in one record.
func (d *display) appendLED(b []byte, now time.Time, brief bool) []byte {
	b = append(b, 0, 0)
	if brief {
		b = append(b, tempSet)
		b = appendPattern(b, d.brief.LED)
		timer := min((d.until.Sub(now)+tick-1)/tick, 0xFFFF)
		b = append(b, byte(timer), byte(timer>>8))
	} else {
		b = append(b, tempCancel, 0, 0, 0, 0, 0, 0)
	}
	if d.hasSteady {
		return appendPattern(append(b, permSet), d.steady.LED)
	}
	return append(b, 0, 0, 0, 0, 0)
}

// appendPattern gives ON time, OFF time, ON colour, OFF colour. Both times 0
// would be refused: steady is ON without OFF.
func appendPattern(b []byte, p drivers.Pattern) []byte {
	on, off := ticks(p.On), ticks(p.Off)
	if off == 0 {
		on = 1
	}
	return append(b, on, off, byte(p.OnColour), byte(p.OffColour))
}

func (d *display) appendTone(b []byte, now time.Time, t drivers.Tone) []byte {
	if t.Count <= 0 {
		d.sounding = now
		return append(b, 0, toneOff, 0, 0, 0)
	}
	count := min(t.Count, 255)
	d.sounding = now.Add(time.Duration(count) * (t.On + t.Off))
	return append(b, 0, tone, max(ticks(t.On), 1), ticks(t.Off), byte(count))
}

// appendText fills the whole line, so that nothing of an older text stays.
func (d *display) appendText(b []byte, command, seconds byte, s string) []byte {
	if d.columns > 16 {
		command++ // with wrapping
	}
	b = append(b, 0, command, seconds, 1, 1, byte(d.columns))
	for i := range d.columns {
		c := byte(' ')
		if i < len(s) {
			if c = s[i]; c < 0x20 || c > 0x7E {
				c = '?'
			}
		}
		b = append(b, c)
	}
	return b
}

// textColumns is how much of a text display is used, by its compliance level:
// 1 is 1×16 characters, 2 is 2×16, 3 is 4×16. A signal has 32 at most.
func textColumns(compliance byte) int {
	switch compliance {
	case 0:
		return 0
	case 1:
		return 16
	default:
		return 32
	}
}

// ticks rounds to tenths of a second, a short time never to nothing.
func ticks(d time.Duration) byte {
	switch {
	case d <= 0:
		return 0
	case d < tick:
		return 1
	}
	return byte(min((d+tick/2)/tick, 255))
}
