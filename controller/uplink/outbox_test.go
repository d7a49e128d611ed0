package uplink

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestP9OutboxAgainstAWorld drives the outbox with random sends, losses,
// acknowledgements (true, late, repeated, invented), replays and time, against
// a plain model of what the other side really has. The cursor may never pass
// what was really taken, and once all is well everything arrives in order.
func TestP9OutboxAgainstAWorld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exact := rapid.Bool().Draw(t, "exact")
		last := rapid.Uint64Range(0, 200).Draw(t, "last")
		acked := rapid.Uint64Range(0, last).Draw(t, "acked")
		now := time.Unix(1_000_000, 0)
		w := &world{t: t, exact: exact, has: map[uint64]bool{}, out: newOutbox(exact, 16, 2*time.Second, time.Minute, acked, last), last: last}
		for s := uint64(1); s <= acked; s++ {
			w.has[s] = true
		}
		steps := rapid.IntRange(1, 120).Draw(t, "steps")
		for range steps {
			now = now.Add(time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * time.Millisecond)
			w.step(now, rapid.IntRange(0, 9).Draw(t, "act"))
			w.check()
		}
		w.finish(now)
	})
}

type world struct {
	t     *rapid.T
	exact bool
	out   *outbox
	last  uint64
	has   map[uint64]bool // what the other side has
	fly   []uint64        // sent, PUBACK not seen
}

func (w *world) send(now time.Time, arrive bool) {
	from, n := w.out.room(w.last, len(w.fly))
	if n > int(w.out.window) || n < 0 || from == 0 {
		w.t.Fatalf("room for %d from %d", n, from)
	}
	for seq := from; seq < from+uint64(n); seq++ {
		w.out.sent(seq, now)
		w.fly = append(w.fly, seq)
		if arrive {
			w.has[seq] = true
		}
	}
}

func (w *world) contiguous() uint64 {
	n := uint64(0)
	for w.has[n+1] {
		n++
	}
	return n
}

func (w *world) step(now time.Time, act int) {
	switch act {
	case 0:
		w.last += 5
	case 1, 2:
		w.send(now, true)
	case 3:
		w.send(now, w.exact) // lost on the way; with exact there are no PUBACKs for it either
		if w.exact {
			return
		}
	case 4:
		w.out.connected()
		w.fly = nil
	case 5, 6:
		w.out.ack(w.contiguous(), now)
	case 7: // a lie: beyond everything
		if got := w.out.ack(max(w.out.high, w.out.earlier)+1, now); got != ackRefused {
			w.t.Fatalf("an impossible acknowledgement: %v", got)
		}
	case 8:
		w.out.replay(rapid.Uint64Range(0, w.last+3).Draw(w.t, "from"), now)
	case 9: // PUBACKs, in disorder
		for len(w.fly) > 0 && rapid.Bool().Draw(w.t, "puback") {
			i := rapid.IntRange(0, len(w.fly)-1).Draw(w.t, "which")
			w.out.delivered(w.fly[i], now)
			w.fly = append(w.fly[:i], w.fly[i+1:]...)
		}
	}
	w.out.tick(now)
}

func (w *world) check() {
	for seq := uint64(1); seq <= w.out.acked; seq++ {
		if !w.has[seq] {
			w.t.Fatalf("the cursor is at %d, but %d never arrived", w.out.acked, seq)
		}
	}
	if w.out.next > w.last+1 {
		w.t.Fatalf("next is %d, the ledger ends at %d", w.out.next, w.last)
	}
}

// finish lets all go well: everything must become safe.
func (w *world) finish(now time.Time) {
	for range 2000 {
		if w.out.acked == w.last && w.out.next == w.last+1 {
			return
		}
		now = now.Add(time.Second)
		w.send(now, true)
		for _, seq := range w.fly {
			w.out.delivered(seq, now)
		}
		w.fly = nil
		w.out.ack(w.contiguous(), now)
		w.out.tick(now)
		w.check()
	}
	w.t.Fatalf("stuck: acked %d, next %d, high %d, last %d", w.out.acked, w.out.next, w.out.high, w.last)
}

func TestStallGrowsToItsCap(t *testing.T) {
	o := newOutbox(false, 64, 2*time.Second, 10*time.Second, 0, 0)
	now := time.Unix(0, 0)
	o.sent(1, now)
	var waits []time.Duration
	since := now
	for range 5 {
		for !o.tick(now) {
			now = now.Add(100 * time.Millisecond)
		}
		waits = append(waits, now.Sub(since))
		since = now
		o.sent(1, now)
	}
	want := []time.Duration{2, 4, 8, 10, 10}
	for i := range want {
		if waits[i] != want[i]*time.Second {
			t.Fatalf("waits %v", waits)
		}
	}
	o.ack(1, now)
	if o.tick(now.Add(time.Hour)) {
		t.Error("rewound though nothing was out")
	}
}

func FuzzParseAck(f *testing.F) {
	for _, s := range []string{
		`{"seq":0}`, `{"seq":18446744073709551615}`, ` { "seq" : 12 } `, `{"seq":18446744073709551616}`, `{"seq":-1}`, `{"seq":1.0}`,
		`{"seq":1e3}`, `{"Seq":1}`, `{"seq":1,"seq":2}`, `{"seq":1,"x":2}`, `{"seq":1}{}`, `{"seq":"1"}`, `{"seq":null}`, `{"seq":[1]}`, `[1]`, `1`, ``, `{"seq":01}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzNote(t, b, "seq", func(b []byte) (uint64, error) { a, err := ParseAck(b); return a.Seq, err })
	})
}

func FuzzParseReplay(f *testing.F) {
	for _, s := range []string{`{"from":1}`, `{"from":0}`, `{"from":18446744073709551615}`, `{"From":1}`, `{"from":1,"from":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzNote(t, b, "from", func(b []byte) (uint64, error) { r, err := ParseReplay(b); return r.From, err })
	})
}

// fuzzNote: what is taken is one object with one field, and means the same to
// encoding/json.
func fuzzNote(t *testing.T, b []byte, field string, parse func([]byte) (uint64, error)) {
	n, err := parse(b)
	if err != nil {
		return
	}
	var m map[string]uint64
	if jerr := json.Unmarshal(b, &m); jerr != nil || len(m) != 1 || m[field] != n {
		t.Fatalf("%q read as %d, encoding/json says %v, %v", b, n, m, jerr)
	}
}

func TestNotesAreStrict(t *testing.T) {
	for _, s := range []string{
		``, `1`, `[]`, `{}`, `{"seq":1,"seq":1}`, `{"SEQ":1}`, `{"seq":1} x`, `{"seq":1}{"seq":1}`, `{"seq":"1"}`, `{"seq":1.5}`, `{"seq":-1}`,
		`{"seq":18446744073709551616}`, `{"seq":1,"door":"x"}`, `{"seq":{"seq":1}}`, `{"seq":true}`, `{"seq":1}                                                            `,
	} {
		if a, err := ParseAck([]byte(s)); err == nil {
			t.Errorf("%q is taken as %d", s, a.Seq)
		}
	}
	if a, err := ParseAck([]byte("{\"seq\": 7}\n")); err != nil || a.Seq != 7 {
		t.Errorf("%v, %v", a, err)
	}
	if _, err := ParseReplay([]byte(`{"from":0}`)); err == nil {
		t.Error("a replay from 0 is taken")
	}
}

// FuzzFraming: however the bytes are cut, the guard sees the same packets, and
// never lets one through that is larger than its bound.
func FuzzFraming(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 1, 2, 3, 0xd0, 0x00, 0x20, 0x02, 0, 0}, uint8(3))
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0x7f}, uint8(1))
	f.Add([]byte{0x30, 0xff, 0xff, 0xff, 0xff, 0x01}, uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		const limit = 300
		var whole, pieces framing
		werr := whole.follow(b, limit)
		var perr error
		for rest := b; len(rest) > 0 && perr == nil; {
			n := min(len(rest), int(cut%7)+1)
			perr = pieces.follow(rest[:n], limit)
			rest = rest[n:]
		}
		if (werr == nil) != (perr == nil) || (werr == nil && whole != pieces) {
			t.Fatalf("whole %v %+v, in pieces %v %+v", werr, whole, perr, pieces)
		}
		if whole.left > limit {
			t.Fatalf("a packet of %d bytes", whole.left)
		}
	})
}
