package ledger

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// block is how many events are hashed in one go: a complete subtree, so that
// blocks can be taken in any order and by several workers.
const (
	blockLevel = 10
	block      = 1 << blockLevel
)

// Problem is one thing that is not as it was written.
type Problem struct {
	Seq  uint64 // of the event; 0 if it is not about one
	What string
}

func (p Problem) String() string {
	if p.Seq == 0 {
		return p.What
	}
	return fmt.Sprintf("event %d: %s", p.Seq, p.What)
}

// scan recomputes the leaves and the subtrees of blocks, without parsing JSON.
type scan struct {
	*Reader
	last      uint64 // number of the newest event to look at
	forgotten uint64
}

// found is what one block gave.
type found struct {
	first, last uint64
	problems    []Problem
	root        tlog.Hash   // of a whole block
	upper       []tlog.Hash // stored hashes of the larger subtrees that it completes
	upperAt     int64       // index of the first of them
	marks       []mark
}

// mark is a value picked out of a body for the checks across blocks.
type mark struct {
	seq  uint64
	kind markKind
	text string
}

type markKind uint8

const (
	markOrder     markKind = iota + 1 // hash of the order kept with it
	markNumber                        // register number
	markForgotten                     // the whole body of a log_forgotten
)

// block looks at block number b: events b·1024+1 and on.
func (s *scan) block(ctx context.Context, b uint64) (found, error) {
	f := found{first: b*block + 1, last: min((b+1)*block, s.last)}
	stored, err := s.hashes(ctx, &f)
	if err != nil {
		return f, err
	}
	var edge frontier
	at := 0
	leaf := func(seq uint64, h tlog.Hash, ok bool) {
		if at >= len(stored) {
			return
		}
		if ok && h != stored[at] {
			f.problem(seq, "its body is not the one that was hashed when it was written")
		}
		// Go on with the stored leaf: one finding for one cause.
		for i, h := range edge.add(stored[at], nil) {
			if at+i < len(stored) && h != stored[at+i] {
				f.problem(seq, "the hash tree above it was altered")
			}
		}
		at += 1 + bits.TrailingZeros64(edge.size)
	}
	if err := s.events(ctx, &f, leaf); err != nil {
		return f, err
	}
	if f.last == (b+1)*block && edge.size == block {
		f.root = edge.nodes[blockLevel]
	}
	return f, nil
}

func (f *found) problem(seq uint64, format string, args ...any) {
	f.problems = append(f.problems, Problem{seq, fmt.Sprintf(format, args...)})
}

// hashes reads the block's stored hashes, and sets apart those of subtrees
// that began before it.
func (s *scan) hashes(ctx context.Context, f *found) ([]tlog.Hash, error) {
	from := tlog.StoredHashIndex(0, int64(f.first-1))
	to := tlog.StoredHashCount(int64(f.last))
	out := make([]tlog.Hash, 0, to-from)
	next := from
	err := s.rows(ctx, `SELECT idx, hash FROM tree WHERE idx BETWEEN ? AND ? ORDER BY idx`, from, to-1, func(row []driver.Value) error {
		idx, _ := row[0].(int64)
		hash, _ := row[1].([]byte)
		for ; next < idx; next++ {
			f.problem(0, "hash %d of the tree is missing", next)
			out = append(out, tlog.Hash{})
		}
		if len(hash) != tlog.HashSize {
			f.problem(0, "hash %d of the tree has %d bytes", idx, len(hash))
			hash = make([]byte, tlog.HashSize)
		}
		out = append(out, tlog.Hash(hash))
		next++
		return nil
	})
	for ; next < to && err == nil; next++ {
		f.problem(0, "hash %d of the tree is missing", next)
		out = append(out, tlog.Hash{})
	}
	if own := 2*block - 1; len(out) > own {
		f.upper, f.upperAt = out[own:], from+int64(own)
		out = out[:own]
	}
	return out, err
}

// events reads the block's events and gives each one's leaf, in order and
// without gaps; ok is false where there is nothing to hash.
func (s *scan) events(ctx context.Context, f *found, leaf func(seq uint64, h tlog.Hash, ok bool)) error {
	next := f.first
	gap := func(upTo uint64) {
		for ; next < upTo; next++ {
			f.problem(next, "it is missing")
			leaf(next, tlog.Hash{}, false)
		}
	}
	buf := make([]byte, 0, 4096)
	err := s.rows(ctx, `SELECT seq, salt, body FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq`, int64(f.first), int64(f.last), func(row []driver.Value) error {
		n, _ := row[0].(int64)
		seq := uint64(n)
		gap(seq)
		next = seq + 1
		salt, _ := row[1].([]byte)
		body, _ := row[2].([]byte)
		if body == nil {
			leaf(seq, tlog.Hash{}, false)
			return s.gone(ctx, f, seq)
		}
		buf = append(append(buf[:0], salt...), body...)
		leaf(seq, tlog.RecordHash(buf), true)
		f.look(seq, body)
		return nil
	})
	if err != nil {
		return err
	}
	gap(f.last + 1)
	return nil
}

// gone judges an event without a body.
func (s *scan) gone(ctx context.Context, f *found, seq uint64) error {
	if seq <= s.forgotten {
		return nil
	}
	// Retention may have gone on while we read.
	upTo, err := s.forgottenUpTo(ctx)
	if err != nil {
		return err
	}
	if seq > upTo {
		f.problem(seq, "its body is gone, and not by retention")
	}
	return nil
}

var (
	orderMark     = []byte(`"order_hash":"`)
	numberMark    = []byte(`"ledger_no":"`)
	forgottenMark = []byte(`"kind":"log_forgotten"`)
)

// look picks the marks out of a body. In canonical JSON a quote inside a
// string is escaped, so that what was written as text cannot look like a key.
func (f *found) look(seq uint64, body []byte) {
	var prefix [32]byte
	want := append(strconv.AppendUint(append(prefix[:0], `{"seq":`...), seq, 10), ',')
	if !bytes.HasPrefix(body, want) {
		f.problem(seq, "its body was written under another number")
	}
	if v, ok := after(body, orderMark); ok {
		f.marks = append(f.marks, mark{seq, markOrder, v})
	}
	if v, ok := after(body, numberMark); ok {
		f.marks = append(f.marks, mark{seq, markNumber, v})
	}
	if bytes.Contains(body, forgottenMark) {
		f.marks = append(f.marks, mark{seq, markForgotten, string(body)})
	}
}

// after gives the string value that follows a key.
func after(body, key []byte) (string, bool) {
	_, rest, ok := bytes.Cut(body, key)
	if !ok {
		return "", false
	}
	v, _, ok := bytes.Cut(rest, []byte(`"`))
	return string(v), ok
}

// rows runs a query of two numbers on the driver itself: hashing 200,000
// events a second leaves no time for database/sql's conversions. row is only
// valid during f.
func (r *Reader) rows(ctx context.Context, query string, from, to int64, f func(row []driver.Value) error) error {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("cannot read ledger: %w", classify(err))
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		q, ok := c.(driver.QueryerContext)
		if !ok {
			return errors.New("internal error: ledger: the driver cannot query")
		}
		rows, err := q.QueryContext(ctx, query, []driver.NamedValue{{Ordinal: 1, Value: from}, {Ordinal: 2, Value: to}})
		if err != nil {
			return fmt.Errorf("cannot read ledger: %w", classify(err))
		}
		defer rows.Close()
		row := make([]driver.Value, len(rows.Columns()))
		for {
			if err := rows.Next(row); err == io.EOF {
				return nil
			} else if err != nil {
				return fmt.Errorf("cannot read ledger: %w", classify(err))
			}
			if err := f(row); err != nil {
				return err
			}
		}
	})
}
