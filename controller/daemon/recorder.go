package daemon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"sekimori/controller/config"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/loop"
)

// LedgerDir and InboxDir are where a door keeps its ledger and its waiting
// orders.
func LedgerDir(cfg *config.Door) string { return filepath.Join(cfg.State, "ledger") }

// InboxDir: see LedgerDir.
func InboxDir(cfg *config.Door) string { return filepath.Join(cfg.State, "inbox") }

// vouchEvery is how many events may pass before one vouches for the state rows
// again: a start looks that far back, and what it looks at was hashed again
// when the ledger was opened.
const vouchEvery = 256

// recorder is the loop's way to the ledger. State rows stand outside the
// Merkle tree; an event that carries their hashes brings them into it (P10).
// One append runs at a time.
type recorder struct {
	ledger *ledger.Ledger
	// rows are the hashes of the state rows by name, as events vouch for them;
	// of a row that was changed behind our back it is still the true one.
	rows    map[string]string
	vouched uint64 // the newest event that vouches; 0: none in this run
	last    uint64 // the newest event known here
	// first rides with the first append: what the start had to fold anew.
	first map[string][]byte
	// tried are the hashes of rows whose append failed: a commit whose sync
	// failed may yet stand.
	tried map[string]string
}

var _ loop.Recorder = (*recorder)(nil)

// Append stores the events in one transaction; the order's bytes go with the
// first event that names it, the state rows and their hashes with the last.
func (r *recorder) Append(ctx context.Context, events []event.Event, extra loop.Extra) ([]event.Event, error) {
	if err := r.settle(ctx); err != nil {
		return nil, err
	}
	records := make([]ledger.Record, len(events))
	for i, ev := range events {
		records[i].Event = ev
		if extra.OrderID != "" && ev.Order == extra.OrderID && ev.Kind == event.OrderAccepted {
			records[i].Order = &ledger.Order{ID: extra.OrderID, Bytes: extra.Order}
		}
	}
	end := &records[len(records)-1]
	end.State = merged(r.first, extra.State)
	rows := maps.Clone(r.rows)
	changed := map[string]string{}
	for name, b := range end.State {
		changed[name] = rowHash(b)
	}
	maps.Copy(rows, changed)
	if len(changed) > 0 || r.vouched == 0 || r.last-r.vouched >= vouchEvery {
		end.Event.Rows = rows
	}
	if _, err := r.ledger.Append(ctx, records); err != nil {
		r.tried = changed
		if errors.Is(err, ledger.ErrFull) {
			return nil, fmt.Errorf("%w: %w", loop.ErrFull, err)
		}
		return nil, err
	}
	r.first, r.rows, r.last = nil, rows, end.Event.Seq
	if end.Event.Rows != nil {
		r.vouched = r.last
	}
	stored := make([]event.Event, len(records))
	for i := range records {
		stored[i] = records[i].Event
	}
	return stored, nil
}

// settle finds out what became of rows whose append failed.
func (r *recorder) settle(ctx context.Context) error {
	for name, hash := range r.tried {
		_, b, err := r.ledger.State(ctx, name)
		if err != nil {
			return err
		}
		if b != nil && rowHash(b) == hash {
			r.rows[name] = hash
		}
		delete(r.tried, name)
	}
	return nil
}

// merged lays b over a.
func merged(a, b map[string][]byte) map[string][]byte {
	if len(a) == 0 {
		return b
	}
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// rowHash is a state row's hash as events carry it.
func rowHash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// noRecorder stands in for a ledger that must not be written: every record
// fails, so that nothing opens, while the door still watches and speaks (P11).
type noRecorder struct{ err error }

var _ loop.Recorder = noRecorder{}

func (n noRecorder) Append(context.Context, []event.Event, loop.Extra) ([]event.Event, error) {
	return nil, n.err
}
