package osdp

import (
	"testing"
	"time"

	"sekimori/drivers"
)

// replay is a wire that answers each command with what the peer's keys make of
// it, without a line between.
type replay struct {
	q   *peer
	f   Frame
	out [64]byte
	n   int
	tmp Frame
}

func (r *replay) Write(b []byte) (int, error) {
	Scan(b, &r.f)
	s := &r.q.s
	s.chain(&s.command, &s.reply, r.f.Covered())
	r.tmp = Frame{Address: 5, Reply: true, Sequence: r.f.Sequence, Block: SCS16, Code: ReplyACK}
	out := r.tmp.AppendBody(r.out[:0])
	s.chain(&s.reply, &s.command, out)
	r.n = len(AppendCheck(append(out, s.reply[:4]...), 0, CRC))
	return len(b), nil
}

func (r *replay) Read(p []byte, _ time.Time) (int, error) {
	if r.n == 0 {
		return 0, drivers.ErrTimeout
	}
	n := copy(p, r.out[:r.n])
	r.n = 0
	return n, nil
}

func (r *replay) Close() error { return nil }

// BenchmarkExchange is one exchange with a reader in service: choosing the
// reader, its state, building and sealing the poll, scanning, verifying and
// judging the answer. The reader's own share (one MAC and one frame each way)
// is in the figure too.
func BenchmarkExchange(b *testing.B) {
	bus, w, emit := readyBus(b)
	b.ReportAllocs()
	for b.Loop() {
		bus.readers[0].pd.frames = 0 // else the session is renewed in the middle
		if err := bus.exchange(b.Context(), w, bus.readers[0].pd, emit); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	if p := bus.readers[0].pd; p.phase != ready {
		b.Fatalf("the reader fell out of service: %s", p.reason)
	}
}

func readyBus(tb testing.TB) (*Bus, *replay, drivers.Emit) {
	q := newPeer(tb)
	q.now = time.Now()
	q.p.start(q.now)
	q.until(ready)
	bus := &Bus{opt: Options{Port: lostPort{}, Baud: 115200, Gap: 150 * time.Millisecond}, readers: []*Reader{{pd: q.p}}}
	q.p.asked = time.Now().Add(time.Hour) // polls only
	return bus, &replay{q: q}, func(drivers.Event) {}
}

// TestExchangeDoesNotAllocate holds the promise of the benchmark: a bus in
// service leaves nothing for the collector.
func TestExchangeDoesNotAllocate(t *testing.T) {
	bus, w, emit := readyBus(t)
	if n := testing.AllocsPerRun(1000, func() {
		if err := bus.exchange(t.Context(), w, bus.readers[0].pd, emit); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations an exchange", n)
	}
	if p := bus.readers[0].pd; p.phase != ready {
		t.Fatalf("the reader fell out of service: %s", p.reason)
	}
}

func BenchmarkScan(b *testing.B) {
	frame := (&Frame{Address: 5, Reply: true, Block: SCS18, Code: ReplyRaw, Data: make([]byte, 16), MAC: make([]byte, 4)}).Append(nil)
	var f Frame
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, s := Scan(frame, &f); s != Whole {
			b.Fatal(s)
		}
	}
}
