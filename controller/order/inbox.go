package order

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"golang.org/x/time/rate"

	"sekimori/policy"
)

// Options of an inbox.
type Options struct {
	Dir  string // exists, and only the daemon and the administrator can write it
	Here Here
	Keys func() *Keys          // in force now; a reload may replace them
	Now  func() policy.Instant // the door's wall clock and whether it is trusted
	// Used tells whether an order with this id already stands in the ledger:
	// the replay guard, also across restarts.
	Used func(ctx context.Context, id string) (bool, error)
	Log  *slog.Logger

	Poll time.Duration // how often the folder is looked at; default 200 ms
	// Rate bounds verifications a second (default 8000), so that a flood of
	// forgeries leaves time for the door on a small box; the surplus waits with
	// its bearer.
	Rate int
	// Quiet is how long repeats of one kind of refusal are only counted;
	// default one minute.
	Quiet time.Duration
	// Retry is how long an order waits that could not be recorded; default 5 s.
	Retry time.Duration
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Poll, 200*time.Millisecond)
	def(&o.Quiet, time.Minute)
	def(&o.Retry, 5*time.Second)
	if o.Rate == 0 {
		o.Rate = 8000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Item is one thing that the inbox has for the loop to record: an order to act
// on, or a refusal.
type Item struct {
	Order   *Order   // nil for a refusal
	Refusal *Refusal // nil for an order
	Count   uint64   // how many refusals of this kind the item stands for
	done    chan bool
}

// Done says that the item is dealt with; call it exactly once. With recorded
// false the outcome does not stand in the ledger, and an order comes again.
func (i Item) Done(recorded bool) { i.done <- recorded }

// Inbox is the folder of waiting orders. Make it with [New] and run [Inbox.Run]
// once; its goroutine owns the folder.
type Inbox struct {
	o       Options
	root    *os.Root
	items   chan Item
	submits chan submit
	limit   *rate.Limiter

	// Below: owned by Run.
	refusals tally
	rest     map[string]time.Time // entries that are not tried again before
	leftover map[string]bool      // what lay in the folder at the start
}

type submit struct {
	signed []byte
	answer chan error
}

// New opens the folder.
func New(o Options) (*Inbox, error) {
	o = o.withDefaults()
	root, err := os.OpenRoot(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open inbox: %w", err)
	}
	return &Inbox{
		o: o, root: root, items: make(chan Item), submits: make(chan submit),
		limit: rate.NewLimiter(rate.Limit(o.Rate), max(1, o.Rate/8)),
		rest:  map[string]time.Time{}, leftover: map[string]bool{},
	}, nil
}

// Items gives what the loop must record, one at a time: the next comes after
// [Item.Done].
func (b *Inbox) Items() <-chan Item { return b.items }

// Submit hands in an order that came from elsewhere. It returns nil once the
// order is durable in the folder, or once it is known to be no order of a
// pinned key: that is counted, never stored, and need not come again. On an
// error the bearer keeps the order and tries later.
func (b *Inbox) Submit(ctx context.Context, signed []byte) error {
	s := submit{signed, make(chan error, 1)}
	select {
	case b.submits <- s:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-s.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run serves the folder until ctx ends.
func (b *Inbox) Run(ctx context.Context) error {
	defer b.root.Close()
	sweep(b.root, time.Now())
	if entries, err := list(b.root); err == nil {
		for _, e := range entries {
			b.leftover[e.name] = true
		}
	}
	poll := time.NewTicker(b.o.Poll)
	defer poll.Stop()
	var held *job // what the loop has or shall have now
	look := true  // whether the folder may hold news
	for {
		if held == nil && look {
			held = b.next(ctx)
			look = held != nil // after this one there may be another
		}
		var offer chan Item
		var item Item
		var done chan bool
		if held != nil && !held.taken {
			offer, item = b.items, held.item
		} else if held != nil {
			done = held.item.done
		}
		select {
		case <-ctx.Done():
			return nil
		case offer <- item:
			held.taken = true
		case recorded := <-done:
			b.finish(held, recorded)
			held = nil
		case s := <-b.submits:
			stored, err := b.take(ctx, s.signed)
			look = look || stored
			s.answer <- err
		case <-poll.C:
			look = true
		}
	}
}

// job is the item that the loop has, and the folder's entry behind it ("" for
// a refusal that no file waits for).
type job struct {
	item  Item
	entry string
	taken bool
}

// next finds what the loop shall have next: a refusal that is due, else the
// oldest order.
func (b *Inbox) next(ctx context.Context) *job {
	if r, n, ok := b.refusals.due(time.Now(), b.o.Quiet); ok {
		return &job{item: Item{Refusal: r, Count: n, done: make(chan bool, 1)}}
	}
	entries, err := list(b.root)
	if err != nil {
		b.o.Log.Error("inbox", "err", err)
		return nil
	}
	b.forget(entries)
	for _, e := range entries {
		if time.Now().Before(b.rest[e.name]) {
			continue
		}
		if j := b.judge(ctx, e); j != nil {
			return j
		}
	}
	return nil
}

// judge verifies one entry. What is refused leaves the folder; nil means that
// the loop need not hear of it now.
func (b *Inbox) judge(ctx context.Context, e entry) *job {
	if b.limit.Wait(ctx) != nil {
		return nil
	}
	signed, err := load(b.root, e)
	var o *Order
	if err == nil {
		o, err = Verify(b.o.Keys(), signed, b.o.Here, b.o.Now())
	}
	if err == nil {
		err = b.unused(ctx, o)
	}
	var r *Refusal
	switch {
	case err == nil:
		return &job{item: Item{Order: o, done: make(chan bool, 1)}, entry: e.name}
	case !errors.As(err, &r):
		b.o.Log.Error("inbox", "err", err)
		b.rest[e.name] = time.Now().Add(b.o.Retry)
		return nil
	case r.Code == Replay && b.leftover[e.name]:
		// The ledger has it and the last run ended before it could clear the
		// file: not an attack.
		b.remove(e.name)
		return nil
	}
	if !b.refusals.add(r, time.Now(), b.o.Quiet) {
		b.remove(e.name)
		return nil
	}
	return &job{item: Item{Refusal: r, Count: 1, done: make(chan bool, 1)}, entry: e.name}
}

func (b *Inbox) unused(ctx context.Context, o *Order) error {
	id := o.ID.String()
	used, err := b.o.Used(ctx, id)
	if err != nil {
		return fmt.Errorf("cannot tell whether order %s was used: %w", id, err)
	}
	if used {
		return named(refuse(Replay, "this order was used before"), o)
	}
	return nil
}

func (b *Inbox) finish(j *job, recorded bool) {
	switch {
	case j.entry == "":
		if !recorded {
			b.refusals.putBack(j.item.Refusal, j.item.Count)
		}
	case recorded:
		b.remove(j.entry)
	default:
		b.rest[j.entry] = time.Now().Add(b.o.Retry)
	}
}

// take deals with a submitted order and reports whether the folder now holds
// it. A forgery is counted here and never touches the disk.
func (b *Inbox) take(ctx context.Context, signed []byte) (stored bool, err error) {
	if err := b.limit.Wait(ctx); err != nil {
		return false, err
	}
	if _, err := Authenticate(b.o.Keys(), signed); err != nil {
		var r *Refusal
		if !errors.As(err, &r) {
			return false, err
		}
		b.refusals.count(r)
		return false, nil
	}
	entries, err := list(b.root)
	if err != nil {
		return false, err
	}
	var size int64
	for _, e := range entries {
		size += e.info.Size()
	}
	if len(entries) >= maxWaiting || size+int64(len(signed)) > maxWaitingBytes {
		return false, ErrFull
	}
	if err := put(b.root, signed); err != nil {
		return false, err
	}
	return true, nil
}

func (b *Inbox) remove(name string) {
	if err := b.root.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		// A directory in an order's name, or a folder that cannot be written:
		// leave it, and do not come back to it every moment.
		b.o.Log.Error("cannot remove inbox entry", "err", err)
		b.rest[name] = time.Now().Add(b.o.Quiet)
		return
	}
	delete(b.rest, name)
	delete(b.leftover, name)
}

// forget drops the memory of entries that are gone, so that it stays bounded
// by the folder.
func (b *Inbox) forget(entries []entry) {
	if len(b.rest) == 0 {
		return
	}
	here := map[string]bool{}
	for _, e := range entries {
		here[e.name] = true
	}
	for name := range b.rest {
		if !here[name] {
			delete(b.rest, name)
		}
	}
}
