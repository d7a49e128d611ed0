package zfm_test

import (
	"strings"
	"testing"
	"time"

	"sekimori/drivers"
	driver "sekimori/drivers/zfm"
)

func (b *bench) fault(code drivers.FaultCode, d time.Duration) drivers.Fault {
	b.t.Helper()
	f := next[drivers.Fault](b, d)
	if f.Code != code {
		b.t.Fatalf("fault %+v, want %s", f, code)
	}
	return f
}

func (b *bench) refuses(id uint64) {
	b.t.Helper()
	b.verify(id, 7)
	b.outcome(id, drivers.FingerUnavailable, time.Second)
}

func TestNotAdopted(t *testing.T) {
	onBench(t, factory(), driver.Options{Name: "finger-in"}, func(b *bench) {
		if f := b.fault(drivers.NotAdopted, 3*time.Second); f.Detail != pin503 || !f.Disabled {
			t.Fatalf("fault %+v", f)
		}
		next[drivers.Offline](b, time.Second)
		b.refuses(1)
		b.quiet(time.Hour)
	})
}

func TestSwappedSensor(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.module.PlaceFinger("s-001")
		b.module.SwapSerial("Z9999999") // no power cycle, no silence: found by the idle check
		if f := b.fault(drivers.IdentityChanged, 11*time.Second); !f.Disabled || f.Detail == pin503 {
			t.Fatalf("fault %+v", f)
		}
		if o := next[drivers.Offline](b, time.Second); o.Unplugged {
			t.Fatalf("offline %+v", o)
		}
		b.refuses(1)
		b.cable.Unplug()
		b.cable.Plug()
		b.drain()
		time.Sleep(5 * time.Second)
		b.drain()
		b.refuses(2) // a new wire does not heal it
		b.module.SwapSerial("A1234567")
		if got := next[drivers.Online](b, 5*time.Second); got.Identity != pin503 { // the old one put back does
			t.Fatalf("online as %q", got.Identity)
		}
		b.verify(3, 7)
		b.outcome(3, drivers.FingerMatch, 2*time.Second)
	})
}

func TestPassword(t *testing.T) {
	o, d := factory(), adopted
	o.Password, d.Password = 0xA1B2C3D4, driver.NewPassword([4]byte{0xA1, 0xB2, 0xC3, 0xD4})
	onBench(t, o, d, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.quiet(time.Minute)
	})
	onBench(t, o, adopted, func(b *bench) {
		b.fault(drivers.BadPassword, 3*time.Second)
		next[drivers.Offline](b, time.Second)
		b.refuses(1)
		b.quiet(time.Hour)
	})
}

// A ZFM-20 says nothing when it has started: the password it wants again
// gives the power cycle away.
func TestSilentPowerCycle(t *testing.T) {
	o := factory()
	o.Model, o.Password = 1, 0xA1B2C3D4
	d := driver.Options{Name: "finger-in", Identity: "0000/-/-/-", Password: driver.NewPassword([4]byte{0xA1, 0xB2, 0xC3, 0xD4})}
	onBench(t, o, d, func(b *bench) {
		b.module.Preload(7, "s-001")
		next[drivers.Online](b, 5*time.Second)
		time.Sleep(2 * time.Second) // the ring has been asked for
		b.module.PowerCycle()
		time.Sleep(time.Second)
		b.verify(1, 7)
		b.outcome(1, drivers.FingerUnavailable, time.Second)
		if r := next[drivers.Offline](b, time.Second); !strings.Contains(r.Reason, "password") {
			t.Fatalf("offline %+v", r)
		}
		next[drivers.Online](b, 5*time.Second)
	})
}

func TestPowerCycle(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.verify(1, 7)
		time.Sleep(time.Second)
		b.module.PowerCycle()
		b.outcome(1, drivers.FingerUnavailable, time.Second)
		if r := next[drivers.Offline](b, time.Second); !strings.Contains(r.Reason, "by itself") {
			t.Fatalf("offline %+v", r)
		}
		b.online()
		b.module.PlaceFinger("s-001")
		b.verify(2, 7)
		b.outcome(2, drivers.FingerMatch, 2*time.Second)
	})
}

func TestSilence(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.quiet(time.Hour)
		b.module.Silent(true)
		next[drivers.Offline](b, 14*time.Second) // idle: asked every ten seconds
		b.refuses(1)
		b.quiet(time.Hour)
		b.module.Silent(false)
		start := time.Now()
		b.online()
		if took := time.Since(start); took > 5*time.Second {
			t.Fatalf("back after %v", took)
		}
		b.verify(2, 7)
		time.Sleep(time.Second)
		b.module.Silent(true)
		b.outcome(2, drivers.FingerUnavailable, 5*time.Second)
		next[drivers.Offline](b, time.Second)
	})
}

func TestUnplug(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		b.verify(1, 7)
		time.Sleep(time.Second)
		b.cable.Unplug()
		b.outcome(1, drivers.FingerUnavailable, 100*time.Millisecond)
		if r := next[drivers.Offline](b, 100*time.Millisecond); !r.Unplugged {
			t.Fatalf("offline %+v", r)
		}
		b.refuses(2)
		b.module.SwapSerial("Z9999999") // somebody else's comes back
		b.cable.Plug()
		b.fault(drivers.IdentityChanged, 5*time.Second)
		next[drivers.Offline](b, time.Second)
	})
}

// A line that damages, misdirects or splits what it carries costs time, not
// truth.
func TestPoorLine(t *testing.T) {
	faults := map[string]func(b *bench){
		"corrupt 1":       func(b *bench) { b.module.Corrupt(1) },
		"wrong address 1": func(b *bench) { b.module.WrongAddress(1) },
		"split":           func(b *bench) { b.module.Split(1, 3*time.Millisecond) },
		"slow":            func(b *bench) { b.module.Delay(400 * time.Millisecond) },
		"noise":           func(b *bench) { b.module.Noise([]byte{0x00, 0xEF, 0x01, 0xFF, 0xEF, 0xAA}) },
	}
	for name, set := range faults {
		t.Run(name, func(t *testing.T) {
			onBench(t, factory(), adopted, func(b *bench) {
				b.module.Preload(7, "s-001")
				b.online()
				time.Sleep(time.Second)
				set(b)
				b.module.PlaceFinger("s-001")
				b.verify(1, 7)
				for {
					select {
					case e := <-b.events:
						switch body := e.Body.(type) {
						case drivers.Fault:
							if body.Code != drivers.Malformed || body.Disabled {
								t.Fatalf("fault %+v", body)
							}
						case drivers.FingerResult:
							if body.Outcome != drivers.FingerMatch {
								t.Fatalf("outcome %+v", body)
							}
							return
						default:
							t.Fatalf("event %+v", body)
						}
					case <-time.After(20 * time.Second):
						t.Fatal("no outcome")
					}
				}
			})
		})
	}
}

// An answer that comes after its time must not be taken for the answer to a
// later command: with every delay, a stranger's finger is never a match.
func TestLateAnswers(t *testing.T) {
	for delay := 200 * time.Millisecond; delay < 4*time.Second; delay += 130 * time.Millisecond {
		onBench(t, factory(), adopted, func(b *bench) {
			b.module.Preload(7, "s-001")
			b.online()
			b.module.PlaceFinger("s-001")
			b.verify(1, 7)
			time.Sleep(300 * time.Millisecond)
			b.module.Delay(delay)
			time.Sleep(2 * time.Second)
			b.sensor.Cancel(1)
			b.module.PlaceStranger()
			b.drain()
			for id := uint64(2); id < 10; id++ {
				b.verify(id, 7)
				time.Sleep(time.Duration(id) * 300 * time.Millisecond)
			}
			b.module.Delay(0)
			b.verify(10, 7)
			time.Sleep(time.Minute)
			b.noMatch()
		})
	}
}

func (b *bench) noMatch() {
	b.t.Helper()
	for {
		select {
		case e := <-b.events:
			if r, is := e.Body.(drivers.FingerResult); is && r.Outcome == drivers.FingerMatch {
				b.t.Fatalf("a stranger matched: %+v", r)
			}
		default:
			return
		}
	}
}

// A module that streams nonsense, ready bytes among it, is served slowly, and
// the daemon is not flooded.
func TestBabble(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.online()
		for range 600 {
			b.module.Noise([]byte{0x55, 0x00, 0xEF, 0x01, 0x55})
			time.Sleep(100 * time.Millisecond)
		}
		if n := len(b.events); n > 10 {
			t.Fatalf("%d events in a minute of noise", n)
		}
		time.Sleep(10 * time.Second)
		if !b.tally().online {
			t.Fatal("not online after the noise")
		}
	})
}
