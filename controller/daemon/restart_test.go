package daemon_test

import (
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/event"
)

// TestP2NothingOpensByItself does everything to a door that is not a person's
// act, twice, and looks at the relay alone.
func TestP2NothingOpensByItself(t *testing.T) {
	if !alone(t) { // one of the faults is a full disk
		return
	}
	onStage(t, func(s *stage) {
		for range 2 {
			for _, acts := range [][]string{
				{"daemon stop", "daemon start"},
				{"daemon kill", "daemon start"},
				{"power cut box", "power restore box"},
				{"power cut lock", "power restore lock"},
				{"power cut all", "power restore all"},
				{"broker stop", "broker start"},
				{"reader entry unplug", "reader entry plug"},
				{"reader exit unplug", "reader exit plug"},
				{"sensor entry unplug", "sensor entry plug"},
				{"tamper entry on", "tamper entry off"},
				{"input door_contact open", "input door_contact normal"},
				{"input bolt_contact open", "input bolt_contact normal"},
				{"input exit_button short", "input exit_button normal"},
				{"input handle_switch short", "input handle_switch normal"},
				{"disk full", "disk free"},
				{"clock +1h", "clock -1h"},
				{"clock untrusted", "clock trusted"},
				{"order lockdown", "order release"},
				{"order reset " + person, "order erase " + person2},
			} {
				for _, a := range acts {
					s.do(a)
					s.rest(7 * time.Second)
					if n := s.releases(); n != 0 {
						t.Fatalf("%s released the lock", a)
					}
				}
			}
		}
		s.nobodyIsShutIn("after all of it")
		// The contact faults look like a fire panel's: fire is not among them,
		// because it releases the lock line itself.
		s.rest(30 * time.Second)
		s.enters(badge, person)
		s.sound()
	})
}

// TestP3EveryReleaseEnds: in our own code after the configured time; after a
// death, at the next start at the latest, before anything else is done.
func TestP3EveryReleaseEnds(t *testing.T) {
	onStage(t, func(s *stage) {
		grant := func() {
			t.Helper()
			s.do("badge entry " + badge)
			s.shows("entry", "finger", 3*time.Second)
			s.do("finger entry " + person)
			s.within(3*time.Second, "the relay to be driven", func() bool { return s.rig.Portal(door).RelayLevel() == gpio.High })
		}
		rests := func(d time.Duration, when string) {
			t.Helper()
			s.within(d, "the relay to rest "+when, func() bool { return s.rig.Portal(door).RelayLevel() == gpio.Low })
		}
		grant()
		rests(3100*time.Millisecond, "after the configured time")
		s.rest(8 * time.Second)

		grant()
		s.do("daemon stop")
		rests(0, "once the daemon ended")
		s.do("daemon start")
		s.rest(8 * time.Second)

		s.do("daemon kill-after release", "badge entry "+badge)
		s.shows("entry", "finger", 3*time.Second)
		s.do("finger entry " + person)
		s.rest(10 * time.Second)
		if s.rig.Portal(door).RelayLevel() != gpio.High {
			t.Fatal("the pin did not hold its level: this rig proves nothing")
		}
		s.do("daemon start")
		rests(0, "at the start")
		s.rest(8 * time.Second)
		s.enters(badge2, person2)
		s.sound()
	})
}

// TestP6RestartDuringAnOpenGrant: what the last run granted is closed as not
// taken, once, and whoever opens then is not taken for him.
func TestP6RestartDuringAnOpenGrant(t *testing.T) {
	for _, end := range []string{"daemon stop", "daemon kill"} {
		t.Run(end, func(t *testing.T) {
			onStage(t, func(s *stage) {
				from := s.last()
				s.do("badge entry " + badge)
				s.shows("entry", "finger", 3*time.Second)
				s.do("finger entry " + person)
				s.writes(from, 3*time.Second, event.AccessGranted)
				s.rest(time.Second)
				s.do(end, "daemon start")
				s.writes(from, 5*time.Second, event.AccessNotTaken, "person="+person)
				s.do("handle", "door open", "door close")
				s.rest(8 * time.Second)
				if n := s.count(from, is(event.AccessTaken)); n != 0 {
					t.Errorf("%d passages were counted", n)
				}
				if n := s.count(from, is(event.AccessNotTaken)); n != 1 {
					t.Errorf("the grant was closed %d times", n)
				}
				s.enters(badge2, person2)
				s.sound()
			})
		})
	}
}

// TestP11LockoutOutlivesTheDaemon: mismatches count across restarts, the fifth
// locks the badge, and the lock stands at the next start. The exit side is not
// part of it.
func TestP11LockoutOutlivesTheDaemon(t *testing.T) {
	onStage(t, func(s *stage) {
		from := s.last()
		for i := range 5 {
			s.do("badge entry " + badge)
			s.shows("entry", "finger", 3*time.Second)
			at := s.last()
			s.do("finger entry stranger")
			s.writes(at, 5*time.Second, event.AccessDenied, "reason=INCORRECT_FACTOR")
			s.rest(3 * time.Second)
			if i == 2 {
				s.do("daemon kill", "daemon start")
				s.rest(8 * time.Second)
			}
			if started := s.count(from, is(event.LockoutStart)); (started == 1) != (i == 4) {
				t.Fatalf("after %d mismatches: %d lockouts", i+1, started)
			}
		}
		at := s.last()
		s.do("daemon stop", "daemon start")
		s.rest(8 * time.Second)
		s.staysOut(badge, person)
		s.writes(at, time.Second, event.AccessDenied, "reason=LOCKOUT")
		s.do("badge exit " + badge)
		s.shows("exit", "finger", 3*time.Second)
		s.do("finger exit " + person)
		s.writes(at, 3*time.Second, event.AccessGranted, "side=exit")
		s.writes(at, 25*time.Second, event.LockoutEnd)
		s.rest(8 * time.Second)
		s.enters(badge, person)
		s.sound()
	})
}

// TestP11LockdownOutlivesTheDaemon: nobody gets in by killing the daemon of a
// locked-down door.
func TestP11LockdownOutlivesTheDaemon(t *testing.T) {
	onStage(t, func(s *stage) {
		from := s.last()
		s.do("order lockdown")
		s.writes(from, 3*time.Second, event.Lockdown)
		for _, end := range []string{"daemon kill", "daemon stop", "power cut all"} {
			s.do(end)
			if end == "power cut all" {
				s.do("power restore all")
			} else {
				s.do("daemon start")
			}
			s.rest(8 * time.Second)
			s.staysOut(badge, person)
			s.nobodyIsShutIn("in a lockdown after " + end)
		}
		s.do("order release")
		s.writes(from, 3*time.Second, event.LockdownReleased)
		s.enters(badge, person)
		s.sound()
	})
}

// TestP4LockdownDuringAnEnrolment: an enrolment waits a minute for a person; a
// lockdown does not wait for the enrolment. An order that changes the roster
// has its turn afterwards.
func TestP4LockdownDuringAnEnrolment(t *testing.T) {
	onStage(t, func(s *stage) {
		from := s.last()
		s.do("order enroll s-016")
		s.shows("entry", "place-finger", 3*time.Second)
		s.do("order erase " + person2)
		s.do("order lockdown")
		s.writes(from, 2*time.Second, event.Lockdown)
		s.do("badge entry " + badge)
		s.writes(from, 3*time.Second, event.AccessDenied, "person="+person)
		s.rest(20 * time.Second)
		if n := s.count(from, is(event.RosterChanged)); n != 0 {
			t.Error("the roster changed under the enrolment")
		}
		s.writes(from, 90*time.Second, event.EnrolmentFailed, "person=s-016")
		s.writes(from, 10*time.Second, event.RosterChanged, "person="+person2)
		s.do("order release")
		s.writes(from, 3*time.Second, event.LockdownReleased)
		s.rest(5 * time.Second)
		s.enters(badge, person)
		s.sound()
	})
}
