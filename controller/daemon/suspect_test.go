package daemon_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	_ "modernc.org/sqlite"

	"sekimori/controller/event"
	"sekimori/firmware-sim/story"
)

// TestP10EditedRoster: whoever edits the roster beside the daemon lets nobody
// in by it; the ledger says so, nobody is shut in, and a signed import and a
// start put it right.
func TestP10EditedRoster(t *testing.T) {
	reference, err := os.ReadFile("../../testdata/hino/roster.toml")
	if err != nil {
		t.Fatal(err)
	}
	onStage(t, func(s *stage) {
		s.enters(badge, person)
		s.do("daemon stop")
		db, err := sql.Open("sqlite", filepath.Join(s.dir(), "ledger.db"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := db.Exec(`UPDATE state SET bytes = CAST(replace(CAST(bytes AS TEXT), '"stolen"', '"active"') AS BLOB) WHERE name = 'roster'`)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := res.RowsAffected(); n != 1 {
			t.Fatal("there was no roster to edit")
		}
		db.Close()
		from := s.last()
		s.do("daemon start")
		s.writes(from, 5*time.Second, event.LedgerSuspect)
		s.rest(8 * time.Second)
		s.staysOut(badge, person)
		s.nobodyIsShutIn("with an edited roster")
		imports(s, reference)
		s.writes(from, 10*time.Second, event.RosterChanged)
		s.staysOut(badge, person) // to the end of the run
		from = s.last()
		s.do("daemon stop", "daemon start")
		s.rest(8 * time.Second)
		if n := s.count(from, is(event.LedgerSuspect)); n != 0 {
			t.Error("still suspect")
		}
		s.enters(badge, person)
		s.sound()
	}, story.File{Name: "other.toml", Data: string(reference)})
}

// imports hands in the file other.toml of the scene.
func imports(s *stage, text []byte) {
	s.Helper()
	head := "# import\ndoor " + door + "\nat " + begins + "\n> order import other.toml\n-- other.toml --\n"
	parsed, err := story.Parse("import", append([]byte(head), text...))
	if err != nil {
		s.Fatal(err)
	}
	for _, l := range parsed.Lines {
		if a, ok := l.Body.(story.Act); ok {
			if err := s.rig.Do(s.Context(), a); err != nil {
				s.Fatal(err)
			}
		}
	}
	synctest.Wait()
}
