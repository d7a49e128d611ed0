package gpioline

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"periph.io/x/host/v3/gpioioctl"
	"pgregory.net/rapid"

	"sekimori/drivers/drivertest"
)

// relayPin records what reaches the relay, and fails the test at every call
// that would release a lock on a gpioioctl line: Read and Function turn an
// output into an input with pull-up, In does so openly, Halt of some drivers
// lets the line float.
type relayPin struct {
	t testing.TB

	mu     sync.Mutex
	level  gpio.Level
	edges  []gpio.Level
	fail   error
	closed bool
}

func (p *relayPin) Out(l gpio.Level) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.t.Error("Out after Close")
	}
	if p.fail != nil {
		return p.fail
	}
	if l != p.level {
		p.level = l
		p.edges = append(p.edges, l)
	}
	return nil
}

func (p *relayPin) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

func (p *relayPin) setFail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

func (p *relayPin) count(l gpio.Level) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.edges {
		if e == l {
			n++
		}
	}
	return n
}

func (p *relayPin) is(l gpio.Level) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.level == l
}

func (p *relayPin) misuse(call string) { p.t.Errorf("%s was called on the relay's output", call) }

func (p *relayPin) Read() gpio.Level               { p.misuse("Read"); return gpio.Low }
func (p *relayPin) In(gpio.Pull, gpio.Edge) error  { p.misuse("In"); return nil }
func (p *relayPin) WaitForEdge(time.Duration) bool { p.misuse("WaitForEdge"); return false }
func (p *relayPin) Function() string               { p.misuse("Function"); return "" }
func (p *relayPin) Halt() error                    { p.misuse("Halt"); return nil }
func (p *relayPin) String() string                 { return "relay" }
func (p *relayPin) Name() string                   { return "relay" }
func (p *relayPin) Number() int                    { return 0 }
func (p *relayPin) Pull() gpio.Pull                { return gpio.PullNoChange }
func (p *relayPin) DefaultPull() gpio.Pull         { return gpio.PullNoChange }

func (p *relayPin) PWM(gpio.Duty, physic.Frequency) error { p.misuse("PWM"); return nil }

var _ gpio.PinIO = (*relayPin)(nil)

func newRelay(t testing.TB, opt RelayOptions) (*Relay, *relayPin) {
	t.Helper()
	opt.Name = "test lock"
	pin := &relayPin{t: t, level: gpio.Level(opt.ActiveLow)} // as OpenOutput leaves it: safe
	relay, err := NewRelay(pin, opt)
	if err != nil {
		t.Fatal(err)
	}
	return relay, pin
}

func TestP2P3RelayIsALock(t *testing.T) {
	for name, activeLow := range map[string]bool{"active high": false, "active low": true} {
		t.Run(name, func(t *testing.T) {
			drivertest.TestLock(t, func(t *testing.T) drivertest.LockRig {
				relay, pin := newRelay(t, RelayOptions{ActiveLow: activeLow})
				on := gpio.Level(!activeLow)
				return drivertest.LockRig{
					Lock:     relay,
					Released: func() bool { return pin.is(on) },
					Fail:     pin.setFail,
					Releases: func() int { return pin.count(on) },
				}
			})
		})
	}
}

func TestRelayMakesNoEdgeOfItsOwn(t *testing.T) {
	for _, activeLow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			for range 100 {
				relay, pin := newRelay(t, RelayOptions{ActiveLow: activeLow})
				if err := errors.Join(relay.Secure(), relay.Close()); err != nil {
					t.Fatal(err)
				}
				if len(pin.edges) != 0 || !pin.closed {
					t.Fatalf("start, Secure and Close drove %v, closed %v", pin.edges, pin.closed)
				}
			}
		})
	}
}

func TestRelayRefusesPeriphLines(t *testing.T) {
	for _, pin := range []gpio.PinOut{new(gpioioctl.GPIOLine), new(gpioioctl.LineSetLine)} {
		if _, err := NewRelay(pin, RelayOptions{Name: "lock"}); err == nil {
			t.Errorf("a %T was taken as relay: its first Out pulses", pin)
		}
	}
}

func TestRelayOptionsAreChecked(t *testing.T) {
	for _, opt := range []RelayOptions{
		{Drive: 7}, {Drive: DrivePulse}, {Drive: DrivePulse, Pulse: time.Millisecond}, {Drive: DrivePulse, Pulse: time.Minute},
	} {
		if _, err := NewRelay(&relayPin{t: t}, opt); err == nil {
			t.Errorf("%+v was accepted", opt)
		}
	}
}

func TestRelayThatCannotStartIsNone(t *testing.T) {
	pin := &relayPin{t: t, fail: errors.New("gone")}
	if r, err := NewRelay(pin, RelayOptions{Name: "lock"}); err == nil || r != nil || !pin.closed {
		t.Fatalf("NewRelay on a failing output = %v, %v, closed %v", r, err, pin.closed)
	}
}

func TestRelayPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relay, pin := newRelay(t, RelayOptions{Drive: DrivePulse, Pulse: 500 * time.Millisecond})
		defer relay.Close()
		if err := relay.Release(5 * time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500*time.Millisecond - time.Nanosecond)
		synctest.Wait()
		if !pin.is(gpio.High) {
			t.Fatal("the pulse is too short")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !pin.is(gpio.Low) {
			t.Fatal("the pulse is too long")
		}
		if err := relay.Release(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if !pin.is(gpio.Low) {
			t.Fatal("the pulse outlasts its release")
		}
	})
}

// TestRelayLateTimer: a timer that had fired already when the release was
// prolonged, and whose call comes late, ends nothing.
func TestRelayLateTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relay, pin := newRelay(t, RelayOptions{})
		defer relay.Close()
		if err := relay.Release(time.Second); err != nil {
			t.Fatal(err)
		}
		relay.expire()
		if !pin.is(gpio.High) {
			t.Fatal("a late timer ended a newer release")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !pin.is(gpio.Low) {
			t.Fatal("after a late timer the release did not end")
		}
	})
}

func TestRelayReportsWhatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan error, 100)
		gone := errors.New("output gone")
		relay, pin := newRelay(t, RelayOptions{Report: func(err error) { told <- err }})
		defer relay.Close()
		if err := relay.Release(time.Second); err != nil {
			t.Fatal(err)
		}
		pin.setFail(gone)
		time.Sleep(1550 * time.Millisecond)
		pin.setFail(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		// At 1.0, 1.1, … 1.5 s; at 1.6 s it succeeds.
		if n := len(told); n != 6 || !errors.Is(<-told, gone) || !pin.is(gpio.Low) {
			t.Fatalf("told %d times, output %v", n, pin.level)
		}
	})
}

// TestP3EveryReleaseEnds walks at random, with an output that fails at random
// and comes back, and asks after every step that the output is released only
// while the latest end that was promised lies ahead (or the output fails).
func TestP3EveryReleaseEnds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type step struct {
			what string
			d    time.Duration
		}
		n := rapid.IntRange(1, 30).Draw(rt, "steps")
		steps := make([]step, n)
		for i := range steps {
			steps[i] = step{
				rapid.SampledFrom([]string{"release", "release", "secure", "wait", "wait", "fail", "mend"}).Draw(rt, "what"),
				time.Duration(rapid.IntRange(1, 4000).Draw(rt, "ms")) * time.Millisecond,
			}
		}
		var wrong string
		synctest.Test(t, func(t *testing.T) {
			relay, pin := newRelay(t, RelayOptions{})
			defer relay.Close()
			var end, mended time.Time
			failing := false
			for _, s := range steps {
				switch s.what {
				case "release":
					if relay.Release(s.d) == nil {
						end = later(end, time.Now().Add(s.d))
					} else {
						end = time.Time{}
					}
				case "secure":
					relay.Secure()
					end = time.Time{}
				case "wait":
					time.Sleep(s.d)
				case "fail":
					failing = true
					pin.setFail(errors.New("gone"))
				case "mend":
					failing, mended = false, time.Now()
					pin.setFail(nil)
				}
				synctest.Wait()
				now := time.Now()
				excused := failing || now.Sub(mended) <= retryEnd
				switch released := pin.is(gpio.High); {
				case released && !now.Before(end) && !excused:
					wrong = "released after its end, at " + s.what
				case !released && now.Before(end) && !excused:
					wrong = "secured before its end, at " + s.what
				}
			}
		})
		if wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
