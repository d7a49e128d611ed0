package portal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// Options say how the doorway is built. The zero value is a fail-secure lock
// with an active-high relay.
type Options struct {
	FailSafe  bool // 通電時施錠: the lock needs power to be secured
	ActiveLow bool // the relay board energises on a low level
	// NormallyOpen names the inputs whose loop is open at rest; nil is
	// HandleSwitch, ExitButton and Motion. The rest is normally closed.
	NormallyOpen map[string]bool
	// BoltTravel is how long coil or spring need to move the bolt; 0 is 80 ms.
	BoltTravel time.Duration
	// Bounce is the times between the door contact's toggles after its first;
	// pairs. nil is a worn reed contact of 13 ms; empty is none.
	Bounce []time.Duration
	// How long a hand stays: 0 is 2 s for handle, 3 s for key and exit button
	// (which has a timer of its own), 1 s for motion.
	HandleFor, KeyFor, ExitFor, MotionFor time.Duration
	// OnChange is told, in order, "released" and "secured" of the bolt, "open"
	// and "closed" of the leaf, "energised" and "de-energised" of the relay.
	// It must return soon and not act on the portal; asking is allowed.
	OnChange func(what string, at time.Time)
}

func (o *Options) setDefaults() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.BoltTravel, 80 * time.Millisecond},
		{&o.HandleFor, 2 * time.Second},
		{&o.KeyFor, 3 * time.Second},
		{&o.ExitFor, 3 * time.Second},
		{&o.MotionFor, time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.NormallyOpen == nil {
		o.NormallyOpen = map[string]bool{HandleSwitch: true, ExitButton: true, Motion: true}
	}
	if o.Bounce == nil {
		const ms = time.Millisecond
		o.Bounce = []time.Duration{2 * ms, ms, 3 * ms, ms, 4 * ms, 2 * ms}
	}
}

// Portal is a doorway at work. Its methods may be called from any goroutine.
type Portal struct {
	mu       sync.Mutex
	circuit  *circuit
	inputs   map[string]*input
	relay    relayLine
	moved    chan struct{} // has a token when something else comes next
	delivery sync.Mutex    // keeps the order of OnChange
}

// New builds a doorway: leaf closed, bolt out, supplies on.
func New(opt Options) *Portal {
	opt.setDefaults()
	p := &Portal{circuit: newCircuit(opt), inputs: map[string]*input{}, moved: make(chan struct{}, 1)}
	p.relay.level = gpio.Level(opt.ActiveLow)
	for _, name := range inputNames {
		p.inputs[name] = &input{portal: p, name: name}
	}
	p.refresh()
	return p
}

// Run lets what happens by itself happen in its time, until ctx ends: hands let
// go, the bolt arrives, contacts bounce.
func (p *Portal) Run(ctx context.Context) {
	for {
		p.do(func(time.Time) {})
		p.mu.Lock()
		next := p.circuit.next()
		p.mu.Unlock()
		var due <-chan time.Time
		var timer *time.Timer
		if !next.IsZero() {
			timer = time.NewTimer(time.Until(next))
			due = timer.C
		}
		select {
		case <-due:
		case <-p.moved:
		case <-ctx.Done():
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// do brings the circuit up to now, acts on it, and tells what changed.
func (p *Portal) do(act func(now time.Time)) {
	p.mu.Lock()
	now, due := time.Now(), p.circuit.next()
	p.circuit.advance(now)
	act(now)
	p.circuit.settle(now)
	changes := p.circuit.changes
	p.circuit.changes = nil
	p.refresh()
	if !p.circuit.next().Equal(due) {
		select {
		case p.moved <- struct{}{}:
		default:
		}
	}
	tell := p.circuit.opt.OnChange
	if tell == nil || len(changes) == 0 {
		p.mu.Unlock()
		return
	}
	p.delivery.Lock()
	defer p.delivery.Unlock()
	p.mu.Unlock()
	for _, c := range changes {
		tell(c.what, c.at)
	}
}

// refresh brings the inputs' levels up to the circuit; mu is held.
func (p *Portal) refresh() {
	for name, in := range p.inputs {
		in.follow(p.circuit.loopClosed(name))
	}
}

// ask brings the circuit up to now and reads it.
func ask[T any](p *Portal, read func(*circuit) T) (answer T) {
	p.do(func(time.Time) { answer = read(p.circuit) })
	return answer
}

// OpenDoor opens the leaf without force, from either side: it fails while the
// bolt is out, or if the leaf is open.
func (p *Portal) OpenDoor() (err error) {
	p.do(func(now time.Time) { err = p.circuit.open(now) })
	return err
}

// CloseDoor closes the leaf; it latches over the bolt.
func (p *Portal) CloseDoor() { p.do(func(now time.Time) { p.circuit.swing(now, false) }) }

// Force breaks the leaf open, whatever holds it. The bolt survives.
func (p *Portal) Force() { p.do(func(now time.Time) { p.circuit.swing(now, true) }) }

// Handle turns the inside handle, which retracts the bolt by hand, and holds it
// for Options.HandleFor.
func (p *Portal) Handle() {
	p.do(func(now time.Time) { p.circuit.handle = now.Add(p.circuit.opt.HandleFor) })
}

// Key turns a key in the outside cylinder and holds it for Options.KeyFor.
func (p *Portal) Key() { p.do(func(now time.Time) { p.circuit.key = now.Add(p.circuit.opt.KeyFor) }) }

// ExitButton presses the exit button, whose timer acts for Options.ExitFor.
func (p *Portal) ExitButton() {
	p.do(func(now time.Time) { p.circuit.exit = now.Add(p.circuit.opt.ExitFor) })
}

// Approach is somebody before the inside motion sensor, for Options.MotionFor.
func (p *Portal) Approach() {
	p.do(func(now time.Time) { p.circuit.motion = now.Add(p.circuit.opt.MotionFor) })
}

// Fire sets the fire panel's contact in the lock line.
func (p *Portal) Fire(on bool) { p.do(func(time.Time) { p.circuit.fire = on }) }

// Jam makes the bolt stick against coil and spring; handle and key still move
// it, to where it then stays.
func (p *Portal) Jam(on bool) { p.do(func(time.Time) { p.circuit.jammed = on }) }

// SetInput does something to the wire between an input's contact and the box:
// "open" cuts it, "short" joins it, "normal" repairs it. "handle" is another
// name of [HandleSwitch].
func (p *Portal) SetInput(name, state string) error {
	in, err := p.input(name)
	if err != nil {
		return err
	}
	faults := map[string]fault{"open": wireCut, "short": wireShorted, "normal": wireSound}
	f, ok := faults[state]
	if !ok {
		return fmt.Errorf("cannot set input %s to %q: want open, short or normal", name, state)
	}
	p.do(func(time.Time) { p.circuit.wires[in.name] = f })
	return nil
}

// Supply switches a supply: "lock", the lock line's own, or "box", the relay
// board's. Without the box's, the relay falls off, and its output is at its
// inactive level when it comes back.
func (p *Portal) Supply(what string, on bool) error {
	switch what {
	case "lock":
		p.do(func(time.Time) { p.circuit.supplyLock = on })
	case "box":
		p.do(func(now time.Time) {
			p.circuit.supplyBox = on
			if !on {
				p.driveRelay(now, gpio.Level(p.circuit.opt.ActiveLow))
			}
		})
	default:
		return fmt.Errorf("cannot switch supply %q: want lock or box", what)
	}
	return nil
}

// Lock is what the bolt is, physically: "released" or "secured".
func (p *Portal) Lock() string {
	return ask(p, func(c *circuit) string {
		if c.boltOut {
			return boltSecured
		}
		return boltReleased
	})
}

// Open tells whether the leaf is open.
func (p *Portal) Open() bool { return ask(p, func(c *circuit) bool { return c.leafOpen }) }

// LoopClosed is what the wire of an input shows to the box.
func (p *Portal) LoopClosed(name string) (bool, error) {
	in, err := p.input(name)
	if err != nil {
		return false, err
	}
	return ask(p, func(c *circuit) bool { return c.loopClosed(in.name) }), nil
}

func (p *Portal) input(name string) (*input, error) {
	if name == "handle" {
		name = HandleSwitch
	}
	if in := p.inputs[name]; in != nil {
		return in, nil
	}
	known := slices.Sorted(slices.Values(inputNames))
	return nil, fmt.Errorf("this doorway has no input %q, only %s", name, strings.Join(known, ", "))
}
