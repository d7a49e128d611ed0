package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"sekimori/controller/event"
)

// MaxBody bounds one event's JSON in bytes: far above what the door writes,
// far below what an MQTT broker refuses.
const MaxBody = 64 << 10

// Record is one event to append, and what must become durable with it.
type Record struct {
	Event event.Event
	// Order is the signed order that caused the event, kept byte by byte.
	Order *Order
	// State replaces rows by name: the caller's folded state after this event,
	// for a fast start. A caller need not write them with every event.
	State map[string][]byte
}

// Order is a signed order as it came.
type Order struct {
	ID    string
	Bytes []byte
}

// unhurried is the context of everything between the begin and the end of a
// transaction: it takes no lock and waits for nobody, and an interruption in
// the middle of a commit would leave its outcome unknown.
var unhurried = context.Background()

// Append makes the records durable, all or none, and returns the number of the
// first. The context bounds the wait for the turn and for a lock that another
// process holds; the disk itself cannot be hurried.
//
// On return the records' events are as stored: with Seq, with a register
// number where one is due (see event.Event.Numbered), with the hash of their
// order. After an error nothing is in the ledger, the records are unchanged,
// and the same append may be tried again. It returns [ErrLocked], [ErrFull],
// [ErrOrderUsed] or [ErrCorrupt], among others.
func (l *Ledger) Append(ctx context.Context, records []Record) (first uint64, err error) {
	if err := l.append(ctx, records, nil); err != nil {
		return 0, fmt.Errorf("cannot append: %w", err)
	}
	return records[0].Event.Seq, nil
}

// append does Append; also, if not nil, writes what belongs with it.
func (l *Ledger) append(ctx context.Context, records []Record, also func(*pen) error) error {
	if err := l.check(records); err != nil {
		return err
	}
	if err := l.enter(ctx); err != nil {
		return err
	}
	defer l.leave()
	if err := l.settle(ctx); err != nil {
		return err
	}
	edge := l.edge
	stored := make([]event.Event, len(records))
	err := l.transact(ctx, func(p *pen) error {
		for i := range records {
			var err error
			if stored[i], err = p.record(&edge, &records[i]); err != nil {
				return err
			}
		}
		if also != nil {
			return also(p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.edge = edge
	for i := range records {
		records[i].Event = stored[i]
	}
	l.keepHead()
	l.notify(edge.size, stored[len(stored)-1].Time.Time)
	return nil
}

// check refuses what could be stored but not be read again.
func (l *Ledger) check(records []Record) error {
	if len(records) == 0 {
		return errors.New("no records")
	}
	for i := range records {
		r := &records[i]
		if r.Event.Kind == "" {
			return errors.New("an event without kind")
		}
		if r.Event.Door != l.identity.door {
			return fmt.Errorf("an event of door %q in the ledger of %q", r.Event.Door, l.identity.door)
		}
		if y := r.Event.Time.Year(); y < 1 || y > 9999 {
			return fmt.Errorf("an event in the year %d", y)
		}
		if r.Order != nil && (r.Order.ID == "" || len(r.Order.Bytes) == 0) {
			return errors.New("an order without id or bytes")
		}
	}
	return nil
}

// settle reads the edge again if a failed transaction left it in doubt: a
// commit whose sync failed may or may not stand.
func (l *Ledger) settle(ctx context.Context) error {
	if !l.stale {
		return nil
	}
	last, err := l.Newest(ctx)
	if err != nil {
		return err
	}
	if last < l.Last() {
		return fmt.Errorf("%w: it ends at %d, but %d was durable", ErrShorter, last, l.Last())
	}
	if l.edge, err = readFrontier(ctx, l.db, last); err != nil {
		return err
	}
	l.stale = false
	if last > l.Last() {
		at, err := l.timeAt(ctx, last)
		if err != nil {
			return err
		}
		l.notify(last, at)
	}
	return nil
}

// transact runs f in a transaction of the one writing connection, durable when
// it returns nil and without trace when it does not.
func (l *Ledger) transact(ctx context.Context, f func(*pen) error) error {
	if l.pen == nil {
		p, err := takePen(ctx, l.write)
		if err != nil {
			return err
		}
		l.pen = p
	}
	if _, err := l.pen.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		l.undo() // an interrupted begin may have begun
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrLocked, ctx.Err())
		}
		return classify(err)
	}
	err := f(l.pen)
	if err == nil {
		_, err = l.pen.conn.ExecContext(unhurried, "COMMIT")
	}
	if err != nil {
		l.stale = true
		l.undo()
		return classify(err)
	}
	return nil
}

// undo rolls back. A connection that cannot even do that is thrown away.
func (l *Ledger) undo() {
	_, err := l.pen.conn.ExecContext(unhurried, "ROLLBACK")
	if err == nil || strings.Contains(err.Error(), "no transaction is active") {
		return // SQLite ended it itself
	}
	l.pen.discard()
	l.pen = nil
}

// pen is the one connection that writes, with its statements.
type pen struct {
	conn                                              *sql.Conn
	event, tree, used, order, number, register, state *sql.Stmt
}

func takePen(ctx context.Context, db *sql.DB) (*pen, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, classify(err)
	}
	p := &pen{conn: conn}
	for _, s := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&p.event, `INSERT INTO event (seq, salt, body) VALUES (?, ?, ?)`},
		{&p.tree, `INSERT INTO tree (idx, hash) VALUES (?, ?)`},
		{&p.used, `SELECT count(*) FROM orders WHERE id = ?`},
		{&p.order, `INSERT INTO orders (id, seq, bytes) VALUES (?, ?, ?)`},
		{&p.number, `SELECT coalesce(max(number), 0) FROM register WHERE year = ?`},
		{&p.register, `INSERT INTO register (year, number, seq) VALUES (?, ?, ?)`},
		{&p.state, `INSERT INTO state (name, seq, bytes) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, bytes = excluded.bytes`},
	} {
		if *s.to, err = conn.PrepareContext(ctx, s.sql); err != nil {
			p.close()
			return nil, classify(err)
		}
	}
	return p, nil
}

// close gives the connection back to the pool.
func (p *pen) close() error {
	p.finalize()
	return p.conn.Close()
}

// discard closes the physical connection, and with it whatever it began. The
// statements go first: the driver frees them through the connection.
func (p *pen) discard() {
	p.finalize()
	p.conn.Raw(func(any) error { return driver.ErrBadConn })
}

func (p *pen) finalize() {
	for _, s := range []*sql.Stmt{p.event, p.tree, p.used, p.order, p.number, p.register, p.state} {
		if s != nil {
			s.Close()
		}
	}
}

// record writes one record at the edge and returns its event as stored.
func (p *pen) record(edge *frontier, r *Record) (event.Event, error) {
	ev := r.Event
	ev.Seq, ev.Ledger, ev.OrderHash = edge.size+1, "", ""
	seq := int64(ev.Seq)
	if r.Order != nil {
		if err := p.keepOrder(seq, r.Order); err != nil {
			return ev, err
		}
		ev.OrderHash = orderHash(r.Order.Bytes)
	}
	if ev.Numbered() {
		no, err := p.nextNumber(seq, ev.Door, ev.Time.Time)
		if err != nil {
			return ev, err
		}
		ev.Ledger = no
	}
	body, err := json.Marshal(ev)
	if err != nil {
		return ev, fmt.Errorf("event %d: %v", ev.Seq, err)
	}
	if len(body) > MaxBody {
		return ev, fmt.Errorf("event %d has %d bytes, at most %d fit", ev.Seq, len(body), MaxBody)
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	if _, err := p.event.ExecContext(unhurried, seq, salt, body); err != nil {
		return ev, err
	}
	idx := tlog.StoredHashIndex(0, seq-1)
	for i, h := range edge.add(leafHash(salt, body), make([]tlog.Hash, 0, 8)) {
		if _, err := p.tree.ExecContext(unhurried, idx+int64(i), h[:]); err != nil {
			return ev, err
		}
	}
	for name, b := range r.State {
		if _, err := p.state.ExecContext(unhurried, name, seq, b); err != nil {
			return ev, err
		}
	}
	return ev, nil
}

func (p *pen) keepOrder(seq int64, o *Order) error {
	var n int
	if err := p.used.QueryRowContext(unhurried, o.ID).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("order %s: %w", o.ID, ErrOrderUsed)
	}
	_, err := p.order.ExecContext(unhurried, o.ID, seq, o.Bytes)
	return err
}

// nextNumber gives the next line of the entry register in the year of t.
func (p *pen) nextNumber(seq int64, door string, t time.Time) (string, error) {
	year := event.FiscalYear(t)
	var n int64
	if err := p.number.QueryRowContext(unhurried, year).Scan(&n); err != nil {
		return "", err
	}
	n++
	if _, err := p.register.ExecContext(unhurried, year, n, seq); err != nil {
		return "", err
	}
	return event.RegisterNumber(door, year, uint64(n)), nil
}

func orderHash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
