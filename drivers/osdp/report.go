package osdp

import (
	"time"

	"sekimori/drivers"
)

// readyQuestion is what the ready reader is asked: signals first, then status
// now and then, else a poll.
func (p *pd) readyQuestion(now time.Time) (code byte, data []byte) {
	if code, data := p.display.command(now, p.payload[:0]); code != 0 {
		return code, data
	}
	if now.Sub(p.asked) >= statusEvery {
		p.asked = now
		return CommandLStat, nil
	}
	p.polled = now
	return CommandPoll, nil
}

// readyAnswer takes an answer in service. A NAK refuses one command (a colour
// that the LED lacks) and the reader goes on; but a reader that refuses to be
// polled is not in service.
func (p *pd) readyAnswer(now time.Time, code byte, data []byte) {
	if code == ReplyNAK && p.code == CommandPoll {
		p.restart(now, "poll refused by the reader")
		return
	}
	p.served = now
	if code == ReplyRaw {
		p.card(now, data)
	} else {
		p.takeStatus(now, code, data)
		p.reportStatus()
	}
	p.become(now, ready)
	if !p.display.pending() {
		p.due = later(now, p.polled.Add(p.tim.poll))
	}
}

// card takes RAW: reader, format, bit count LE16, bits (OSDP v2.2 §7.10).
func (p *pd) card(now time.Time, data []byte) {
	if len(data) < 4 {
		p.alarm(now, drivers.Malformed, "card report of %d bytes", len(data))
		return
	}
	reader, format, bits, raw := data[0], data[1], int(data[2])|int(data[3])<<8, data[4:]
	if reader != 0 || bits == 0 || len(raw) != (bits+7)/8 {
		// Another reading head of the same device may hang on the other side of
		// the door: never taken for this one.
		p.alarm(now, drivers.Malformed, "card report of reader %d, %d bits in %d bytes", reader, bits, len(raw))
		return
	}
	c := drivers.Card{Bits: bits, Raw: append([]byte(nil), raw...), Secured: true, Proof: drivers.Clonable}
	if format <= 1 { // 0 unspecified, 1 Wiegand; the others are no card format of ours
		if c.Number = p.opt.Format.Decode(c.Raw, bits); c.Number != "" {
			c.Layout = p.opt.Format.String()
		}
	}
	p.out = append(p.out, c)
}

// status is the reader's own state: what it says, and what the daemon was told.
type status struct {
	tamper, power, head bool // LSTATR tamper and power, RSTATR not normal
	told                bool
	toldTamper          bool
	toldPower           bool
}

func (s *status) forget() { s.told = false }

// takeStatus takes LSTATR and RSTATR. Values that the standard does not know
// count as not normal. The states of inputs and outputs are read past: nothing
// on a device mounted outside is trusted as a contact or a lock.
func (p *pd) takeStatus(now time.Time, code byte, data []byte) {
	switch code {
	case ReplyLStatR:
		if len(data) != 2 {
			p.alarm(now, drivers.Malformed, "local status of %d bytes", len(data))
			return
		}
		p.status.tamper, p.status.power = data[0] != 0, data[1] != 0
	case ReplyRStatR:
		if len(data) == 0 {
			p.alarm(now, drivers.Malformed, "empty reader status")
			return
		}
		// 1: head not connected, 2: tampered. Both: somebody is at it.
		p.status.head = data[0] != 0
	}
}

// reportStatus tells what changed; after coming into service, everything.
func (p *pd) reportStatus() {
	s := &p.status
	if tamper := s.tamper || s.head; !s.told || tamper != s.toldTamper {
		s.toldTamper = tamper
		p.out = append(p.out, drivers.Tamper{Active: tamper})
	}
	if !s.told || s.power != s.toldPower {
		s.toldPower = s.power
		p.out = append(p.out, drivers.Power{Failed: s.power})
	}
	s.told = true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
