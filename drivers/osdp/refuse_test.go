package osdp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"sekimori/drivers"
)

// answerSecure lets the peer answer a command of the session with anything,
// under a good MAC.
func (q *peer) answerSecure(f Frame, code byte, data ...byte) {
	q.t.Helper()
	q.s.chain(&q.s.command, &q.s.reply, f.Covered())
	q.give(q.secure(f, SCS18, code, data))
}

// disabled tells whether the last fault is this one and disables.
func (q *peer) disabled(code drivers.FaultCode) bool {
	for _, b := range slices.Backward(q.told) {
		if f, ok := b.(drivers.Fault); ok {
			return f.Code == code && f.Disabled && q.p.phase == identify && !q.p.secure
		}
	}
	return false
}

// BUSY without end restarts the sequence: it costs who forges it nothing, and
// must not hold one frame for ever.
func TestBusyIsBounded(t *testing.T) {
	q := newPeer(t)
	q.until(challenge)
	busy := (&Frame{Address: 5, Reply: true, Code: ReplyBusy}).Append(nil)
	for n := 0; ; n++ {
		if f := q.ask(); f.Sequence == 0 && n > 0 {
			break
		}
		if n > maxBusy+maxTries+1 {
			t.Fatalf("the frame is held after %d BUSY", n)
		}
		q.give(busy)
	}
}

// The end of a session forgets its keys.
func TestSessionKeysAreForgotten(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	q.p.restart(q.now, "test")
	if s := q.p.session; s.enc != nil || s.mac1 != nil || s.mac2 != nil || s.rmac != [16]byte{} || s.reply != [16]byte{} {
		t.Error("the session is still there")
	}
}

// The reader must accept our proof and prove that it has the session's keys.
func TestWrongRMAC(t *testing.T) {
	for name, spoil := range map[string]func(f *Frame){
		"refused":       func(f *Frame) { f.BlockData = []byte{0xFF} },
		"unknown":       func(f *Frame) { f.BlockData = []byte{0x00} },
		"wrong":         func(f *Frame) { f.Data = append(bytes.Clone(f.Data[:15]), f.Data[15]^1) },
		"short":         func(f *Frame) { f.Data = f.Data[:15] },
		"empty":         func(f *Frame) { f.Data = nil },
		"refused empty": func(f *Frame) { f.BlockData, f.Data = []byte{0xFF}, nil },
	} {
		q := newPeer(t)
		q.until(prove)
		var f Frame
		Scan(q.reply(q.ask()), &f)
		spoil(&f)
		q.give(f.Append(nil))
		if !q.disabled(drivers.BadKey) {
			t.Errorf("%s: told %v in phase %d", name, q.told, q.p.phase)
		}
	}
}

// Whoever edits the first answers on the wire is found out inside the session,
// also at a reader that nobody adopted yet.
func TestClearAnswersAreConfirmed(t *testing.T) {
	q := newPeer(t)
	q.p.opt.Pin = Identity{}
	q.give(q.plain(q.ask(), ReplyPDID, bytes.Repeat([]byte{7}, 12)...))
	q.until(identifyIn)
	q.give(q.reply(q.ask()))
	if !q.disabled(drivers.IdentityChanged) {
		t.Errorf("identity: told %v", q.told)
	}
	q = newPeer(t)
	q.p.opt.Pin = Identity{}
	q.until(describe)
	q.give(q.plain(q.ask(), ReplyPDCap, 4, 4, 1, 5, 2, 1, 9, 0, 0))
	q.until(describeIn)
	q.give(q.reply(q.ask()))
	if !q.disabled(drivers.CapabilityChanged) {
		t.Errorf("capabilities: told %v", q.told)
	}
	q = newPeer(t)
	q.p.opt.Pin = Identity{}
	q.until(describeIn)
	q.give(q.reply(q.ask()))
	if !q.disabled(drivers.NotAdopted) {
		t.Errorf("neither: told %v", q.told)
	}
}

// A reader that keeps its capabilities to itself in clear is believed inside.
func TestCapabilitiesOnlyInside(t *testing.T) {
	q := newPeer(t)
	q.until(describe)
	q.give(q.plain(q.ask(), ReplyNAK, NAKConditions))
	q.until(ready)
}

// The back-off after wrong MACs outlives the reader's absence, else pulling its
// plug would buy further guesses; any other does not.
func TestBackOffAndAbsence(t *testing.T) {
	for code, stays := range map[drivers.FaultCode]bool{drivers.MACFailure: true, drivers.BadKey: false} {
		q := newPeer(t)
		q.until(ready)
		for range 5 {
			q.p.refuse(q.now, code, "test")
		}
		for range 20 {
			q.ask()
			q.silence()
		}
		q.give(q.reply(q.ask()))
		if held := q.p.phase == identify; held != stays {
			t.Errorf("%s: held %v, want %v", code, held, stays)
		}
	}
}

// Card reports that contradict themselves are none.
func TestMalformedCards(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":         {},
		"no count":      {0, 1, 26},
		"no bits":       {0, 1, 0, 0},
		"bits missing":  {0, 1, 26, 0, 0xBD, 0x88, 0xEB},
		"bits too many": {0, 1, 26, 0, 0xBD, 0x88, 0xEB, 0x80, 0},
		"huge count":    {0, 1, 0xFF, 0xFF, 0xBD, 0x88, 0xEB, 0x80},
		"other head":    {1, 1, 26, 0, 0xBD, 0x88, 0xEB, 0x80},
	} {
		q := newPeer(t)
		q.until(ready)
		q.answerSecure(q.ask(), ReplyRaw, data...)
		if q.cards() != 0 || !slices.Equal(q.faults(), []drivers.FaultCode{drivers.Malformed}) || q.p.phase != ready {
			t.Errorf("%s: %d cards, faults %v", name, q.cards(), q.faults())
		}
	}
	// Bits of another kind (a UID) are a read, never a number.
	q := newPeer(t)
	q.until(ready)
	q.answerSecure(q.ask(), ReplyRaw, 0, 2, 26, 0, 0xBD, 0x88, 0xEB, 0x80)
	if c, ok := q.told[len(q.told)-1].(drivers.Card); !ok || c.Number != "" || c.Layout != "" || c.Bits != 26 {
		t.Errorf("a UID is told as %+v", q.told)
	}
}

// Every way in which a reader says that somebody is at it, and values that the
// standard does not know.
func TestStatusReports(t *testing.T) {
	for name, c := range map[string]struct {
		code byte
		data []byte
		want drivers.Body
	}{
		"tamper":             {ReplyLStatR, []byte{1, 0}, drivers.Tamper{Active: true}},
		"unknown tamper":     {ReplyLStatR, []byte{7, 0}, drivers.Tamper{Active: true}},
		"power":              {ReplyLStatR, []byte{0, 1}, drivers.Power{Failed: true}},
		"head not connected": {ReplyRStatR, []byte{1}, drivers.Tamper{Active: true}},
		"head tampered":      {ReplyRStatR, []byte{2}, drivers.Tamper{Active: true}},
		"unknown head state": {ReplyRStatR, []byte{9}, drivers.Tamper{Active: true}},
	} {
		q := newPeer(t)
		q.until(ready)
		q.told = nil
		q.answerSecure(q.ask(), c.code, c.data...)
		q.answerSecure(q.ask(), c.code, c.data...)
		if len(q.told) != 1 || q.told[0] != c.want {
			t.Errorf("%s: told %v, want %v once", name, q.told, c.want)
		}
	}
	for name, data := range map[string][]byte{"short": {1}, "long": {1, 1, 1}, "empty": {}} {
		q := newPeer(t)
		q.until(ready)
		q.answerSecure(q.ask(), ReplyLStatR, data...)
		if !slices.Equal(q.faults(), []drivers.FaultCode{drivers.Malformed}) {
			t.Errorf("%s: faults %v", name, q.faults())
		}
	}
}

// A brief signal that ended before it could be sent is not shown late.
func TestLateSignalIsDropped(t *testing.T) {
	q := newPeer(t)
	q.p.display.columns = 16
	at := q.now
	var d display
	d.resume(at, 16)
	d.show(at, drivers.Signal{Text: "idle", LED: drivers.Pattern{OnColour: drivers.Red}})
	d.show(at, drivers.Signal{Text: "enter", LED: drivers.Pattern{OnColour: drivers.Green}, Until: time.Second})
	var sent []byte
	for {
		code, data := d.command(at.Add(2*time.Second), nil)
		if code == 0 {
			break
		}
		sent = append(append(sent, code), data...)
	}
	if bytes.Contains(sent, []byte("enter")) || !bytes.Contains(sent, []byte("idle")) || bytes.Contains(sent, []byte{byte(drivers.Green)}) {
		t.Errorf("sent %q", sent)
	}
}
