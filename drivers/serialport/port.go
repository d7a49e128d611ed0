package serialport

import (
	"context"
	"errors"
	"time"

	"sekimori/drivers"
)

// Errors of opening; test with errors.Is.
var (
	// ErrNever marks a failure that no retry can cure: not allowed, not a
	// serial port, a speed or direction control that the port does not have.
	ErrNever = errors.New("needs another configuration")
	// ErrTaken: another process, or another device of this one, holds the port.
	ErrTaken = errors.New("port is held by another process")
)

// never marks err as [ErrNever] without changing its text.
func never(err error) error { return neverError{err} }

type neverError struct{ error }

func (neverError) Is(target error) bool { return target == ErrNever }
func (e neverError) Unwrap() error      { return e.error }

const (
	// firstPause follows the first failure; each further one doubles it.
	firstPause = 50 * time.Millisecond
	// longestPause keeps "back in five seconds after the reader returns".
	longestPause = time.Second
	// steady is how long a wire must have lived for the pauses to start anew:
	// a port that opens and dies at once is not a port that works.
	steady = 5 * time.Second
)

// Port is a named wire that may be lost and found again; see [drivers.Port].
type Port struct {
	name string
	open func(context.Context) (drivers.Wire, error)
}

var _ drivers.Port = (*Port)(nil)

// New gives the port of the given name, whose wires open opens. An error of
// open that is [ErrNever] ends [Port.Keep]; after any other it tries again.
func New(name string, open func(context.Context) (drivers.Wire, error)) *Port {
	return &Port{name: name, open: open}
}

func (p *Port) String() string { return p.name }

// Keep is [drivers.Port.Keep]. The end of ctx also closes the wire, so that
// nothing in body can block beyond it. The pause after a failure grows from
// 50 ms to 1 s, and starts anew after a wire that lived five seconds.
func (p *Port) Keep(ctx context.Context, body func(context.Context, drivers.Wire) error, lost func(error)) error {
	pause := firstPause
	for ctx.Err() == nil {
		start := time.Now()
		opened, err := p.once(ctx, body)
		switch {
		case ctx.Err() != nil:
			return nil
		case !opened && errors.Is(err, ErrNever):
			return err
		case err != nil:
			lost(err)
		}
		if time.Since(start) >= steady {
			pause = firstPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		pause = min(2*pause, longestPause)
	}
	return nil
}

// once opens the wire, runs body with it and closes it.
func (p *Port) once(ctx context.Context, body func(context.Context, drivers.Wire) error) (opened bool, err error) {
	wire, err := p.open(ctx)
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = wire.Close() })
	defer func() {
		stop()
		_ = wire.Close()
	}()
	return true, body(ctx, wire)
}
