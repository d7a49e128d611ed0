package osdp

import (
	"bytes"
	"testing"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/card"
)

// peer is a scripted reader for tests of the pd: it answers what it is asked,
// and tests take its answers apart. The simulator of whole readers is
// firmware-sim/osdppd; this one shares the session code with the pd, which the
// vectors pin.
type peer struct {
	t    testing.TB
	p    *pd
	now  time.Time
	key  Key
	s    session
	rndA []byte
	rndB byte
	told []drivers.Body // what the pd learned

	reports [][]byte // code and data of what polls give
}

var (
	testPDID = [12]byte{0, 0x11, 0x22, 1, 2, 0x78, 0x56, 0x34, 0x12, 1, 2, 3}
	testCUID = [8]byte{0, 0x11, 0x22, 1, 2, 0x78, 0x56, 0x34}
	testCaps = []byte{4, 4, 1, 5, 2, 1, 9, 1, 1}
	testKey  = keyFrom([]byte("\x1a\x2b\x3c\x4d\x5e\x6f\x70\x81\x92\xa3\xb4\xc5\xd6\xe7\xf8\x09"))
	testPin  = Identity{PDID: testPDID, CUID: testCUID, Caps: HashCapabilities(testCaps)}
	testRaw  = []byte{ReplyRaw, 0, 1, 26, 0, 0xBD, 0x88, 0xEB, 0x80}
)

func newPeer(t testing.TB) *peer {
	opt := ReaderOptions{Name: "entry", Address: 5, Key: testKey, Pin: testPin, Format: card.H10301}
	tim := timing{poll: 50 * time.Millisecond, silence: 2 * time.Second, probe: 2 * time.Second}
	var nonce byte
	q := &peer{t: t, key: testKey, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
	q.p = newPD(opt, tim, func(b []byte) { nonce++; b[0] = nonce })
	q.p.start(q.now)
	return q
}

// ask lets the pd send what it wants to send next.
func (q *peer) ask() Frame {
	q.t.Helper()
	if q.p.due.After(q.now) {
		q.now = q.p.due
	}
	var f Frame
	if n, status := Scan(bytes.Clone(q.p.next(q.now)), &f); status != Whole || n != len(f.Bytes) || f.Reply || f.Address != 5 {
		q.t.Fatalf("the pd sent %x", q.p.tx)
	}
	return f
}

// give hands bytes to the pd as an answer that takes 5 ms.
func (q *peer) give(b []byte) (done bool) {
	q.t.Helper()
	q.now = q.now.Add(5 * time.Millisecond)
	var f Frame
	if _, status := Scan(b, &f); status != Whole {
		q.t.Fatalf("the test's answer %x is no frame", b)
	}
	done = q.p.receive(q.now, &f)
	q.told = append(q.told, q.p.out...)
	q.p.out = q.p.out[:0]
	return done
}

// silence lets the pd wait in vain.
func (q *peer) silence() {
	q.now = q.now.Add(217 * time.Millisecond)
	q.p.silent(q.now)
	q.told = append(q.told, q.p.out...)
	q.p.out = q.p.out[:0]
}

// plain builds an answer in clear.
func (q *peer) plain(to Frame, code byte, data ...byte) []byte {
	f := Frame{Address: 5, Reply: true, Sequence: to.Sequence, Code: code, Data: data}
	return f.Append(nil)
}

// secure builds an answer inside the session; block SCS18 encrypts.
func (q *peer) secure(to Frame, block, code byte, data []byte) []byte {
	f := Frame{Address: 5, Reply: true, Sequence: to.Sequence, Block: block, Code: code, Data: data}
	if block == SCS18 {
		f.Data = q.s.encrypt(bytes.Clone(data), &q.s.command)
	}
	b := f.AppendBody(nil)
	q.s.chain(&q.s.reply, &q.s.command, b)
	return AppendCheck(append(b, q.s.reply[:4]...), 0, f.Check)
}

// reply builds the right answer to a command.
func (q *peer) reply(f Frame) []byte {
	q.t.Helper()
	r := Frame{Address: 5, Reply: true, Sequence: f.Sequence}
	switch f.Block {
	case 0:
		switch f.Code {
		case CommandID:
			return q.plain(f, ReplyPDID, testPDID[:]...)
		case CommandCap:
			return q.plain(f, ReplyPDCap, testCaps...)
		}
	case SCS11:
		q.rndA = bytes.Clone(f.Data)
		q.rndB++
		rndB := []byte{q.rndB, 2, 3, 4, 5, 6, 7, 8}
		q.s.begin(q.key, q.rndA, rndB)
		r.Block, r.BlockData, r.Code = SCS12, f.BlockData, ReplyCCrypt
		r.Data = bytes.Join([][]byte{testCUID[:], rndB, q.s.client[:]}, nil)
		return r.Append(nil)
	case SCS13:
		if !bytes.Equal(f.Data, q.s.server[:]) {
			q.t.Fatal("wrong server cryptogram")
		}
		r.Block, r.BlockData, r.Code, r.Data = SCS14, []byte{1}, ReplyRMACI, q.s.rmac[:]
		return r.Append(nil)
	case SCS15, SCS17:
		return q.secureReply(f)
	}
	q.t.Fatalf("unexpected command %x", f.Bytes)
	return nil
}

func (q *peer) secureReply(f Frame) []byte {
	q.s.chain(&q.s.command, &q.s.reply, f.Covered())
	if !bytes.Equal(q.s.command[:4], f.MAC) {
		q.t.Fatalf("wrong MAC in %x", f.Bytes)
	}
	switch f.Code {
	case CommandID:
		return q.secure(f, SCS18, ReplyPDID, testPDID[:])
	case CommandCap:
		return q.secure(f, SCS18, ReplyPDCap, testCaps)
	case CommandLStat:
		return q.secure(f, SCS18, ReplyLStatR, []byte{0, 0})
	case CommandPoll:
		if len(q.reports) > 0 {
			r := q.reports[0]
			q.reports = q.reports[1:]
			return q.secure(f, SCS18, r[0], r[1:])
		}
	}
	return q.secure(f, SCS16, ReplyACK, nil)
}

// until answers rightly until the pd has reached the phase.
func (q *peer) until(ph phase) {
	q.t.Helper()
	for range 100 {
		if q.p.phase == ph && len(q.p.tx) == 0 {
			return
		}
		if !q.give(q.reply(q.ask())) {
			q.t.Fatal("a right answer was not taken")
		}
	}
	q.t.Fatalf("phase %d not reached", ph)
}

// cards counts what the door would have been told.
func (q *peer) cards() (n int) {
	for _, b := range q.told {
		if _, ok := b.(drivers.Card); ok {
			n++
		}
	}
	return n
}

func (q *peer) faults() (codes []drivers.FaultCode) {
	for _, b := range q.told {
		if f, ok := b.(drivers.Fault); ok {
			codes = append(codes, f.Code)
		}
	}
	return codes
}
