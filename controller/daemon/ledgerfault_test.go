package daemon_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekimori/controller/event"
)

// TestP11LedgerUnusable: a ledger that is missing, shorter, changed or foreign
// is an alarm and refuses entry; nobody is shut in, and nothing makes a new
// one in its place.
func TestP11LedgerUnusable(t *testing.T) {
	for _, tc := range []struct {
		name string
		harm func(*stage)
		says string // the log at the next start
	}{
		{"missing", func(s *stage) { remove(s, s.dir()) }, "ledger is missing"},
		{"database missing", func(s *stage) { remove(s, filepath.Join(s.dir(), "ledger.db*")) }, "ledger is missing"},
		{"head missing", func(s *stage) { remove(s, filepath.Join(s.dir(), "head")) }, "ledger is missing"},
		{"device key missing", func(s *stage) { remove(s, filepath.Join(s.dir(), "device.key")) }, "ledger is missing"},
		{"database empty", func(s *stage) { rewrite(s, "ledger.db", func([]byte) []byte { return nil }) }, "ledger is missing"},
		{"database cut short", func(s *stage) {
			rewrite(s, "ledger.db", func(b []byte) []byte { return b[:len(b)/2] })
		}, "ledger is"},
		{"database is something else", func(s *stage) {
			rewrite(s, "ledger.db", func(b []byte) []byte { return bytes.Repeat([]byte("not a database. "), 4096) })
		}, "ledger is corrupt"},
		{"a byte of the newest events", func(s *stage) { flipNewest(s) }, "ledger is corrupt"},
		{"an older database", func(s *stage) { s.do("ledger restore-database") }, "ledger is shorter"},
		{"another box's key", func(s *stage) {
			rewrite(s, "device.key", func(b []byte) []byte { return bytes.Replace(b, b[60:64], []byte("AAAA"), 1) })
		}, "ledger is corrupt"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onStage(t, func(s *stage) {
				s.do("ledger copy")
				s.enters(badge, person)
				s.do("daemon stop")
				tc.harm(s)
				before := listing(s)
				s.do("daemon start")
				s.shows("entry", "unavailable", 10*time.Second)
				if alive, err := s.rig.Alive(door); !alive {
					t.Fatalf("the daemon ended: %v", err)
				}
				if !strings.Contains(s.logged(), tc.says) || !strings.Contains(s.logged(), "entry is refused") {
					t.Errorf("the log does not say %q", tc.says)
				}
				s.staysOut(badge2, person2)
				s.nobodyIsShutIn(tc.name)
				s.do("daemon stop")
				if after := listing(s); after != before {
					t.Errorf("files of the ledger came or went:\nbefore %s\nafter  %s", before, after)
				}
			})
		})
	}
}

func remove(s *stage, pattern string) {
	s.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		s.Fatalf("nothing to remove at %s", pattern)
	}
	for _, f := range found {
		if err := os.RemoveAll(f); err != nil {
			s.Fatal(err)
		}
	}
}

func rewrite(s *stage, name string, change func([]byte) []byte) {
	s.Helper()
	path := filepath.Join(s.dir(), name)
	b, err := os.ReadFile(path)
	if err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, change(bytes.Clone(b)), 0o600); err != nil {
		s.Fatal(err)
	}
}

// flipNewest changes one letter of the newest event, wherever it stands in the
// database.
func flipNewest(s *stage) {
	s.Helper()
	all := s.bodies()
	newest := all[len(all)-1]
	rewrite(s, "ledger.db", func(b []byte) []byte {
		i := bytes.LastIndex(b, newest)
		if i < 0 {
			s.Fatal("the newest event does not stand in the database's file")
		}
		b[i+bytes.Index(newest, []byte("daemon_stopped"))] ^= 1
		return b
	})
}

// listing names the files of the ledger's folder that are not SQLite's own
// side files.
func listing(s *stage) string {
	s.Helper()
	entries, err := os.ReadDir(s.dir())
	if os.IsNotExist(err) {
		return "no folder"
	}
	if err != nil {
		s.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "-wal") && !strings.HasSuffix(e.Name(), "-shm") {
			names = append(names, e.Name())
		}
	}
	return strings.Join(names, " ")
}

// TestP11Restored: once the true ledger is back in its place the daemon starts
// afresh by itself, and the door is in service with all that it knew.
func TestP11Restored(t *testing.T) {
	onStage(t, func(s *stage) {
		s.enters(badge, person)
		s.do("daemon stop")
		aside := s.dir() + ".aside"
		if err := os.Rename(s.dir(), aside); err != nil {
			t.Fatal(err)
		}
		s.do("daemon start")
		s.staysOut(badge2, person2)
		if err := os.Rename(aside, s.dir()); err != nil {
			t.Fatal(err)
		}
		from := s.last()
		s.supervised(time.Minute)
		s.writes(from, 5*time.Second, event.DaemonStarted)
		s.enters(badge2, person2)
		s.sound()
	})
}

// TestP11StartWithFullDisk: a start that cannot record lets nobody in, and the
// door is in service once there is room. A disk without room for a byte does
// not even let SQLite begin.
func TestP11StartWithFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	toAppend := func(s *stage, full bool) { s.do(map[bool]string{true: "disk full", false: "disk free"}[full]) }
	for _, tc := range []struct {
		name, end string
		full      func(*stage, bool)
	}{
		{"killed, no room to append", "daemon kill", toAppend},
		{"killed, no room for a byte", "daemon kill", noRoom},
		{"stopped, no room for a byte", "daemon stop", noRoom},
	} {
		onStage(t, func(s *stage) {
			from := s.last()
			s.do(tc.end)
			tc.full(s, true)
			defer s.try("disk free")
			s.do("daemon start")
			s.rest(5 * time.Second)
			if alive, err := s.rig.Alive(door); !alive {
				t.Fatalf("%s: the daemon ended: %v", tc.name, err)
			}
			s.staysOut(badge, person)
			s.nobodyIsShutIn(tc.name)
			tc.full(s, false)
			s.supervised(time.Minute)
			s.writes(from, 10*time.Second, event.DaemonStarted)
			s.enters(badge, person)
			s.sound()
		})
		if t.Failed() {
			t.Fatal(tc.name)
		}
	}
}

// TestP11StartWithLockedDatabase: the same while another process holds the
// database.
func TestP11StartWithLockedDatabase(t *testing.T) {
	onStage(t, func(s *stage) {
		s.do("daemon stop")
		from := s.last()
		unlock := lockDatabase(s)
		s.do("daemon start")
		s.rest(15 * time.Second)
		s.staysOut(badge, person)
		s.nobodyIsShutIn("started with a locked database")
		unlock()
		s.supervised(time.Minute)
		s.writes(from, 10*time.Second, event.DaemonStarted)
		s.enters(badge, person)
		s.sound()
	})
}
