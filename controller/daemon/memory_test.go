package daemon

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/loop"
	"sekimori/controller/order"
)

// diary is a ledger with the recorder of a run, outside any door.
type diary struct {
	*testing.T
	dir  string
	book *ledger.Ledger
	rec  *recorder
}

func newDiary(t *testing.T) *diary {
	d := &diary{T: t, dir: filepath.Join(t.TempDir(), "ledger")}
	key, err := ledger.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Init(d.dir, testDoor, key); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.book.Close() })
	return d
}

// starts opens the ledger as a new run does.
func (d *diary) starts() *memory {
	d.Helper()
	book, err := ledger.Open(context.Background(), d.dir, ledger.Options{})
	if err != nil {
		d.Fatal(err)
	}
	m, err := recall(context.Background(), book)
	if err != nil {
		d.Fatal(err)
	}
	d.book = book
	d.rec = &recorder{ledger: book, rows: m.rows, first: m.anew, last: book.Last()}
	return m
}

func (d *diary) writes(k event.Kind, state map[string][]byte) {
	d.Helper()
	ev := event.New(k)
	ev.Time, ev.Clock, ev.Door, ev.Place = event.At(time.Now()), event.Trusted, testDoor, "machine_room"
	if _, err := d.rec.Append(context.Background(), []event.Event{ev}, loop.Extra{State: state}); err != nil {
		d.Fatal(err)
	}
}

// harms runs SQL on the closed database, past the ledger.
func (d *diary) harms(statement string, args ...any) {
	d.Helper()
	d.book.Close()
	db, err := sql.Open("sqlite", filepath.Join(d.dir, "ledger.db"))
	if err != nil {
		d.Fatal(err)
	}
	defer db.Close()
	res, err := db.Exec(statement, args...)
	if err != nil {
		d.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		d.Fatal("nothing was harmed")
	}
}

// rows of a door with one person, who has a finger and a lost badge.
func someRows(t *testing.T) map[string][]byte {
	t.Helper()
	p := strangers("entry")
	does(t, p, anImport(append(rosterOf("x"), "[[badges]]\nid = \"b-1\"\nnumber = \"1111\"\nperson = \"x\"\nstate = \"lost\"\n"...)))
	_, c, err := p.try(anOrder(order.Enroll, "x"))
	if err != nil {
		t.Fatal(err)
	}
	return c.rows()
}

// TestP10StateRows: a state row that was edited, removed, added, put back or
// spoilt makes the next start suspect, and says which. The door's own state is
// then folded from the events.
func TestP10StateRows(t *testing.T) {
	state := func(edit func(*door.State)) []byte {
		st := door.State{Seq: 3}
		edit(&st)
		b, err := json.Marshal(st)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tc := range []struct {
		name, harm string
		args       []any
		says       string
		people     int
	}{
		{"nothing", `UPDATE state SET seq = seq`, nil, "", 1},
		{"the lost badge works again", `UPDATE state SET bytes = CAST(replace(CAST(bytes AS TEXT), '"lost"', '"active"') AS BLOB) WHERE name = 'roster'`, nil, "state row roster is not", 0},
		{"an older roster", `UPDATE state SET bytes = ? WHERE name = 'roster'`, []any{[]byte(`{"persons":null}`)}, "state row roster is not", 0},
		{"no JSON", `UPDATE state SET bytes = x'00' WHERE name = 'roster'`, nil, "state row roster is not", 0},
		{"the roster is gone", `DELETE FROM state WHERE name = 'roster'`, nil, "state row roster is gone", 0},
		{"all rows are gone", `DELETE FROM state`, nil, "state row roster is gone", 0},
		{"other fingers", `UPDATE state SET bytes = CAST('{}' AS BLOB) WHERE name = 'fingers'`, nil, "state row fingers is not", 0},
		{"the lockdown is gone", `UPDATE state SET bytes = ? WHERE name = 'door'`, []any{state(func(st *door.State) { st.Seq = 200 })}, "state row door is not", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDiary(t)
			d.starts()
			d.writes(event.DaemonStarted, nil)
			d.writes(event.RosterChanged, someRows(t))
			d.writes(event.Lockdown, nil)
			d.writes(event.FactorRead, map[string][]byte{loop.StateName: state(func(st *door.State) { st.Lockdown = 3 })})
			for range vouchEvery - 100 {
				d.writes(event.FactorRead, nil)
			}
			d.harms(tc.harm, tc.args...)
			m := d.starts()
			if (m.why() == "") != (tc.says == "") || !strings.Contains(m.why(), tc.says) {
				t.Errorf("suspect: %q, want %q", m.why(), tc.says)
			}
			if n := len(m.roster.Data().Persons); n != tc.people {
				t.Errorf("%d persons are known", n)
			}
			if m.state.Lockdown != 3 {
				t.Errorf("the lockdown is forgotten: %+v", m.state)
			}

			// The roster stays in doubt until there is another; the door's state
			// is put right by the first record.
			d.writes(event.DaemonStarted, nil)
			d.book.Close()
			m = d.starts()
			if doubt := tc.says != "" && tc.people == 0; (m.why() != "") != doubt {
				t.Errorf("at the start after that: %q", m.why())
			}
			d.writes(event.RosterChanged, someRows(t))
			d.book.Close()
			if m = d.starts(); m.why() != "" || len(m.roster.Data().Persons) != 1 || m.state.Lockdown != 3 {
				t.Errorf("after an import: %q, %d persons, lockdown %d", m.why(), len(m.roster.Data().Persons), m.state.Lockdown)
			}
		})
	}
}

// TestP10ForeignRow: a row that was put into a ledger that never had one.
func TestP10ForeignRow(t *testing.T) {
	d := newDiary(t)
	d.starts()
	d.writes(event.DaemonStarted, nil)
	d.harms(`INSERT INTO state (name, seq, bytes) VALUES ('roster', 1, ?)`, someRows(t)[rosterName])
	if m := d.starts(); m.why() == "" || len(m.roster.Data().Persons) != 0 {
		t.Error("a foreign roster is in force")
	}
}

// TestRowsAreVouchedForAgain: in every stretch of vouchEvery events one vouches
// for the rows, also when no row changes for long, and short runs do not make
// a start fold ever more.
func TestRowsAreVouchedForAgain(t *testing.T) {
	d := newDiary(t)
	d.starts()
	d.writes(event.RosterChanged, someRows(t))
	for range 3*vouchEvery + 10 {
		d.writes(event.FactorRead, nil)
	}
	var at []uint64
	for s, err := range d.book.All(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(s.Body, []byte(`"rows":{`)) {
			at = append(at, s.Seq)
		}
	}
	for i, seq := range append(at, d.book.Last()+1) {
		if i > 0 && seq-at[i-1] > vouchEvery+1 {
			t.Errorf("nobody vouches between %d and %d", at[i-1], seq)
		}
	}
	d.book.Close()
	if m := d.starts(); m.why() != "" || m.anew[loop.StateName] == nil {
		t.Errorf("suspect %q; the fold is written again: %v", m.why(), m.anew[loop.StateName] != nil)
	}
	d.writes(event.DaemonStarted, nil)
	d.book.Close()
	if m := d.starts(); m.why() != "" || m.anew[loop.StateName] != nil {
		t.Errorf("suspect %q; the fold is written a second time: %v", m.why(), m.anew[loop.StateName] != nil)
	}
}

// TestRowsAfterAFailedAppend: whether a failed append stands or not, the next
// event vouches for what is there.
func TestRowsAfterAFailedAppend(t *testing.T) {
	for _, stands := range []bool{false, true} {
		d := newDiary(t)
		d.starts()
		old := someRows(t)
		d.writes(event.RosterChanged, old)
		other := someRows(t)
		other[rosterName] = append(bytes.Clone(other[rosterName]), ' ')
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		ev := event.New(event.RosterChanged)
		ev.Time, ev.Door = event.At(time.Now()), testDoor
		if _, err := d.rec.Append(ended, []event.Event{ev}, loop.Extra{State: other}); err == nil {
			t.Fatal("the append did not fail")
		}
		if stands {
			if _, err := d.book.Append(t.Context(), []ledger.Record{{Event: ev, State: other}}); err != nil {
				t.Fatal(err)
			}
		}
		d.writes(event.FactorRead, map[string][]byte{loop.StateName: []byte(`{"seq":0}`)})
		d.book.Close()
		if m := d.starts(); m.why() != "" {
			t.Errorf("stands %v: %s", stands, m.why())
		}
	}
}

// TestP11UnreadableRow: a row that cannot be used does not end the daemon.
func TestP11UnreadableRow(t *testing.T) {
	for name, row := range map[string][]byte{"no JSON": []byte("x"), "no roster": []byte(`{"persons":[{"ID":""}]}`)} {
		d := newDiary(t)
		d.starts()
		d.writes(event.RosterChanged, map[string][]byte{rosterName: row, loop.StateName: []byte("x")})
		d.book.Close()
		if m := d.starts(); m.why() == "" || m.state.Seq != 1 {
			t.Errorf("%s: suspect %q, folded to %d", name, m.why(), m.state.Seq)
		}
	}
}
