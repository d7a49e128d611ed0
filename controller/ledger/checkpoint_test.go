package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tlogfmt "github.com/transparency-dev/formats/log"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/sumdb/note"
)

func TestCheckpointsAreDue(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	due := func(now time.Time, want bool) {
		t.Helper()
		if _, got, err := l.Checkpoint(ctx, now); err != nil || got != want {
			t.Errorf("due at %v: %v, want %v (%v)", now.Sub(morning), got, want, err)
		}
	}
	due(morning, false) // nothing to say
	mustAppend(t, l, records(1, 0)...)
	due(morning, true)
	due(morning.Add(time.Hour), false) // nothing new
	mustAppend(t, l, records(255, 1)...)
	due(morning.Add(59*time.Second), false)
	mustAppend(t, l, records(1, 300)...)
	due(morning.Add(59*time.Second), true) // 256 events
	mustAppend(t, l, records(1, 301)...)
	due(morning.Add(118*time.Second), false)
	due(morning.Add(119*time.Second), true) // 60 seconds
	mustAppend(t, l, records(1, 302)...)
	due(morning.Add(-time.Hour), true) // the clock went back
	mustClose(t, l)
	l = reopen(t, dir)
	due(morning.Add(time.Hour), false)
	mustAppend(t, l, records(1, 303)...)
	due(morning.Add(time.Hour), true)
}

// Anybody's tool reads our checkpoints: origin, size, root, signature.
func TestCheckpointIsStandard(t *testing.T) {
	l, _ := fresh(t)
	mustAppend(t, l, records(3, 0)...)
	n := mustCheckpoint(t, l, morning)
	v, err := note.NewVerifier(l.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	c, rest, _, err := tlogfmt.ParseCheckpoint(n, "sekimori/v1/machine-room", v)
	if err != nil || c.Size != 3 || len(rest) != 0 {
		t.Errorf("%+v %q %v", c, rest, err)
	}
	root := l.edge.root()
	if !bytes.Equal(c.Hash, root[:]) {
		t.Error("another root")
	}
	if len(n)+len(headTitle)+24 > headSize {
		t.Errorf("a checkpoint of %d bytes", len(n))
	}
}

func TestLongestDoorFitsTheHead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	door := strings.Repeat("室", maxDoor/3)
	if err := Init(dir, door, DeviceKey{}); err != nil {
		t.Fatal(err)
	}
	k, err := readKey(filepath.Join(dir, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	n, err := sign(door, k, &frontier{size: 1 << 40})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (head{Last: 1 << 40, Checkpoint: n}).encode(); err != nil {
		t.Error(err)
	}
}

func TestReadCheckpoints(t *testing.T) {
	l, _ := fresh(t)
	var text bytes.Buffer
	var want [][]byte
	for i := range 3 {
		mustAppend(t, l, records(1, i)...)
		n := mustCheckpoint(t, l, morning.Add(time.Duration(i)*time.Hour))
		want = append(want, n)
		text.Write(n)
		text.WriteString(strings.Repeat("\n", i))
	}
	got, err := ReadCheckpoints(&text)
	if err != nil || len(got) != 3 || !bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil)) {
		t.Errorf("read %d, %v: %q", len(got), err, got)
	}
}

// Property: whatever the text, nothing is lost but white space, and what a box
// signed is found among anything else.
func FuzzReadCheckpoints(f *testing.F) {
	f.Add([]byte("a\n1\nx\n\n— a b\n"), []byte("b\n\n— c\n"))
	key, err := NewDeviceKey()
	if err != nil {
		f.Fatal(err)
	}
	signed, err := sign(testDoor, key, &frontier{size: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if !bytes.HasSuffix(a, []byte("\n\n— x y\n")) {
			a = append(bytes.Clone(a), "\n\n— x y\n"...)
		}
		text := bytes.Join([][]byte{a, signed, b}, nil)
		got, err := ReadCheckpoints(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, n := range got {
			found = found || bytes.Equal(n, signed) || bytes.HasPrefix(n, signed)
		}
		if !found {
			t.Fatalf("the checkpoint is lost in %q", got)
		}
		if pack(bytes.Join(got, nil)) != pack(text) {
			t.Fatal("text was lost")
		}
	})
}

func pack(b []byte) string {
	return strings.Join(strings.Fields(string(b)), "")
}

// Property: a head is read only in the one form that it is written in.
func FuzzParseHead(f *testing.F) {
	b, err := head{Last: 7, Checkpoint: []byte("x\ny")}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(headTitle))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHead(b)
		if err != nil {
			return
		}
		again, err := h.encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q is read as %+v, which is %q", b, h, again)
		}
	})
}

// A pragma that SQLite takes without a word and does not obey is refused.
func TestPragmasAreAsserted(t *testing.T) {
	_, dir := fresh(t)
	misspelt := writing
	misspelt.query = strings.Replace(misspelt.query, "_synchronous=FULL", "_pragma=synchronous(FUL)", 1)
	unknown := writing
	unknown.query = strings.Replace(unknown.query, "recursive_triggers", "recursive_trigers", 1)
	for name, a := range map[string]access{"misspelt value": misspelt, "misspelt name": unknown} {
		if a.query == writing.query {
			t.Fatal("nothing was misspelt")
		}
		db, err := connect(filepath.Join(dir, databaseFile), a)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Ping(); err == nil || !strings.Contains(err.Error(), "internal error: ledger") {
			t.Errorf("%s: %v", name, err)
		}
		db.Close()
	}
}

// Every connection that the pool ever opens is fenced, not only the first.
func TestEveryConnectionIsFenced(t *testing.T) {
	l, _ := fresh(t)
	conns := make([]*sql.Conn, readers)
	for i := range conns {
		c, err := l.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns[i] = c
	}
	for _, c := range conns {
		if _, err := c.ExecContext(t.Context(), `PRAGMA query_only = 0`); err == nil {
			t.Error("a reader could unlock itself")
		}
	}
	l.pen.discard()
	l.pen = nil
	mustAppend(t, l, records(1, 0)...)
	if _, err := l.pen.conn.ExecContext(t.Context(), `DELETE FROM event`); err == nil {
		t.Error("the second writing connection is not fenced")
	}
}

// The whole ledger works in virtual time, where the bench runs it.
func TestLedgerInABubble(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	synctest.Test(t, func(t *testing.T) {
		if err := Init(dir, testDoor, DeviceKey{}); err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ch := l.Changed()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := l.Append(ctx, records(3, 0)); err != nil {
			t.Fatal(err)
		}
		<-ch
		time.Sleep(time.Hour)
		// Someone holds the turn: the wait ends in virtual time.
		if err := l.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer l.leave()
		start := time.Now()
		ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := l.Append(ctx, records(1, 3)); err == nil || time.Since(start) != 2*time.Second {
			t.Errorf("ended after %v: %v", time.Since(start), err)
		}
	})
}

// modernc.org/libc must be exactly the version that sqlite was built against:
// another one crashes on 32-bit ARM (cznic/sqlite issue 177).
func TestLibcIsPinned(t *testing.T) {
	const libc, driver = "modernc.org/libc", "modernc.org/sqlite"
	root, err := filepath.Abs(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	ours := required(t, root)
	theirs := required(t, filepath.Join(moduleCache(t), "cache", "download", driver, "@v", ours[driver]+".mod"))
	if ours[libc] == "" || ours[libc] != theirs[libc] {
		t.Errorf("libc is %q, sqlite %s wants %q", ours[libc], ours[driver], theirs[libc])
	}
}

// required is what a go.mod requires.
func required(t *testing.T, path string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := modfile.ParseLax(path, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range f.Require {
		out[r.Mod.Path] = r.Mod.Version
	}
	return out
}

func moduleCache(t *testing.T) string {
	if d := os.Getenv("GOMODCACHE"); d != "" {
		return d
	}
	gopath := os.Getenv("GOPATH")
	if gopath == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		gopath = filepath.Join(home, "go")
	}
	return filepath.Join(filepath.SplitList(gopath)[0], "pkg", "mod")
}
