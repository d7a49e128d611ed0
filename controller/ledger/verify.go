package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"sekimori/controller/event"
)

// Evidence is what an auditor brings from outside the box.
type Evidence struct {
	// Checkpoints that left the box earlier, as signed notes (see
	// [ReadCheckpoints]).
	Checkpoints [][]byte
	// Key is the box's public key as name+hash+key, noted down when the box
	// was commissioned. If it is empty, the ledger's own word is taken, and the
	// report says so.
	Key string
}

// Verify checks a ledger, live or copied, against itself and the evidence. An
// error means that it could not be done; what it found is in the report.
func Verify(ctx context.Context, path string, ev Evidence) (Report, error) {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return Report{}, err
	}
	defer r.Close()
	return r.Verify(ctx, ev)
}

// Verify: see the function of the same name.
func (r *Reader) Verify(ctx context.Context, ev Evidence) (Report, error) {
	v, key, err := r.verifier(ev.Key)
	if err != nil {
		return Report{}, err
	}
	rep := Report{Door: r.identity.door, Key: key, KeyGiven: ev.Key != ""}
	if key != r.identity.vkey {
		rep.problem(0, "the ledger names another key than the one given: %s", r.identity.vkey)
	}
	if rep.Events, err = r.Newest(ctx); err != nil {
		return Report{}, err
	}
	if rep.Forgotten, err = r.forgottenUpTo(ctx); err != nil {
		return Report{}, err
	}
	a := audit{Reader: r, rep: &rep, numbers: map[string]uint64{}, orders: map[uint64]string{}}
	if err := a.blocks(ctx); err != nil {
		return Report{}, err
	}
	if err := a.orderBytes(ctx); err != nil {
		return Report{}, err
	}
	a.forgetting()
	if err := a.checkpoints(ctx, v, ev.Checkpoints); err != nil {
		return Report{}, err
	}
	if r.copied || !r.wal {
		rep.NoLog = true
	}
	rep.unproven()
	return rep, nil
}

func (r *Reader) verifier(key string) (note.Verifier, string, error) {
	if key == "" {
		return r.identity, r.identity.vkey, nil
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, "", fmt.Errorf("cannot use key %q: %v", key, err)
	}
	return v, key, nil
}

// audit goes through the blocks in order and keeps what spans them.
type audit struct {
	*Reader
	rep     *Report
	edge    frontier          // of block roots
	numbers map[string]uint64 // newest register number by its prefix
	orders  map[uint64]string // hash of the order kept with an event
	of      uint64            // what the newest log_forgotten says
}

// blocks hashes all blocks, a worker for each connection of the pool, and
// takes their results in order.
func (a *audit) blocks(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		found
		err error
	}
	type job struct {
		b   uint64
		out chan result
	}
	n := (a.rep.Events + block - 1) / block
	jobs, order := make(chan job), make(chan chan result, 4*readers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		for b := range n {
			j := job{b, make(chan result, 1)}
			select {
			case order <- j.out:
			case <-ctx.Done():
				return
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
	})
	for range readers {
		wg.Go(func() {
			s := scan{Reader: a.Reader, last: a.rep.Events, forgotten: a.rep.Forgotten}
			for j := range jobs {
				f, err := s.block(ctx, j.b)
				j.out <- result{f, err}
			}
		})
	}
	for b := range n {
		select {
		case out := <-order:
			select {
			case res := <-out:
				if err := a.take(b, res.found, res.err); err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// take adds one block. Damage of the file itself is a finding, not an end.
func (a *audit) take(b uint64, f found, err error) error {
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	if err != nil {
		a.rep.problem(0, "events %d to %d cannot be read: %v", f.first, f.last, err)
	}
	for _, p := range f.problems {
		a.rep.problem(p.Seq, "%s", p.What)
	}
	for _, m := range f.marks {
		a.mark(m)
	}
	if f.last == (b+1)*block {
		for i, h := range a.edge.add(f.root, nil)[1:] {
			if i >= len(f.upper) || f.upper[i] != h {
				a.rep.problem(0, "hash %d of the tree was altered", f.upperAt+int64(i))
			}
		}
	}
	return nil
}

func (a *audit) mark(m mark) {
	switch m.kind {
	case markOrder:
		a.orders[m.seq] = m.text
	case markNumber:
		a.number(m)
	case markForgotten:
		var ev event.Event
		if err := json.Unmarshal([]byte(m.text), &ev); err == nil && ev.Kind == event.LedgerForgotten {
			a.of = max(a.of, ev.Of)
		}
	}
}

// number sees that the register's numbers follow each other.
func (a *audit) number(m mark) {
	i := strings.LastIndexByte(m.text, '-')
	var n uint64
	if _, err := fmt.Sscanf(m.text[i+1:], "%d", &n); err != nil || i < 0 {
		a.rep.problem(m.seq, "%q is no register number", m.text)
		return
	}
	prev, seen := a.numbers[m.text[:i]]
	if !seen && a.rep.Forgotten > 0 {
		prev = n - 1 // the earlier ones may be forgotten
	}
	if n != prev+1 {
		a.rep.problem(m.seq, "register number %s follows number %d", m.text, prev)
	}
	a.numbers[m.text[:i]] = n
}

// orderBytes compares the kept orders with the hashes in the events.
func (a *audit) orderBytes(ctx context.Context) error {
	rows, err := a.db.QueryContext(ctx, `SELECT id, seq, bytes FROM orders WHERE seq <= ? ORDER BY seq`, int64(a.rep.Events))
	if err != nil {
		return a.unreadable("orders", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var seq uint64
		var b []byte
		if err := rows.Scan(&id, &seq, &b); err != nil {
			return a.unreadable("orders", err)
		}
		if b == nil && seq <= a.rep.Forgotten {
			continue
		}
		want, ok := a.orders[seq]
		delete(a.orders, seq)
		if seq > a.rep.Forgotten && (!ok || want != orderHash(b)) {
			a.rep.problem(seq, "order %s is not the one that was kept with it", id)
		}
	}
	if err := rows.Err(); err != nil {
		return a.unreadable("orders", err)
	}
	for seq := range a.orders {
		a.rep.problem(seq, "the order kept with it is missing")
	}
	return nil
}

func (a *audit) unreadable(what string, err error) error {
	if err = classify(err); errors.Is(err, ErrCorrupt) {
		a.rep.problem(0, "%s cannot be read: %v", what, err)
		return nil
	}
	return fmt.Errorf("cannot read %s: %w", what, err)
}

// forgetting sees that what is forgotten was announced by an event.
func (a *audit) forgetting() {
	if a.rep.Forgotten > a.of {
		a.rep.problem(0, "bodies up to event %d are marked as forgotten, events say so up to %d", a.rep.Forgotten, a.of)
	}
}

// checkpoints compares the tree with everything that was ever signed about it:
// by the database, by the head, and by the notes that left the box.
func (a *audit) checkpoints(ctx context.Context, v note.Verifier, elsewhere [][]byte) error {
	var own [][]byte
	rows, err := a.db.QueryContext(ctx, `SELECT note FROM checkpoint ORDER BY size`)
	if err != nil {
		return a.unreadable("checkpoints", err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return a.unreadable("checkpoints", err)
		}
		own = append(own, b)
	}
	if err := rows.Err(); err != nil {
		return a.unreadable("checkpoints", err)
	}
	if own, err = a.head(ctx, own); err != nil {
		return err
	}
	if a.rep.OwnCovered, a.rep.Own, err = a.compare(ctx, v, own, "of the ledger's own"); err != nil {
		return err
	}
	a.rep.Covered, a.rep.Elsewhere, err = a.compare(ctx, v, elsewhere, "kept elsewhere")
	return err
}

// head looks at the file beside the database, if there is one (a copy of the
// database alone has none), and adds its checkpoint to notes.
func (a *audit) head(ctx context.Context, notes [][]byte) ([][]byte, error) {
	f, err := os.Open(filepath.Join(filepath.Dir(a.path), headFile))
	if err != nil {
		return notes, nil
	}
	defer f.Close()
	h, err := readHead(f)
	if err != nil {
		a.rep.problem(0, "%v", err)
		return notes, nil
	}
	now, err := a.Newest(ctx) // a live ledger has grown meanwhile
	if err != nil {
		return nil, err
	}
	if h.Last > now {
		a.rep.problem(0, "the ledger ends at event %d, its head says %d", now, h.Last)
	}
	if h.Checkpoint != nil {
		notes = append(notes, h.Checkpoint)
	}
	return notes, nil
}

// compare checks notes against the tree, in order of size, and returns up to
// which event they agree with it and how many do.
func (a *audit) compare(ctx context.Context, v note.Verifier, notes [][]byte, whose string) (covered uint64, agree int, err error) {
	var tips []tip
	for i, b := range notes {
		t, err := openNote(b, v)
		if err != nil {
			a.rep.problem(0, "checkpoint %d %s: %v", i+1, whose, err)
			continue
		}
		tips = append(tips, t)
	}
	slices.SortStableFunc(tips, func(x, y tip) int { return cmp.Compare(x.size, y.size) })
	tips = slices.CompactFunc(tips, func(x, y tip) bool { return x.size == y.size && x.root == y.root })
	for _, t := range tips {
		root, err := a.rootAt(ctx, t.size)
		switch {
		case errors.Is(err, ErrShorter):
			a.rep.problem(0, "the ledger ends at event %d, but a checkpoint %s was signed at %d", a.rep.Events, whose, t.size)
		case errors.Is(err, ErrCorrupt):
			a.rep.problem(0, "the tree at event %d cannot be computed: %v", t.size, err)
		case err != nil:
			return 0, 0, err
		case root != t.root:
			a.rep.problem(0, "events %d to %d are not those that a checkpoint %s signed", covered+1, t.size, whose)
		default:
			covered, agree = t.size, agree+1
		}
	}
	return covered, agree, nil
}

// rootAt is the tree's root at a size. A checkpoint of a live ledger may be
// newer than the end that this report looks at.
func (a *audit) rootAt(ctx context.Context, size uint64) (tlog.Hash, error) {
	if size > a.rep.Events {
		now, err := a.Newest(ctx)
		if err != nil {
			return tlog.Hash{}, err
		}
		if size > now {
			return tlog.Hash{}, ErrShorter
		}
	}
	f, err := readFrontier(ctx, a.db, size)
	return f.root(), err
}
