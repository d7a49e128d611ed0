package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sekimori/controller/event"
)

// childEnv makes this test binary a process of its own that does one thing
// with a ledger: what the kill, disk and power-loss tests need.
const childEnv = "SEKIMORI_LEDGER_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childEnv); mode != "" {
		child(mode, os.Getenv("SEKIMORI_LEDGER_DIR"))
		return
	}
	goleak.VerifyTestMain(m)
}

const testDoor = "machine-room"

var morning = time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("JST", 9*60*60))

// sample is a plausible event of kind k, n seconds into the morning.
func sample(k event.Kind, n int) event.Event {
	ev := event.New(k)
	ev.Time = event.At(morning.Add(time.Duration(n) * time.Second))
	ev.Clock = event.Trusted
	ev.Door = testDoor
	ev.Place = "machine_room"
	ev.Person = "s-001"
	ev.Passage = fmt.Sprintf("p-%06d", n)
	return ev
}

func records(n, from int) []Record {
	out := make([]Record, n)
	for i := range out {
		out[i] = Record{Event: sample(event.FactorRead, from+i)}
	}
	return out
}

// scratch is a folder for tests about contents, in memory where the machine
// has that: thousands of syncs of a busy disk would prove nothing more. What
// is about the disk uses t.TempDir.
func scratch(t testing.TB) string {
	t.Helper()
	if dir, err := os.MkdirTemp("/dev/shm", "ledger-test-"); err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return t.TempDir()
}

// fresh makes and opens a ledger in a new folder.
func fresh(t testing.TB) (*Ledger, string) {
	t.Helper()
	dir := filepath.Join(scratch(t), "ledger")
	if err := Init(dir, testDoor, DeviceKey{}); err != nil {
		t.Fatal(err)
	}
	return reopen(t, dir), dir
}

func reopen(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := Open(context.Background(), dir, Options{Door: testDoor})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustAppend(t testing.TB, l *Ledger, rs ...Record) uint64 {
	t.Helper()
	first, err := l.Append(context.Background(), rs)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func mustClose(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustCheckpoint(t testing.TB, l *Ledger, now time.Time) []byte {
	t.Helper()
	n, fresh, err := l.Checkpoint(context.Background(), now)
	if err != nil || !fresh {
		t.Fatalf("checkpoint: new %v, %v", fresh, err)
	}
	return n
}

// copyDir copies a ledger's folder as a backup tool would.
func copyDir(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(scratch(t), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{keyFile, headFile, databaseFile} {
		if err := os.Chmod(filepath.Join(to, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func putBack(t testing.TB, from, to string, names ...string) {
	t.Helper()
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(from, n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, n), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// spawn starts this binary in a child mode on a ledger.
func spawn(ctx context.Context, mode, dir string, env ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+mode, "SEKIMORI_LEDGER_DIR="+dir), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestInitIsOnceAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	if _, err := Open(context.Background(), dir, Options{}); !errors.Is(err, ErrMissing) {
		t.Fatalf("open of nothing: %v", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Fatal("open made something")
	}
	if err := Init(dir, testDoor, DeviceKey{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{databaseFile, headFile, keyFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	if err := Init(dir, testDoor, DeviceKey{}); !errors.Is(err, ErrExists) {
		t.Errorf("second init: %v", err)
	}
	debris := t.TempDir()
	os.WriteFile(filepath.Join(debris, "note.txt"), nil, 0o600)
	if err := Init(debris, testDoor, DeviceKey{}); !errors.Is(err, ErrExists) {
		t.Errorf("init over debris: %v", err)
	}
	if err := Init(filepath.Join(t.TempDir(), "x"), "two doors", DeviceKey{}); err == nil {
		t.Error("a door id with a space was taken")
	}
	left, _ := filepath.Glob(dir + ".new-*")
	if len(left) > 0 {
		t.Errorf("init left %v", left)
	}
}

func TestOpenRefuses(t *testing.T) {
	l, dir := fresh(t)
	if _, err := Open(context.Background(), dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("second open: %v", err)
	}
	mustClose(t, l)
	if _, err := Open(context.Background(), dir, Options{Door: "other"}); err == nil {
		t.Error("opened as another door's")
	}
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Errorf("key readable by all: %v", err)
	}
}

func TestAppend(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	taken := func(side event.Side, n int) Record {
		ev := sample(event.AccessTaken, n)
		ev.Side = side
		return Record{Event: ev}
	}
	march := taken("entry", 0)
	march.Event.Time = event.At(time.Date(2027, 3, 31, 23, 59, 59, 0, morning.Location()))
	april := taken("entry", 0)
	april.Event.Time = event.At(time.Date(2027, 4, 1, 0, 0, 0, 0, morning.Location()))
	rs := []Record{taken("entry", 1), taken("exit", 2), taken("entry", 3), march, april}
	if first := mustAppend(t, l, rs...); first != 1 {
		t.Errorf("first is %d", first)
	}
	want := []string{"machine-room-R8-000001", "", "machine-room-R8-000002", "machine-room-R8-000003", "machine-room-R9-000001"}
	for i, r := range rs {
		if r.Event.Seq != uint64(i+1) || r.Event.Ledger != want[i] {
			t.Errorf("record %d came back as %d %q, want %q", i, r.Event.Seq, r.Event.Ledger, want[i])
		}
	}
	forged := Record{Event: sample(event.AccessDenied, 9)}
	forged.Event.Seq, forged.Event.Ledger, forged.Event.OrderHash = 99, "mine-000001", "feed"
	again := []Record{forged}
	mustAppend(t, l, again...)
	if got, err := l.Append(ctx, again); err != nil || got != 7 || again[0].Event.Seq != 7 || again[0].Event.Ledger != "" || again[0].Event.OrderHash != "" {
		t.Errorf("the caller's own numbers were taken: %d %+v %v", got, again[0].Event, err)
	}
	for name, r := range map[string]Record{
		"other door": {Event: event.Event{Kind: event.Lockdown, Door: "x", Time: event.At(morning)}},
		"no kind":    {Event: event.Event{Door: testDoor, Time: event.At(morning)}},
		"no id":      {Event: sample(event.OrderAccepted, 1), Order: &Order{Bytes: []byte("x")}},
		"far future": {Event: event.Event{Kind: event.Lockdown, Door: testDoor, Time: event.At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))}},
		"too long":   {Event: event.Event{Kind: event.Lockdown, Door: testDoor, Time: event.At(morning), Detail: strings.Repeat("x", MaxBody)}},
	} {
		if _, err := l.Append(ctx, []Record{{Event: sample(event.Tamper, 1)}, r}); err == nil {
			t.Errorf("%s: appended", name)
		}
	}
	if _, err := l.Append(ctx, nil); err == nil {
		t.Error("appended nothing")
	}
	if l.Last() != 7 || !l.LastTime().Equal(morning.Add(9*time.Second)) {
		t.Errorf("ends at %d %v", l.Last(), l.LastTime())
	}
	mustClose(t, l)
	l = reopen(t, dir)
	if l.Last() != 7 || !l.LastTime().Equal(morning.Add(9*time.Second)) {
		t.Errorf("after reopening: ends at %d %v", l.Last(), l.LastTime())
	}
	rs = []Record{taken("entry", 20)}
	mustAppend(t, l, rs...)
	if rs[0].Event.Ledger != "machine-room-R8-000004" {
		t.Errorf("the register goes on with %q", rs[0].Event.Ledger)
	}
}

func TestOrdersAreUsedOnce(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	accept := func(id, b string) []Record {
		return []Record{{Event: sample(event.OrderAccepted, 1), Order: &Order{id, []byte(b)}, State: map[string][]byte{"door": []byte(id)}}}
	}
	rs := accept("o-1", "signed one")
	mustAppend(t, l, rs...)
	if rs[0].Event.OrderHash != orderHash([]byte("signed one")) {
		t.Errorf("order hash %q", rs[0].Event.OrderHash)
	}
	if _, err := l.Append(ctx, accept("o-1", "signed two")); !errors.Is(err, ErrOrderUsed) {
		t.Errorf("second use: %v", err)
	}
	if _, err := l.Append(ctx, append(accept("o-2", "a"), accept("o-2", "b")...)); !errors.Is(err, ErrOrderUsed) {
		t.Errorf("twice in one append: %v", err)
	}
	if used, err := l.OrderUsed(ctx, "o-2"); used || err != nil {
		t.Errorf("a refused append left its order: %v %v", used, err)
	}
	if seq, b, err := l.State(ctx, "door"); seq != 1 || string(b) != "o-1" || err != nil {
		t.Errorf("state %d %q %v", seq, b, err)
	}
	mustClose(t, l)
	l = reopen(t, dir)
	if b, err := l.OrderBytes(ctx, "o-1"); string(b) != "signed one" || err != nil {
		t.Errorf("order reads %q %v", b, err)
	}
	if _, err := l.Append(ctx, accept("o-1", "signed one")); !errors.Is(err, ErrOrderUsed) {
		t.Errorf("use after a restart: %v", err)
	}
	if seq, b, err := l.State(ctx, "nothing"); seq != 0 || b != nil || err != nil {
		t.Errorf("no state: %d %q %v", seq, b, err)
	}
}

func TestChangedMissesNothing(t *testing.T) {
	l, _ := fresh(t)
	done := make(chan uint64)
	go func() {
		var seen uint64
		for {
			ch := l.Changed()
			if last := l.Last(); last > seen {
				seen = last
				continue
			}
			if seen == 50 {
				done <- seen
				return
			}
			<-ch
		}
	}()
	for i := range 50 {
		mustAppend(t, l, records(1, i)...)
	}
	if got := <-done; got != 50 {
		t.Errorf("followed to %d", got)
	}
	ch := l.Changed()
	mustClose(t, l)
	<-ch
	<-l.Changed()
	if _, err := l.Append(context.Background(), records(1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

func TestCursorsOnlyGrow(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	mustAppend(t, l, records(10, 0)...)
	set := func(n uint64) error { return l.SetCursor(ctx, "hall", n) }
	if err := errors.Join(set(4), set(7), set(5)); err != nil {
		t.Fatal(err)
	}
	if err := set(11); !errors.Is(err, ErrBeyond) {
		t.Errorf("beyond the end: %v", err)
	}
	mustClose(t, l)
	l = reopen(t, dir)
	for name, want := range map[string]uint64{"hall": 7, "nobody": 0} {
		if got, err := l.Cursor(ctx, name); got != want || err != nil {
			t.Errorf("%s at %d, %v", name, got, err)
		}
	}
}

func TestShow(t *testing.T) {
	l, dir := fresh(t)
	for i := range 1200 {
		r := records(1, i*600)
		if i%3 == 0 {
			r[0].Event.Kind, r[0].Event.Person = event.AccessDenied, `s-"2"<&>`
		}
		mustAppend(t, l, r...)
	}
	count := func(f Filter) (n int) {
		t.Helper()
		if err := Show(context.Background(), dir, f, func(Stored) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range []struct {
		name string
		f    Filter
		want int
	}{
		{"all", Filter{}, 1200},
		{"range", Filter{From: 10, To: 1100}, 1091},
		{"kind", Filter{Kind: "access_denied"}, 400},
		{"part of a kind", Filter{Kind: "access"}, 0},
		{"person", Filter{Person: "s-001"}, 800},
		{"odd person", Filter{Person: `s-"2"<&>`}, 400},
		{"day", Filter{}.Day(morning), 90},
		{"next day and kind", Filter{Kind: "access_denied"}.Day(morning.AddDate(0, 0, 1)), 48},
	} {
		if got := count(c.f); got != c.want {
			t.Errorf("%s: %d events, want %d", c.name, got, c.want)
		}
	}
	stop := errors.New("enough")
	if err := Show(context.Background(), dir, Filter{}, func(s Stored) error {
		if s.Seq == 3 {
			return stop
		}
		return nil
	}); err != stop {
		t.Errorf("stopped with %v", err)
	}
}

func TestP12DeviceKeyDoesNotPrint(t *testing.T) {
	k, err := NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	secret := fmt.Sprintf("%v", []byte(k.private))
	for _, s := range []string{
		fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%x", k), fmt.Sprintf("%d", k), k.String(),
		fmt.Sprintf("%+v", struct{ K any }{k}), fmt.Sprintf("%v", &k),
	} {
		if strings.Contains(s, secret[1:20]) || !strings.Contains(s, noShow) {
			t.Errorf("prints as %s", s)
		}
	}
}
