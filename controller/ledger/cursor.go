package ledger

import (
	"context"
	"errors"
	"fmt"
)

// ErrBeyond: an acknowledgement of an event that was never written. The
// collector knows another ledger, or a longer one of this door: an old copy
// may have been put back.
var ErrBeyond = errors.New("beyond the end of the ledger")

// SetCursor notes that a collector has everything up to seq. A cursor never
// moves back: an older number changes nothing. A number above [Ledger.Last] is
// refused with [ErrBeyond]. Each move is a commit of its own; a caller with
// many acknowledgements had better set the latest.
func (l *Ledger) SetCursor(ctx context.Context, collector string, seq uint64) error {
	if collector == "" {
		return errors.New("cannot set a cursor: the collector has no name")
	}
	if err := l.enter(ctx); err != nil {
		return fmt.Errorf("cannot set the cursor of %s: %w", collector, err)
	}
	defer l.leave()
	if last := l.Last(); seq > last {
		return fmt.Errorf("cannot set the cursor of %s to %d: %w at %d", collector, seq, ErrBeyond, last)
	}
	cur, err := l.Cursor(ctx, collector)
	if err != nil || seq <= cur {
		return err
	}
	err = l.transact(ctx, func(p *pen) error {
		_, err := p.conn.ExecContext(unhurried, `INSERT INTO cursor (collector, seq) VALUES (?, ?)
			ON CONFLICT (collector) DO UPDATE SET seq = excluded.seq`, collector, int64(seq))
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot set the cursor of %s: %w", collector, err)
	}
	return nil
}
