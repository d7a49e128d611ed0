package osdp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"sekimori/drivers"
)

// The sequence is 0 1 2 3 1 2 3 …, and moves only after an answer.
func TestSequence(t *testing.T) {
	q := newPeer(t)
	for i := range 50 {
		f := q.ask()
		want := byte(0)
		if i > 0 {
			want = byte((i-1)%3 + 1)
		}
		if f.Sequence != want {
			t.Fatalf("frame %d has sequence %d, want %d", i, f.Sequence, want)
		}
		q.silence()
		if again := q.ask(); !bytes.Equal(again.Bytes, f.Bytes) {
			t.Fatalf("repetition differs: %x", again.Bytes)
		}
		q.give(q.reply(f))
	}
}

// The order of the bring-up: nothing is asked before it may be.
func TestBringUpOrder(t *testing.T) {
	q := newPeer(t)
	var codes []byte
	for range 11 {
		f := q.ask()
		codes = append(codes, f.Code)
		q.give(q.reply(f))
	}
	want := []byte{CommandID, CommandCap, CommandChallenge, CommandSCrypt, CommandID, CommandCap,
		CommandACURxSize, CommandLStat, CommandRStat, CommandPoll, CommandPoll}
	if !bytes.Equal(codes, want) {
		t.Errorf("asked %x, want %x", codes, want)
	}
	if len(q.told) != 3 || q.told[0] != (drivers.Online{Identity: testPin.String()}) {
		t.Errorf("told %v, want online, tamper, power", q.told)
	}
}

// Readers with inputs and outputs are asked for them.
func TestBringUpAsksInputsAndOutputs(t *testing.T) {
	q := newPeer(t)
	testCaps := append(slices.Clone(testCaps), FunctionInputs, 1, 2, FunctionOutputs, 1, 1)
	q.p.opt.Pin.Caps = HashCapabilities(testCaps)
	var codes []byte
	for range 12 {
		f := q.ask()
		codes = append(codes, f.Code)
		switch {
		case f.Code == CommandCap && f.Block == 0:
			q.give(q.plain(f, ReplyPDCap, testCaps...))
		case f.Code == CommandCap:
			q.s.chain(&q.s.command, &q.s.reply, f.Covered())
			q.give(q.secure(f, SCS18, ReplyPDCap, testCaps))
		default:
			q.give(q.reply(f))
		}
	}
	if want := []byte{CommandLStat, CommandRStat, CommandIStat, CommandOStat, CommandPoll}; !bytes.Equal(codes[7:], want) {
		t.Errorf("asked %x, want %x", codes[7:], want)
	}
}

// A card is told in the very step that takes the last byte of its report.
func TestCardAtOnce(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	q.reports = [][]byte{testRaw}
	q.give(q.reply(q.ask()))
	if q.cards() != 1 {
		t.Fatalf("told %v", q.told)
	}
	c := q.told[len(q.told)-1].(drivers.Card)
	if c.Layout != "H10301" || c.Number != "8065495" || c.Bits != 26 || !c.Secured || c.Proof != drivers.Clonable || !bytes.Equal(c.Raw, testRaw[5:]) {
		t.Errorf("card %s %s %d %x", c.Layout, c.Number, c.Bits, c.Raw)
	}
}

// What the reader kept from before the session is dropped, however much it is.
func TestDrain(t *testing.T) {
	q := newPeer(t)
	for range 30 {
		q.reports = append(q.reports, testRaw, []byte{ReplyKeypad, 0, 1, '5'})
	}
	q.until(ready)
	if q.cards() != 0 || len(q.reports) != 0 {
		t.Errorf("%d cards told, %d reports left", q.cards(), len(q.reports))
	}
}

// A session is renewed after a day, or 2^20 frames, without a loss of service.
func TestSessionIsRenewed(t *testing.T) {
	for name, age := range map[string]func(*pd){
		"time":   func(p *pd) { p.began = p.began.Add(-sessionTime) },
		"frames": func(p *pd) { p.frames = sessionCount },
	} {
		q := newPeer(t)
		q.until(ready)
		age(q.p)
		rndA := q.rndA
		q.told = nil
		f := q.ask()
		if f.Code != CommandID || f.Sequence != 0 {
			t.Fatalf("%s: sent %x, want a new bring-up", name, f.Bytes)
		}
		q.give(q.reply(f))
		q.until(ready)
		if len(q.told) != 0 || bytes.Equal(rndA, q.rndA) {
			t.Errorf("%s: told %v", name, q.told)
		}
	}
}

// 2^20 frames at 20 polls a second are counted as such.
func TestFramesAreCounted(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	before := q.p.frames
	for range 10 {
		f := q.ask()
		q.silence()
		q.ask()
		q.give(q.reply(f))
	}
	if n := q.p.frames - before; n != 20 {
		t.Errorf("10 exchanges count %d frames, want 20", n)
	}
}

// Answers that are not to this command are passed over, and the right one is
// still taken.
func TestForeignAnswers(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	f := q.ask()
	other := Frame{Address: 6, Reply: true, Sequence: f.Sequence, Code: ReplyACK}
	late := Frame{Address: 5, Reply: true, Sequence: f.Sequence%3 + 1, Block: SCS16, Code: ReplyACK, MAC: make([]byte, 4)}
	handshake := Frame{Address: 5, Reply: true, Sequence: f.Sequence, Block: SCS14, BlockData: []byte{1}, Code: ReplyRMACI}
	for name, b := range map[string][]byte{"echo": f.Bytes, "another reader": other.Append(nil), "late": late.Append(nil), "handshake": handshake.Append(nil)} {
		if q.give(b) {
			t.Fatalf("%s was taken for the answer", name)
		}
	}
	if !q.give(q.reply(f)) || q.p.phase != ready || len(q.faults()) != 0 {
		t.Errorf("the right answer was not taken: phase %d, faults %v", q.p.phase, q.faults())
	}
}

// Clear text of any sequence number is discarded with an alarm, NAK excepted.
func TestClearTextInSession(t *testing.T) {
	for sequence := range byte(4) {
		q := newPeer(t)
		q.until(ready)
		f := q.ask()
		raw := Frame{Address: 5, Reply: true, Sequence: sequence, Code: ReplyRaw, Data: testRaw[1:]}
		if q.give(raw.Append(nil)) || !slices.Equal(q.faults(), []drivers.FaultCode{drivers.ClearText}) {
			t.Errorf("sequence %d: faults %v", sequence, q.faults())
		}
		q.give(q.reply(f))
		if q.cards() != 0 || q.p.phase != ready {
			t.Errorf("sequence %d: %d cards, phase %d", sequence, q.cards(), q.p.phase)
		}
	}
}

// A card report in clear before there is a session is none, and an alarm.
func TestClearTextBeforeSession(t *testing.T) {
	for ph := identify; ph <= prove; ph++ {
		q := newPeer(t)
		q.until(ph)
		f := q.ask()
		q.give(q.plain(f, ReplyRaw, testRaw[1:]...))
		if q.cards() != 0 || !slices.Contains(q.faults(), drivers.ClearText) {
			t.Errorf("phase %d: %d cards, faults %v", ph, q.cards(), q.faults())
		}
	}
}

// NAKs in every phase: none opens anything, none makes the pd spin.
func TestNAKs(t *testing.T) {
	for ph := identify; ph <= ready; ph++ {
		if ph == askInputs || ph == askOutputs {
			continue // not asked of this reader
		}
		for reason := range byte(0x0D) {
			q := newPeer(t)
			q.until(ph)
			f := q.ask()
			q.give(q.plain(f, ReplyNAK, reason))
			if q.p.due.Before(q.now) || q.p.phase == ready && reason != NAKCheck {
				t.Errorf("phase %d, NAK %02x: phase %d", ph, reason, q.p.phase)
			}
			if wait := q.p.due.Sub(q.now); ph != describe && wait < repeatAfter/2 {
				t.Errorf("phase %d, NAK %02x: next frame after %v", ph, reason, wait)
			}
		}
	}
}

// A process that slept longer than the silence does not deliver what the
// reader kept meanwhile.
func TestSleepIsLossOfService(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	q.told = nil
	q.now = q.now.Add(3 * time.Second)
	q.reports = [][]byte{testRaw}
	f := q.ask()
	q.give(q.reply(f))
	q.until(ready)
	if q.cards() != 0 {
		t.Error("a card from before was told")
	}
	if o, ok := q.told[0].(drivers.Offline); !ok || o.Unplugged {
		t.Errorf("told %v, want offline first", q.told)
	}
}

// A reader that refuses to be polled, be it with a good MAC, is not in service;
// one that refuses a signal is.
func TestNAKInSession(t *testing.T) {
	refuse := func(q *peer) byte {
		f := q.ask()
		q.s.chain(&q.s.command, &q.s.reply, f.Covered())
		q.give(q.secure(f, SCS18, ReplyNAK, []byte{NAKRecord}))
		return f.Code
	}
	q := newPeer(t)
	q.until(ready)
	q.p.show(q.now, drivers.Signal{LED: drivers.Pattern{OnColour: drivers.Blue}})
	if code := refuse(q); code != CommandLED || q.p.phase != ready || q.p.display.pending() {
		t.Errorf("command %02x refused: phase %d", code, q.p.phase)
	}
	if code := refuse(q); code != CommandPoll || q.p.phase != identify {
		t.Errorf("command %02x refused: phase %d", code, q.p.phase)
	}
	q.until(drain)
	refuse(q)
	if q.p.phase != identify {
		t.Errorf("poll refused in the drain: phase %d", q.p.phase)
	}
}
