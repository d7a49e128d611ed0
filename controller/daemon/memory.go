package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/loop"
	"sekimori/controller/order"
	"sekimori/policy"
)

// memory is what a start knows from the ledger. The state rows stand outside
// its Merkle tree, so a row counts only as an event among the newest vouches
// for it; see [recorder]. What does not count:
//
//   - the door's state is folded from all events instead, and the next record
//     puts it right;
//   - of the roster nobody is known until a signed import brings one.
//
// Either is an incident: the run is suspect, entry is refused to its end, and
// log_gap says why (P10, P11). Whoever can put a row and the events together
// with the tree and the box's key in agreement is found only by a checkpoint
// kept elsewhere, as with every event; and what a fold of all events finds ends
// where retention took their bodies.
type memory struct {
	state   door.State
	roster  *policy.Roster
	fingers order.Fingers
	trusted time.Time         // the last moment of which the clock was sure
	rows    map[string]string // the hashes that events vouch for
	anew    map[string][]byte // rows to be written again
	suspect []string          // why the run is suspect
}

// vouchLook is how many of the newest events a start reads: vouchEvery, and
// room for the longest batch after it. [ledger.Open] hashed more than these.
const vouchLook = 4 * vouchEvery

// recall reads what the ledger knows. Its error means that the events
// themselves cannot be read: then the ledger is as good as corrupt.
func recall(ctx context.Context, l *ledger.Ledger) (*memory, error) {
	m := &memory{roster: &policy.Roster{}, anew: map[string][]byte{}}
	var err error
	if m.trusted, err = l.LastTrusted(ctx); err != nil {
		return nil, err
	}
	if m.rows, err = vouched(ctx, l); err != nil {
		return nil, err
	}
	blobs := map[string][]byte{}
	for _, name := range []string{loop.StateName, rosterName, fingersName} {
		if blobs[name], err = m.row(ctx, l, name); err != nil {
			return nil, err
		}
	}
	if err := m.restore(ctx, l, blobs[loop.StateName]); err != nil {
		return nil, err
	}
	if err := m.people(blobs[rosterName], blobs[fingersName]); err != nil {
		m.suspect = append(m.suspect, err.Error())
		m.roster, m.fingers = &policy.Roster{}, order.Fingers{}
	}
	return m, nil
}

// vouched finds the hashes of the state rows in the newest event that has them.
func vouched(ctx context.Context, l *ledger.Ledger) (map[string]string, error) {
	last := l.Last()
	rows := map[string]string{}
	for stored, err := range l.All(ctx, last-min(last, vouchLook)+1) {
		if err != nil {
			return nil, err
		}
		// In canonical JSON a quote inside a text is escaped: only the field
		// itself looks like this.
		if !bytes.Contains(stored.Body, []byte(`"rows":{`)) {
			continue
		}
		var ev event.Event
		if err := json.Unmarshal(stored.Body, &ev); err != nil {
			return nil, fmt.Errorf("event %d cannot be read: %w", stored.Seq, err)
		}
		rows = ev.Rows
	}
	return rows, nil
}

// row reads one state row; nil, and a word in suspect, if it is not the one
// that events vouch for.
func (m *memory) row(ctx context.Context, l *ledger.Ledger, name string) ([]byte, error) {
	_, b, err := l.State(ctx, name)
	if err != nil {
		return nil, err
	}
	want, known := m.rows[name]
	switch {
	case b == nil && !known, b != nil && rowHash(b) == want:
		return b, nil
	case b == nil:
		m.suspect = append(m.suspect, "state row "+name+" is gone")
	default:
		m.suspect = append(m.suspect, "state row "+name+" is not the one that was recorded")
	}
	return nil, nil
}

// restore folds the events after the door's state row: the same fold that the
// door itself does when an event is recorded. Without a row, or with one of an
// older form, it folds them all. A long way is not gone twice: the outcome is
// written with the first record.
func (m *memory) restore(ctx context.Context, l *ledger.Ledger, row []byte) error {
	st := &m.state
	if row != nil {
		if err := json.Unmarshal(row, st); err != nil || st.Seq > l.Last() {
			*st = door.State{}
		}
	}
	from := st.Seq
	for stored, err := range l.All(ctx, from+1) {
		if err != nil {
			return err
		}
		if len(stored.Body) == 0 {
			continue // past retention: forgotten
		}
		var ev event.Event
		if err := json.Unmarshal(stored.Body, &ev); err != nil {
			return fmt.Errorf("event %d cannot be read: %w", stored.Seq, err)
		}
		st.Apply(ev)
	}
	if st.Seq-from < vouchEvery && len(m.suspect) == 0 {
		return nil
	}
	b, err := json.Marshal(st)
	if err != nil {
		panic("daemon: internal error: the door's state cannot be written: " + err.Error())
	}
	m.anew[loop.StateName] = b
	return nil
}

// people reads the roster and what orders did to fingers. One without the
// other is worth nothing.
func (m *memory) people(roster, fingers []byte) error {
	var data policy.RosterData
	for _, row := range []struct {
		name string
		blob []byte
		into any
	}{{rosterName, roster, &data}, {fingersName, fingers, &m.fingers}} {
		if _, known := m.rows[row.name]; known && row.blob == nil {
			return errors.New("nobody is known until a roster is imported")
		}
		if row.blob == nil {
			continue
		}
		if err := json.Unmarshal(row.blob, row.into); err != nil {
			return fmt.Errorf("state row %s cannot be read: nobody is known until a roster is imported", row.name)
		}
	}
	ro, err := policy.NewRoster(data)
	if err != nil {
		return errors.New("state row roster holds no valid roster: nobody is known until one is imported")
	}
	m.roster = ro
	return nil
}

// why joins the reasons, "" if there is none.
func (m *memory) why() string { return strings.Join(m.suspect, "; ") }
