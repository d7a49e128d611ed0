package osdp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"sekimori/drivers"
)

// The traps that other implementations fell into, as their issue trackers and
// captures tell.

// libosdp #287, #244: after a CCRYPT that does not verify, a new CHLNG with the
// same sequence number is refused by readers. A new attempt begins at 0.
func TestTrapFailedCryptogramRestartsSequence(t *testing.T) {
	q := newPeer(t)
	q.until(challenge)
	first := q.ask()
	q.key = NewKey()
	q.give(q.reply(first))
	f := q.ask()
	if f.Code != CommandID || f.Sequence != 0 || f.Block != 0 {
		t.Fatalf("after a failed handshake the pd sent %x", f.Bytes)
	}
	q.key = testKey
	q.give(q.reply(f))
	q.until(challenge)
	second := q.ask()
	if bytes.Equal(first.Data, second.Data) {
		t.Error("RND.A was used for two attempts")
	}
	q.give(q.reply(second))
	q.until(ready)
	if f := q.faults(); len(f) != 0 {
		t.Errorf("one failed handshake is told as %v", f)
	}
}

// libosdp PR #47: CHLNG repeated after BUSY, or after silence, is the same
// frame with the same RND.A.
func TestTrapBusyKeepsRandomNumber(t *testing.T) {
	q := newPeer(t)
	q.until(challenge)
	first := q.ask()
	busy := Frame{Address: 5, Reply: true, Code: ReplyBusy}
	for range 3 {
		q.give(busy.Append(nil))
		if again := q.ask(); !bytes.Equal(again.Bytes, first.Bytes) {
			t.Fatalf("repeated CHLNG differs:\n%x\n%x", first.Bytes, again.Bytes)
		}
		q.silence()
		if again := q.ask(); !bytes.Equal(again.Bytes, first.Bytes) {
			t.Fatalf("repeated CHLNG differs:\n%x\n%x", first.Bytes, again.Bytes)
		}
	}
	q.give(q.reply(first))
	q.until(ready)
}

// libosdp PR #47: BUSY has sequence number 0 always and is no restart. The
// command is repeated byte for byte, and the MAC chain does not move.
func TestTrapBusyBeforeSequence(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	f := q.ask()
	if f.Sequence == 0 {
		f = func() Frame { q.give(q.reply(f)); return q.ask() }()
	}
	busy := Frame{Address: 5, Reply: true, Code: ReplyBusy}
	q.give(busy.Append(nil))
	if q.p.phase != ready {
		t.Fatal("BUSY ended the session")
	}
	if wait := q.p.due.Sub(q.now); wait != busyAfter {
		t.Errorf("repeated after %v, want %v", wait, busyAfter)
	}
	if again := q.ask(); !bytes.Equal(again.Bytes, f.Bytes) {
		t.Fatalf("repeated command differs:\n%x\n%x", f.Bytes, again.Bytes)
	}
	q.give(q.reply(f))
	for range 5 {
		q.give(q.reply(q.ask())) // the peer checks each MAC
	}
}

// OSDP.Net #193: CCRYPT with the default key's number is refused, although the
// cryptogram is right; where it is tolerated, the key must still verify.
func TestTrapKeyNumber(t *testing.T) {
	answer := func(q *peer) {
		f := q.ask()
		b := q.reply(f)
		b[7] = keyDefault
		q.give(AppendCheck(b[:len(b)-2], 0, CRC))
	}
	q := newPeer(t)
	q.until(challenge)
	answer(q)
	if f := q.faults(); len(f) != 1 || f[0] != drivers.BadKey || q.p.phase != identify {
		t.Errorf("faults %v in phase %d, want bad_key", f, q.p.phase)
	}
	q = newPeer(t)
	q.p.opt.TolerateKeyNumber = true
	q.until(challenge)
	answer(q)
	q.until(ready)
	q = newPeer(t)
	q.p.opt.TolerateKeyNumber = true
	q.key = keyFrom([]byte("0123456789:;<=>?")) // SCBK-D
	for range 2 {
		q.until(challenge)
		answer(q)
	}
	if f := q.faults(); !slices.Contains(f, drivers.BadKey) {
		t.Errorf("the default key was taken: %v", f)
	}
}

// libosdp #106: readers drop the session on a plain POLL. Inside a session
// every command has a MAC, and before one there is no POLL at all.
func TestTrapNoPlainPoll(t *testing.T) {
	q := newPeer(t)
	for range 200 {
		secure := q.p.secure
		f := q.ask()
		if secure && f.Block != SCS15 && f.Block != SCS17 {
			t.Fatalf("in clear inside the session: %x", f.Bytes)
		}
		if !secure && f.Code != CommandID && f.Code != CommandCap && f.Block == 0 {
			t.Fatalf("in clear before the session: %x", f.Bytes)
		}
		q.give(q.reply(f))
	}
}

// A capture: ACK as SCS_18 with one block of padding. Refusing it stalls the
// link. Also without any block.
func TestTrapEmptyBlocks(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	for _, hollow := range []bool{false, true} {
		f := q.ask()
		q.s.chain(&q.s.command, &q.s.reply, f.Covered())
		var b []byte
		if hollow {
			r := Frame{Address: 5, Reply: true, Sequence: f.Sequence, Block: SCS18, Code: ReplyACK}
			b = r.AppendBody(nil)
			q.s.chain(&q.s.reply, &q.s.command, b)
			b = AppendCheck(append(b, q.s.reply[:4]...), 0, CRC)
		} else {
			b = q.secure(f, SCS18, ReplyACK, nil)
		}
		if !q.give(b) || q.p.phase != ready {
			t.Fatal("the link stalled")
		}
		q.give(q.reply(q.ask()))
	}
	if f := q.faults(); len(f) != 0 {
		t.Errorf("faults %v", f)
	}
}

// A capture: ID is sent with sequence number 0, the same bytes, until somebody
// answers.
func TestTrapIdentityRepeatsAtZero(t *testing.T) {
	q := newPeer(t)
	first := q.ask()
	if first.Code != CommandID || first.Sequence != 0 {
		t.Fatalf("the first frame is %x", first.Bytes)
	}
	for range 50 {
		q.silence()
		if again := q.ask(); !bytes.Equal(again.Bytes, first.Bytes) {
			t.Fatalf("repeated ID differs: %x", again.Bytes)
		}
	}
	q.give(q.reply(first))
	q.until(ready)
}

// A capture: an ACU repeated a POLL with a stale MAC 35 times to a reader that
// could only be silent. After the retry limit the sequence restarts at 0, and
// service is back within seconds.
func TestTrapStalledLinkRestarts(t *testing.T) {
	q := newPeer(t)
	q.until(ready)
	began := q.now
	first := q.ask()
	tries := 1
	for ; ; tries++ {
		q.silence()
		f := q.ask()
		if f.Sequence == 0 {
			if f.Code != CommandID {
				t.Fatalf("restarted with %x", f.Bytes)
			}
			q.give(q.reply(f))
			break
		}
		if !bytes.Equal(f.Bytes, first.Bytes) {
			t.Fatalf("repetition differs: %x", f.Bytes)
		}
	}
	if tries < 3 || tries > 8 {
		t.Errorf("restarted after %d tries", tries)
	}
	q.until(ready)
	if d := q.now.Sub(began); d > 2*time.Second {
		t.Errorf("service back after %v", d)
	}
}
