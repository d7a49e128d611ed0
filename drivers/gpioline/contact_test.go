package gpioline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/drivers"
)

// contactPin is an input with the manners of a gpioioctl line: edges queue (16
// for a line), WaitForEdge takes 0 for ever and answers a negative time at
// once, and where the line is gone Read says Low and WaitForEdge says false at
// once, and only In fails.
type contactPin struct {
	t testing.TB

	mu     sync.Mutex
	level  gpio.Level
	gone   error
	asked  bool // In has succeeded
	mute   bool // tells no edges
	hasty  bool // WaitForEdge never waits
	looks  int
	events chan struct{}
}

func newContactPin(t testing.TB, level gpio.Level) *contactPin {
	return &contactPin{t: t, level: level, events: make(chan struct{}, 16)}
}

func (p *contactPin) set(l gpio.Level) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.level == l {
		return
	}
	p.level = l
	if !p.mute {
		select {
		case p.events <- struct{}{}:
		default: // the kernel drops the oldest; which one does not show
		}
	}
}

func (p *contactPin) setGone(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = err
}

func (p *contactPin) In(_ gpio.Pull, edge gpio.Edge) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if edge != gpio.BothEdges {
		p.t.Errorf("In asks for %v", edge)
	}
	if p.gone != nil {
		return p.gone
	}
	p.asked = true
	return nil
}

func (p *contactPin) Read() gpio.Level {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.asked {
		p.t.Error("Read before In: periph would choose pull-up and no edge")
	}
	p.looks++
	if p.gone != nil {
		return gpio.Low
	}
	return p.level
}

func (p *contactPin) WaitForEdge(d time.Duration) bool {
	if d <= 0 {
		p.t.Errorf("WaitForEdge(%v): only positive times mean the same everywhere", d)
	}
	p.mu.Lock()
	atOnce := p.gone != nil || p.hasty
	p.mu.Unlock()
	if atOnce {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.events:
		return true
	case <-timer.C:
		return false
	}
}

func (p *contactPin) String() string         { return "contact" }
func (p *contactPin) Name() string           { return "contact" }
func (p *contactPin) Number() int            { return 0 }
func (p *contactPin) Function() string       { p.t.Error("Function reads"); return "" }
func (p *contactPin) Halt() error            { return nil }
func (p *contactPin) Pull() gpio.Pull        { return gpio.PullUp }
func (p *contactPin) DefaultPull() gpio.Pull { return gpio.PullNoChange }

// watching is a contact at work in a bubble.
type watching struct {
	pin     *contactPin
	start   time.Time
	reports []error
	got     []seen
	mu      sync.Mutex
}

type seen struct {
	level drivers.Level
	after time.Duration
}

func (w *watching) levels() (all []drivers.Level) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.got {
		all = append(all, s.level)
	}
	return all
}

func (w *watching) want(t *testing.T, levels ...drivers.Level) {
	t.Helper()
	if got := w.levels(); !slices.Equal(got, levels) {
		t.Fatalf("told %v, want %v", got, levels)
	}
}

// watch runs a contact until the test ends.
func watch(t *testing.T, pin *contactPin, opt ContactOptions) *watching {
	t.Helper()
	w := &watching{pin: pin, start: time.Now()}
	opt.Name, opt.Pull = "door_contact", gpio.PullUp
	opt.Report = func(err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reports = append(w.reports, err)
	}
	contact, err := NewContact(pin, opt)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- contact.Run(ctx, func(e drivers.Event) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if e.Source != "door_contact" {
				t.Errorf("event of %q", e.Source)
			}
			w.got = append(w.got, seen{e.Body.(drivers.Line).Level, e.At.Sub(w.start)})
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	return w
}

func TestContactTellsTheFirstLevelAndEachChange(t *testing.T) {
	for _, c := range []struct {
		name        string
		opt         ContactOptions
		first, then drivers.Level
	}{
		{"contact to ground", ContactOptions{}, drivers.Closed, drivers.Open},
		{"contact to ground, normally open", ContactOptions{NormallyOpen: true}, drivers.Closed, drivers.Open},
		{"contact to supply", ContactOptions{ClosedLevel: gpio.High}, drivers.Open, drivers.Closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, newContactPin(t, gpio.Low), c.opt)
				time.Sleep(time.Second)
				w.want(t, c.first)
				w.pin.set(gpio.High)
				time.Sleep(100 * time.Millisecond)
				w.want(t, c.first, c.then)
				if at := w.got[1].after; at < time.Second || at > time.Second+2*edgePause {
					t.Errorf("the change was dated %v, it was at 1s", at)
				}
			})
		})
	}
}

func TestContactSees401msAndNoGlitch(t *testing.T) {
	for _, mute := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			pin := newContactPin(t, gpio.Low)
			pin.mute = mute
			w := watch(t, pin, ContactOptions{Debounce: 99 * time.Millisecond})
			time.Sleep(time.Second)
			for _, width := range []time.Duration{time.Microsecond, time.Millisecond, 50 * time.Millisecond, 98 * time.Millisecond} {
				pin.set(gpio.High)
				time.Sleep(width)
				pin.set(gpio.Low)
				time.Sleep(time.Second)
			}
			w.want(t, drivers.Closed)
			pin.set(gpio.High)
			time.Sleep(401 * time.Millisecond)
			pin.set(gpio.Low)
			time.Sleep(time.Second)
			w.want(t, drivers.Closed, drivers.Open, drivers.Closed)
		})
	}
}

// TestP11ContactThatIsGoneIsUnknown: periph's Read says Low then, which here
// means "closed".
func TestP11ContactThatIsGoneIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, newContactPin(t, gpio.High), ContactOptions{})
		time.Sleep(1300 * time.Millisecond) // long before In is due by the clock
		w.want(t, drivers.Open)
		w.pin.setGone(errors.New("no such device"))
		time.Sleep(200 * time.Millisecond)
		w.want(t, drivers.Open, drivers.Unknown) // and not closed in between
		time.Sleep(10 * time.Second)
		w.levels() // waits
		if len(w.reports) < 10 || !strings.Contains(w.reports[0].Error(), "door_contact") {
			t.Errorf("%d reports, first %v", len(w.reports), w.reports[0])
		}
		w.pin.setGone(nil)
		time.Sleep(2 * time.Second)
		w.want(t, drivers.Open, drivers.Unknown, drivers.Open)
	})
}

func TestP11ContactThatNeverWorkedIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := newContactPin(t, gpio.Low)
		pin.gone = errors.New("line is taken")
		w := watch(t, pin, ContactOptions{})
		time.Sleep(10 * time.Second)
		w.want(t, drivers.Unknown)
	})
}

func TestContactIsReadAgainEverySecondAndNeverSpins(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*contactPin)
	}{
		{"at rest", func(*contactPin) {}},
		{"WaitForEdge returns at once", func(p *contactPin) { p.hasty = true }},
		{"Read fails", func(p *contactPin) { p.gone = errors.New("gone") }},
	} {
		synctest.Test(t, func(t *testing.T) {
			pin := newContactPin(t, gpio.Low)
			watch(t, pin, ContactOptions{})
			time.Sleep(time.Second)
			pin.mu.Lock()
			c.prepare(pin)
			pin.looks = 0
			pin.mu.Unlock()
			time.Sleep(10 * time.Second)
			pin.mu.Lock()
			defer pin.mu.Unlock()
			if pin.looks > 101 || pin.gone == nil && pin.looks < 10 {
				t.Errorf("%s: %d looks in ten seconds", c.name, pin.looks)
			}
		})
	}
}

// TestContactWatchesWhileTheDaemonIsBusy: a pulse during a slow append is not
// lost.
func TestContactWatchesWhileTheDaemonIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pin := newContactPin(t, gpio.Low)
		contact, err := NewContact(pin, ContactOptions{Name: "door_contact"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var got []drivers.Level
		done := make(chan error)
		go func() {
			done <- contact.Run(ctx, func(e drivers.Event) {
				got = append(got, e.Body.(drivers.Line).Level)
				time.Sleep(5 * time.Second)
			})
		}()
		time.Sleep(time.Second)
		pin.set(gpio.High)
		time.Sleep(401 * time.Millisecond)
		pin.set(gpio.Low)
		time.Sleep(20 * time.Second)
		cancel()
		<-done
		if !slices.Equal(got, []drivers.Level{drivers.Closed, drivers.Open, drivers.Closed}) {
			t.Fatalf("told %v", got)
		}
	})
}

func TestContactOptions(t *testing.T) {
	pin := newContactPin(t, gpio.Low)
	for _, d := range []time.Duration{-1, time.Millisecond, 100 * time.Millisecond, time.Second} {
		if _, err := NewContact(pin, ContactOptions{Debounce: d}); err == nil {
			t.Errorf("a debounce of %v was accepted", d)
		}
	}
	closed, _ := NewContact(pin, ContactOptions{})
	opened, _ := NewContact(pin, ContactOptions{NormallyOpen: true})
	if !closed.CutIsSeen() || opened.CutIsSeen() || !closed.Unsupervised() {
		t.Error("the supervision is told wrongly")
	}
}
