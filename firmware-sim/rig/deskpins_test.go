package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/daemon"
	"sekimori/drivers"
	"sekimori/drivers/gpioline"
	"sekimori/firmware-sim/portal"
)

// linked is a daemon's box and the desk's pins, joined by a wire in memory.
type linked struct {
	*box
	host   *pinHost
	portal *portal.Portal
	theirs net.Conn // the daemon's end
	served chan error
}

// link makes one inside a bubble. claim may be nil: the portal's own pins.
func link(t *testing.T, p *portal.Portal, claim func(string, bool) (gpio.PinIO, error)) *linked {
	t.Helper()
	if claim == nil {
		claim = func(name string, output bool) (gpio.PinIO, error) {
			if output {
				return p.Relay(), nil
			}
			return p.Pin(name)
		}
	}
	ours, theirs := net.Pipe()
	l := &linked{box: newBox(theirs), host: newPinHost(ours, claim), portal: p, theirs: theirs, served: make(chan error, 1)}
	go func() { l.served <- l.host.serve() }()
	t.Cleanup(l.die)
	return l
}

// die is what the end of the daemon's process does to the link.
func (l *linked) die() {
	l.theirs.Close()
	<-l.gone
}

func runPortal(t *testing.T, p *portal.Portal) {
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { p.Run(ctx) })
	t.Cleanup(func() { cancel(); done.Wait() })
}

func claimPin(t *testing.T, l *linked, u daemon.PinUse) gpio.PinIO {
	t.Helper()
	p, err := l.pin(u)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var theLock = daemon.PinUse{Name: "lock", Output: true}

// TestPinsHoldTheirLevel: a claimed output is at its safe level, follows, and
// stays where it is when its daemon dies, until the next one claims it.
func TestPinsHoldTheirLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := portal.New(portal.Options{})
		first := link(t, p, nil)
		out := claimPin(t, first, theLock)
		if n := len(p.RelayEdges()); n != 0 {
			t.Fatalf("claiming made %d edges", n)
		}
		if err := out.Out(gpio.High); err != nil {
			t.Fatal(err)
		}
		if p.RelayLevel() != gpio.High {
			t.Fatal("Out returned before the level was on the line")
		}
		first.die()
		if err := <-first.served; err != nil {
			t.Fatal(err)
		}
		if p.RelayLevel() != gpio.High {
			t.Fatal("the relay fell off with its daemon")
		}
		if err := out.Out(gpio.Low); !errors.Is(err, errNoDesk) {
			t.Errorf("a dead daemon's Out: %v", err)
		}
		claimPin(t, link(t, p, nil), theLock)
		if p.RelayLevel() != gpio.Low {
			t.Error("the next daemon's claim did not drive the safe level")
		}
	})
}

// TestUnansweredOut: whoever is struck down while it asks never hears an
// answer, whether the pin acted or not.
func TestUnansweredOut(t *testing.T) {
	for _, acts := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := portal.New(portal.Options{})
			pin := deadly{PinIO: p.Relay(), acts: acts}
			l := link(t, p, func(string, bool) (gpio.PinIO, error) { return pin, nil })
			out := claimPin(t, l, theLock)
			answered := make(chan error, 1)
			go func() { answered <- out.Out(gpio.High) }()
			time.Sleep(time.Hour)
			select {
			case err := <-answered:
				t.Fatalf("answered %v", err)
			default:
			}
			if p.RelayLevel() != gpio.Level(acts) {
				t.Errorf("acts %v: level %v", acts, p.RelayLevel())
			}
			l.die()
			if err := <-answered; !errors.Is(err, errNoDesk) {
				t.Errorf("after the end: %v", err)
			}
		})
	}
}

type deadly struct {
	gpio.PinIO
	acts bool
}

func (d deadly) Out(l gpio.Level) error {
	if l == gpio.Low {
		return d.PinIO.Out(l)
	}
	if d.acts {
		_ = d.PinIO.Out(l)
	}
	return errUnanswered
}

// TestInputsThroughTheLink: the real contact driver sees through the link what
// it would see on a line: the state at its start, a bouncing leaf, a short
// pulse.
func TestInputsThroughTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := portal.New(portal.Options{})
		runPortal(t, p)
		l := link(t, p, nil)
		pin := claimPin(t, l, daemon.PinUse{Name: portal.DoorContact, Pull: "up"})
		contact, err := gpioline.NewContact(pin, gpioline.ContactOptions{Name: "leaf", Pull: gpio.PullUp})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var levels []drivers.Level
		done := make(chan error, 1)
		go func() {
			done <- contact.Run(ctx, func(e drivers.Event) { levels = append(levels, e.Body.(drivers.Line).Level) })
		}()
		time.Sleep(time.Second)
		p.Force()
		time.Sleep(401 * time.Millisecond)
		p.CloseDoor()
		time.Sleep(time.Second)
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := []drivers.Level{drivers.Closed, drivers.Open, drivers.Closed}
		if len(levels) != 3 || levels[0] != want[0] || levels[1] != want[1] || levels[2] != want[2] {
			t.Errorf("saw %v, want %v", levels, want)
		}
	})
}

func TestWaitForEdge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := portal.New(portal.Options{Bounce: []time.Duration{}})
		l := link(t, p, nil)
		pin := claimPin(t, l, daemon.PinUse{Name: portal.FireContact})
		if pin.WaitForEdge(0) {
			t.Error("an edge before In")
		}
		if err := pin.In(gpio.PullUp, gpio.BothEdges); err != nil {
			t.Fatal(err)
		}
		if pin.Read() != gpio.Low || pin.Pull() != gpio.PullUp {
			t.Errorf("a closed loop reads %v at pull %v", pin.Read(), pin.Pull())
		}
		if pin.WaitForEdge(-1) || pin.WaitForEdge(time.Second) {
			t.Error("an edge that nobody made")
		}
		p.Fire(true)
		if !pin.WaitForEdge(0) || pin.Read() != gpio.High {
			t.Error("the edge did not come")
		}
		time.AfterFunc(time.Minute, func() { _ = pin.Halt() })
		if pin.WaitForEdge(0) {
			t.Error("Halt is no edge")
		}
		for range 3 * edgeQueue { // more than a line keeps
			p.Fire(false)
			p.Fire(true)
			synctest.Wait()
		}
		for range edgeQueue {
			if !pin.WaitForEdge(time.Second) {
				t.Fatal("fewer edges than a line keeps")
			}
		}
		if pin.WaitForEdge(time.Second) {
			t.Error("more edges than a line keeps")
		}
		go func() { time.Sleep(time.Minute); l.die() }()
		if pin.WaitForEdge(0) {
			t.Error("the end of the link is no edge")
		}
	})
}

// TestPinsAreRefused: what makes no sense is an error that names the pin, and
// changes nothing.
func TestPinsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := portal.New(portal.Options{})
		l := link(t, p, nil)
		claimPin(t, l, theLock)
		for _, c := range []struct {
			ask  ask
			says string
		}{
			{ask{Verb: verbClaim, Pin: "lock", Output: true}, `"lock" is taken`},
			{ask{Verb: verbClaim, Pin: "cellar"}, `"cellar"`},
			{ask{Verb: verbOut, Pin: "fire", Level: true}, `"fire" was not claimed`},
			{ask{Verb: "melt", Pin: "lock"}, `"lock" cannot "melt"`},
			{ask{Verb: verbIn, Pin: "lock"}, "output"},
		} {
			if _, err := l.ask(c.ask); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%+v: %v", c.ask, err)
			}
		}
		if n := len(p.RelayEdges()); n != 0 {
			t.Errorf("%d edges", n)
		}
	})
}

// TestFreedPinCanBeClaimedAgain, and is no longer the first holder's.
func TestFreedPinCanBeClaimedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := link(t, portal.New(portal.Options{}), nil)
		pin := claimPin(t, l, daemon.PinUse{Name: portal.FireContact})
		if err := pin.In(gpio.PullUp, gpio.BothEdges); err != nil {
			t.Fatal(err)
		}
		if err := pin.(io.Closer).Close(); err != nil {
			t.Fatal(err)
		}
		if err := pin.In(gpio.PullUp, gpio.BothEdges); err == nil {
			t.Error("a pin that was given back still works")
		}
		claimPin(t, l, daemon.PinUse{Name: portal.FireContact})
	})
}

func TestClockThroughTheLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := link(t, portal.New(portal.Options{}), nil)
		if _, synced := l.wall(); synced {
			t.Error("a clock that nobody told is vouched for")
		}
		if err := l.host.show(face{time.Hour, true}); err != nil {
			t.Fatal(err)
		}
		<-l.set
		if now, synced := l.wall(); !synced || !now.Equal(time.Now().Add(time.Hour)) {
			t.Errorf("%v %v", now, synced)
		}
		if err := l.host.show(face{-time.Hour, false}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if now, synced := l.wall(); synced || !now.Equal(time.Now().Add(-time.Hour)) {
			t.Errorf("%v %v", now, synced)
		}
	})
}

// FuzzPinHost: whatever comes over the link, the relay is energised only by an
// out of a claimed output, and the desk survives.
func FuzzPinHost(f *testing.F) {
	claim := `{"id":1,"verb":"claim","pin":"lock","output":true}` + "\n"
	f.Add([]byte(claim + `{"id":2,"verb":"out","pin":"lock","level":true}` + "\n"))
	f.Add([]byte(claim + `{"verb":"out","pin":"lock","level":true}` + "\n"))
	f.Add([]byte(claim + `{"id":3,"verb":"free","pin":"lock"}` + "\n" + `{"id":4,"verb":"out","pin":"lock","level":true}`))
	f.Add([]byte(`{"id":1,"verb":"claim","pin":"fire"}` + "\n" + `{"id":2,"verb":"in","pin":"fire","edge":3}` + "\n\n"))
	f.Add(bytes.Repeat([]byte("x"), 2*maxLine))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := portal.New(portal.Options{})
		h := newPinHost(&oneWay{Reader: bytes.NewReader(in)}, func(name string, output bool) (gpio.PinIO, error) {
			if output {
				return p.Relay(), nil
			}
			return p.Pin(name)
		})
		_ = h.serve()
		if p.RelayLevel() == gpio.High && !asksForRelease(in) {
			t.Errorf("the relay is energised by %q", in)
		}
	})
}

// asksForRelease is a second, simpler reading of the protocol: some line
// claimed an output to be high, or asked for high, by name.
func asksForRelease(in []byte) bool {
	for line := range bytes.SplitSeq(in, []byte("\n")) {
		var a struct {
			ID    uint64
			Verb  string
			Level bool
		}
		if json.Unmarshal(line, &a) == nil && a.ID != 0 && a.Level && (a.Verb == "out" || a.Verb == "claim") {
			return true
		}
	}
	return false
}

// oneWay is a link on which nobody listens.
type oneWay struct{ io.Reader }

func (oneWay) Write(b []byte) (int, error) { return len(b), nil }
func (oneWay) Close() error                { return nil }
