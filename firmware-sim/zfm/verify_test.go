package zfm_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
	driver "sekimori/drivers/zfm"
)

func TestVerifyMatches(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.module.Preload(8, "s-001 other hand")
		b.online()
		b.verify(1, 7, 8)
		b.quiet(time.Second)
		b.module.PlaceFinger("s-001")
		r := b.outcome(1, drivers.FingerMatch, 2*time.Second)
		if r.Page != 7 || r.Score < 50 {
			t.Fatalf("matched %+v", r)
		}
		b.module.Lift()
		b.verify(2, 7, 8)
		b.module.PlaceFinger("s-001 other hand")
		if r := b.outcome(2, drivers.FingerMatch, 2*time.Second); r.Page != 8 {
			t.Fatalf("matched %+v", r)
		}
	})
}

// No virtual time passes between the last byte of the answer and the event.
func TestMatchIsEmittedAtOnce(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.module.PlaceFinger("s-001")
		b.sensor.Show(drivers.Signal{LED: drivers.Pattern{OnColour: drivers.Blue}})
		b.verify(1, 7)
		e := <-b.events
		synctest.Wait()
		if r, is := e.Body.(drivers.FingerResult); !is || r.Outcome != drivers.FingerMatch {
			t.Fatalf("event %+v", e.Body)
		}
		b.locked(func() {
			if late := time.Since(b.answer); late != 0 || !e.At.Equal(b.answer) {
				t.Fatalf("match answered at %v, stamped %v, emitted %v later", b.answer, e.At, late)
			}
		})
	})
}

func TestVerifyNeverNamesAnotherPage(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.module.Preload(9, "s-002")
		b.online()
		b.verify(1, 7)
		b.module.PlaceFinger("s-002") // stored, but not asked for
		r := b.outcome(1, drivers.FingerMismatch, 2*time.Second)
		if r.Page != 0 {
			t.Fatalf("mismatch names page %d", r.Page)
		}
		b.module.PlaceStranger()
		b.verify(2, 7, 9)
		b.outcome(2, drivers.FingerMismatch, 2*time.Second)
	})
}

func TestVerifyScoreTooLow(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.module.PlaceFinger("s-001")
		b.sensor.Verify(1, []uint16{7}, 300, 3, 10*time.Second)
		if r := b.outcome(1, drivers.FingerMismatch, 2*time.Second); r.Score < 60 {
			t.Fatalf("best score not told: %+v", r)
		}
	})
}

func TestVerifyUnreadable(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.module.PlaceSmudged()
		b.verify(1, 7)
		b.quiet(1900 * time.Millisecond) // the same finger counts once a second
		b.outcome(1, drivers.FingerUnreadable, 2*time.Second)

		b.verify(2, 7)
		b.quiet(time.Second) // one bad image
		b.module.PlaceFinger("s-001")
		b.outcome(2, drivers.FingerMatch, 3*time.Second)
	})
}

func TestVerifyTimeoutAndCancel(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.verify(1, 7)
		b.outcome(1, drivers.FingerTimeout, 11*time.Second)

		b.verify(2, 7)
		b.quiet(time.Second)
		b.sensor.Cancel(1) // stale
		b.quiet(time.Second)
		b.sensor.Cancel(2)
		b.outcome(2, drivers.FingerUnavailable, time.Second)
		b.sensor.Cancel(2)
		b.module.PlaceFinger("s-001")
		b.quiet(5 * time.Second)

		b.module.Lift()
		b.verify(3, 7)
		b.verify(4, 7) // ends 3 first
		b.outcome(3, drivers.FingerUnavailable, time.Second)
		b.module.PlaceFinger("s-001")
		b.outcome(4, drivers.FingerMatch, 2*time.Second)
		b.verify(5)
		b.outcome(5, drivers.FingerUnavailable, time.Second)
	})
}

// A page that is not there cannot be compared: that is no mismatch, which would
// count towards a lockout, and the library is looked at again at once.
func TestVerifyMissingPage(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.module.Forget(7)
		b.module.PlaceFinger("s-001")
		b.verify(1, 7)
		b.outcome(1, drivers.FingerUnavailable, 2*time.Second)
		if f := next[drivers.Fault](b, time.Second); f.Code != drivers.LibraryChanged || !f.Disabled {
			t.Fatalf("fault %+v", f)
		}
		next[drivers.Offline](b, time.Second)
	})
}

func TestTouchLine(t *testing.T) {
	var b *bench
	o, d := factory(), adopted
	active := false
	o.Touch = func(a bool) {
		b.locked(func() {
			if active = a; a {
				b.touch = time.Now()
			}
		})
	}
	d.Touch = func() (is bool, last time.Time) {
		b.locked(func() { is, last = active, b.touch })
		return is, last
	}
	onBench(t, o, d, func(bench *bench) {
		b = bench
		b.module.Preload(7, "s-001")
		b.online()
		b.module.Lie(true)
		b.verify(1, 7)
		if f := next[drivers.Fault](b, 2*time.Second); f.Code != drivers.NoTouch || f.Disabled {
			t.Fatalf("fault %+v", f)
		}
		b.outcome(1, drivers.FingerUnavailable, time.Second)

		b.module.Lie(false)
		b.module.PlaceFinger("s-001")
		time.Sleep(time.Minute) // it still rests
		b.verify(2, 7)
		b.outcome(2, drivers.FingerMatch, 2*time.Second)
		b.module.Lift()
		b.module.Lie(true)
		b.locked(func() { b.touch = time.Now().Add(-2900 * time.Millisecond) })
		b.verify(3, 7)
		next[drivers.Fault](b, time.Second) // 3 s are over when the answer comes
		b.outcome(3, drivers.FingerUnavailable, time.Second)
		b.locked(func() { b.touch = time.Now().Add(-2 * time.Second) })
		b.verify(4, 7)
		b.outcome(4, drivers.FingerMatch, time.Second)
	})
}

// With a touch line not wired, nothing tells a lying module from a true one:
// the README of the wiring says so, this test keeps it said.
func TestLyingModuleWithoutTouchLine(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.module.Lie(true)
		b.verify(1, 7)
		b.outcome(1, drivers.FingerMatch, 2*time.Second)
	})
}

func TestRing(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.verify(1, 7)
		b.sensor.Show(drivers.Signal{LED: drivers.Pattern{OnColour: drivers.Red}})
		b.sensor.Show(drivers.Signal{LED: drivers.Pattern{OnColour: drivers.Blue, On: 500 * time.Millisecond, Off: 500 * time.Millisecond}, Until: 3 * time.Second})
		time.Sleep(time.Second)
		if got := b.lastRing(); got != [4]byte{2, 100, 2, 0} {
			t.Fatalf("ring shows %v, want flashing blue", got)
		}
		time.Sleep(3 * time.Second)
		if got := b.lastRing(); got != [4]byte{4, 0, 0, 0} {
			t.Fatalf("ring shows %v, want off", got)
		}
		b.sensor.Show(drivers.Signal{LED: drivers.Pattern{OnColour: drivers.Green}})
		time.Sleep(time.Second)
		b.module.PowerCycle() // shown again after it
		time.Sleep(2 * time.Second)
		if got := b.lastRing(); got != [4]byte{3, 0, 4, 0} {
			t.Fatalf("ring shows %v, want steady green", got)
		}
	})
}

func (b *bench) lastRing() (last [4]byte) {
	b.locked(func() {
		if n := len(b.rings); n > 0 {
			r := b.rings[n-1]
			last = [4]byte{r.Control, r.Speed, r.Colour, r.Count}
		}
	})
	return last
}

// A ZFM-20 has no ring, product information or firmware version, says so or
// says nothing, and works all the same.
func TestOldModule(t *testing.T) {
	for _, mute := range []bool{false, true} {
		o := factory()
		o.Model, o.Mute = 1, mute
		onBench(t, o, driver.Options{Name: "finger-in", Identity: "0000/-/-/-"}, func(b *bench) {
			b.module.Preload(7, "s-001")
			next[drivers.Online](b, 10*time.Second)
			b.sensor.Show(drivers.Signal{LED: drivers.Pattern{OnColour: drivers.Red}})
			b.module.PlaceFinger("s-001")
			b.verify(1, 7)
			b.outcome(1, drivers.FingerMatch, 5*time.Second)
			b.quiet(time.Hour)
		})
	}
}
