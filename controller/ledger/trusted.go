package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// trustedMark is in the body of every event whose clock was trusted, and only
// there: in canonical JSON a quote inside a text is escaped.
var trustedMark = []byte(`"clock":"trusted"`)

// LastTrusted is the wall clock of the newest event whose clock was trusted,
// zero if there is none: behind it no clock is to be believed. It reads back
// from the end, so that its time grows with how long the clock has not been
// trusted, and not with the ledger.
func (r *Reader) LastTrusted(ctx context.Context) (time.Time, error) {
	var body []byte
	err := r.db.QueryRowContext(ctx, `SELECT body FROM event WHERE instr(body, ?) > 0 ORDER BY seq DESC LIMIT 1`, trustedMark).Scan(&body)
	if err == sql.ErrNoRows {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read when the clock was last trusted: %w", classify(err))
	}
	at, err := timeOf(body)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: the last event with a trusted clock cannot be read", ErrCorrupt)
	}
	return at, nil
}
