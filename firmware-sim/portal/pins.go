package portal

import (
	"errors"
	"slices"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// edgeQueue is how many edges a line keeps for a reader that is late; the
// kernel's default is 16 for a line.
const edgeQueue = 16

var (
	errOutputOnly = errors.New("line is an output and stays one")
	errInputOnly  = errors.New("line is an input and stays one")
)

// Edge is one edge at the relay's output.
type Edge struct {
	Level gpio.Level
	At    time.Time
}

// relayLine is the relay's output; it keeps its level whoever drives it lives
// or dies.
type relayLine struct {
	level gpio.Level
	edges []Edge
}

// driveRelay puts the output to a level; the portal's mu is held.
func (p *Portal) driveRelay(now time.Time, l gpio.Level) {
	if l != p.relay.level {
		p.relay.level = l
		p.relay.edges = append(p.relay.edges, Edge{l, now})
	}
	p.circuit.drive(now, bool(l) != p.circuit.opt.ActiveLow)
}

// RelayEdges is every edge that the relay's output ever had.
func (p *Portal) RelayEdges() []Edge {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.relay.edges)
}

// RelayLevel is the output's level now.
func (p *Portal) RelayLevel() gpio.Level {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.relay.level
}

// Relay gives the box's end of the relay's output, as gpioline.OpenOutput does:
// taking it is no edge, it is an output and nothing else, and Read is harmless.
func (p *Portal) Relay() gpio.PinIO { return relayPin{p} }

type relayPin struct{ portal *Portal }

var _ gpio.PinIO = relayPin{}

func (r relayPin) Out(l gpio.Level) error {
	r.portal.do(func(now time.Time) { r.portal.driveRelay(now, l) })
	return nil
}

func (r relayPin) Read() gpio.Level                      { return r.portal.RelayLevel() }
func (r relayPin) String() string                        { return "relay" }
func (r relayPin) Name() string                          { return "relay" }
func (r relayPin) Number() int                           { return -1 }
func (r relayPin) Function() string                      { return string(gpio.OUT) }
func (r relayPin) Halt() error                           { return nil }
func (r relayPin) In(gpio.Pull, gpio.Edge) error         { return errOutputOnly }
func (r relayPin) WaitForEdge(time.Duration) bool        { return false }
func (r relayPin) Pull() gpio.Pull                       { return gpio.PullNoChange }
func (r relayPin) DefaultPull() gpio.Pull                { return gpio.PullNoChange }
func (r relayPin) PWM(gpio.Duty, physic.Frequency) error { return errOutputOnly }

// input is one input of the box, as wired.
type input struct {
	portal *Portal
	name   string

	// What follows is guarded by the portal's mu.
	closed bool      // the loop
	holder *inputPin // who watches now
}

// follow lets the loop change; the portal's mu is held.
func (i *input) follow(closed bool) {
	if i.closed == closed {
		return
	}
	i.closed = closed
	if i.holder != nil {
		i.holder.edge()
	}
}

// Pin gives the box's end of an input, with the manners of a line of gpioioctl:
// In before anything else; a pull-up reads a closed loop low, a pull-down high;
// WaitForEdge takes 0 as "for ever" and answers a negative time at once; edges
// wait, 16 at most. A new holder takes the line from the one before, who has
// died. Waiting is done on channels, so a synctest bubble's time runs on.
func (p *Portal) Pin(name string) (gpio.PinIO, error) {
	in, err := p.input(name)
	if err != nil {
		return nil, err
	}
	pin := &inputPin{input: in, edges: make(chan struct{}, edgeQueue), halted: make(chan struct{}, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	in.holder = pin
	return pin, nil
}

type inputPin struct {
	input  *input
	edges  chan struct{}
	halted chan struct{}

	mu   sync.Mutex
	pull gpio.Pull
	want gpio.Edge
}

var _ gpio.PinIO = (*inputPin)(nil)

func (p *inputPin) In(pull gpio.Pull, edge gpio.Edge) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pull, p.want = pull, edge
	return nil
}

// level is what a loop reads as; mu is held.
func (p *inputPin) level(closed bool) gpio.Level {
	return gpio.Level(closed == (p.pull == gpio.PullDown))
}

// edge queues one, if it is of the kind asked for; the portal's mu is held.
func (p *inputPin) edge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	rising := bool(p.level(p.input.closed))
	if p.want == gpio.NoEdge || p.want == gpio.RisingEdge && !rising || p.want == gpio.FallingEdge && rising {
		return
	}
	select {
	case p.edges <- struct{}{}:
	default: // lost, as in the kernel; which one does not show
	}
}

func (p *inputPin) Read() gpio.Level {
	closed := ask(p.input.portal, func(c *circuit) bool { return c.loopClosed(p.input.name) })
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.level(closed)
}

func (p *inputPin) WaitForEdge(timeout time.Duration) bool {
	p.mu.Lock()
	unasked := p.want == gpio.NoEdge
	p.mu.Unlock()
	if unasked || timeout < 0 {
		return false
	}
	var late <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-p.edges:
		return true
	case <-p.halted:
		return false
	case <-late:
		return false
	}
}

// Halt ends a WaitForEdge.
func (p *inputPin) Halt() error {
	select {
	case p.halted <- struct{}{}:
	default:
	}
	return nil
}

// Close gives the line back.
func (p *inputPin) Close() error {
	p.input.portal.mu.Lock()
	defer p.input.portal.mu.Unlock()
	if p.input.holder == p {
		p.input.holder = nil
	}
	return nil
}

func (p *inputPin) Pull() gpio.Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pull
}

func (p *inputPin) String() string                        { return p.input.name }
func (p *inputPin) Name() string                          { return p.input.name }
func (p *inputPin) Number() int                           { return -1 }
func (p *inputPin) Function() string                      { return string(gpio.IN) }
func (p *inputPin) DefaultPull() gpio.Pull                { return gpio.PullNoChange }
func (p *inputPin) Out(gpio.Level) error                  { return errInputOnly }
func (p *inputPin) PWM(gpio.Duty, physic.Frequency) error { return errInputOnly }
