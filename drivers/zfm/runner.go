package zfm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sekimori/drivers"
)

// runner is the shell round the machine: one goroutine owns machine and wire,
// a second, inside the port's Keep, only reads. The reader stamps what came
// when it came and hands it over unbuffered, so that the last byte of a match
// is on its way to the daemon one goroutine switch later.
type runner struct {
	s    *Sensor
	m    *machine
	emit drivers.Emit
	in   chan message
	wire drivers.Wire // nil: none
}

// message is what the reading side saw: a new wire, bytes, or an end.
type message struct {
	at   time.Time
	wire drivers.Wire
	b    []byte
	err  error
}

func (r *runner) tell(ctx context.Context, msg message) {
	msg.at = time.Now()
	select {
	case r.in <- msg:
	case <-ctx.Done():
	}
}

// readFor bounds one wait for a byte; the wire needs a deadline, we do not.
const readFor = time.Minute

// forward is the body of Keep: it reads until the wire ends or ctx does.
func (r *runner) forward(ctx context.Context, w drivers.Wire) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = w.Close()
	})
	defer func() {
		if !stop() {
			<-closed
		}
	}()
	// Two buffers in turn: a hand-over waits for the owner to be done with the
	// one before.
	var buffers [2][512]byte
	defer clear(buffers[:])
	r.tell(ctx, message{wire: w})
	for turn := 0; ctx.Err() == nil; turn ^= 1 {
		b := buffers[turn][:]
		n, err := w.Read(b, time.Now().Add(readFor))
		if n > 0 {
			r.tell(ctx, message{b: b[:n]})
		}
		if err != nil && !errors.Is(err, drivers.ErrTimeout) {
			return err
		}
	}
	return nil
}

// loop runs until ctx ends, or (early) until Keep does.
func (r *runner) loop(ctx context.Context, ended <-chan error) (early bool, err error) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		r.flush()
		var due <-chan time.Time
		if at, waits := r.m.next(); waits {
			timer.Reset(time.Until(at))
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case err := <-ended:
			return true, err
		case msg := <-r.in:
			r.handle(msg)
		case <-r.s.wake:
			r.serve()
		case <-due:
			r.tick()
		}
	}
	return false, nil
}

// tick lets what has already arrived go first: an answer that came in time is
// not late because the daemon kept this goroutine waiting.
func (r *runner) tick() {
	select {
	case msg := <-r.in:
		r.handle(msg)
		r.m.tick(msg.at)
	default:
		r.m.tick(time.Now())
	}
}

func (r *runner) handle(msg message) {
	switch {
	case msg.wire != nil:
		r.wire = msg.wire
		r.m.connected(msg.at)
	case msg.err != nil:
		r.wire = nil
		r.m.disconnected(msg.at, msg.err.Error(), errors.Is(msg.err, drivers.ErrUnplugged))
	default:
		r.m.received(msg.at, msg.b)
	}
}

func (r *runner) serve() {
	for _, f := range r.s.takePosted() {
		f(r.m, time.Now())
	}
}

// flush gives out what the machine produced: events first, because a door may
// be waiting for one of them.
func (r *runner) flush() {
	for len(r.m.events) > 0 || len(r.m.out) > 0 {
		events := r.m.events
		r.m.events = nil
		for _, e := range events {
			r.emit(e)
		}
		r.send()
	}
}

func (r *runner) send() {
	out := r.m.out
	if len(out) == 0 {
		return
	}
	r.m.out = r.m.out[:0]
	if r.wire == nil {
		return
	}
	_, err := r.wire.Write(out)
	clear(out) // it may have held a template or the password
	if err == nil {
		return
	}
	// The reading side ends with the closed wire, and Keep opens it anew.
	_ = r.wire.Close()
	r.wire = nil
	r.m.disconnected(time.Now(), fmt.Sprintf("cannot write: %v", err), errors.Is(err, drivers.ErrUnplugged))
}
