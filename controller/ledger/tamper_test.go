package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// unfenced is the database as any SQLite tool opens it.
var unfenced = access{query: "mode=rw&_busy_timeout=5000", conns: 1}

// vandal lets f at the database with all triggers out of the way, and puts
// them back word by word.
func vandal(t testing.TB, dir string, f func(exec func(query string, args ...any))) {
	t.Helper()
	db, err := connect(filepath.Join(dir, databaseFile), unfenced)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	var triggers []string
	for _, s := range schema {
		if rest, ok := strings.CutPrefix(s, "CREATE TRIGGER "); ok {
			name, _, _ := strings.Cut(rest, " ")
			exec("DROP TRIGGER " + name)
			triggers = append(triggers, s)
		}
	}
	f(exec)
	for _, s := range triggers {
		exec(s)
	}
}

type row struct{ salt, body []byte }

func rowsOf(t testing.TB, dir string) (out []row) {
	t.Helper()
	db, err := connect(filepath.Join(dir, databaseFile), unfenced)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT salt, body FROM event ORDER BY seq`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.salt, &r.body); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// forgery is one way to falsify a ledger of at least 60 events, of which 40
// and 41 differ.
type forgery struct {
	name string
	do   func(rows []row) []row
}

var forgeries = []forgery{
	{"changed", func(rows []row) []row {
		rows[39].body = bytes.Replace(rows[39].body, []byte("s-001"), []byte("s-666"), 1)
		return rows
	}},
	{"removed", func(rows []row) []row { return slices.Delete(rows, 39, 40) }},
	{"removed at the start", func(rows []row) []row { return rows[1:] }},
	{"removed at the end", func(rows []row) []row { return rows[:len(rows)-5] }},
	{"inserted", func(rows []row) []row {
		return slices.Insert(rows, 39, row{make([]byte, saltSize), bytes.Clone(rows[3].body)})
	}},
	{"reordered", func(rows []row) []row {
		rows[39], rows[40] = rows[40], rows[39]
		return rows
	}},
	{"salt changed", func(rows []row) []row {
		rows[39].salt = bytes.Repeat([]byte{7}, saltSize)
		return rows
	}},
}

// renumber writes each body's own number, as a careful forger does.
func renumber(rows []row) {
	for i := range rows {
		_, rest, _ := bytes.Cut(rows[i].body, []byte(","))
		rows[i].body = append(fmt.Appendf(nil, `{"seq":%d,`, i+1), rest...)
	}
}

// rewrite replaces all events; with tree also all hashes; with key also every
// signature that the box keeps.
func rewrite(t testing.TB, dir string, rows []row, tree bool, key *DeviceKey) {
	t.Helper()
	var edge frontier
	vandal(t, dir, func(exec func(string, ...any)) {
		exec(`DELETE FROM event`)
		if tree {
			exec(`DELETE FROM tree`)
		}
		for i, r := range rows {
			exec(`INSERT INTO event VALUES (?, ?, ?)`, i+1, r.salt, r.body)
			idx := tlog.StoredHashIndex(0, int64(i))
			for j, h := range edge.add(leafHash(r.salt, r.body), nil) {
				if tree {
					exec(`INSERT INTO tree VALUES (?, ?)`, idx+int64(j), h[:])
				}
			}
		}
		if key == nil {
			return
		}
		n, err := sign(testDoor, *key, &edge)
		if err != nil {
			t.Fatal(err)
		}
		exec(`UPDATE checkpoint SET size = ?, note = ?`, int64(edge.size), n)
		f, err := openHead(filepath.Join(dir, headFile))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := (head{Last: edge.size, Checkpoint: n}).writeTo(f); err != nil {
			t.Fatal(err)
		}
	})
}

func findings(t testing.TB, dir string, ev Evidence) (Report, string) {
	t.Helper()
	rep, err := Verify(context.Background(), dir, ev)
	if err != nil {
		t.Fatal(err)
	}
	return rep, rep.String()
}

// Against a checkpoint kept elsewhere every forgery is found, however careful
// the forger, also with the box's own key; without one, the careful forger
// with the key goes unseen, and the report does not claim otherwise.
func TestP10ForgeriesAreFound(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(60, 0)...)
	elsewhere := Evidence{Checkpoints: [][]byte{mustCheckpoint(t, l, morning)}, Key: l.VerifierKey()}
	mustClose(t, l)
	key, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if rep, text := findings(t, dir, elsewhere); !rep.OK() || rep.Covered != 60 || rep.Elsewhere != 1 {
		t.Fatalf("untouched: %s", text)
	}
	for _, f := range forgeries {
		for _, care := range []string{"careless", "renumbered", "tree rebuilt", "signed again"} {
			hurt := copyDir(t, dir)
			rows := f.do(rowsOf(t, hurt))
			if care != "careless" {
				renumber(rows)
			}
			k := &key
			if care != "signed again" {
				k = nil
			}
			rewrite(t, hurt, rows, care == "tree rebuilt" || k != nil, k)
			if rep, _ := findings(t, hurt, elsewhere); rep.OK() {
				t.Errorf("%s, %s: not found against a checkpoint kept elsewhere", f.name, care)
			}
			rep, text := findings(t, hurt, Evidence{})
			if found := !rep.OK(); found == (k != nil) {
				t.Errorf("%s, %s: found without a checkpoint: %v\n%s", f.name, care, found, text)
			}
			if !strings.Contains(text, "could have rewritten all of it") {
				t.Errorf("%s, %s: the report does not say what it cannot prove:\n%s", f.name, care, text)
			}
			if k == nil && openError(hurt) == nil {
				t.Errorf("%s, %s: the next start takes it", f.name, care)
			}
		}
	}
}

// A checkpoint says nothing about what came after it, and the report says so.
func TestP10ReportKnowsItsLimits(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(20, 0)...)
	first := mustCheckpoint(t, l, morning)
	mustAppend(t, l, records(20, 20)...)
	second := mustCheckpoint(t, l, morning.Add(time.Hour))
	mustAppend(t, l, records(5, 40)...)
	rep, text := findings(t, dir, Evidence{Checkpoints: [][]byte{second, first, first}})
	for _, want := range []string{
		"Events 41 to 45 are newer than the newest checkpoint kept elsewhere",
		"Events 41 to 45 are covered by no signature yet",
		"bring the key noted down",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if !rep.OK() || rep.Covered != 40 || rep.Elsewhere != 2 || rep.Own != 1 {
		t.Errorf("%s", text)
	}
	// Another box's checkpoint, and a garbled one, prove nothing and are told.
	other, _ := fresh(t)
	mustAppend(t, other, records(20, 0)...)
	foreign := mustCheckpoint(t, other, morning)
	rep, text = findings(t, dir, Evidence{Checkpoints: [][]byte{foreign, []byte("nonsense"), first}})
	if rep.OK() || rep.Covered != 20 || len(rep.Problems) != 2 {
		t.Errorf("foreign checkpoints: %s", text)
	}
	rep, text = findings(t, dir, Evidence{Key: other.VerifierKey()})
	if rep.OK() {
		t.Errorf("another box's key: %s", text)
	}
	if _, err := Verify(t.Context(), dir, Evidence{Key: "not a key"}); err == nil {
		t.Error("a key that is none was taken")
	}
}

func TestP10OrdersAreCovered(t *testing.T) {
	l, dir := fresh(t)
	for i := range 3 {
		mustAppend(t, l, Record{Event: sample("order_accepted", i), Order: &Order{fmt.Sprint("o-", i), []byte("signed")}})
	}
	mustClose(t, l)
	for name, query := range map[string]string{
		"changed": `UPDATE orders SET bytes = CAST('forged' AS BLOB) WHERE id = 'o-1'`,
		"removed": `DELETE FROM orders WHERE id = 'o-1'`,
		"emptied": `UPDATE orders SET bytes = NULL WHERE id = 'o-1'`,
		"added":   `INSERT INTO orders VALUES ('o-9', 4, x'00')`,
		"moved":   `UPDATE orders SET seq = 1 WHERE id = 'o-1'`,
	} {
		hurt := copyDir(t, dir)
		if name == "added" {
			l := reopen(t, hurt)
			mustAppend(t, l, records(1, 9)...)
			mustClose(t, l)
		}
		vandal(t, hurt, func(exec func(string, ...any)) { exec(query) })
		if rep, text := findings(t, hurt, Evidence{}); rep.OK() {
			t.Errorf("%s order: %s", name, text)
		}
	}
}

func TestP10MarksAreFound(t *testing.T) {
	dir := ledgerWith(t, 30)
	for name, hurt := range map[string]func(exec func(string, ...any)){
		"body taken away": func(exec func(string, ...any)) {
			exec(`UPDATE event SET salt = NULL, body = NULL WHERE seq = 7`)
		},
		"body taken away under a false mark": func(exec func(string, ...any)) {
			exec(`UPDATE forgotten SET upto = 7`)
			exec(`UPDATE event SET salt = NULL, body = NULL WHERE seq <= 7`)
		},
		"inner hash": func(exec func(string, ...any)) {
			exec(`UPDATE tree SET hash = zeroblob(32) WHERE idx = 2`)
		},
		"hash removed": func(exec func(string, ...any)) { exec(`DELETE FROM tree WHERE idx = 30`) },
		"own checkpoint": func(exec func(string, ...any)) {
			exec(`UPDATE checkpoint SET note = CAST('x' AS BLOB)`)
		},
	} {
		c := copyDir(t, dir)
		vandal(t, c, hurt)
		if rep, text := findings(t, c, Evidence{}); rep.OK() {
			t.Errorf("%s: %s", name, text)
		}
	}
	trigger := copyDir(t, dir)
	db, err := connect(filepath.Join(trigger, databaseFile), unfenced)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("DROP TRIGGER event_kept"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Verify(t.Context(), trigger, Evidence{}); err == nil {
		t.Error("a missing trigger was not found")
	}
	if openError(trigger) == nil {
		t.Error("opened without a trigger")
	}
}

// What remains when all hashes and signatures are made anew: each body says
// its own number, hashes without events stay behind, the head knows better.
func TestP10TracesAreFound(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(20, 0)...)
	mustClose(t, l)
	key, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	swapped := copyDir(t, dir)
	rows := rowsOf(t, swapped)
	rows[4], rows[5] = rows[5], rows[4]
	rewrite(t, swapped, rows, true, &key)
	if rep, text := findings(t, swapped, Evidence{}); len(rep.Problems) != 2 || rep.Problems[0].Seq != 5 {
		t.Errorf("bodies under other numbers: %s", text)
	}

	cut := copyDir(t, dir)
	vandal(t, cut, func(exec func(string, ...any)) { exec(`DELETE FROM event WHERE seq > 15`) })
	if rep, text := findings(t, cut, Evidence{}); rep.OK() || !strings.Contains(text, "ends at event 15, its head says 20") {
		t.Errorf("an end cut off: %s", text)
	}
	f, err := openHead(filepath.Join(cut, headFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := (head{Last: 15}).writeTo(f); err != nil {
		t.Fatal(err)
	}
	if err := openError(cut); !errors.Is(err, ErrCorrupt) {
		t.Errorf("hashes without events: %v", err)
	}
}

// The register's own gap: numbers that do not follow each other, in a ledger
// that is otherwise written anew in all its parts.
func TestP10RegisterGapIsFound(t *testing.T) {
	l, dir := fresh(t)
	for i := range 4 {
		r := records(1, i)
		r[0].Event.Kind, r[0].Event.Side = "access_taken", "entry"
		mustAppend(t, l, r...)
	}
	mustCheckpoint(t, l, morning)
	mustClose(t, l)
	key, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Delete(rowsOf(t, dir), 1, 2)
	renumber(rows)
	rewrite(t, dir, rows, true, &key)
	if rep, text := findings(t, dir, Evidence{}); len(rep.Problems) != 1 || rep.Problems[0].Seq != 2 {
		t.Error(text)
	}
}

// The subtrees above a block are checked too.
func TestP10LargeTree(t *testing.T) {
	l, dir := fresh(t)
	for i := range 5 {
		mustAppend(t, l, records(block, i*block)...)
	}
	mustAppend(t, l, records(100, 9)...)
	mustCheckpoint(t, l, morning)
	mustClose(t, l)
	if rep, text := findings(t, dir, Evidence{}); !rep.OK() || rep.Events != 5*block+100 {
		t.Fatal(text)
	}
	for _, c := range []struct{ level, n int }{{11, 0}, {11, 1}, {12, 0}, {10, 3}, {0, 4500}, {3, 600}} {
		hurt := copyDir(t, dir)
		vandal(t, hurt, func(exec func(string, ...any)) {
			exec(`UPDATE tree SET hash = zeroblob(32) WHERE idx = ?`, tlog.StoredHashIndex(c.level, int64(c.n)))
		})
		if rep, text := findings(t, hurt, Evidence{}); rep.OK() {
			t.Errorf("altered hash at level %d: %s", c.level, text)
		}
	}
}

func TestAppendOnly(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(3, 0)...)
	mustAppend(t, l, Record{Event: sample("order_accepted", 4), Order: &Order{"o", []byte("x")}})
	mustCheckpoint(t, l, morning)
	if err := l.SetCursor(t.Context(), "hall", 2); err != nil {
		t.Fatal(err)
	}
	statements := []string{
		`DELETE FROM event WHERE seq = 2`, `DELETE FROM tree`, `DELETE FROM orders`, `DELETE FROM forgotten`, `DELETE FROM checkpoint`, `DELETE FROM identity`,
		`UPDATE event SET body = x'00' WHERE seq = 2`, `UPDATE event SET seq = 9 WHERE seq = 2`,
		`UPDATE event SET body = NULL, salt = NULL WHERE seq = 2`,
		`INSERT OR REPLACE INTO event VALUES (2, zeroblob(16), x'00')`, `INSERT INTO event VALUES (9, zeroblob(16), x'00')`,
		`REPLACE INTO tree VALUES (0, zeroblob(32))`, `UPDATE tree SET hash = zeroblob(32)`,
		`REPLACE INTO orders VALUES ('o', 1, x'00')`, `UPDATE orders SET bytes = NULL`,
		`UPDATE cursor SET seq = 1`, `UPDATE checkpoint SET size = 1`, `UPDATE forgotten SET upto = 99`, `UPDATE identity SET door = 'x'`,
	}
	fenced := []string{
		`DROP TRIGGER event_stays`, `DROP TABLE state`, `CREATE TABLE x (y)`, `ATTACH ':memory:' AS x`,
		`PRAGMA synchronous = OFF`, `PRAGMA recursive_triggers = 0`, `PRAGMA writable_schema = 1`, `ALTER TABLE state ADD COLUMN x`,
	}
	for _, s := range append(slices.Clone(statements), fenced...) {
		if _, err := l.pen.conn.ExecContext(t.Context(), s); err == nil {
			t.Errorf("the writer could %s", s)
		}
		if _, err := l.db.ExecContext(t.Context(), s); err == nil {
			t.Errorf("the reader could %s", s)
		}
	}
	if _, err := l.db.ExecContext(t.Context(), `INSERT INTO state VALUES ('x', 1, x'00')`); err == nil {
		t.Error("the reader could write")
	}
	mustClose(t, l)
	// Any other tool, as long as it leaves the triggers alone. Without
	// recursive_triggers REPLACE goes round the delete triggers: that is what
	// the writer's setting is for, and what the gapless numbering stops here.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, databaseFile)+"?_pragma=recursive_triggers(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err == nil {
			t.Errorf("any tool could %s", s)
		}
	}
}

// A copy without its folder, on media where nothing can be written.
func TestVerifyWorksOnABareCopy(t *testing.T) {
	dir := ledgerWith(t, 30)
	bare := filepath.Join(t.TempDir(), "evidence.db")
	b, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bare, b, 0o400); err != nil {
		t.Fatal(err)
	}
	rep, text := findings(t, bare, Evidence{})
	if !rep.OK() || rep.Events != 30 || !strings.Contains(text, "No write-ahead log") {
		t.Error(text)
	}
	if _, err := Verify(t.Context(), filepath.Join(t.TempDir(), "none"), Evidence{}); err == nil {
		t.Error("verified nothing")
	}
}
