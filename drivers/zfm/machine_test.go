package zfm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekimori/drivers"
)

// script answers commands as a module with one template (page 7) and a finger
// on it does. It is a table, not a module: the behaviour of a module is
// simulated elsewhere.
func script(content []byte) (code byte, values []byte) {
	switch instruction(content[0]) {
	case readSysPara:
		return 0, []byte{0, 0, 0, 9, 0, 200, 0, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 0, 6}
	case readProdInfo:
		b := make([]byte, 46)
		copy(b, "R503")
		copy(b[20:], "SERIAL01")
		b[42] = 6 // 1536
		return 0, b
	case getFwVer:
		return 0, append([]byte("1.4"), make([]byte, 29)...)
	case templateNum:
		return 0, []byte{0, 1}
	case readIndexTable:
		return 0, append([]byte{0x80}, make([]byte, 31)...)
	case match:
		return 0, []byte{0, 120}
	default:
		return 0, nil
	}
}

const scriptPin = "0009/R503/53455249414c3031/1.4"

func acked(code byte, values []byte) []byte {
	return Append(nil, Packet{defaultAddress, Acknowledge, append([]byte{code}, values...)})
}

// play is a machine in a time of its own, with what it did.
type play struct {
	m    *machine
	now  time.Time
	sent [][]byte // content of the commands, in order
	told []drivers.Body
}

func newPlay(o Options) *play {
	o.Name, o.Address = "sensor", defaultAddress
	return &play{m: newMachine(o), now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)}
}

// collect takes what the machine put out.
func (p *play) collect() {
	for out := p.m.out; len(out) > 0; {
		packet, n, err := Parse(out)
		if err != nil {
			panic(fmt.Sprintf("the machine sent % X: %v", out, err))
		}
		if packet.PID == Command {
			p.sent = append(p.sent, slices.Clone(packet.Content))
		}
		out = out[n:]
	}
	p.m.out = p.m.out[:0]
	for _, e := range p.m.events {
		p.told = append(p.told, e.Body)
	}
	p.m.events = nil
}

func (p *play) feed(b []byte) {
	p.m.received(p.now, b)
	p.collect()
}

// forward moves the time to what the machine waits for.
func (p *play) forward() {
	if at, waits := p.m.next(); waits && at.After(p.now) {
		p.now = at
	}
	p.m.tick(p.now)
	p.collect()
}

func (p *play) last() []byte { return p.sent[len(p.sent)-1] }

// online runs the start sequence.
func (p *play) online() *play {
	p.m.connected(p.now)
	for range 50 {
		if p.m.phase == ready && p.m.pending == nil {
			return p
		}
		if p.m.pending == nil {
			p.forward()
			continue
		}
		p.feed(acked(script(p.last())))
	}
	panic(fmt.Sprintf("not online: %+v", p.told))
}

func (p *play) verify(id uint64, pages ...uint16) {
	p.m.operate(p.now, &verify{
		m: p.m, id: id, pages: pages, minScore: 50, tries: 3, deadline: p.now.Add(10 * time.Second),
	})
	p.collect()
}

func outcomes(told []drivers.Body) (all []drivers.FingerResult) {
	for _, b := range told {
		if r, is := b.(drivers.FingerResult); is {
			all = append(all, r)
		}
	}
	return all
}

func TestStartSequence(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	var order []instruction
	for _, c := range p.sent {
		order = append(order, instruction(c[0]))
	}
	want := []instruction{vfyPwd, readSysPara, readProdInfo, getFwVer, templateNum, readIndexTable, auraLedConfig}
	if !slices.Equal(order, want) {
		t.Errorf("sent %v, want %v", order, want)
	}
	if want := []drivers.Body{drivers.Online{Identity: scriptPin}}; !reflect.DeepEqual(p.told, want) {
		t.Errorf("told %+v", p.told)
	}
}

// The exact flow of a verification on the wire.
func TestVerifySequence(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	p.sent = nil
	p.verify(1, 7)
	for len(outcomes(p.told)) == 0 {
		p.feed(acked(script(p.last())))
	}
	want := [][]byte{{0x01}, {0x02, 1}, {0x07, 2, 0, 7}, {0x03}}
	if !reflect.DeepEqual(p.sent, want) {
		t.Errorf("sent % X, want % X", p.sent, want)
	}
	r := outcomes(p.told)[0]
	if r != (drivers.FingerResult{ID: 1, Outcome: drivers.FingerMatch, Page: 7, Score: 120}) {
		t.Errorf("outcome %+v", r)
	}
}

// A session gives the same events however its bytes are cut.
func TestEverySplit(t *testing.T) {
	session := func(cut func(b []byte, feed func([]byte))) []drivers.Body {
		p := newPlay(Options{Identity: scriptPin})
		p.m.connected(p.now)
		answer := func(b []byte) { cut(b, p.feed) }
		answer([]byte{readyByte})
		for range 40 {
			if p.m.phase == ready && len(outcomes(p.told)) == 0 && p.m.task == nil {
				p.verify(1, 7)
			}
			if p.m.pending != nil {
				answer(acked(script(p.last())))
			}
		}
		answer(append([]byte{0x00, 0xEF, 0x02}, readyByte))
		return p.told
	}
	whole := session(func(b []byte, feed func([]byte)) { feed(b) })
	if len(outcomes(whole)) == 0 {
		t.Fatalf("no outcome in %+v", whole)
	}
	for at := range 60 {
		got := session(func(b []byte, feed func([]byte)) {
			feed(b[:min(at, len(b))])
			feed(b[min(at, len(b)):])
		})
		if !reflect.DeepEqual(got, whole) {
			t.Errorf("cut at %d: %+v, want %+v", at, got, whole)
		}
	}
	single := session(func(b []byte, feed func([]byte)) {
		for i := range b {
			feed(b[i : i+1])
		}
	})
	if !reflect.DeepEqual(single, whole) {
		t.Errorf("byte by byte: %+v, want %+v", single, whole)
	}
}

// Whatever a module or a wire does, a match is told only as the answer to a
// Match that this driver sent for a page that was asked for, after an image
// taken for it; and every verification has one outcome.
func TestHostileModule(t *testing.T) {
	matches := 0
	rapid.Check(t, func(t *rapid.T) {
		p := newPlay(Options{Identity: scriptPin}).online()
		p.told = nil
		asked := uint64(0)
		pages := []uint16{7, 3}
		for step := range rapid.IntRange(1, 60).Draw(t, "steps") {
			var fed []byte
			before, sent := len(outcomes(p.told)), len(p.sent)
			command := p.last()
			switch rapid.IntRange(0, 9).Draw(t, fmt.Sprint("act ", step)) {
			case 0:
				asked++
				p.verify(asked, pages...)
			case 1:
				p.m.cancel(p.now, rapid.Uint64Range(0, asked).Draw(t, "cancel"))
				p.collect()
			case 2:
				p.forward()
			case 3:
				fed = rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "noise")
			case 4:
				fed = acked(script([]byte{rapid.SampledFrom([]byte{1, 2, 3, 4, 7, 0x0F, 0x1D}).Draw(t, "other")}))
			case 5:
				fed = acked(rapid.Byte().Draw(t, "code"), rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "values"))
			case 6:
				fed = acked(script(command))
				fed[rapid.IntRange(6, len(fed)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			default:
				fed = acked(script(command))
			}
			if fed != nil {
				p.feed(fed)
			}
			for _, r := range outcomes(p.told)[before:] {
				if r.Outcome == drivers.FingerMatch {
					matches++
					checkMatch(t, r, p.sent[:sent], fed, pages)
				}
			}
		}
		p.m.disconnected(p.now, "end", false)
		p.collect()
		seen := map[uint64]int{}
		for _, r := range outcomes(p.told) {
			seen[r.ID]++
		}
		for id := uint64(1); id <= asked; id++ {
			if seen[id] != 1 {
				t.Fatalf("verification %d of %d has %d outcomes", id, asked, seen[id])
			}
		}
	})
	if matches == 0 {
		t.Fatal("no match at all: the walk proves nothing")
	}
}

// checkMatch is the dumb twin: what must have been on the wire for r.
func checkMatch(t *rapid.T, r drivers.FingerResult, sent [][]byte, fed []byte, pages []uint16) {
	n := len(sent)
	if n < 4 || instruction(sent[n-1][0]) != match {
		t.Fatalf("%+v, but Match was not sent last", r)
	}
	p, _, err := Parse(fed)
	if err != nil || p.PID != Acknowledge || len(p.Content) != 3 || p.Content[0] != 0 {
		t.Fatalf("%+v on % X", r, fed)
	}
	// Match may have been sent again after a fence.
	i := n - 1
	for i > 0 && instruction(sent[i][0]) != loadChar {
		i--
	}
	page := uint16(sent[i][2])<<8 | uint16(sent[i][3])
	if r.Page != page || !slices.Contains(pages, page) {
		t.Fatalf("%+v, but page %d was loaded", r, page)
	}
	for i > 0 && instruction(sent[i][0]) != img2Tz {
		i--
	}
	if i == 0 {
		t.Fatalf("%+v without an image", r)
	}
}

// Bytes alone never name a person: without a whole, valid acknowledgement of a
// Match in them there is no match, and memory stays bounded.
func FuzzMachine(f *testing.F) {
	f.Add(acked(script([]byte{byte(match)})))
	f.Add([]byte{0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00, 0x05, 0x00, 0x00, 0x64, 0x00, 0x71})
	f.Add([]byte{readyByte, 0xEF, 0xEF, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		p := newPlay(Options{Identity: scriptPin}).online()
		p.verify(1, 7)
		for instruction(p.last()[0]) != match {
			p.feed(acked(script(p.last())))
		}
		p.feed(b)
		for range 20 {
			p.forward()
		}
		valid := false
		for rest := b; len(rest) > 0; {
			packet, n, err := Parse(rest)
			if errors.Is(err, ErrShort) {
				break
			}
			valid = valid || err == nil && packet.PID == Acknowledge && len(packet.Content) == 3 && packet.Content[0] == 0
			rest = rest[n:]
		}
		for _, r := range outcomes(p.told) {
			if r.Outcome == drivers.FingerMatch && !valid {
				t.Fatalf("%+v on % X", r, b)
			}
		}
		if len(p.m.rx) >= maxPacket {
			t.Fatalf("%d bytes kept", len(p.m.rx))
		}
	})
}

// BenchmarkVerify is one whole verification in the machine: four exchanges.
func BenchmarkVerify(b *testing.B) {
	p := newPlay(Options{Identity: scriptPin}).online()
	answers := [][]byte{acked(0, nil), acked(0, nil), acked(0, nil), acked(0, []byte{0, 120})}
	pages := []uint16{7}
	b.ReportAllocs()
	for b.Loop() {
		p.m.operate(p.now, &verify{m: p.m, id: 1, pages: pages, minScore: 50, tries: 3, deadline: p.now.Add(time.Hour)})
		for _, a := range answers {
			p.m.received(p.now, a)
		}
		if len(p.m.events) != 1 {
			b.Fatalf("events %+v", p.m.events)
		}
		p.m.events, p.m.out = p.m.events[:0], p.m.out[:0]
	}
}

// The answer to an abandoned command comes after its time: it is not taken for
// the answer to the next operation's first command.
func TestLateAnswerIsFenced(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	p.verify(1, 7)
	for instruction(p.last()[0]) != loadChar {
		p.feed(acked(script(p.last())))
	}
	p.verify(2, 7)
	if instruction(p.last()[0]) != loadChar {
		t.Fatalf("sent % X while an answer was due", p.last())
	}
	p.forward() // LoadChar's time is over
	p.feed(acked(0, nil))
	if instruction(p.last()[0]) != readSysPara {
		t.Fatalf("a late answer led to % X", p.last())
	}
	p.feed(acked(script(p.last())))
	if instruction(p.last()[0]) != genImg {
		t.Fatalf("behind the fence came % X", p.last())
	}
}

// A damaged answer is not waited for: the fence goes out at once, and the
// command once more behind it.
func TestDamagedAnswer(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	p.verify(1, 7)
	p.sent = nil
	bad := acked(0, nil)
	bad[len(bad)-1] ^= 1
	p.feed(bad)
	p.feed(acked(script(p.last())))
	if len(p.sent) != 2 || instruction(p.sent[0][0]) != readSysPara || instruction(p.sent[1][0]) != genImg {
		t.Errorf("sent % X", p.sent)
	}
}

// Half a packet of the old wire does not swallow the new wire's first bytes.
func TestNewWireStartsClean(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	p.feed(acked(0, make([]byte, 40))[:12])
	p.m.disconnected(p.now, "unplugged", true)
	p.m.connected(p.now)
	p.sent = nil
	p.feed([]byte{readyByte})
	if len(p.sent) != 1 || instruction(p.sent[0][0]) != vfyPwd {
		t.Errorf("sent % X", p.sent)
	}
}
