package daemon_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"sekimori/controller/event"
)

// TestP1Killed kills the daemon on either side of the two boundaries that show
// from outside: the record of a grant, and the relay's edge.
func TestP1Killed(t *testing.T) {
	for _, tc := range []struct {
		when             string
		granted, edges   int
		unused, relayEnd bool
	}{
		{when: "kill-before record"},
		{when: "kill-before release", granted: 1, unused: true},
		{when: "kill-after release", granted: 1, edges: 1, unused: true, relayEnd: true},
	} {
		t.Run(tc.when, func(t *testing.T) {
			onStage(t, func(s *stage) {
				from := s.last()
				s.do("daemon "+tc.when, "badge entry "+badge)
				s.shows("entry", "finger", 3*time.Second)
				s.do("finger entry " + person)
				s.rest(3 * time.Second)
				if alive, _ := s.rig.Alive(door); alive {
					t.Fatal("the daemon lives")
				}
				if got := s.releases(); got != tc.edges {
					t.Errorf("%d edges at the relay, want %d", got, tc.edges)
				}
				if got := s.count(from, is(event.AccessGranted)); got != tc.granted {
					t.Errorf("%d grants in the ledger, want %d", got, tc.granted)
				}
				s.do("daemon start")
				s.writes(from, 5*time.Second, event.DaemonStarted)
				s.rest(10 * time.Second)
				if got := s.releases(); got != tc.edges {
					t.Errorf("starting released the lock: %d edges, want %d", got, tc.edges)
				}
				if got := s.count(from, is(event.AccessNotTaken, "person="+person)); (got == 1) != tc.unused {
					t.Errorf("%d grants were closed as not taken", got)
				}
				s.nobodyIsShutIn("after the kill")
				s.enters(badge, person)
				s.sound()
			})
		})
	}
}

// TestP1DiskFull: what cannot be recorded opens nothing; egress stays free;
// once there is room the door says what happened and is in service again.
func TestP1DiskFull(t *testing.T) {
	if !alone(t) {
		return
	}
	onStage(t, func(s *stage) {
		from := s.last()
		s.do("disk full")
		defer s.try("disk free")
		s.staysOut(badge, person)
		s.nobodyIsShutIn("with a full disk")
		s.do("disk free")
		s.writes(from, 15*time.Second, event.DiskFull)
		s.writes(from, 15*time.Second, event.AccessDenied, "person="+person, "reason=OUT_OF_SERVICE")
		s.writes(from, 15*time.Second, event.DiskRestored)
		s.rest(10 * time.Second)
		s.enters(badge, person)
		s.sound()
	})
}

// TestP1DatabaseLocked: another process holds the database. The append gives
// up in two seconds, and a commit that comes later opens nothing.
func TestP1DatabaseLocked(t *testing.T) {
	onStage(t, func(s *stage) {
		from := s.last()
		unlock := lockDatabase(s)
		s.staysOut(badge, person)
		s.nobodyIsShutIn("with a locked database")
		unlock()
		s.writes(from, 15*time.Second, event.DiskFull)
		s.writes(from, 15*time.Second, event.DiskRestored)
		s.rest(10 * time.Second)
		if n := s.count(from, is(event.AccessGranted)); n != 0 {
			t.Errorf("%d grants", n)
		}
		s.enters(badge, person)
		s.sound()
	})
}

// TestP1DatabaseLockedInBetween: the lock comes when the finger is on the
// sensor and goes while the door waits for its record.
func TestP1DatabaseLockedInBetween(t *testing.T) {
	onStage(t, func(s *stage) {
		s.do("badge entry " + badge)
		s.shows("entry", "finger", 3*time.Second)
		unlock := lockDatabase(s)
		opened := s.releases()
		s.do("finger entry " + person)
		s.rest(time.Second)
		if s.releases() != opened {
			t.Fatal("the lock was released before its record")
		}
		unlock()
		s.rest(10 * time.Second)
		s.nothingUnrecorded()
		s.enters(badge, person)
		s.sound()
	})
}

// lockDatabase takes the database's write lock, as another process would.
func lockDatabase(s *stage) (unlock func()) {
	s.Helper()
	db, err := sql.Open("sqlite", filepath.Join(s.dir(), "ledger.db"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { db.Close() }) // the lock ends with its connection
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		s.Fatal(err)
	}
	return func() {
		if _, err := db.Exec("ROLLBACK"); err != nil {
			s.Error(err)
		}
	}
}
