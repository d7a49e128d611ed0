package rig

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"periph.io/x/conn/v3/gpio"
)

// pinHost is the desk's end of a link: it has the real (simulated) pins, which
// keep their level whatever becomes of the process that asks.
type pinHost struct {
	speaker
	link  io.ReadWriteCloser
	claim func(name string, output bool) (gpio.PinIO, error)

	pins     map[string]*hostedPin
	watchers sync.WaitGroup
}

// hostedPin is one claimed pin.
type hostedPin struct {
	gpio.PinIO
	watched bool
	freed   chan struct{}
}

// errUnanswered is what a pin returns that must not be answered: whoever asked
// is dead by now.
var errUnanswered = errors.New("nobody is left to hear the answer")

func newPinHost(link io.ReadWriteCloser, claim func(name string, output bool) (gpio.PinIO, error)) *pinHost {
	return &pinHost{speaker: speaker{w: link}, link: link, claim: claim, pins: map[string]*hostedPin{}}
}

// serve answers until the link ends, and gives the inputs back then. An error
// says that the other end does not keep to the protocol.
func (h *pinHost) serve() error {
	err := listen(h.link, h.hear)
	h.link.Close()
	for name := range h.pins {
		h.free(name)
	}
	h.watchers.Wait()
	return err
}

// show tells the box's clock.
func (h *pinHost) show(f face) error { return h.say(word{Clock: &f}) }

func (h *pinHost) hear(a ask) error {
	if a.ID == 0 {
		return fmt.Errorf("cannot read link: %q without a number", a.Verb)
	}
	w := word{ID: a.ID}
	switch err := h.perform(a, &w); {
	case errors.Is(err, errUnanswered):
		return nil
	case err != nil:
		w.Err = err.Error()
	}
	// Who asked and is gone shows at the next read.
	_ = h.say(w)
	return nil
}

func (h *pinHost) perform(a ask, w *word) error {
	if a.Verb == verbClaim {
		return h.take(a)
	}
	p := h.pins[a.Pin]
	if p == nil {
		return fmt.Errorf("pin %q was not claimed", a.Pin)
	}
	switch a.Verb {
	case verbIn:
		if err := p.In(a.Pull, a.Edge); err != nil {
			return err
		}
		h.watch(a.Pin, p)
	case verbRead:
		w.Level = p.Read()
	case verbOut:
		return p.Out(a.Level)
	case verbFree:
		h.free(a.Pin)
	default:
		return fmt.Errorf("pin %q cannot %q", a.Pin, a.Verb)
	}
	return nil
}

// take claims a pin, as the kernel gives a line: an output at its safe level,
// and to one holder only.
func (h *pinHost) take(a ask) error {
	if h.pins[a.Pin] != nil {
		return fmt.Errorf("pin %q is taken", a.Pin)
	}
	p, err := h.claim(a.Pin, a.Output)
	if err != nil {
		return err
	}
	if a.Output {
		if err := p.Out(a.Level); err != nil {
			return err
		}
	}
	h.pins[a.Pin] = &hostedPin{PinIO: p, freed: make(chan struct{})}
	return nil
}

// watch tells of every edge of an input from now on.
func (h *pinHost) watch(name string, p *hostedPin) {
	if p.watched {
		return
	}
	p.watched = true
	h.watchers.Go(func() {
		for {
			edge := p.WaitForEdge(0) // as long as it takes
			select {
			case <-p.freed:
				return
			default:
			}
			if edge && h.say(word{Edge: name}) != nil {
				return
			}
		}
	})
}

func (h *pinHost) free(name string) {
	p := h.pins[name]
	delete(h.pins, name)
	close(p.freed)
	_ = p.Halt()
	if c, ok := p.PinIO.(io.Closer); ok {
		_ = c.Close()
	}
}
