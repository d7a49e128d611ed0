package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// page is how many rows one query reads. Between two pages no lock is held, so
// that a long scan neither starves the writer nor lets its log grow.
const page = 512

// Stored is one event as the ledger keeps it. Body is the canonical JSON of
// the event.Event, byte by byte what the tree's leaf covers and what goes to
// the broker; it is nil once the event was forgotten.
type Stored struct {
	Seq  uint64
	Body []byte
}

// Reader looks at a ledger without ever writing: on the live box beside the
// daemon, or on a copy. It is safe for concurrent use.
type Reader struct {
	db       *sql.DB
	path     string
	identity identity
	copied   bool // opened as something that nobody writes
	wal      bool // a write-ahead log lay beside it
}

// identity is whose ledger it is.
type identity struct {
	door string
	vkey string
	note.Verifier
}

// OpenReader opens the ledger in a directory, or a database file itself.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	file := locate(path)
	if err := present(file); err != nil {
		return nil, fmt.Errorf("cannot read ledger: %w", err)
	}
	r, err := newReader(ctx, file, reading)
	if err != nil && !walBeside(file) {
		// On read-only media SQLite cannot make its shared memory. Without a
		// write-ahead log nothing is lost by reading the bare file.
		if bare, again := newReader(ctx, file, immutable(reading)); again == nil {
			bare.copied = true
			return bare, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read ledger %s: %w", file, err)
	}
	return r, nil
}

func newReader(ctx context.Context, file string, a access) (*Reader, error) {
	db, err := connect(file, a)
	if err != nil {
		return nil, err
	}
	r := &Reader{db: db, path: file, wal: walBeside(file)}
	if err := r.identify(ctx); err != nil {
		db.Close()
		return nil, classify(err)
	}
	return r, nil
}

func (r *Reader) identify(ctx context.Context) error {
	if err := checkSchema(ctx, r.db); err != nil {
		return err
	}
	id := &r.identity
	err := r.db.QueryRowContext(ctx, `SELECT door, vkey FROM identity`).Scan(&id.door, &id.vkey)
	if err == sql.ErrNoRows {
		return fmt.Errorf("%w: it names no door", ErrCorrupt)
	}
	if err != nil {
		return err
	}
	if id.Verifier, err = note.NewVerifier(id.vkey); err != nil || id.Name() != origin(id.door) {
		return fmt.Errorf("%w: %q is no key of door %s", ErrCorrupt, id.vkey, id.door)
	}
	return nil
}

// Close ends the reader.
func (r *Reader) Close() error { return r.db.Close() }

// Door is the id of the door whose ledger it is.
func (r *Reader) Door() string { return r.identity.door }

// VerifierKey is the public half of the box's key, as name+hash+key (C2SP
// signed-note): what an auditor notes down when the box is commissioned.
func (r *Reader) VerifierKey() string { return r.identity.vkey }

// Newest is the number of the newest event, asked of the database: for
// processes beside the one that writes.
func (r *Reader) Newest(ctx context.Context) (uint64, error) {
	var n int64
	if err := r.db.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM event`).Scan(&n); err != nil {
		return 0, fmt.Errorf("cannot read the newest number: %w", classify(err))
	}
	return uint64(n), nil
}

// Events reads at most limit events from a number on, at most a page of 512 at
// a time; fewer than asked for means the end, as it stood, or the page's.
func (r *Reader) Events(ctx context.Context, from uint64, limit int) ([]Stored, error) {
	limit = min(limit, page)
	if limit <= 0 {
		return nil, nil
	}
	rows, err := r.db.QueryContext(ctx, `SELECT seq, body FROM event WHERE seq >= ? ORDER BY seq LIMIT ?`, int64(from), limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read events from %d: %w", from, classify(err))
	}
	defer rows.Close()
	out := make([]Stored, 0, limit)
	for rows.Next() {
		var s Stored
		if err := rows.Scan(&s.Seq, &s.Body); err != nil {
			return nil, fmt.Errorf("cannot read events from %d: %w", from, classify(err))
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read events from %d: %w", from, classify(err))
	}
	return out, nil
}

// All iterates over the events from a number on to the end as it stands when
// the iteration comes there. After an error it ends.
func (r *Reader) All(ctx context.Context, from uint64) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		next := max(from, 1)
		for {
			events, err := r.Events(ctx, next, page)
			if err != nil {
				yield(Stored{}, err)
				return
			}
			for _, s := range events {
				if !yield(s, nil) {
					return
				}
				next = s.Seq + 1
			}
			if len(events) < page {
				return
			}
		}
	}
}

// OrderUsed tells whether an order with this id stands in the ledger, also if
// its bytes are forgotten: the replay guard.
func (r *Reader) OrderUsed(ctx context.Context, id string) (bool, error) {
	var n int
	if err := r.db.QueryRowContext(ctx, `SELECT count(*) FROM orders WHERE id = ?`, id).Scan(&n); err != nil {
		return false, fmt.Errorf("cannot look up order %s: %w", id, classify(err))
	}
	return n > 0, nil
}

// OrderBytes gives an order as it was signed; nil if it is not there, or
// forgotten.
func (r *Reader) OrderBytes(ctx context.Context, id string) ([]byte, error) {
	var b []byte
	err := r.db.QueryRowContext(ctx, `SELECT bytes FROM orders WHERE id = ?`, id).Scan(&b)
	if err != nil && err != sql.ErrNoRows {
		return nil, fmt.Errorf("cannot read order %s: %w", id, classify(err))
	}
	return b, nil
}

// State gives a state row and the number of the event that it stands after;
// 0 and nil if there is none. What follows that event must still be folded in.
func (r *Reader) State(ctx context.Context, name string) (seq uint64, state []byte, err error) {
	err = r.db.QueryRowContext(ctx, `SELECT seq, bytes FROM state WHERE name = ?`, name).Scan(&seq, &state)
	if err == sql.ErrNoRows {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, fmt.Errorf("cannot read state %s: %w", name, classify(err))
	}
	return seq, state, nil
}

// Cursor is the highest number that a collector acknowledged, 0 if it never did.
func (r *Reader) Cursor(ctx context.Context, collector string) (uint64, error) {
	var n uint64
	err := r.db.QueryRowContext(ctx, `SELECT seq FROM cursor WHERE collector = ?`, collector).Scan(&n)
	if err != nil && err != sql.ErrNoRows {
		return 0, fmt.Errorf("cannot read the cursor of %s: %w", collector, classify(err))
	}
	return n, nil
}

// forgottenUpTo is the number up to which bodies are forgotten.
func (r *Reader) forgottenUpTo(ctx context.Context) (uint64, error) {
	var n uint64
	err := r.db.QueryRowContext(ctx, `SELECT upto FROM forgotten`).Scan(&n)
	if err == sql.ErrNoRows {
		return 0, fmt.Errorf("%w: the mark of what is forgotten is missing", ErrCorrupt)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read what is forgotten: %w", classify(err))
	}
	return n, nil
}

// timeAt is the wall clock of one event; zero if it was forgotten.
func (r *Reader) timeAt(ctx context.Context, seq uint64) (time.Time, error) {
	events, err := r.Events(ctx, seq, 1)
	if err != nil {
		return time.Time{}, err
	}
	if len(events) == 0 || events[0].Seq != seq {
		return time.Time{}, fmt.Errorf("%w: event %d is missing", ErrCorrupt, seq)
	}
	if events[0].Body == nil {
		return time.Time{}, nil
	}
	at, err := timeOf(events[0].Body)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: event %d cannot be read: %v", ErrCorrupt, seq, err)
	}
	return at, nil
}
