package portal

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// run starts a portal that ends with the test.
func run(t *testing.T, opt Options) *Portal {
	t.Helper()
	p := New(opt)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

type seen struct {
	what  string
	after time.Duration
}

func TestPortalTellsWhatHappensInItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var got []seen
		p := run(t, Options{OnChange: func(what string, at time.Time) {
			if !at.Equal(time.Now()) {
				t.Errorf("%s is dated %v, told at %v", what, at, time.Now())
			}
			got = append(got, seen{what, at.Sub(start)})
		}})
		relay := p.Relay()
		time.Sleep(time.Second)
		relay.Out(gpio.High)
		relay.Out(gpio.High)
		time.Sleep(time.Second)
		if err := p.OpenDoor(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		relay.Out(gpio.Low)
		time.Sleep(time.Second)
		p.CloseDoor()
		time.Sleep(time.Second)
		p.Handle()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		const ms = time.Millisecond
		want := []seen{
			{"energised", 1000 * ms}, {"released", 1080 * ms}, {"open", 2000 * ms},
			{"de-energised", 3000 * ms}, {"closed", 4000 * ms}, {"secured", 4080 * ms},
			{"released", 5000 * ms}, {"secured", 7080 * ms},
		}
		if !slices.Equal(got, want) {
			t.Fatalf("told %v,\nwant %v", got, want)
		}
		if edges := p.RelayEdges(); len(edges) != 2 || edges[0].Level != gpio.High || edges[1].At.Sub(start) != 3*time.Second {
			t.Fatalf("edges %v", edges)
		}
		if err := p.OpenDoor(); err == nil || p.Lock() != "secured" || p.Open() {
			t.Fatal("the door is not as it was left")
		}
	})
}

// TestRelayHoldsItsLevel when nobody drives it any more; the box's supply does
// not.
func TestRelayHoldsItsLevel(t *testing.T) {
	for _, activeLow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := run(t, Options{ActiveLow: activeLow})
			if n := len(p.RelayEdges()); n != 0 || p.Relay().Read() != gpio.Level(activeLow) {
				t.Fatalf("%d edges at the start", n)
			}
			p.Relay().Out(gpio.Level(!activeLow))
			time.Sleep(time.Hour)
			if p.Lock() != "released" || p.Relay().Read() == gpio.Level(activeLow) {
				t.Fatal("the output fell off by itself")
			}
			if err := p.Supply("box", false); err != nil {
				t.Fatal(err)
			}
			p.Supply("box", true)
			time.Sleep(time.Second)
			if p.Lock() != "secured" || p.RelayLevel() != gpio.Level(activeLow) {
				t.Fatal("the output came back active")
			}
		})
	}
}

func TestRelayPinIsNoInput(t *testing.T) {
	p := New(Options{})
	if p.Relay().In(gpio.PullUp, gpio.NoEdge) == nil || len(p.RelayEdges()) != 0 {
		t.Error("the relay's output became an input")
	}
	in, _ := p.Pin(DoorContact)
	if in.Out(gpio.High) == nil {
		t.Error("an input was driven")
	}
}

func TestInputPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := run(t, Options{Bounce: []time.Duration{}})
		pin, err := p.Pin(DoorContact)
		if err != nil {
			t.Fatal(err)
		}
		if pin.WaitForEdge(time.Second) {
			t.Error("an edge before In")
		}
		pin.In(gpio.PullUp, gpio.BothEdges)
		if pin.Read() != gpio.Low {
			t.Error("a closed loop is high with pull-up")
		}
		start := time.Now()
		if pin.WaitForEdge(time.Second) || time.Since(start) != time.Second {
			t.Error("a wait did not end at its time")
		}
		if pin.WaitForEdge(-1) || time.Since(start) != time.Second {
			t.Error("a negative wait waited")
		}
		time.AfterFunc(time.Minute, func() { pin.Halt() })
		if pin.WaitForEdge(0) || time.Since(start) != time.Second+time.Minute {
			t.Error("Halt did not end a wait for ever")
		}
		time.AfterFunc(time.Second, p.Force)
		if !pin.WaitForEdge(time.Hour) || time.Since(start) != 2*time.Second+time.Minute || pin.Read() != gpio.High {
			t.Error("the leaf's edge was not told")
		}
		for range 20 {
			p.CloseDoor()
			p.Force()
		}
		n := 0
		for pin.WaitForEdge(time.Nanosecond) {
			n++
		}
		if n != edgeQueue {
			t.Errorf("%d edges waited, want %d", n, edgeQueue)
		}
		pin.In(gpio.PullDown, gpio.FallingEdge)
		p.CloseDoor() // loop closed: high
		if pin.Read() != gpio.High || pin.WaitForEdge(time.Second) {
			t.Error("with pull-down a loop that closes is a rising edge")
		}
		p.Force()
		if !pin.WaitForEdge(time.Second) {
			t.Error("the falling edge was not told")
		}
	})
}

func TestSetInput(t *testing.T) {
	p := New(Options{})
	for _, c := range []struct {
		name, state string
		ok, closed  bool
	}{
		{DoorContact, "open", true, false},
		{DoorContact, "short", true, true},
		{DoorContact, "normal", true, true},
		{Tamper, "open", true, false},
		{"handle", "short", true, true},
		{"handle", "normal", true, false},
		{"window", "open", false, false},
		{DoorContact, "closed", false, false},
	} {
		if err := p.SetInput(c.name, c.state); (err == nil) != c.ok {
			t.Errorf("SetInput(%s, %s): %v", c.name, c.state, err)
			continue
		}
		if closed, err := p.LoopClosed(c.name); c.ok && (err != nil || closed != c.closed) {
			t.Errorf("%s %s: loop closed %v, %v", c.name, c.state, closed, err)
		}
	}
	if p.Supply("sun", false) == nil {
		t.Error("an unknown supply was switched")
	}
}
