package osdppd

import (
	"strings"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/osdp"
)

// Shown is what a person at the reader sees and hears, in a form that compares
// with ==: durations in whole tenths of a second, a steady light without
// durations and second colour, text without the spaces after it.
type Shown struct {
	LED   drivers.Pattern
	Tone  drivers.Tone // sounded with it; zero: silence
	Text  string       // "" without a display
	Brief bool         // ends by itself
}

// Expect is how this reader shows a signal: compare it with what OnShow was
// told.
func (p *PD) Expect(s drivers.Signal) Shown {
	out := Shown{LED: normal(s.LED), Brief: s.Until > 0}
	if s.Tone.Count > 0 {
		out.Tone = drivers.Tone{On: max(tenths(s.Tone.On), tenth), Off: tenths(s.Tone.Off), Count: s.Tone.Count}
	}
	if columns := columns(p.opt.Capabilities); columns > 0 {
		out.Text = strings.TrimRight(s.Text[:min(len(s.Text), columns)], " ")
	}
	return out
}

const tenth = 100 * time.Millisecond

func tenths(d time.Duration) time.Duration {
	if d > 0 && d < tenth {
		return tenth
	}
	return d.Round(tenth)
}

func normal(p drivers.Pattern) drivers.Pattern {
	p.On, p.Off = tenths(p.On), tenths(p.Off)
	if p.Off == 0 {
		return drivers.Pattern{OnColour: p.OnColour}
	}
	return p
}

// columns is how many characters the capabilities let a signal have.
func columns(capabilities []byte) int {
	for i := 0; i+2 < len(capabilities); i += 3 {
		if capabilities[i] == osdp.FunctionText && capabilities[i+2] > 0 {
			return []int{0, 16, 32, 32}[min(capabilities[i+1], 3)]
		}
	}
	return 0
}

// display is the reader's LED, buzzer and text.
type display struct {
	steady     drivers.Pattern
	tone       drivers.Tone // since the last LED command
	text, over string       // steady text, text over it
	shown      *Shown       // complete, not yet told
}

func (d *display) takeShown() *Shown {
	s := d.shown
	d.shown = nil
	return s
}

// command carries out LED, BUZ or TEXT and gives the reason of a NAK, else 0.
func (d *display) command(code byte, data []byte) (nak byte) {
	switch code {
	case osdp.CommandLED:
		if len(data) != 14 {
			return osdp.NAKLength
		}
		return d.led(data)
	case osdp.CommandBuz:
		if len(data) != 5 {
			return osdp.NAKLength
		}
		d.tone = drivers.Tone{}
		if data[1] == 2 {
			d.tone = drivers.Tone{On: time.Duration(data[2]) * tenth, Off: time.Duration(data[3]) * tenth, Count: int(data[4])}
		}
	case osdp.CommandText:
		if len(data) < 6 || len(data) != 6+int(data[5]) {
			return osdp.NAKLength
		}
		text := strings.TrimRight(string(data[6:]), " ")
		if data[1] <= 2 {
			d.text = text
		} else {
			d.over = text
		}
	}
	return 0
}

// led takes one record. It completes a signal.
func (d *display) led(b []byte) (nak byte) {
	brief, set := b[2] == 2, b[9] == 1
	if brief && b[3] == 0 && b[4] == 0 || set && b[10] == 0 && b[11] == 0 {
		return osdp.NAKRecord
	}
	if set {
		d.steady = pattern(b[10:])
	}
	shown := Shown{LED: d.steady, Tone: d.tone, Text: d.text}
	if brief {
		shown.LED, shown.Text, shown.Brief = pattern(b[3:]), d.over, true
	}
	d.tone, d.over, d.shown = drivers.Tone{}, "", &shown
	return 0
}

// pattern reads ON time, OFF time, ON colour, OFF colour.
func pattern(b []byte) drivers.Pattern {
	return normal(drivers.Pattern{
		On: time.Duration(b[0]) * tenth, Off: time.Duration(b[1]) * tenth,
		OnColour: drivers.Colour(b[2]), OffColour: drivers.Colour(b[3]),
	})
}
