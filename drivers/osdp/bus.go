package osdp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sekimori/drivers"
)

const (
	// replyDelay is what a reader may take from the end of a command to the
	// start of its answer (OSDP v2.2 §5.7).
	replyDelay  = 200 * time.Millisecond
	bitsPerByte = 10 // 8N1
	fifoBytes   = 16 // a UART may hand over its first bytes only when it has so many
	idleBytes   = 2  // character times between two senders (OSDP v2.2 §5.7)
	maxDiscard  = 64 // reads before a new sequence: a babbler never holds us up
)

// Bus is one wire with its readers. Its Run is the only goroutine: it asks the
// readers in turn, one command outstanding at a time.
type Bus struct {
	// Immutable.
	opt     Options
	readers []*Reader

	// Owned by Run.
	last  int       // the reader asked last
	clear time.Time // when the line has been idle long enough to send
	tx    [1 + MaxFrame]byte
	rx    [2 * MaxFrame]byte
	n     int // bytes in rx
	frame Frame

	wake chan struct{} // one token: a signal waits to be shown
}

var _ drivers.Device = (*Bus)(nil)

// Reader is one reader of a bus, as the door sees it.
type Reader struct {
	pd   *pd
	wake chan struct{}

	mu     sync.Mutex
	steady posted // the last signal without end …
	brief  posted // … and the last one after it that ends
}

type posted struct {
	signal drivers.Signal
	at     time.Time // zero: none
}

var _ drivers.Annunciator = (*Reader)(nil)

// New makes a bus of readers, or says which entry cannot be used.
func New(opt Options, readers []ReaderOptions) (*Bus, error) {
	opt, err := opt.checked()
	if err == nil {
		err = checkReaders(readers)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use osdp bus: %v", err)
	}
	b := &Bus{opt: opt, wake: make(chan struct{}, 1)}
	tim := timing{poll: opt.Poll, silence: opt.Silence, probe: opt.Probe}
	for _, r := range readers {
		b.readers = append(b.readers, &Reader{pd: newPD(r, tim, randomNonce), wake: b.wake})
	}
	return b, nil
}

// String names the bus by its port.
func (b *Bus) String() string { return "osdp bus on " + b.opt.Port.String() }

// Reader finds a reader by name, nil if there is none.
func (b *Bus) Reader(name string) *Reader {
	for _, r := range b.readers {
		if r.pd.opt.Name == name {
			return r
		}
	}
	return nil
}

// Show is [drivers.Annunciator.Show]. A signal that ends (Until) is shown over
// the last one that stays. One that cannot be sent before it ends is dropped.
func (r *Reader) Show(s drivers.Signal) {
	r.mu.Lock()
	if p := (posted{s, time.Now()}); s.Until > 0 {
		r.brief = p
	} else {
		r.steady, r.brief = p, posted{}
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // a token is there already
	}
}

// collect hands posted signals to the pd.
func (r *Reader) collect() {
	r.mu.Lock()
	steady, brief := r.steady, r.brief
	r.steady, r.brief = posted{}, posted{}
	r.mu.Unlock()
	if !steady.at.IsZero() {
		r.pd.show(steady.at, steady.signal)
	}
	if !brief.at.IsZero() {
		r.pd.show(brief.at, brief.signal)
	}
}

// Run is [drivers.Device.Run]. It relies on Port.Keep calling its two functions
// one at a time.
func (b *Bus) Run(ctx context.Context, emit drivers.Emit) error {
	return b.opt.Port.Keep(ctx,
		func(ctx context.Context, w drivers.Wire) error { return b.serve(ctx, w, emit) },
		func(err error) {
			now := time.Now()
			for _, r := range b.readers {
				r.pd.portLost(now, err.Error())
				b.flush(r.pd, now, emit)
			}
		})
}

// serve asks the readers in turn until the wire fails or ctx ends.
func (b *Bus) serve(ctx context.Context, w drivers.Wire, emit drivers.Emit) error {
	now := time.Now()
	for _, r := range b.readers {
		r.pd.start(now)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		for _, r := range b.readers {
			r.collect()
		}
		now := time.Now()
		i, at := b.turn(now)
		if wait := at.Sub(now); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
			case <-timer.C:
			case <-b.wake:
			}
			continue
		}
		b.last = i
		if err := b.exchange(ctx, w, b.readers[i].pd, emit); err != nil {
			return err
		}
	}
	return nil
}

// turn chooses who is asked next and when: the first after the one asked last
// that is due, else the one that is due soonest. A reader that is away costs a
// whole reply wait, so after one of those the live ones go first.
func (b *Bus) turn(now time.Time) (i int, at time.Time) {
	afterProbe := b.readers[b.last].pd.away(now)
	probe := -1
	for k := range b.readers {
		j := (b.last + 1 + k) % len(b.readers)
		p := b.readers[j].pd
		switch {
		case p.due.After(now):
			if k == 0 || p.due.Before(at) {
				i, at = j, p.due
			}
		case afterProbe && p.away(now):
			if probe < 0 {
				probe = j
			}
		default:
			return j, later(now, b.clear)
		}
	}
	if probe >= 0 {
		return probe, later(now, b.clear)
	}
	return i, later(at, b.clear)
}

// exchange sends one command and waits for its answer. An error is the wire's.
func (b *Bus) exchange(ctx context.Context, w drivers.Wire, p *pd, emit drivers.Emit) error {
	now := time.Now()
	frame := p.next(now)
	b.flush(p, now, emit)
	if p.sequence == 0 {
		b.discard(w)
	}
	b.tx[0] = mark
	n := 1 + copy(b.tx[1:], frame)
	if _, err := w.Write(b.tx[:n]); err != nil {
		return err
	}
	now = time.Now()
	deadline := now.Add(b.air(n+fifoBytes) + replyDelay)
	limit := deadline.Add(b.opt.Gap + b.air(MaxFrame)) // whatever is babbled meanwhile
	for b.n = 0; ; {
		n, err := w.Read(b.rx[b.n:], deadline)
		now = time.Now()
		switch {
		case errors.Is(err, drivers.ErrTimeout), err == nil && !now.Before(limit):
			if !b.rescan(p, now) {
				p.silent(now)
			}
			b.finish(p, now, emit)
			return nil
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		b.n += n
		if b.consume(p, now) {
			b.finish(p, now, emit)
			return nil
		}
		b.flush(p, now, emit)
		if b.n > 0 { // the rest of a frame may still come
			deadline = later(deadline, now.Add(b.opt.Gap))
			if deadline.After(limit) {
				deadline = limit
			}
		}
	}
}

// consume takes the frames out of rx and tells whether one of them was the
// answer. What follows the answer belongs to nobody.
func (b *Bus) consume(p *pd, now time.Time) (done bool) {
	at := 0
	for !done {
		n, status := Scan(b.rx[at:b.n], &b.frame)
		at += n
		if status == More {
			break
		}
		done = status == Whole && p.receive(now, &b.frame)
	}
	b.n = copy(b.rx[:], b.rx[at:b.n])
	return done
}

// rescan looks for the answer behind something that began like a longer frame
// and never ended: noise before the answer must not swallow it.
func (b *Bus) rescan(p *pd, now time.Time) (done bool) {
	for b.n > 0 && !done {
		b.n = copy(b.rx[:], b.rx[1:b.n])
		done = b.consume(p, now)
	}
	return done
}

// discard drops what arrived unasked for, before the sequence begins anew: a
// late answer to an older attempt must not be taken for one to this.
func (b *Bus) discard(w drivers.Wire) {
	for range maxDiscard {
		if n, err := w.Read(b.rx[:], time.Time{}); n == 0 || err != nil {
			return
		}
	}
}

// finish ends an exchange.
func (b *Bus) finish(p *pd, now time.Time, emit drivers.Emit) {
	b.clear = now.Add(b.air(idleBytes))
	b.flush(p, now, emit)
}

// flush emits what the pd learned, at once.
func (b *Bus) flush(p *pd, now time.Time, emit drivers.Emit) {
	for _, body := range p.out {
		emit(drivers.Event{Source: p.opt.Name, At: now, Body: body})
	}
	clear(p.out)
	p.out = p.out[:0]
}

// air is how long n bytes take on the line.
func (b *Bus) air(n int) time.Duration {
	return time.Duration(n) * bitsPerByte * time.Second / time.Duration(b.opt.Baud)
}
