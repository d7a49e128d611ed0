package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"sekimori/controller/event"
)

// twin is the ledger as simply as it can be said: lists and maps in memory.
type twin struct {
	bodies  [][]byte
	orders  map[string][]byte
	state   map[string][]byte
	cursors map[string]uint64
	numbers map[int]uint64
	gone    uint64
	notes   [][]byte
}

func (w *twin) append(r Record) error {
	if r.Order != nil {
		if _, used := w.orders[r.Order.ID]; used {
			return ErrOrderUsed
		}
		w.orders[r.Order.ID] = r.Order.Bytes
		r.Event.OrderHash = orderHash(r.Order.Bytes)
	}
	r.Event.Seq = uint64(len(w.bodies) + 1)
	if r.Event.Kind == event.AccessTaken && r.Event.Side == "entry" {
		year := event.FiscalYear(r.Event.Time.Time)
		w.numbers[year]++
		r.Event.Ledger = event.RegisterNumber(testDoor, year, w.numbers[year])
	}
	body, err := json.Marshal(r.Event)
	w.bodies = append(w.bodies, body)
	for k, v := range r.State {
		w.state[k] = v
	}
	return err
}

func (w *twin) clone() *twin {
	b, _ := json.Marshal([]any{w.orders, w.state, w.cursors, w.numbers})
	c := &twin{bodies: append([][]byte(nil), w.bodies...), gone: w.gone, notes: w.notes}
	json.Unmarshal(b, &[]any{&c.orders, &c.state, &c.cursors, &c.numbers})
	return c
}

// The ledger and its twin agree after any sequence of acts, restarts and
// refused appends, and every checkpoint ever signed still holds.
func TestLedgerAgreesWithItsTwin(t *testing.T) {
	root := scratch(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		defer os.RemoveAll(dir)
		if err := Init(dir, testDoor, DeviceKey{}); err != nil {
			t.Fatal(err)
		}
		m := &machine{dir: dir, now: morning, w: &twin{
			orders: map[string][]byte{}, state: map[string][]byte{}, cursors: map[string]uint64{}, numbers: map[int]uint64{},
		}}
		m.open(t)
		defer func() { m.l.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"append":     m.append,
			"cursor":     m.cursor,
			"checkpoint": m.checkpoint,
			"forget":     m.forget,
			"restart": func(t *rapid.T) {
				if err := m.l.Close(); err != nil {
					t.Fatal(err)
				}
				m.open(t)
			},
			"": m.compare,
		})
		rep, err := m.l.Verify(context.Background(), Evidence{Checkpoints: m.w.notes})
		if err != nil || !rep.OK() {
			t.Fatalf("%s %v", rep.String(), err)
		}
	})
}

type machine struct {
	dir string
	l   *Ledger
	w   *twin
	now time.Time
}

func (m *machine) open(t *rapid.T) {
	l, err := Open(context.Background(), m.dir, Options{Door: testDoor})
	if err != nil {
		t.Fatal(err)
	}
	m.l = l
}

func (m *machine) append(t *rapid.T) {
	rs := make([]Record, rapid.IntRange(1, 5).Draw(t, "events"))
	next := m.w.clone()
	var want error
	for i := range rs {
		m.now = m.now.Add(time.Duration(rapid.IntRange(0, 90*24).Draw(t, "hours")) * time.Hour)
		ev := event.New(rapid.SampledFrom([]event.Kind{event.AccessTaken, event.FactorRead, event.OrderAccepted}).Draw(t, "kind"))
		ev.Time, ev.Clock, ev.Door = event.At(m.now), event.Trusted, testDoor
		ev.Side = rapid.SampledFrom([]event.Side{"", "entry", "exit"}).Draw(t, "side")
		ev.Detail = rapid.String().Draw(t, "detail")
		rs[i].Event = ev
		if rapid.IntRange(0, 3).Draw(t, "with order") == 0 {
			rs[i].Order = &Order{fmt.Sprint("o-", rapid.IntRange(0, 40).Draw(t, "order")), []byte(rapid.StringN(1, 20, -1).Draw(t, "bytes"))}
		}
		if rapid.Bool().Draw(t, "with state") {
			rs[i].State = map[string][]byte{"door": []byte(ev.Detail + "!")}
		}
		if err := next.append(rs[i]); err != nil && want == nil {
			want = err
		}
	}
	first, err := m.l.Append(context.Background(), rs)
	if !errors.Is(err, want) {
		t.Fatalf("append: %v, the twin says %v", err, want)
	}
	if want != nil {
		return
	}
	if first != uint64(len(m.w.bodies)+1) {
		t.Fatalf("first is %d after %d", first, len(m.w.bodies))
	}
	m.w = next
}

func (m *machine) cursor(t *rapid.T) {
	seq := uint64(rapid.IntRange(0, len(m.w.bodies)+2).Draw(t, "seq"))
	err := m.l.SetCursor(context.Background(), "hall", seq)
	if beyond := seq > uint64(len(m.w.bodies)); errors.Is(err, ErrBeyond) != beyond || (err != nil && !beyond) {
		t.Fatalf("cursor to %d of %d: %v", seq, len(m.w.bodies), err)
	} else if !beyond {
		m.w.cursors["hall"] = max(m.w.cursors["hall"], seq)
	}
}

func (m *machine) checkpoint(t *rapid.T) {
	m.now = m.now.Add(time.Hour)
	n, _, err := m.l.Checkpoint(context.Background(), m.now)
	if err != nil {
		t.Fatal(err)
	}
	if n != nil {
		m.w.notes = append(m.w.notes[:len(m.w.notes):len(m.w.notes)], n)
	}
}

func (m *machine) forget(t *rapid.T) {
	before := m.now.AddDate(0, 0, -rapid.IntRange(0, 2000).Draw(t, "days"))
	to := m.w.gone
	for to < uint64(len(m.w.bodies)) {
		if c, some := m.w.cursors["hall"]; some && c > 0 && to >= c {
			break
		}
		at, err := timeOf(m.w.bodies[to])
		if err != nil {
			t.Fatal(err)
		}
		if !at.Before(before) {
			break
		}
		to++
	}
	ev := event.New(event.LedgerForgotten)
	ev.Time, ev.Clock, ev.Door = event.At(m.now), event.Trusted, testDoor
	done, err := m.l.Forget(context.Background(), before, ev)
	if err != nil {
		t.Fatal(err)
	}
	if to == m.w.gone {
		if done != (Forgotten{}) {
			t.Fatalf("forgot %v, the twin nothing", done)
		}
		return
	}
	if done != (Forgotten{m.w.gone + 1, to}) {
		t.Fatalf("forgot %v, the twin %d to %d", done, m.w.gone+1, to)
	}
	ev.Of, ev.Count = to, to-m.w.gone
	if err := m.w.append(Record{Event: ev}); err != nil {
		t.Fatal(err)
	}
	m.w.gone = to
}

func (m *machine) compare(t *rapid.T) {
	ctx := context.Background()
	if m.l.Last() != uint64(len(m.w.bodies)) {
		t.Fatalf("ends at %d, the twin at %d", m.l.Last(), len(m.w.bodies))
	}
	for s, err := range m.l.All(ctx, 1) {
		want := m.w.bodies[s.Seq-1]
		if s.Seq <= m.w.gone {
			want = nil
		}
		if err != nil || !bytes.Equal(s.Body, want) {
			t.Fatalf("event %d is %s, the twin's %s, %v", s.Seq, s.Body, want, err)
		}
	}
	if _, b, err := m.l.State(ctx, "door"); err != nil || !bytes.Equal(b, m.w.state["door"]) {
		t.Fatalf("state %q, the twin's %q, %v", b, m.w.state["door"], err)
	}
	if c, err := m.l.Cursor(ctx, "hall"); err != nil || c != m.w.cursors["hall"] {
		t.Fatalf("cursor %d, the twin's %d, %v", c, m.w.cursors["hall"], err)
	}
	for id := range m.w.orders {
		if used, err := m.l.OrderUsed(ctx, id); err != nil || !used {
			t.Fatalf("order %s used: %v, %v", id, used, err)
		}
	}
}

// Our frontier and the library that everybody reads agree on every hash.
func TestFrontierAgreesWithTlog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []tlog.Hash
		reader := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(idx))
			for i, x := range idx {
				out[i] = all[x]
			}
			return out, nil
		})
		var f frontier
		for i := range rapid.IntRange(0, 300).Draw(t, "leaves") {
			leaf := leafHash([]byte("salt"), fmt.Append(nil, i))
			want, err := tlog.StoredHashesForRecordHash(int64(i), leaf, reader)
			if err != nil {
				t.Fatal(err)
			}
			got := f.add(leaf, nil)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("leaf %d stores %v, want %v", i, got, want)
			}
			all = append(all, got...)
		}
		want, err := tlog.TreeHash(int64(f.size), reader)
		if err != nil || f.root() != want {
			t.Fatalf("root %v, want %v, %v", f.root(), want, err)
		}
	})
}
