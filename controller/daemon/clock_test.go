package daemon

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/event"
	"sekimori/controller/ledger"
)

// wallClock is a clock that can be set, and the word of who keeps it.
type wallClock struct {
	off    time.Duration
	synced bool
}

func (w *wallClock) now() (time.Time, bool) { return time.Now().Add(w.off), w.synced }

// reads sets the clock, lets a second pass and tells whether it is trusted.
func (w *wallClock) reads(c *clock, off time.Duration, synced bool) bool {
	w.off, w.synced = off, synced
	time.Sleep(time.Second)
	return c.Now().Trusted
}

func TestClockTrust(t *testing.T) {
	type reading struct {
		off     time.Duration
		synced  bool
		trusted bool
	}
	for name, story := range map[string][]reading{
		"a jump, and back":                   {{0, true, true}, {time.Hour, true, false}, {time.Hour, true, false}, {0, true, true}},
		"a jump, vouched for anew":           {{0, true, true}, {time.Hour, true, false}, {time.Hour, false, false}, {time.Hour, true, true}, {time.Hour, true, true}},
		"a jump from there, and back":        {{0, true, true}, {time.Hour, true, false}, {time.Hour, false, false}, {time.Hour, true, true}, {0, true, false}, {time.Hour, true, true}},
		"bit by bit":                         {{0, true, true}, {25 * time.Second, true, true}, {50 * time.Second, true, true}, {75 * time.Second, true, false}, {50 * time.Second, true, false}},
		"behind what was trusted":            {{0, true, true}, {-25 * time.Second, true, false}, {0, true, true}},
		"a small correction":                 {{0, true, true}, {20 * time.Second, true, true}, {20 * time.Second, true, true}},
		"set right at the first time signal": {{-1000 * time.Hour, false, false}, {0, true, true}, {0, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wallClock{story[0].off, story[0].synced}
				c := newClock(w.now, time.UTC, time.Time{})
				for i, r := range story {
					if got := w.reads(c, r.off, r.synced); got != r.trusted {
						t.Fatalf("reading %d (%v, synchronised %v): trusted %v", i, r.off, r.synced, got)
					}
				}
			})
		})
	}
}

// TestP11ClockFloor: no clock is believed behind the newest trusted event. One
// with an untrusted clock, however far ahead, closes nothing.
func TestP11ClockFloor(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	book := newBook(t)
	for _, e := range []struct {
		at    time.Time
		clock event.Clock
	}{{now.AddDate(0, 0, -1), event.Trusted}, {now.AddDate(50, 0, 0), event.Untrusted}} {
		ev := event.New(event.DaemonStarted)
		ev.Time, ev.Clock, ev.Door, ev.Place = event.At(e.at), e.clock, testDoor, "machine_room"
		ev.Detail = `"clock":"trusted"` // as text it counts for nothing
		if _, err := book.Append(t.Context(), []ledger.Record{{Event: ev}}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := recall(t.Context(), book)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]bool{now: true, now.AddDate(0, 0, -2): false} {
		c := newClock(func() (time.Time, bool) { return at, true }, time.UTC, m.trusted)
		if got := c.Now().Trusted; got != want {
			t.Errorf("at %v: trusted %v", at, got)
		}
	}
}

const testDoor = "machine-room"

// newBook makes an empty ledger.
func newBook(t *testing.T) *ledger.Ledger {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ledger")
	key, err := ledger.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Init(dir, testDoor, key); err != nil {
		t.Fatal(err)
	}
	return openBook(t, dir)
}

func openBook(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), dir, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
