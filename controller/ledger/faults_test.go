package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sekimori/controller/event"
)

// ledgerWith makes a closed ledger of n events with a checkpoint at its end.
func ledgerWith(t testing.TB, n int) string {
	t.Helper()
	l, dir := fresh(t)
	mustAppend(t, l, records(n, 0)...)
	mustCheckpoint(t, l, morning)
	mustClose(t, l)
	return dir
}

func openError(dir string) error {
	l, err := Open(context.Background(), dir, Options{})
	if err == nil {
		l.Close()
	}
	return err
}

func TestP11MissingIsNotEmpty(t *testing.T) {
	for name, breakIt := range map[string]func(dir string) error{
		"folder":              os.RemoveAll,
		"database":            func(dir string) error { return os.Remove(filepath.Join(dir, databaseFile)) },
		"head":                func(dir string) error { return os.Remove(filepath.Join(dir, headFile)) },
		"key":                 func(dir string) error { return os.Remove(filepath.Join(dir, keyFile)) },
		"contents":            func(dir string) error { return os.Truncate(filepath.Join(dir, databaseFile), 0) },
		"the head's contents": func(dir string) error { return os.Truncate(filepath.Join(dir, headFile), 0) },
	} {
		dir := ledgerWith(t, 3)
		if err := breakIt(dir); err != nil {
			t.Fatal(err)
		}
		before := listing(t, dir)
		if err := openError(dir); !errors.Is(err, ErrMissing) {
			t.Errorf("without %s: %v", name, err)
		}
		if after := listing(t, dir); after != before {
			t.Errorf("without %s: open made something: %s, before %s", name, after, before)
		}
	}
}

func listing(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, e := range entries {
		info, _ := e.Info()
		fmt.Fprintf(&b, "%s:%d ", e.Name(), info.Size())
	}
	return b.String()
}

func TestP11ShorterIsSeen(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	mustAppend(t, l, records(50, 0)...)
	mustCheckpoint(t, l, morning)
	mustClose(t, l)
	old := copyDir(t, dir)

	l = reopen(t, dir)
	mustAppend(t, l, records(7, 50)...)
	withoutLog := copyDir(t, dir) // of the running ledger, and then its log is lost
	if err := os.Remove(filepath.Join(withoutLog, databaseFile+"-wal")); err != nil {
		t.Fatal(err)
	}
	signed := mustCheckpoint(t, l, morning.Add(time.Hour))
	mustClose(t, l)

	if err := openError(withoutLog); !errors.Is(err, ErrShorter) {
		t.Errorf("without its write-ahead log: %v", err)
	}
	database := copyDir(t, dir)
	putBack(t, old, database, databaseFile)
	if err := openError(database); !errors.Is(err, ErrShorter) {
		t.Errorf("an old database under a new head: %v", err)
	}

	// The whole folder put back agrees with itself. Only what left the box
	// shows it: the collector's acknowledgement, and a checkpoint kept elsewhere.
	if err := openError(old); err != nil {
		t.Errorf("an old folder: %v", err)
	}
	rolled := reopen(t, old)
	if err := rolled.SetCursor(ctx, "hall", 57); !errors.Is(err, ErrBeyond) {
		t.Errorf("the collector's number on an old folder: %v", err)
	}
	rep, err := rolled.Verify(ctx, Evidence{Checkpoints: [][]byte{signed}})
	if err != nil || rep.OK() || !strings.Contains(rep.Problems[0].What, "ends at event 50, but a checkpoint kept elsewhere was signed at 57") {
		t.Errorf("a later checkpoint on an old folder: %v %v", rep.Problems, err)
	}
	// It grew again past that number: still not what was signed.
	mustAppend(t, rolled, records(20, 900)...)
	rep, err = rolled.Verify(ctx, Evidence{Checkpoints: [][]byte{signed}})
	if err != nil || rep.OK() || rep.Covered != 0 {
		t.Errorf("a later checkpoint on an old folder that grew: %v %v", rep.Problems, err)
	}
}

// The end is gone from database and head alike, but a signature remembers it.
func TestP11ShorterThanSigned(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(40, 0)...)
	n := mustCheckpoint(t, l, morning)
	mustClose(t, l)
	rows := rowsOf(t, dir)
	rewrite(t, dir, rows[:30], true, nil)
	f, err := openHead(filepath.Join(dir, headFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, h := range []head{{Last: 30}, {Last: 30, Checkpoint: n}} {
		if err := h.writeTo(f); err != nil {
			t.Fatal(err)
		}
		if err := openError(dir); !errors.Is(err, ErrShorter) {
			t.Errorf("%v", err)
		}
	}
}

// A commit that is reported as failed and stands all the same: the ledger goes
// on behind it, and whoever follows sees it.
func TestCommitOfUnknownOutcome(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(3, 0)...)
	boom := errors.New("boom")
	err := l.append(t.Context(), records(2, 3), func(p *pen) error {
		if _, err := p.conn.ExecContext(unhurried, "COMMIT"); err != nil {
			t.Fatal(err)
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	if got := mustAppend(t, l, records(1, 5)...); got != 6 {
		t.Errorf("went on at %d", got)
	}
	if rep, err := Verify(t.Context(), dir, Evidence{}); err != nil || !rep.OK() {
		t.Errorf("%v %v", rep.Problems, err)
	}
}

func TestP11TruncatedIsSeen(t *testing.T) {
	dir := ledgerWith(t, 300)
	info, err := os.Stat(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(20) {
		cut := copyDir(t, dir)
		if err := os.Truncate(filepath.Join(cut, databaseFile), info.Size()*i/20); err != nil {
			t.Fatal(err)
		}
		if openError(cut) == nil {
			t.Errorf("cut to %d of %d bytes: opened", info.Size()*i/20, info.Size())
		}
	}
}

// Flipped bits anywhere: either the start refuses, or verify finds it, or
// nothing that was recorded has changed.
func TestP11FlippedBitsNeverLie(t *testing.T) {
	dir := ledgerWith(t, 300)
	want := contents(t, dir)
	raw, err := os.ReadFile(filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	refused, harmless := 0, 0
	for range 120 {
		hurt := copyDir(t, dir)
		b := append([]byte(nil), raw...)
		at := rng.IntN(len(b))
		b[at] ^= byte(1 + rng.IntN(255))
		if err := os.WriteFile(filepath.Join(hurt, databaseFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if openError(hurt) != nil {
			refused++
			continue
		}
		rep, err := Verify(context.Background(), hurt, Evidence{})
		if err != nil || !rep.OK() {
			refused++
			continue
		}
		harmless++
		if got := contents(t, hurt); !reflect.DeepEqual(got, want) {
			t.Fatalf("byte %d: the contents changed and nobody noticed", at)
		}
	}
	t.Logf("%d refused or found, %d harmless", refused, harmless)
	if refused == 0 {
		t.Error("no flip was noticed")
	}
}

func contents(t testing.TB, dir string) []Stored {
	t.Helper()
	var out []Stored
	if err := Show(context.Background(), dir, Filter{}, func(s Stored) error { out = append(out, s); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestP11OtherKeyIsSeen(t *testing.T) {
	a, b := ledgerWith(t, 2), ledgerWith(t, 2)
	putBack(t, a, b, keyFile)
	if err := openError(b); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another box's key: %v", err)
	}
}

// A killed process: everything acknowledged is there, numbered without a gap,
// and the next start goes on. Kills fall anywhere in a commit.
func TestP9KillLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	if err := Init(dir, testDoor, DeviceKey{}); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var acked uint64
	for range 12 {
		acked = workUntilKilled(t, dir, acked, 1+rng.IntN(120))
	}
	out, err := spawn(t.Context(), "check", dir).Output()
	var last uint64
	if _, e := fmt.Sscanf(string(out), "LAST %d", &last); e != nil || err != nil || last < acked {
		t.Fatalf("acknowledged %d, then: %s %v", acked, out, err)
	}
	rep, err := Verify(t.Context(), dir, Evidence{})
	if err != nil || !rep.OK() {
		t.Errorf("after the kills: %v %v", rep.Problems, err)
	}
	t.Logf("12 kills, %d events acknowledged", acked)
}

// workUntilKilled lets the child acknowledge n times, kills it as it goes on,
// and sees that it had started where the last one was acknowledged or later.
func workUntilKilled(t *testing.T, dir string, acked uint64, n int) uint64 {
	t.Helper()
	cmd := spawn(t.Context(), "work", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var word string
		var seq uint64
		if _, err := fmt.Sscan(lines.Text(), &word, &seq); err != nil {
			t.Fatalf("child says %q", lines.Text())
		}
		if word == "START" && seq < acked {
			t.Fatalf("%d was acknowledged, the next start found %d", acked, seq)
		}
		if word == "ACK" {
			acked = seq
			if n--; n == 0 {
				cmd.Process.Kill()
			}
		}
	}
	cmd.Wait()
	return acked
}

func TestP9DiskFullLosesNothing(t *testing.T) {
	dir := ledgerWith(t, 10)
	out, err := spawn(t.Context(), "full", dir).Output()
	if err != nil {
		t.Fatalf("%s %v", out, err)
	}
	var durable, last uint64
	if _, err := fmt.Sscanf(string(out), "FULL %d\nLAST %d", &durable, &last); err != nil || durable < 11 || last != durable+1 {
		t.Fatalf("child says %q", out)
	}
	l := reopen(t, dir)
	rep, err := l.Verify(t.Context(), Evidence{})
	if err != nil || !rep.OK() || l.Last() != last {
		t.Errorf("ends at %d: %v %v", l.Last(), rep.Problems, err)
	}
	t.Logf("full at event %d, went on at %d", durable, last)
}

func TestLockedByAnotherProcess(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(3, 0)...)
	cmd, unlock := hogLock(t, dir)
	defer cmd.Wait()

	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	start := time.Now()
	rs := records(1, 3)
	_, err := l.Append(ctx, rs)
	if !errors.Is(err, ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append under a foreign lock: %v", err)
	}
	t.Logf("a deadline of 150 ms ended after %v", time.Since(start))
	if rs[0].Event.Seq != 0 {
		t.Error("a failed append numbered its event")
	}
	if rep, err := Verify(t.Context(), dir, Evidence{}); err != nil || !rep.OK() {
		t.Errorf("verify under a foreign lock: %v %v", rep.Problems, err)
	}
	unlock()
	if got := mustAppend(t, l, rs...); got != 4 {
		t.Errorf("went on at %d", got)
	}
}

// hogLock has another process hold the write lock of the database.
func hogLock(t *testing.T, dir string) (*exec.Cmd, func()) {
	t.Helper()
	cmd := spawn(t.Context(), "lock", dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	if s, err := r.ReadString('\n'); s != "LOCKED\n" {
		t.Fatalf("child says %q, %v", s, err)
	}
	return cmd, func() {
		in.Close()
		if s, err := r.ReadString('\n'); s != "FREE\n" {
			t.Fatalf("child says %q, %v", s, err)
		}
		io.Copy(io.Discard, r)
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	l, dir := fresh(t)
	out, err := spawn(t.Context(), "check", dir).Output()
	if err == nil || !strings.Contains(string(out), ErrLocked.Error()) {
		t.Errorf("a second process: %q %v", out, err)
	}
	mustClose(t, l)
	if out, err := spawn(t.Context(), "check", dir).Output(); err != nil {
		t.Errorf("after the first let go: %s %v", out, err)
	}
}

// A caller that waits for the turn waits no longer than it can.
func TestTurnEndsWithContext(t *testing.T) {
	l, _ := fresh(t)
	if err := l.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, records(1, 0)); !errors.Is(err, ErrLocked) {
		t.Errorf("append without the turn: %v", err)
	}
	l.leave()
	mustAppend(t, l, records(1, 0)...)
}

// After a commit whose outcome is unknown the ledger asks the disk, not itself.
func TestFailedTransactionLeavesNothing(t *testing.T) {
	l, dir := fresh(t)
	mustAppend(t, l, records(3, 0)...)
	boom := errors.New("boom")
	err := l.append(t.Context(), records(2, 3), func(*pen) error { return boom })
	if !errors.Is(err, boom) || l.Last() != 3 {
		t.Fatalf("%v, ends at %d", err, l.Last())
	}
	l.pen.conn.Close() // the connection dies under it
	if _, err := l.Append(t.Context(), records(1, 3)); err == nil {
		t.Error("appended over a dead connection")
	}
	if got := mustAppend(t, l, Record{Event: sample(event.Tamper, 5)}); got != 4 {
		t.Errorf("went on at %d", got)
	}
	if rep, err := Verify(t.Context(), dir, Evidence{}); err != nil || !rep.OK() {
		t.Errorf("%v %v", rep.Problems, err)
	}
}
