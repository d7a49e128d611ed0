package zfm_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/drivertest"
	"sekimori/drivers/serialport"
	driver "sekimori/drivers/zfm"
	"sekimori/firmware-sim/zfm"
)

// bench is a module and the real driver on the two ends of a cable, in virtual
// time.
type bench struct {
	t      *testing.T
	module *zfm.Module
	sensor *driver.Sensor
	cable  *drivertest.Cable
	events chan drivers.Event

	mu     sync.Mutex
	rings  []zfm.Ring
	answer time.Time // when the last acknowledgement's last byte was sent
	touch  time.Time
}

const pin503 = "0009/R503/4131323334353637/sim-1.0"

var adopted = driver.Options{Name: "finger-in", Identity: pin503}

func factory() zfm.Options {
	return zfm.Options{Serial: "A1234567", Baud: 57600, Work: true, Seed: 7}
}

// onBench runs f in a bubble, with module and driver running.
func onBench(t *testing.T, o zfm.Options, d driver.Options, f func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, cable: drivertest.NewCable(nil), events: make(chan drivers.Event, 10000)}
		o.Ring = func(r zfm.Ring) { b.locked(func() { b.rings = append(b.rings, r) }) }
		o.Answered = func(_, _ byte, at time.Time) { b.locked(func() { b.answer = at }) }
		b.module = zfm.New(o)
		d.Port = serialport.New("sensor", b.cable.Open)
		var err error
		if b.sensor, err = driver.New(d); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := b.module.Run(ctx, b.cable.Device()); err != nil {
				t.Errorf("module: %v", err)
			}
		})
		running.Go(func() {
			if err := b.sensor.Run(ctx, func(e drivers.Event) { b.events <- e }); err != nil {
				t.Errorf("driver: %v", err)
			}
		})
		f(b)
		cancel()
		running.Wait()
	})
}

func (b *bench) locked(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// next is the next event, which must be a T and come within d of virtual time.
func next[T drivers.Body](b *bench, d time.Duration) T {
	b.t.Helper()
	select {
	case e := <-b.events:
		body, is := e.Body.(T)
		if !is {
			var want T
			b.t.Fatalf("event %T %+v instead of %T", e.Body, e.Body, want)
		}
		if e.Source != "finger-in" {
			b.t.Fatalf("event of %q", e.Source)
		}
		return body
	case <-time.After(d):
		var want T
		b.t.Fatalf("no %T within %v", want, d)
	}
	panic("unreachable")
}

// quiet fails if any event comes within d.
func (b *bench) quiet(d time.Duration) {
	b.t.Helper()
	select {
	case e := <-b.events:
		b.t.Fatalf("event %T %+v instead of none", e.Body, e.Body)
	case <-time.After(d):
	}
}

// drain forgets what has come so far.
func (b *bench) drain() {
	synctest.Wait()
	for {
		select {
		case <-b.events:
		default:
			return
		}
	}
}

func (b *bench) online() {
	b.t.Helper()
	if got := next[drivers.Online](b, 3*time.Second); got.Identity != pin503 {
		b.t.Fatalf("online as %q, want %q", got.Identity, pin503)
	}
}

func (b *bench) verify(id uint64, pages ...uint16) {
	b.sensor.Verify(id, pages, 50, 3, 10*time.Second)
}

func (b *bench) outcome(id uint64, want drivers.FingerOutcome, d time.Duration) drivers.FingerResult {
	b.t.Helper()
	r := next[drivers.FingerResult](b, d)
	if r.ID != id || r.Outcome != want {
		b.t.Fatalf("verification ended as %+v, want id %d outcome %d", r, id, want)
	}
	return r
}

var errNone = errors.New("no error")

func words(err error) string {
	if err == nil {
		err = errNone
	}
	return err.Error()
}
