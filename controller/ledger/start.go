package ledger

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// tail is how many of the newest events, rounded up to whole blocks, are
// hashed again at a start: what a torn write or a careless copy damages is
// mostly near the end, and the rest is for Verify, because a start may not
// grow with the ledger.
const tail = block

// smallFile bounds in bytes the database that a start still reads through as a
// whole (SQLite's quick_check): about a tenth of a second.
const smallFile = 16 << 20

// inspectStart decides whether the ledger may be written, and sets what the
// ledger holds in memory. It looks at:
//
//   - the layout, and that the device key is the one that the ledger names;
//   - the newest number, against the head and the newest signed checkpoint of
//     both head and database (shorter?);
//   - the tree's root at these checkpoints' sizes, against what was signed;
//   - the newest [tail] events: each one there, each hash as its body says;
//   - all pages, while the file is small.
//
// It does not see a change before the tail whose tree rows were left alone
// (Verify does), nor an older copy of the whole directory (the collector does,
// see [ErrBeyond]).
func (l *Ledger) inspectStart(ctx context.Context, h head) error {
	vkey, err := l.key.verifierKey(l.identity.door)
	if err != nil {
		return fmt.Errorf("cannot name the device key: %v", err)
	}
	if vkey != l.identity.vkey {
		return fmt.Errorf("%w: the device key is not the one of this ledger", ErrCorrupt)
	}
	last, err := l.Newest(ctx)
	if err != nil {
		return err
	}
	if h.Last > last {
		return fmt.Errorf("%w: it ends at event %d, the head says %d", ErrShorter, last, h.Last)
	}
	if err := l.inspectTips(ctx, h, last); err != nil {
		return err
	}
	if err := l.inspectTail(ctx, last); err != nil {
		return err
	}
	if err := l.inspectSmall(ctx); err != nil {
		return err
	}
	if l.edge, err = readFrontier(ctx, l.db, last); err != nil {
		return err
	}
	if last > 0 {
		at, err := l.timeAt(ctx, last)
		if err != nil {
			return err
		}
		l.last, l.lastAt = last, at
	}
	return nil
}

// inspectTips compares the tree with the newest checkpoints that the box kept.
func (l *Ledger) inspectTips(ctx context.Context, h head, last uint64) error {
	kept, err := newestTip(ctx, l.db, l.identity)
	if err != nil {
		return err
	}
	tips := []tip{kept}
	if h.Checkpoint != nil {
		t, err := openNote(h.Checkpoint, l.identity)
		if err != nil {
			return fmt.Errorf("%w: the head: %v", ErrCorrupt, err)
		}
		tips = append(tips, t)
	}
	for _, t := range tips {
		if t.size == 0 {
			continue
		}
		if t.size > last {
			return fmt.Errorf("%w: it ends at event %d, a checkpoint was signed at %d", ErrShorter, last, t.size)
		}
		f, err := readFrontier(ctx, l.db, t.size)
		if err != nil {
			return err
		}
		if f.root() != t.root {
			return fmt.Errorf("%w: its first %d events are not those that were signed", ErrCorrupt, t.size)
		}
	}
	l.tip = kept
	return nil
}

// inspectTail hashes the newest events again, and sees that nothing follows.
func (l *Ledger) inspectTail(ctx context.Context, last uint64) error {
	var beyond int64
	err := l.db.QueryRowContext(ctx, `SELECT count(*) FROM tree WHERE idx >= ?`, tlog.StoredHashCount(int64(last))).Scan(&beyond)
	if err != nil {
		return fmt.Errorf("cannot count the newest hashes: %w", classify(err))
	}
	if beyond != 0 {
		return fmt.Errorf("%w: the tree goes on after event %d", ErrCorrupt, last)
	}
	gone, err := l.forgottenUpTo(ctx)
	if err != nil {
		return err
	}
	s := scan{Reader: l.Reader, last: last, forgotten: gone}
	for b := (max(last, tail) - tail) / block; b*block < last; b++ {
		found, err := s.block(ctx, b)
		if err != nil {
			return err
		}
		if len(found.problems) > 0 {
			return fmt.Errorf("%w: %s", ErrCorrupt, found.problems[0])
		}
	}
	return nil
}

func (l *Ledger) inspectSmall(ctx context.Context) error {
	info, err := os.Stat(l.path)
	if err != nil {
		return fmt.Errorf("cannot look at ledger: %v", err)
	}
	if info.Size() > smallFile {
		return nil
	}
	return l.quickCheck(ctx)
}

func (r *Reader) quickCheck(ctx context.Context) error {
	var answer string
	if err := r.db.QueryRowContext(ctx, `PRAGMA quick_check`).Scan(&answer); err != nil {
		return fmt.Errorf("cannot check the ledger's pages: %w", classify(err))
	}
	if answer != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, answer)
	}
	return nil
}
