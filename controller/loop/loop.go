package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/drivers"
	"sekimori/policy"
)

// Recorder makes events durable. Append returns them as stored, with their
// numbers; on an error none of them is stored. ErrFull tells a full disk.
type Recorder interface {
	Append(ctx context.Context, events []event.Event, extra Extra) ([]event.Event, error)
}

// Extra rides in the transaction of an append.
type Extra struct {
	OrderID string // the order that these events come from, and its signed bytes
	Order   []byte
	State   map[string][]byte // state rows by name
}

// ErrFull is what a Recorder wraps when the disk is full.
var ErrFull = errors.New("disk full")

// Requests is where permission requests go.
type Requests interface {
	// Publish must not wait; its error is the request's outcome.
	Publish(door.Request) error
	Withdraw(id string, reason policy.Reason)
}

// RecordDeadline bounds one append. The door counts a later one as too late to
// open anything.
const RecordDeadline = 2 * time.Second

// stateEvery is how many events may pass before the door's state row is
// written again: what a start has to fold at most.
const stateEvery = 256

// Options are the loop's parts. All are needed, except that a side may lack a
// reader or a sensor.
type Options struct {
	Door     *door.Door
	Recorder Recorder
	Lock     drivers.Lock
	Readers  map[policy.Side]drivers.Annunciator
	Sensors  map[policy.Side]drivers.Sensor
	Requests Requests
	Convert  *Converter
	Now      func() door.Time
	Log      *slog.Logger
	// Last is the number of the last event in the ledger at start.
	Last uint64
	// Status is told how the doorway is whenever that changed, from the loop's
	// goroutine; it must not block.
	Status func(door.Status)
	// Recorded is told every durable event, from the loop's goroutine; it must
	// not block.
	Recorded func(event.Event)
}

// Loop is the running door. Make it with New; run Run once.
type Loop struct {
	o Options
	// Badges wait apart from everything else, and by side: however many are
	// read, a lockdown, a contact or somebody who leaves is not behind them.
	inputs, exits, entries chan door.Input

	wake      *time.Timer
	end       <-chan struct{} // closed when Run is to end
	next      []door.Input    // comes before anything that waits
	asked     []settling      // orders whose answer is not recorded yet
	templates map[uint64]drivers.Template
	extras    map[string]Extra // what rides along with the record of an order
	last      uint64           // number of the last event recorded
	saved     uint64           // the last event that the stored state row covers
	stuck     error            // what securing the lock last came to
	told      door.Status
	done      chan struct{}
}

// queue bounds the inputs of each way that wait: a flood blocks its own sender,
// never the door.
const queue = 256

// New makes a loop.
func New(o Options) *Loop {
	return &Loop{
		o: o, last: o.Last, saved: o.Last,
		inputs: make(chan door.Input, queue), exits: make(chan door.Input, queue), entries: make(chan door.Input, queue),
		templates: map[uint64]drivers.Template{}, extras: map[string]Extra{},
		done: make(chan struct{}),
	}
}

// Emit is the drivers' way in.
func (l *Loop) Emit(ev drivers.Event) {
	in, ok := l.o.Convert.Input(ev)
	if !ok {
		return
	}
	l.Do(in)
}

// Do hands one input to the loop. It waits while the queue is full and gives
// up when the loop has ended.
func (l *Loop) Do(in door.Input) {
	way := l.inputs
	if b, ok := in.(door.Badge); ok {
		if way = l.entries; b.Side == policy.Exit {
			way = l.exits
		}
	}
	select {
	case <-l.done:
	default:
		select {
		case way <- in:
			return
		case <-l.done:
		}
	}
	drop(in)
}

// probe goes the way of a contact and proves that the loop turns.
type probe struct {
	door.Tick
	seen chan struct{}
}

// Alive returns nil once the loop has come round, or ctx's error.
func (l *Loop) Alive(ctx context.Context) error {
	p := probe{seen: make(chan struct{})}
	select {
	case l.inputs <- p:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-p.seen:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run starts the door with first, turns until ctx ends, and then stops the
// door. It returns the lock's error, if the lock could not be secured at last.
//
// Before anything is known the lock is secured, whatever is the matter (P2).
// At the end that is the door's to say: not while fire is active, as far as it
// knows (P4). [drivers.Lock].Close, which comes after that, secures the output
// also then: nobody would be left to end a release (P3), and the fire contact
// has opened the lock line itself.
func (l *Loop) Run(ctx context.Context, first door.Start) error {
	l.wake, l.end = time.NewTimer(time.Hour), ctx.Done()
	defer l.wake.Stop()
	l.secure()
	l.turn(first)
	for ctx.Err() == nil {
		if in := l.receive(); in != nil {
			l.turn(in)
		}
	}
	l.turn(door.Stop{})
	close(l.done)
	l.discard()
	if l.stuck != nil {
		return fmt.Errorf("cannot secure the lock at the end: %w", l.stuck)
	}
	return nil
}

// receive waits for the next input: badges only when nothing else is there, and
// those of people who leave first. It returns nil when Run is to end.
func (l *Loop) receive() door.Input {
	for _, way := range [...]chan door.Input{l.inputs, l.exits, l.entries} {
		select {
		case in := <-way:
			return in
		default:
		}
	}
	select {
	case in := <-l.inputs:
		return in
	case in := <-l.exits:
		return in
	case in := <-l.entries:
		return in
	case <-l.wake.C:
		return door.Tick{}
	case <-l.end:
		return nil
	}
}

// turn takes one input and everything that follows from it.
func (l *Loop) turn(in door.Input) {
	l.next = append(l.next, in)
	for len(l.next) > 0 {
		in, l.next = l.next[0], l.next[1:]
		l.step(in)
	}
	l.giveUp()
	l.wipe()
	if now := l.o.Door.Status(); now != l.told {
		l.told = now
		l.o.Status(now)
	}
}

func (l *Loop) step(in door.Input) {
	switch in := in.(type) {
	case probe:
		l.perform(l.o.Door.Step(l.o.Now(), in.Tick))
		close(in.seen)
	case settling:
		l.ask(in)
		l.perform(l.o.Door.Step(l.o.Now(), in.Input))
	case held:
		l.keep(in)
		l.perform(l.o.Door.Step(l.o.Now(), in.EnrolDone))
	default:
		l.perform(l.o.Door.Step(l.o.Now(), in))
	}
	if _, ok := in.(door.Recorded); ok {
		l.answer()
	}
}

// perform does the effects in order. What they come to follows in the order in
// which it happened, a record's outcome last (see [door.Record]).
func (l *Loop) perform(effects []door.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case door.Record:
			outcome := l.record(e)
			probes := l.admit()
			l.next = append(append(l.next, outcome), probes...)
		case door.Release:
			l.next = append(l.next, l.release(e))
		case door.Secure:
			l.next = append(l.next, l.secure())
		case door.Wake:
			l.wake.Reset(max(0, e.At-l.o.Now().Mono))
		default:
			l.signal(e)
		}
	}
}

// admit takes everything that came while a record was written, without waiting:
// the door must know of it before it hears the outcome. Badges can wait. What
// several senders had waiting fits the bound; one that never pauses must not
// keep the outcome back. Probes are given back: they come after the outcome.
func (l *Loop) admit() (probes []door.Input) {
	select {
	case <-l.end:
		l.next = append(l.next, door.Stop{})
		return nil
	default:
	}
	for range 2 * queue {
		select {
		case in := <-l.inputs:
			if _, ok := in.(probe); ok {
				probes = append(probes, in)
				continue
			}
			l.next = append(l.next, in)
		default:
			return probes
		}
	}
	return probes
}

// signal does the effects that go to people and devices; none of them blocks.
func (l *Loop) signal(e door.Effect) {
	switch e := e.(type) {
	case door.Show:
		l.show(e)
	case door.Capture:
		if s := l.o.Sensors[e.Side]; s != nil {
			s.Verify(e.ID, e.Pages, e.MinScore, e.MaxUnreadable, e.Timeout)
			return
		}
		l.next = append(l.next, door.Finger{ID: e.ID, Result: policy.FactorUnavailable, Detail: "no sensor on this side"})
	case door.CancelCapture:
		if s := l.o.Sensors[e.Side]; s != nil {
			s.Cancel(e.ID)
		}
	case door.Request:
		if err := l.o.Requests.Publish(e); err != nil {
			l.next = append(l.next, door.Requested{ID: e.ID, Err: err.Error()})
		}
	case door.Withdraw:
		l.o.Requests.Withdraw(e.ID, e.Reason)
	case door.EnrolFinger:
		l.enrol(e)
	case door.StoreFinger:
		l.store(e)
	case door.EraseFinger:
		l.erase(e)
	default:
		panic(fmt.Sprintf("loop: internal error: no way to do %T", e))
	}
}

func (l *Loop) record(r door.Record) door.Input {
	ctx, cancel := context.WithTimeout(context.Background(), RecordDeadline)
	defer cancel()
	began := time.Now()
	stored, err := l.o.Recorder.Append(ctx, r.Events, l.extra(r.Events))
	if err != nil {
		l.o.Log.Error("cannot record", "events", len(r.Events), "first", r.Events[0].Kind, "err", err)
		return door.RecordFailed{ID: r.ID, Full: errors.Is(err, ErrFull), Err: err.Error()}
	}
	took := time.Since(began)
	l.last = stored[len(stored)-1].Seq
	for i := range stored {
		ev := &stored[i]
		l.o.Log.Info("recorded", "seq", ev.Seq, "kind", ev.Kind, "side", ev.Side, "person", ev.Person, "reason", ev.Reason, "device", ev.Device, "detail", ev.Detail, "took", took)
		l.o.Recorded(*ev)
		l.settled(ev)
	}
	return door.Recorded{ID: r.ID, Events: stored}
}

// StateName is the state row of the door: its [door.State] as JSON.
const StateName = "door"

func (l *Loop) release(r door.Release) door.Input {
	if err := l.o.Lock.Release(r.For); err != nil {
		l.o.Log.Error("cannot release the lock", "err", err)
		return door.Released{ID: r.ID, Err: err.Error()}
	}
	return door.Released{ID: r.ID}
}

// secure drives the lock inactive. A failure is logged once, not at every try.
func (l *Loop) secure() door.Input {
	err := l.o.Lock.Secure()
	if err != nil && l.stuck == nil {
		l.o.Log.Error("cannot secure the lock", "err", err)
	}
	l.stuck = err
	return door.Secured{Err: text(err)}
}

func (l *Loop) show(s door.Show) {
	sig, ok := named(s.Signal)
	if !ok {
		panic(fmt.Sprintf("loop: internal error: signal %q has no row", s.Signal))
	}
	if r := l.o.Readers[s.Side]; r != nil {
		r.Show(sig)
	}
	if f := l.o.Sensors[s.Side]; f != nil {
		f.Show(sig)
	}
}
