package zfm

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sekimori/drivers"
)

// answers plays a module that answers as told, else as script does, until no
// exchange is under way.
func (p *play) answers(told map[instruction][]byte) {
	for range 60 {
		if p.m.pending == nil && len(p.m.events) == 0 && (p.m.task == nil || p.m.timer.fn == nil) {
			return
		}
		if p.m.pending == nil {
			p.forward()
			continue
		}
		if b, is := told[instruction(p.last()[0])]; is {
			p.feed(b)
			continue
		}
		p.feed(acked(script(p.last())))
	}
}

func (p *play) sentOf(i instruction) (n int) {
	for _, c := range p.sent {
		if instruction(c[0]) == i {
			n++
		}
	}
	return n
}

func result[T drivers.Body](t *testing.T, p *play) T {
	t.Helper()
	var all []T
	for _, b := range p.told {
		if r, is := b.(T); is {
			all = append(all, r)
		}
	}
	if len(all) != 1 {
		t.Fatalf("%d outcomes in %+v", len(all), p.told)
	}
	return all[0]
}

// The index alone proves an erasure: a module that says 00 and keeps the page
// is found, one that says an error and has no such page is not blamed.
func TestErasureIsProvedByTheIndex(t *testing.T) {
	emptyIndex := acked(0, make([]byte, 32))
	for _, c := range []struct {
		name string
		told map[instruction][]byte
		want string // "": gone
	}{
		{"lies", nil, "still shows the page"},
		{"refuses", map[instruction][]byte{deletChar: acked(0x10, nil)}, "code 10"},
		{"gone", map[instruction][]byte{readIndexTable: emptyIndex}, ""},
		{"gone before", map[instruction][]byte{deletChar: acked(0x10, nil), readIndexTable: emptyIndex}, ""},
		{"no index", map[instruction][]byte{readIndexTable: acked(0xFC, nil)}, "ReadIndexTable: code FC"},
	} {
		p := newPlay(Options{Identity: scriptPin}).online()
		p.m.operate(p.now, &erase{m: p.m, id: 4, page: 7})
		p.collect()
		p.answers(c.told)
		err := result[drivers.EraseResult](t, p).Err
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if gone := !p.m.expected.has(7); gone != (c.want == "") {
			t.Errorf("%s: expected without the page: %v", c.name, gone)
		}
	}
}

// What was stored but cannot be read back is taken away again, and the page is
// not expected.
func TestHalfStoredIsUndone(t *testing.T) {
	one := make([]byte, 32)
	one[0], one[1] = 0x80, 0x02 // pages 7 and 9
	for name, c := range map[string]struct {
		told map[instruction][]byte
		want string
	}{
		"stored":     {map[instruction][]byte{readIndexTable: acked(0, one)}, ""},
		"not listed": {nil, "does not show"},
		"different":  {map[instruction][]byte{match: acked(8, []byte{0, 0})}, "not what was stored"},
		"not loaded": {map[instruction][]byte{loadChar: acked(0x0C, nil)}, "LoadChar: code 0C"},
		"refused":    {map[instruction][]byte{store: acked(0x18, nil)}, "flash write error"},
		"damaged":    {map[instruction][]byte{downChar: acked(0x0E, nil)}, "DownChar: code 0E"},
	} {
		p := newPlay(Options{Identity: scriptPin}).online()
		p.sent = nil
		template := drivers.NewTemplate(bytes.Repeat([]byte{0xEF, 0x01, 0x55}, 512))
		p.m.operate(p.now, &keep{m: p.m, id: 5, page: 9, template: template})
		p.collect()
		p.answers(c.told)
		err := result[drivers.StoreResult](t, p).Err
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		written := p.sentOf(store) > 0
		if undone := p.sentOf(deletChar) == 1; undone != (written && c.want != "") {
			t.Errorf("%s: undone %v, written %v", name, undone, written)
		}
		if p.m.expected.has(9) != (c.want == "") {
			t.Errorf("%s: page expected: %v", name, p.m.expected.has(9))
		}
	}
}

// Both the operation that writes and the one that waits behind it have their
// outcome when the wire goes.
func TestWaitingOperationEnds(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	p.m.operate(p.now, &erase{m: p.m, id: 1, page: 7})
	p.verify(2, 7)
	p.m.disconnected(p.now, "unplugged", true)
	p.collect()
	if r := result[drivers.EraseResult](t, p); r.ID != 1 || r.Err == nil {
		t.Errorf("erasure: %+v", r)
	}
	if r := result[drivers.FingerResult](t, p); r.ID != 2 || r.Outcome != drivers.FingerUnavailable {
		t.Errorf("verification: %+v", r)
	}
}

// Cancelling the one that waits leaves the one that writes alone.
func TestCancelWaiting(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	p.m.operate(p.now, &erase{m: p.m, id: 1, page: 7})
	p.verify(2, 7)
	p.m.cancel(p.now, 2)
	p.m.cancel(p.now, 1)
	p.collect()
	if r := result[drivers.FingerResult](t, p); r.ID != 2 {
		t.Errorf("cancelled %+v", r)
	}
	p.answers(map[instruction][]byte{readIndexTable: acked(0, make([]byte, 32))})
	if r := result[drivers.EraseResult](t, p); r.Err != nil {
		t.Errorf("erasure: %v", r.Err)
	}
}

// A packet under another module's address is nobody's answer.
func TestForeignAddress(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	p.verify(1, 7)
	for instruction(p.last()[0]) != match {
		p.feed(acked(script(p.last())))
	}
	p.feed(Append(nil, Packet{0x01020304, Acknowledge, []byte{0, 0, 200}}))
	if r := outcomes(p.told); len(r) != 0 {
		t.Fatalf("outcome %+v", r)
	}
	p.feed(acked(8, nil)) // some modules leave the score of a mismatch out
	if r := outcomes(p.told); len(r) != 1 || r[0].Outcome != drivers.FingerMismatch {
		t.Fatalf("outcome %+v", r)
	}
}

// An upload that does not end, or is not a template, stores nothing and is not
// collected without bound.
func TestEndlessUpload(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin}).online()
	e := &enrol{m: p.m, id: 1, page: 9, deadline: p.now.Add(time.Hour), views: 2}
	p.m.task = e
	e.export(p.now)
	p.collect()
	for range 2 { // it may be asked for twice
		p.feed(acked(0, nil))
		for range 100 {
			p.feed(Append(nil, Packet{defaultAddress, Data, make([]byte, 256)}))
		}
		if x := p.m.pending; x != nil && cap(x.collected) > maxTemplate {
			t.Fatalf("%d bytes collected", cap(x.collected))
		}
		p.feed(acked(script([]byte{byte(readSysPara)}))) // the fence
	}
	r := result[drivers.EnrolResult](t, p)
	if r.Err == nil || r.Template.Len() != 0 || p.sentOf(store) != 0 {
		t.Errorf("enrolled %+v", r)
	}
}

// What waits on the wire from before is not taken for the start sequence's.
func TestSettlingDropsOldAnswers(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin})
	p.m.connected(p.now)
	p.feed(acked(script([]byte{byte(match)})))
	p.feed(acked(0, nil))
	if len(p.sent) != 0 || len(p.told) != 0 {
		t.Fatalf("sent % X, told %+v before settled", p.sent, p.told)
	}
	start := p.now
	p.forward()
	if waited := p.now.Sub(start); waited != settleTime || len(p.sent) != 1 {
		t.Fatalf("waited %v, sent % X", waited, p.sent)
	}
}

// A module that does not let its library be seen is not used (P11).
func TestUnreadableIndex(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin})
	p.m.connected(p.now)
	p.forward()
	p.answers(map[instruction][]byte{readIndexTable: acked(0xFC, nil)})
	if f := result[drivers.Fault](t, p); f.Code != drivers.CapabilityChanged || !f.Disabled {
		t.Errorf("fault %+v", f)
	}
}

// A module that counts other than its index shows hides something.
func TestCountAgainstIndex(t *testing.T) {
	p := newPlay(Options{Identity: scriptPin})
	p.m.connected(p.now)
	p.forward()
	p.answers(map[instruction][]byte{templateNum: acked(0, []byte{0, 2})})
	if f := result[drivers.Fault](t, p); f.Code != drivers.LibraryChanged || !strings.Contains(f.Detail, "counts 2 templates, its index shows 1") {
		t.Errorf("fault %+v", f)
	}
}
