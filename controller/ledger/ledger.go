package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sekimori/controller/event"
)

// Options of Open.
type Options struct {
	// Door, if set, is the door that the ledger must belong to: a disk moved
	// to another box must not go on as that box's ledger.
	Door string
}

// Ledger is a door's ledger, open for writing. It is safe for concurrent use;
// one operation writes at a time, and a wait for the turn ends with the
// caller's context.
type Ledger struct {
	*Reader
	write *sql.DB
	key   DeviceKey
	turn  chan struct{} // holds one token; whoever has it owns the fields below

	file  *os.File // of head, and the lock on the ledger
	edge  frontier
	tip   tip
	stale bool // a transaction failed: edge must be read again
	pen   *pen // nil after a transaction that could not be undone

	mu      sync.Mutex
	last    uint64
	lastAt  time.Time
	changed chan struct{} // closed at the next change
	closed  bool
}

// Open opens the ledger in dir for writing. It never creates anything. It
// returns [ErrLocked] if another process writes it, and [ErrMissing],
// [ErrShorter] or [ErrCorrupt] if it must not be written; what it looks at is
// said at inspectStart. Its time does not grow with the ledger.
func Open(ctx context.Context, dir string, o Options) (*Ledger, error) {
	l, err := open(ctx, dir, o)
	if err != nil {
		return nil, fmt.Errorf("cannot open ledger %s: %w", dir, err)
	}
	return l, nil
}

func open(ctx context.Context, dir string, o Options) (_ *Ledger, err error) {
	file, err := openHead(filepath.Join(dir, headFile))
	if err != nil {
		return nil, err
	}
	l := &Ledger{file: file, turn: make(chan struct{}, 1), changed: make(chan struct{})}
	defer func() {
		if err != nil {
			l.release()
		}
	}()
	if err := hold(file); err != nil {
		return nil, err
	}
	h, err := readHead(file)
	if err != nil {
		return nil, err
	}
	if l.key, err = readKey(filepath.Join(dir, keyFile)); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, databaseFile)
	if err := present(path); err != nil {
		return nil, err
	}
	if l.write, err = connect(path, writing); err != nil {
		return nil, err
	}
	if l.pen, err = takePen(ctx, l.write); err != nil {
		return nil, err
	}
	if l.Reader, err = newReader(ctx, path, reading); err != nil {
		return nil, err
	}
	if o.Door != "" && o.Door != l.identity.door {
		return nil, fmt.Errorf("it belongs to door %q, not %q", l.identity.door, o.Door)
	}
	if err := l.inspectStart(ctx, h); err != nil {
		return nil, err
	}
	l.turn <- struct{}{}
	return l, nil
}

// Close ends the ledger. It waits for an operation that runs.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	<-l.turn
	err := l.release()
	close(l.turn)
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = nil
	return err
}

// release closes what open opened, the lock last.
func (l *Ledger) release() error {
	var errs []error
	if l.pen != nil {
		errs = append(errs, l.pen.close())
	}
	if l.Reader != nil {
		errs = append(errs, l.Reader.Close())
	}
	if l.write != nil {
		errs = append(errs, l.write.Close())
	}
	errs = append(errs, l.file.Close())
	return errors.Join(errs...)
}

// enter waits for the turn to write. Whoever holds the database longer than
// the caller can wait shows as ErrLocked.
func (l *Ledger) enter(ctx context.Context) error {
	select {
	case _, ok := <-l.turn:
		if !ok {
			return ErrClosed
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrLocked, ctx.Err())
	}
}

func (l *Ledger) leave() { l.turn <- struct{}{} }

// Last is the number of the newest event, 0 if there is none.
func (l *Ledger) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// LastTime is the wall clock of the newest event, zero if there is none or
// its body was forgotten. The clock is never trusted behind it.
func (l *Ledger) LastTime() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastAt
}

// Changed gives a channel that is closed at the next append, or at Close. Take
// it before looking at Last, so that nothing is missed between the two.
func (l *Ledger) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil { // closed
		ended := make(chan struct{})
		close(ended)
		return ended
	}
	return l.changed
}

func (l *Ledger) notify(last uint64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.lastAt = last, at
	close(l.changed)
	l.changed = make(chan struct{})
}

// keepHead writes the head, best effort: it is a second witness, and what
// counts is durable already.
func (l *Ledger) keepHead() {
	_ = head{Last: l.edge.size, Checkpoint: l.tip.note}.writeTo(l.file)
}

// timeOf reads the wall clock out of a stored body.
func timeOf(body []byte) (time.Time, error) {
	var ev struct {
		Time event.Time `json:"time"`
	}
	if err := json.Unmarshal(body, &ev); err != nil {
		return time.Time{}, err
	}
	return ev.Time.Time, nil
}
