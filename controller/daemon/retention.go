package daemon

import (
	"context"
	"time"

	"sekimori/controller/event"
)

// How often the ledger is looked through for what is past retention, and when
// again if the clock was not trusted.
const (
	retainEvery = 24 * time.Hour
	retainAgain = time.Hour
)

// retain takes away, once a day, what events past retention said; that it was
// done is recorded as log_forgotten, with the count.
func (r *running) retain(ctx context.Context) error {
	for {
		next := retainAgain
		if r.retainOnce(ctx) {
			next = retainEvery
		}
		select {
		case <-time.After(next):
		case <-ctx.Done():
			return nil
		}
	}
}

// retainOnce returns false if it is not the time to forget anything: nobody
// vouches for the clock, or the collector never acknowledged an event (P9).
func (r *running) retainOnce(ctx context.Context) bool {
	now, horizon := r.clock.horizon()
	if !now.Trusted || r.uplink != nil && r.uplink.Cursor() == 0 {
		return false
	}
	notice := event.New(event.LedgerForgotten)
	notice.Time, notice.Clock = event.At(now.Wall), event.Trusted
	notice.Door, notice.Place = r.Door.ID, r.Door.Place
	gone, err := r.book.Forget(ctx, horizon.AddDate(-r.Door.Retention, 0, 0), notice)
	if err != nil {
		if ctx.Err() == nil {
			r.Log.Error("cannot forget what is past retention", "err", err)
		}
		return false
	}
	if gone.To > 0 {
		r.Log.Info("events past retention forgotten", "from", gone.From, "to", gone.To)
	}
	return true
}
