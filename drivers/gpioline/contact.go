package gpioline

import (
	"context"
	"fmt"
	"io"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/drivers"
)

const (
	defaultDebounce  = 50 * time.Millisecond
	shortestDebounce = 5 * time.Millisecond
	longestDebounce  = 99 * time.Millisecond

	// assertEvery is how often the input is configured anew, which is the only
	// call that tells that it is gone.
	assertEvery = time.Second
	// edgePause is the pause after an edge before the look: it lets a bounce
	// pass and bounds the work that a line gone wild can make.
	edgePause = time.Millisecond
	// waiting is how many events may wait for the daemon while the contact is
	// still watched.
	waiting = 64
)

// ContactOptions describe a contact input.
type ContactOptions struct {
	Name string // the contact's name, [drivers.Event.Source]
	// Pull is the line's bias; PullUp with a contact to ground is usual.
	Pull gpio.Pull
	// ClosedLevel is the line's level while the wire loop is closed: Low (the
	// zero value) for a contact to ground.
	ClosedLevel gpio.Level
	// NormallyOpen: the loop is open at rest, so that a cut wire reads as rest
	// (see [Contact.CutIsSeen]). It does not change what is reported.
	NormallyOpen bool
	// Debounce is how long a level must hold: 5 to 99 ms, 0 is 50 ms.
	Debounce time.Duration
	// Report is told why the contact became unknown. It may be nil.
	Report func(error)
}

// Contact watches one input and emits a drivers.Line for its first level, for
// each change, and when the level becomes unknown.
type Contact struct {
	pin gpio.PinIn
	opt ContactOptions
}

var _ drivers.Device = (*Contact)(nil)

// NewContact watches pin. Nothing is touched before [Contact.Run].
func NewContact(pin gpio.PinIn, opt ContactOptions) (*Contact, error) {
	if opt.Debounce == 0 {
		opt.Debounce = defaultDebounce
	}
	if opt.Debounce < shortestDebounce || opt.Debounce > longestDebounce {
		return nil, fmt.Errorf("cannot watch contact %s: debounce of %v: want %v to %v",
			opt.Name, opt.Debounce, shortestDebounce, longestDebounce)
	}
	return &Contact{pin: pin, opt: opt}, nil
}

func (c *Contact) String() string { return c.opt.Name }

// Unsupervised tells that a short of the wire reads as a closed loop, which a
// digital input cannot tell from the contact itself. It is true of every GPIO
// line; a supervised input needs resistors at the contact and an analogue one.
func (c *Contact) Unsupervised() bool { return true }

// CutIsSeen tells that a cut wire differs from the contact at rest. Where the
// contact guards something it must: choose a normally-closed one.
func (c *Contact) CutIsSeen() bool { return !c.opt.NormallyOpen }

// Run watches until ctx ends, and then gives the pin back if it is an
// io.Closer. The input is watched on while emit blocks.
func (c *Contact) Run(ctx context.Context, emit drivers.Emit) error {
	events := make(chan drivers.Event, waiting)
	go func() {
		defer close(events)
		w := watcher{Contact: c, settle: settle{debounce: c.opt.Debounce}, events: events}
		w.watch(ctx)
	}()
	for event := range events {
		emit(event)
	}
	if line, ok := c.pin.(io.Closer); ok {
		return line.Close()
	}
	return nil
}

// watcher is one Run.
type watcher struct {
	*Contact
	settle   settle
	events   chan<- drivers.Event
	asserted time.Time // when In last succeeded
}

func (w *watcher) watch(ctx context.Context) {
	edge := false
	for ctx.Err() == nil {
		reports, err := w.look(edge)
		w.send(ctx, reports)
		if err != nil {
			if w.opt.Report != nil {
				w.opt.Report(err)
			}
			pause(ctx, assertEvery)
			edge = false
			continue
		}
		edge = w.wait(ctx, w.settle.next(time.Now()))
	}
}

// look takes one look. Read does not tell of errors, it says Low; so In comes
// first whenever its last success is a second old, and again after a look that
// would report something: only what In succeeds after was really read.
func (w *watcher) look(edge bool) ([]settled, error) {
	if w.asserted.IsZero() || time.Since(w.asserted) >= assertEvery {
		if err := w.assert(); err != nil {
			return w.settle.fail(time.Now()), err
		}
	}
	level := w.pin.Read()
	now := time.Now()
	after := w.settle
	reports := after.look(now, level, edge)
	if len(reports) > 0 {
		if err := w.assert(); err != nil {
			return w.settle.fail(now), err
		}
	}
	w.settle = after
	return reports, nil
}

func (w *watcher) assert() error {
	if err := w.pin.In(w.opt.Pull, gpio.BothEdges); err != nil {
		w.asserted = time.Time{}
		return fmt.Errorf("cannot read contact %s: %w", w.opt.Name, err)
	}
	w.asserted = time.Now()
	return nil
}

// wait waits for an edge, at most d, and tells whether there was one.
func (w *watcher) wait(ctx context.Context, d time.Duration) bool {
	d = max(d, edgePause)
	start := time.Now()
	if w.pin.WaitForEdge(d) {
		pause(ctx, edgePause)
		return true
	}
	// An input that cannot wait says so at once: then the clock must.
	if rest := d - time.Since(start); rest > 0 {
		pause(ctx, rest)
	}
	return false
}

func (w *watcher) send(ctx context.Context, reports []settled) {
	for _, r := range reports {
		select {
		case w.events <- drivers.Event{Source: w.opt.Name, At: r.at, Body: drivers.Line{Level: w.level(r)}}:
		case <-ctx.Done():
		}
	}
}

// level is r in the contract's words.
func (c *Contact) level(r settled) drivers.Level {
	switch {
	case !r.known:
		return drivers.Unknown
	case r.level == c.opt.ClosedLevel:
		return drivers.Closed
	}
	return drivers.Open
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
