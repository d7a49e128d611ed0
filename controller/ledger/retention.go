package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sekimori/controller/event"
)

// Forgotten is what a Forget took away.
type Forgotten struct {
	From, To uint64 // events, both included; both 0 if nothing was due
}

// forgetBatch is how many events lose their bodies in one transaction, so that
// an append in between waits for little.
const forgetBatch = 256

// Forget takes away body and salt of the events before a moment, and the bytes
// of their orders; their leaves stay, so that the tree still verifies and
// nobody learns what they said. What goes is always the whole beginning of the
// ledger, up to the first event whose trusted clock is not before the moment;
// an event with an untrusted clock goes with its neighbours. What a collector
// has not acknowledged stays (P9).
//
// That it happened is part of the ledger: notice is appended, as kind
// log_forgotten with Of and Count filled in, in the transaction that decides
// it, before anything goes. If the work ends early, the next Forget finishes
// it. If nothing is due, nothing is written.
func (l *Ledger) Forget(ctx context.Context, before time.Time, notice event.Event) (Forgotten, error) {
	gone, err := l.forgottenUpTo(ctx)
	if err != nil {
		return Forgotten{}, fmt.Errorf("cannot forget: %w", err)
	}
	to, err := l.due(ctx, gone, before)
	if err != nil {
		return Forgotten{}, fmt.Errorf("cannot forget: %w", err)
	}
	done := Forgotten{From: gone + 1, To: to}
	if to == gone {
		done = Forgotten{}
	} else if err := l.announce(ctx, done, notice); err != nil {
		return Forgotten{}, fmt.Errorf("cannot forget: %w", err)
	}
	if err := l.blank(ctx, to); err != nil {
		return done, fmt.Errorf("cannot finish to forget up to event %d: %w", to, err)
	}
	return done, nil
}

// due is the number up to which events may be forgotten, at least gone.
func (l *Ledger) due(ctx context.Context, gone uint64, before time.Time) (uint64, error) {
	last, err := l.acknowledged(ctx)
	if err != nil {
		return gone, err
	}
	to := gone
	for s, err := range l.All(ctx, gone+1) {
		if err != nil {
			return gone, err
		}
		if s.Seq > last {
			break
		}
		var ev struct {
			Time  event.Time  `json:"time"`
			Clock event.Clock `json:"clock"`
		}
		if err := json.Unmarshal(s.Body, &ev); err != nil {
			return gone, fmt.Errorf("%w: event %d cannot be read", ErrCorrupt, s.Seq)
		}
		switch {
		case ev.Clock != event.Trusted:
			continue
		case ev.Time.Before(before):
			to = s.Seq
		default:
			return to, nil
		}
	}
	return to, nil
}

// acknowledged is the highest number that every collector has.
func (l *Ledger) acknowledged(ctx context.Context) (uint64, error) {
	var n int64
	last := l.Last()
	err := l.db.QueryRowContext(ctx, `SELECT coalesce(min(seq), ?) FROM cursor`, int64(last)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("cannot read the cursors: %w", classify(err))
	}
	return min(uint64(n), last), nil
}

// announce appends the notice and raises the mark, together.
func (l *Ledger) announce(ctx context.Context, f Forgotten, notice event.Event) error {
	notice.Kind, notice.Severity = event.LedgerForgotten, event.LedgerForgotten.Severity()
	notice.Of, notice.Count = f.To, f.To-f.From+1
	records := []Record{{Event: notice}}
	return l.append(ctx, records, func(p *pen) error {
		_, err := p.conn.ExecContext(unhurried, `UPDATE forgotten SET upto = ?`, int64(f.To))
		return err
	})
}

// blank takes the bodies up to a number, and then sees that no copy of them
// stays in the write-ahead log (in the file itself, secure_delete overwrites).
func (l *Ledger) blank(ctx context.Context, to uint64) error {
	first, err := l.firstBody(ctx)
	if err != nil || first > to {
		return err
	}
	for ; first <= to; first += forgetBatch {
		if err := l.blankBatch(ctx, first, min(first+forgetBatch-1, to)); err != nil {
			return err
		}
	}
	return l.truncateLog(ctx)
}

// firstBody is the number of the oldest event that still has a body, or one
// past the newest that lost it.
func (l *Ledger) firstBody(ctx context.Context) (uint64, error) {
	upTo, err := l.forgottenUpTo(ctx)
	if err != nil {
		return 0, err
	}
	// Bodies go from the beginning on: the newest number without one is where
	// the work stopped.
	var n int64
	err = l.db.QueryRowContext(ctx,
		`SELECT coalesce((SELECT max(seq) FROM event WHERE seq <= ? AND body IS NULL), 0) + 1`, int64(upTo)).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("cannot find the oldest body: %w", classify(err))
	}
	return uint64(n), nil
}

func (l *Ledger) blankBatch(ctx context.Context, from, to uint64) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.leave()
	if err := l.settle(ctx); err != nil {
		return err
	}
	return l.transact(ctx, func(p *pen) error {
		for _, s := range []string{
			`UPDATE event SET salt = NULL, body = NULL WHERE seq BETWEEN ? AND ?`,
			`UPDATE orders SET bytes = NULL WHERE seq BETWEEN ? AND ?`,
		} {
			if _, err := p.conn.ExecContext(unhurried, s, int64(from), int64(to)); err != nil {
				return err
			}
		}
		return nil
	})
}

// truncateLog empties the write-ahead log. A reader may be in the way; then it
// happens with the next Forget or at Close.
func (l *Ledger) truncateLog(ctx context.Context) error {
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.leave()
	if l.pen == nil {
		return nil
	}
	_, err := l.pen.conn.ExecContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`)
	if err = classify(err); errors.Is(err, ErrLocked) {
		return nil
	}
	return err
}
