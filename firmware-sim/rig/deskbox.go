package rig

import (
	"errors"
	"io"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"sekimori/controller/daemon"
)

// box is the daemon's end of a link: pins and a clock that are elsewhere.
type box struct {
	speaker
	gone chan struct{} // closed when the link has ended
	set  chan struct{} // closed when the clock was first told

	mu     sync.Mutex // guards what follows
	clock  face
	last   uint64
	waits  map[uint64]chan<- word
	inputs map[string]*remotePin
}

var errNoDesk = errors.New("the desk is gone")

// newBox starts to listen on a link. Its goroutine ends with the link.
func newBox(link io.ReadWriter) *box {
	b := &box{
		speaker: speaker{w: link}, gone: make(chan struct{}), set: make(chan struct{}),
		waits: map[uint64]chan<- word{}, inputs: map[string]*remotePin{},
	}
	go func() {
		defer close(b.gone)
		_ = listen(link, b.hear)
	}()
	return b
}

func (b *box) hear(w word) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.waits[w.ID]; c != nil {
		delete(b.waits, w.ID)
		c <- w // has room
	}
	if p := b.inputs[w.Edge]; p != nil {
		select {
		case p.edges <- struct{}{}:
		default: // lost, as in the kernel's queue of the same length
		}
	}
	if w.Clock != nil {
		b.clock = *w.Clock
		select {
		case <-b.set:
		default:
			close(b.set)
		}
	}
	return nil
}

// ask waits for the answer; it fails when the desk is gone.
func (b *box) ask(a ask) (word, error) {
	answer := make(chan word, 1)
	b.mu.Lock()
	b.last++
	a.ID = b.last
	b.waits[a.ID] = answer
	b.mu.Unlock()
	if err := b.say(a); err != nil {
		return word{}, errNoDesk
	}
	select {
	case w := <-answer:
		if w.Err != "" {
			return w, errors.New(w.Err)
		}
		return w, nil
	case <-b.gone:
		return word{}, errNoDesk
	}
}

// wall is the box's clock; before it was told, nobody vouches for it.
func (b *box) wall() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock.now()
}

// edgeQueue is how many edges wait for a reader that is late: the kernel's
// default for a line.
const edgeQueue = 16

// pin claims a line of the box.
func (b *box) pin(u daemon.PinUse) (gpio.PinIO, error) {
	p := &remotePin{box: b, name: u.Name, edges: make(chan struct{}, edgeQueue), halted: make(chan struct{}, 1)}
	b.mu.Lock()
	if !u.Output {
		b.inputs[u.Name] = p
	}
	b.mu.Unlock()
	_, err := b.ask(ask{Verb: verbClaim, Pin: u.Name, Output: u.Output, Level: gpio.Level(u.ActiveLow)})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// remotePin is a pin of the box with the manners of a line of gpioioctl.
type remotePin struct {
	box    *box
	name   string
	edges  chan struct{}
	halted chan struct{}

	mu   sync.Mutex
	pull gpio.Pull
	want gpio.Edge
}

var (
	_ gpio.PinIO = (*remotePin)(nil)
	_ io.Closer  = (*remotePin)(nil)
)

func (p *remotePin) ask(a ask) (word, error) {
	a.Pin = p.name
	return p.box.ask(a)
}

func (p *remotePin) In(pull gpio.Pull, edge gpio.Edge) error {
	if _, err := p.ask(ask{Verb: verbIn, Pull: pull, Edge: edge}); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pull, p.want = pull, edge
	return nil
}

// Read cannot tell of an error, as none of periph's can.
func (p *remotePin) Read() gpio.Level {
	w, _ := p.ask(ask{Verb: verbRead})
	return w.Level
}

// Out returns when the level is on the line.
func (p *remotePin) Out(l gpio.Level) error {
	_, err := p.ask(ask{Verb: verbOut, Level: l})
	return err
}

// Close gives the line back.
func (p *remotePin) Close() error {
	p.box.mu.Lock()
	delete(p.box.inputs, p.name)
	p.box.mu.Unlock()
	_, err := p.ask(ask{Verb: verbFree})
	return err
}

func (p *remotePin) WaitForEdge(timeout time.Duration) bool {
	p.mu.Lock()
	unasked := p.want == gpio.NoEdge
	p.mu.Unlock()
	if unasked || timeout < 0 {
		return false
	}
	var late <-chan time.Time
	if timeout > 0 { // 0 is for ever
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-p.edges:
		return true
	case <-p.halted:
	case <-p.box.gone:
	case <-late:
	}
	return false
}

// Halt ends a WaitForEdge.
func (p *remotePin) Halt() error {
	select {
	case p.halted <- struct{}{}:
	default:
	}
	return nil
}

func (p *remotePin) Pull() gpio.Pull {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pull
}

var errNoPWM = errors.New("line has no PWM")

func (p *remotePin) String() string                        { return p.name }
func (p *remotePin) Name() string                          { return p.name }
func (p *remotePin) Number() int                           { return -1 }
func (p *remotePin) Function() string                      { return "" }
func (p *remotePin) DefaultPull() gpio.Pull                { return gpio.PullNoChange }
func (p *remotePin) PWM(gpio.Duty, physic.Frequency) error { return errNoPWM }
