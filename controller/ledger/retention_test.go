package ledger

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekimori/controller/event"
)

func notice() event.Event {
	ev := sample(event.Tamper, 100_000)
	ev.Person, ev.Passage = "", ""
	return ev
}

func TestForget(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	for i := range 700 {
		r := records(1, i)
		switch i {
		case 5: // an unset clock must not hold retention up for ever
			r[0].Event.Clock, r[0].Event.Time = event.Untrusted, event.At(time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC))
		case 7:
			r[0].Order = &Order{"o-7", []byte("signed by s-777")}
		case 650:
			r[0].Order = &Order{"o-650", []byte("signed by s-650")}
		}
		r[0].Event.Detail = "wears-a-red-hat"
		mustAppend(t, l, r...)
	}
	before := mustCheckpoint(t, l, morning)
	if err := l.SetCursor(ctx, "hall", 400); err != nil {
		t.Fatal(err)
	}
	limit := morning.Add(600 * time.Second)

	// What the collector lacks stays.
	done, err := l.Forget(ctx, limit, notice())
	if err != nil || done != (Forgotten{1, 400}) {
		t.Fatalf("forgot %v, %v", done, err)
	}
	if err := l.SetCursor(ctx, "hall", 700); err != nil {
		t.Fatal(err)
	}
	if done, err = l.Forget(ctx, limit, notice()); err != nil || done != (Forgotten{401, 600}) {
		t.Fatalf("forgot %v, %v", done, err)
	}
	if done, err = l.Forget(ctx, limit, notice()); err != nil || done != (Forgotten{}) || l.Last() != 702 {
		t.Fatalf("forgot %v again, %v, %d events", done, err, l.Last())
	}
	events, err := l.Events(ctx, 600, 2)
	if err != nil || events[0].Body != nil || events[1].Body == nil {
		t.Errorf("events 600 and 601: %+v %v", events, err)
	}
	for id, want := range map[string]string{"o-7": "", "o-650": "signed by s-650"} {
		if b, err := l.OrderBytes(ctx, id); string(b) != want || err != nil {
			t.Errorf("order %s reads %q, %v", id, b, err)
		}
		if used, _ := l.OrderUsed(ctx, id); !used {
			t.Errorf("order %s may be used again", id)
		}
	}
	rep, err := l.Verify(ctx, Evidence{Checkpoints: [][]byte{before}})
	if err != nil || !rep.OK() || rep.Forgotten != 600 || rep.Covered != 700 {
		t.Errorf("%s %v", rep.String(), err)
	}
	var said []string
	l.Show(ctx, Filter{Kind: "log_forgotten"}, func(s Stored) error { said = append(said, string(s.Body)); return nil })
	if len(said) != 2 || !strings.Contains(said[1], `"of":600`) || !strings.Contains(said[1], `"count":200`) {
		t.Errorf("the ledger says %q", said)
	}
	// Not even in the log of the running ledger.
	if info, err := os.Stat(filepath.Join(dir, databaseFile+"-wal")); err != nil || info.Size() != 0 {
		t.Errorf("the write-ahead log holds %d bytes, %v", info.Size(), err)
	}
	mustClose(t, l)
	goneForGood(t, dir)
	l = reopen(t, dir)
	mustAppend(t, l, records(1, 701)...)
}

// goneForGood sees that what is forgotten cannot be written anew, and that no
// copy of it stays in a file.
func goneForGood(t *testing.T, dir string) {
	t.Helper()
	db, err := connect(filepath.Join(dir, databaseFile), unfenced)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{`UPDATE event SET salt = zeroblob(16), body = x'00' WHERE seq = 3`, `UPDATE orders SET bytes = x'00' WHERE id = 'o-7'`} {
		if _, err := db.Exec(s); err == nil {
			t.Errorf("what is forgotten could be written anew: %s", s)
		}
	}
	for _, name := range []string{databaseFile, headFile} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte("wears-a-red-hat")); name == databaseFile && (n < 100 || n > 110) {
			t.Errorf("%d bodies in the file, 100 are left", n)
		}
		if bytes.Contains(b, []byte("s-777")) {
			t.Errorf("a forgotten order is still in %s", name)
		}
	}
}

// A forgetting that was cut short is finished by the next, and until then the
// ledger is in order.
func TestForgetResumes(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	mustAppend(t, l, records(600, 0)...)
	if err := l.announce(ctx, Forgotten{1, 550}, notice()); err != nil {
		t.Fatal(err)
	}
	if err := l.blankBatch(ctx, 1, forgetBatch); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	l = reopen(t, dir)
	if rep, err := l.Verify(ctx, Evidence{}); err != nil || !rep.OK() {
		t.Errorf("in between: %s %v", rep.String(), err)
	}
	if done, err := l.Forget(ctx, morning, notice()); err != nil || done != (Forgotten{}) {
		t.Errorf("forgot %v, %v", done, err)
	}
	events, err := l.Events(ctx, 300, 1)
	if err != nil || events[0].Body != nil {
		t.Errorf("event 300 still reads %q, %v", events[0].Body, err)
	}
	if rep, err := l.Verify(ctx, Evidence{}); err != nil || !rep.OK() {
		t.Errorf("afterwards: %s %v", rep.String(), err)
	}
}

// All forgotten, years of silence, and a start: nothing to read a clock from.
func TestForgetEverything(t *testing.T) {
	ctx := context.Background()
	l, dir := fresh(t)
	mustAppend(t, l, records(3, 0)...)
	if _, err := l.Forget(ctx, morning.AddDate(8, 0, 0), notice()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Forget(ctx, morning.AddDate(8, 0, 0), notice()); err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	l = reopen(t, dir)
	if l.Last() != 5 {
		t.Errorf("ends at %d", l.Last())
	}
}
