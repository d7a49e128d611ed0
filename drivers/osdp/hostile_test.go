package osdp

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"sekimori/drivers"
	"sekimori/drivers/drivertest"
)

// lostPort is a port that is never there.
type lostPort struct{}

func (lostPort) String() string { return "nowhere" }

func (lostPort) Keep(ctx context.Context, _ func(context.Context, drivers.Wire) error, lost func(error)) error {
	lost(drivers.ErrUnplugged)
	<-ctx.Done()
	return nil
}

func TestPortNeverThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := New(Options{Port: lostPort{}}, []ReaderOptions{newPeer(t).p.opt})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var told []drivers.Event
		var wg sync.WaitGroup
		wg.Go(func() { _ = b.Run(ctx, func(e drivers.Event) { told = append(told, e) }) })
		synctest.Wait()
		cancel()
		wg.Wait()
		if len(told) != 1 || told[0].Source != "entry" || !told[0].Body.(drivers.Offline).Unplugged {
			t.Errorf("told %v", told)
		}
	})
}

// frames draws an attacker's frame: everything right but what needs the key.
func frames(t *rapid.T, sequence byte) []byte {
	f := Frame{
		Address:  5,
		Reply:    true,
		Sequence: rapid.SampledFrom([]byte{sequence, 0, 1, 2, 3}).Draw(t, "sequence"),
		Check:    Check(rapid.IntRange(0, 1).Draw(t, "check")),
		Block:    rapid.SampledFrom([]byte{0, 0, SCS12, SCS14, SCS16, SCS18, SCS15, 0x21}).Draw(t, "block"),
		Code:     rapid.SampledFrom([]byte{ReplyRaw, ReplyACK, ReplyNAK, ReplyBusy, ReplyPDID, ReplyPDCap, ReplyCCrypt, ReplyRMACI, ReplyLStatR, ReplyRStatR, ReplyKeypad, 0xFF}).Draw(t, "code"),
		Data:     rapid.OneOf(rapid.Just(testRaw[1:]), rapid.Just(testPDID[:]), rapid.Just(testCaps), rapid.SliceOfN(rapid.Byte(), 0, 64)).Draw(t, "data"),
	}
	switch {
	case carriesMAC(f.Block):
		f.MAC = rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "mac")
	case f.Block != 0:
		f.BlockData = rapid.SliceOfN(rapid.Byte(), 1, 1).Draw(t, "block data")
	}
	return f.Append(nil)
}

// Whoever sits on the wire without the key never makes a card, in any phase,
// and never makes the pd panic, stop asking, or pile anything up.
func TestHostileFramesNeverACard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tb := new(testing.T) // the peer's own failures cannot happen here
		q := newPeer(tb)
		q.until(rapid.SampledFrom([]phase{identify, describe, challenge, prove, identifyIn, askLocal, drain, ready}).Draw(t, "phase"))
		q.told = nil
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			f := q.ask()
			if rapid.IntRange(0, 3).Draw(t, "honest") == 0 && q.p.secure {
				q.silence()
				continue
			}
			q.give(frames(t, f.Sequence))
			if len(q.p.alarms.last) > 8 || cap(q.p.out) > 64 || cap(q.p.tx) > MaxFrame {
				t.Fatalf("%d alarms, %d events, %d bytes", len(q.p.alarms.last), cap(q.p.out), cap(q.p.tx))
			}
			if wait := q.p.due.Sub(q.now); len(q.p.tx) == 0 && wait > 4*time.Second {
				t.Fatalf("the pd wants to wait %v", wait)
			}
		}
		if n := q.cards(); n != 0 {
			t.Fatalf("%d cards", n)
		}
	})
}

// A bus full of noise: no card, no end, no more memory than its buffers.
func TestHostileWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := drivertest.Pipe()
		b, err := New(Options{Port: lostPort{}}, []ReaderOptions{newPeer(t).p.opt})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		events := 0
		wg.Go(func() {
			_ = b.serve(ctx, near, func(e drivers.Event) {
				events++
				if _, ok := e.Body.(drivers.Card); ok {
					t.Error("a card from noise")
				}
			})
		})
		wg.Go(func() { // never silent, full of beginnings of frames
			raw := Frame{Address: 5, Reply: true, Sequence: 1, Code: ReplyRaw, Data: testRaw[1:]}
			noise := bytes.Join([][]byte{{som, 0x85, 0xA0, 0x05, 0x0C}, bytes.Repeat([]byte{som}, 100), raw.Append(nil)}, nil)
			for ctx.Err() == nil {
				_, _ = far.Write(noise)
				time.Sleep(7 * time.Millisecond)
			}
		})
		time.Sleep(2 * time.Minute)
		cancel()
		wg.Wait()
		if events == 0 || events > 60 {
			t.Errorf("%d events in two minutes of noise", events)
		}
	})
}

// A bus that is told to end does so at once, also in the middle of a wait.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := drivertest.Pipe()
		b, _ := New(Options{Port: lostPort{}}, []ReaderOptions{newPeer(t).p.opt})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan time.Time, 1)
		go func() { _ = b.serve(ctx, near, func(drivers.Event) {}); done <- time.Now() }()
		time.Sleep(10*time.Second + 30*time.Millisecond)
		cancel()
		asked := time.Now()
		if late := (<-done).Sub(asked); late > 500*time.Millisecond {
			t.Errorf("ended %v after it was asked to", late)
		}
	})
}

// Whatever arrives on the line of a reader in service, in whatever pieces, is
// no card and no panic, and leaves a bus that scans on.
func FuzzBus(f *testing.F) {
	raw := Frame{Address: 5, Reply: true, Sequence: 1, Code: ReplyRaw, Data: testRaw[1:]}
	f.Add(raw.Append(nil), uint8(3))
	f.Add([]byte{som, 0x85, 0xA0, 0x05, 0x0C, 2, 0x18, 0x50}, uint8(1))
	f.Fuzz(func(t *testing.T, line []byte, piece uint8) {
		q := newPeer(t)
		q.until(ready)
		q.ask()
		b := &Bus{readers: []*Reader{{pd: q.p}}}
		for len(line) > 0 {
			n := min(int(piece)+1, len(line), len(b.rx)-b.n)
			b.n += copy(b.rx[b.n:], line[:n])
			line = line[n:]
			b.consume(q.p, q.now)
			if b.n >= MaxFrame {
				t.Fatalf("%d bytes wait", b.n)
			}
			for _, body := range q.p.out {
				if _, ok := body.(drivers.Card); ok {
					t.Fatal("a card without the key")
				}
			}
		}
		b.rescan(q.p, q.now)
	})
}
