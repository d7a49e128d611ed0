package daemon_test

import (
	"fmt"
	"testing"
	"time"

	"sekimori/controller/event"
)

// TestP4NobodyIsShutIn tries handle and exit button in every state that a
// fault can bring about.
func TestP4NobodyIsShutIn(t *testing.T) {
	if !alone(t) { // one of the faults is a full disk
		return
	}
	for _, tc := range []struct{ name, begin, end string }{
		{"in service", "", ""},
		{"daemon killed", "daemon kill", "daemon start"},
		{"daemon stopped", "daemon stop", "daemon start"},
		{"disk full", "disk full", "disk free"},
		{"broker gone", "broker stop", "broker start"},
		{"readers gone", "reader entry unplug", "reader entry plug"},
		{"inside reader gone", "reader exit unplug", "reader exit plug"},
		{"sensor gone", "sensor exit unplug", "sensor exit plug"},
		{"clock untrusted", "clock untrusted", "clock trusted"},
		{"clock an hour ahead", "clock +1h", "clock -1h"},
		{"lockdown", "order lockdown", "order release"},
		{"tampered reader", "tamper exit on", "tamper exit off"},
		{"door contact cut", "input door_contact open", "input door_contact normal"},
		{"bolt contact cut", "input bolt_contact open", "input bolt_contact normal"},
		{"box without power", "power cut box", "power restore box"},
	} {
		onStage(t, func(s *stage) {
			opened := s.releases()
			if tc.begin != "" {
				s.do(tc.begin)
			}
			s.rest(8 * time.Second)
			s.nobodyIsShutIn(tc.name)
			if tc.end != "" {
				s.do(tc.end)
			}
			s.rest(15 * time.Second)
			if s.releases() != opened {
				t.Errorf("%s: the daemon released the lock", tc.name)
			}
			s.enters(badge, person)
			s.sound()
		})
		if t.Failed() {
			t.Fatal(tc.name)
		}
	}
}

// TestP4ExitIsNotJudgedByTheClock: with a clock that nobody vouches for, or
// that was set an hour off, nobody enters, everybody who is identified leaves,
// and the next right reading puts the door in service again.
func TestP4ExitIsNotJudgedByTheClock(t *testing.T) {
	for _, tc := range []struct {
		name         string
		wrong, right []string
		kind         event.Kind
	}{
		{"forward while running", []string{"clock +1h"}, []string{"clock -1h"}, event.TimeStep},
		{"back while running", []string{"clock -1h"}, []string{"clock +1h"}, event.TimeStep},
		{"untrusted while running", []string{"clock untrusted"}, []string{"clock trusted"}, event.TimeUntrusted},
		{"untrusted at boot", []string{"daemon kill", "clock untrusted", "daemon start"}, []string{"clock trusted"}, event.TimeUntrusted},
		{"behind the ledger at boot", []string{"daemon kill", "clock -1h", "daemon start"}, []string{"clock +1h"}, event.TimeUntrusted},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onStage(t, func(s *stage) {
				from := s.last()
				s.do(tc.wrong...)
				s.writes(from, 5*time.Second, tc.kind)
				s.rest(8 * time.Second)
				s.staysOut(badge, person)
				s.writes(from, 2*time.Second, event.AccessDenied, "reason=CLOCK_UNTRUSTED", "clock=untrusted")
				s.do("badge exit " + badge2)
				s.shows("exit", "finger", 3*time.Second)
				s.do("finger exit " + person2)
				s.writes(from, 3*time.Second, event.AccessGranted, "side=exit", "clock=untrusted")
				s.rest(8 * time.Second)
				s.nobodyIsShutIn(tc.name)
				s.do(tc.right...)
				s.writes(from, 5*time.Second, event.TimeTrusted)
				s.rest(5 * time.Second)
				s.enters(badge, person)
				s.sound()
			})
		})
	}
}

// TestP9BrokerGoneForLong: hundreds of events, a kill, a power cut and a stop
// while nobody listens; then everything arrives, once each, in order.
func TestP9BrokerGoneForLong(t *testing.T) {
	onStage(t, func(s *stage) {
		from := s.last()
		s.do("broker stop")
		for i := range 150 {
			s.do("input tamper open")
			s.rest(200 * time.Millisecond)
			s.do("input tamper normal")
			s.rest(200 * time.Millisecond)
			switch i {
			case 30:
				s.do("daemon kill", "daemon start")
			case 60:
				s.rest(8 * time.Second)
				s.enters(badge, person)
			case 90:
				s.do("daemon stop", "daemon start")
			case 120:
				s.do("power cut all", "power restore all")
			}
		}
		s.rest(30 * time.Minute)
		if n := s.last() - from; n < 300 {
			t.Fatalf("%d events only: nothing is proved", n)
		}
		if have := s.rig.Head().Highest(door); have > from {
			t.Fatalf("%d events passed a broker that is gone", have-from)
		}
		s.do("broker start")
		s.sound()
		s.enters(badge2, person2)
		s.sound()
	})
}

// TestP9BrokerComesAndGoes: the broker dies eight times under a stream of
// events.
func TestP9BrokerComesAndGoes(t *testing.T) {
	onStage(t, func(s *stage) {
		for i := range 8 {
			for range 20 {
				s.do("input tamper open")
				s.rest(time.Duration(70+i*7) * time.Millisecond)
				s.do("input tamper normal")
				s.rest(150 * time.Millisecond)
			}
			s.do("broker stop")
			s.rest(time.Duration(i) * 700 * time.Millisecond)
			s.do("broker start")
		}
		s.enters(badge, person)
		s.sound()
	})
}

// TestP11ReaderUnpluggedMidFrame pulls the readers' cable at every moment of
// a badge's way over the wire: half a frame names nobody, opens nothing and
// is no crash; the reader is lost and comes back, and is then as good as new.
func TestP11ReaderUnpluggedMidFrame(t *testing.T) {
	for at := range 20 {
		onStage(t, func(s *stage) {
			from := s.last()
			s.do("badge entry " + badge)
			time.Sleep(time.Duration(at)*6*time.Millisecond + 300*time.Microsecond)
			s.rig.Cable(door, "readers").Unplug()
			s.writes(from, 5*time.Second, event.ReaderLost, "device=badge-entry")
			s.do("finger entry " + person)
			s.rest(7 * time.Second)
			if n := s.releases(); n != 0 {
				t.Fatalf("pulled after %d ms: %d releases", 6*at, n)
			}
			s.rig.Cable(door, "readers").Plug()
			s.writes(from, 8*time.Second, event.ReaderRestored, "device=badge-entry")
			s.rest(8 * time.Second)
			s.enters(badge, person)
			s.sound()
		})
		if t.Failed() {
			t.Fatalf("pulled after %d ms", 6*at)
		}
	}
}

// TestP11SensorUnpluggedMidFrame does the same to the sensor while a finger is
// compared: either the match arrived whole and was recorded, or nothing opens.
func TestP11SensorUnpluggedMidFrame(t *testing.T) {
	granted := 0
	for at := range 18 {
		onStage(t, func(s *stage) {
			from := s.last()
			s.do("badge entry " + badge)
			s.shows("entry", "finger", 3*time.Second)
			s.do("finger entry " + person)
			time.Sleep(time.Duration(at)*20*time.Millisecond + 300*time.Microsecond)
			s.rig.Cable(door, "finger-entry").Unplug()
			s.writes(from, 15*time.Second, event.ReaderLost, "device=finger-entry")
			s.rest(8 * time.Second)
			n := s.count(from, is(event.AccessGranted))
			granted += n
			if s.releases() != n {
				t.Fatalf("pulled after %d ms: %d releases, %d grants", 20*at, s.releases(), n)
			}
			s.rig.Cable(door, "finger-entry").Plug()
			s.writes(from, 15*time.Second, event.ReaderRestored, "device=finger-entry")
			s.rest(5 * time.Second)
			s.enters(badge, person)
			s.sound()
		})
		if t.Failed() {
			t.Fatalf("pulled after %d ms", 20*at)
		}
	}
	if granted == 0 || granted == 18 {
		t.Errorf("%d of 18 were granted: the cable was never pulled in the middle", granted)
	}
}

// TestP12EnrolmentCutOff kills the daemon at every step of an enrolment. The
// next start says so, erases what may be on either sensor, and both are in
// service; the same finger can then be enrolled.
func TestP12EnrolmentCutOff(t *testing.T) {
	holds := func(s *stage, side string) int { return len(s.rig.Module(door, side).Library()) }
	for _, tc := range []struct {
		name  string
		until func(s *stage, before int) bool
		views int
	}{
		{"before the first view", func(*stage, int) bool { return true }, 0},
		{"between two views", func(*stage, int) bool { return true }, 2},
		{"stored on the entry side", func(s *stage, before int) bool { return holds(s, "entry") > before }, 4},
		{"stored on both sides", func(s *stage, before int) bool { return holds(s, "exit") > before }, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onStage(t, func(s *stage) {
				before := holds(s, "entry")
				from := s.last()
				s.do("order enroll s-016")
				s.shows("entry", "place-finger", 3*time.Second)
				for i := range tc.views {
					s.do("finger entry s-016")
					if i < 3 {
						s.shows("entry", "place-finger", 3*time.Second)
					}
				}
				for end := time.Now().Add(5 * time.Second); !tc.until(s, before); time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("%s: never\n%s", tc.name, s.tail())
					}
				}
				if n := s.count(from, is(event.BiometricEnrolled)); n != 0 {
					t.Fatal("it is enrolled already")
				}
				s.do("daemon kill", "daemon start")
				s.writes(from, 5*time.Second, event.EnrolmentFailed, "person=s-016")
				s.writes(from, 10*time.Second, event.BiometricErased, "side=entry")
				s.writes(from, 10*time.Second, event.BiometricErased, "side=exit")
				for _, side := range []string{"entry", "exit"} {
					if holds(s, side) != before {
						t.Errorf("the %s sensor holds %d templates, want %d", side, holds(s, side), before)
					}
				}
				s.rest(5 * time.Second)
				s.enrols("s-016")
				s.enters("10038", "s-016")
				if n := s.count(from, is(event.ReaderRejected)); n != 0 {
					t.Errorf("%d times a sensor was taken for a changed one", n)
				}
				s.sound()
			})
		})
	}
}

// enrols takes a person through an enrolment.
func (s *stage) enrols(person string) {
	s.Helper()
	from := s.last()
	s.do("order enroll " + person)
	for range 4 {
		s.shows("entry", "place-finger", 3*time.Second)
		s.do("finger entry " + person)
	}
	s.writes(from, 10*time.Second, event.BiometricEnrolled, "person="+person)
	s.rest(3 * time.Second)
}

// TestP12ErasureWaits: a sensor that was out when the order came is erased as
// soon as it is back, with and without a restart in between, and with a kill
// between the sensor's act and its record.
func TestP12ErasureWaits(t *testing.T) {
	for _, between := range [][]string{nil, {"daemon stop", "daemon start"}, {"daemon kill", "daemon start"}} {
		t.Run(fmt.Sprint(between), func(t *testing.T) {
			onStage(t, func(s *stage) {
				from := s.last()
				s.do("sensor exit unplug")
				s.writes(from, 15*time.Second, event.ReaderLost, "device=finger-exit")
				s.do("order erase " + person)
				s.writes(from, 3*time.Second, event.BiometricErased, "side=entry", "person="+person)
				s.do(between...)
				s.rest(2 * time.Second)
				s.do("sensor exit plug")
				s.writes(from, 15*time.Second, event.BiometricErased, "side=exit", "person="+person)
				if s.rig.Module(door, "exit").Holds(1, person) {
					t.Error("the template is still there")
				}
				if n := s.count(from, is(event.ReaderRejected)); n != 0 {
					t.Errorf("%d times a sensor was taken for a changed one", n)
				}
				s.rest(8 * time.Second)
				s.enters(badge2, person2)
				s.do("badge exit " + badge2)
				s.shows("exit", "finger", 3*time.Second)
				s.sound()
			})
		})
	}
	t.Run("killed before the record", func(t *testing.T) {
		onStage(t, func(s *stage) {
			from := s.last()
			s.do("order erase " + person)
			for end := time.Now().Add(5 * time.Second); s.rig.Module(door, "exit").Holds(1, person); time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("never erased")
				}
			}
			if s.count(from, is(event.BiometricErased, "side=exit")) != 0 {
				t.Fatal("it is recorded already")
			}
			s.do("daemon kill", "daemon start")
			s.writes(from, 15*time.Second, event.BiometricErased, "side=exit", "person="+person)
			if n := s.count(from, is(event.ReaderRejected)); n != 0 {
				t.Errorf("%d times a sensor was taken for a changed one", n)
			}
			s.rest(5 * time.Second)
			s.enters(badge2, person2)
			s.sound()
		})
	})
}

// TestP11ClockHeldBack: whoever sets a clock back a little, waits until nobody
// would call it behind, and sets it back again, keeps an expired permit alive.
// What it lost in all is what counts, until the time service vouches anew.
func TestP11ClockHeldBack(t *testing.T) {
	onStage(t, func(s *stage) {
		from := s.last()
		for range 3 {
			s.do("clock -30s")
			s.rest(40 * time.Second)
		}
		s.staysOut(badge, person)
		s.writes(from, 2*time.Second, event.AccessDenied, "reason=CLOCK_UNTRUSTED")
		s.do("clock untrusted")
		s.rest(5 * time.Second)
		s.do("clock trusted")
		s.rest(8 * time.Second)
		s.enters(badge, person)
		s.sound()
	})
}
