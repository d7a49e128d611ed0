package loop

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/drivers"
)

// slowDisk takes a second for a grant, in time but not at once, and lets
// something happen meanwhile.
type slowDisk struct {
	*world
	during func()
	fails  bool
}

func (d *slowDisk) Append(ctx context.Context, events []event.Event, x Extra) ([]event.Event, error) {
	if slices.ContainsFunc(events, func(ev event.Event) bool { return ev.Kind == event.AccessGranted }) && d.during != nil {
		during := d.during
		d.during = nil
		during()
		time.Sleep(time.Second)
		if d.fails {
			return nil, errors.New("i/o error")
		}
	}
	return d.world.Append(ctx, events, x)
}

// overtaken is somebody who shows badge and finger at a side, and what happens
// while his grant is being written.
func overtaken(t *testing.T, side string, fails bool, during func(w *world), then func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, verify: match}
		w.disk = &slowDisk{world: w, during: func() { during(w) }, fails: fails}
		end := w.start()
		w.commission()
		w.loop.Emit(badge(side, "10023"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if then != nil {
			then(w)
		}
		if r := end(); r != nil {
			t.Fatal(r)
		}
		if !w.has(event.AccessGranted) && !fails {
			t.Errorf("the test does not come to a grant: %v", w.kinds())
		}
	})
}

func (w *world) released() bool { return w.touched("before release") }

func (w *world) touched(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.touches, what)
}

// forget begins the list of touches anew.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touches = nil
}

// TestP1P4P5OvertakenWhileRecording: what happens while the grant is being
// written keeps the lock locked, as far as it concerns that side.
func TestP1P4P5OvertakenWhileRecording(t *testing.T) {
	leaf := func(l drivers.Level) func(*world) {
		return func(w *world) { w.loop.Emit(drivers.Event{Source: "leaf", Body: drivers.Line{Level: l}}) }
	}
	lost := func(source string) func(*world) {
		return func(w *world) { w.loop.Emit(drivers.Event{Source: source, Body: drivers.Offline{Reason: "test"}}) }
	}
	tests := map[string]struct {
		side   string
		during func(w *world)
		opens  bool
	}{
		"nothing":                    {"entry", func(*world) {}, true},
		"the leaf opened":            {"entry", leaf(drivers.Open), false},
		"the leaf cannot be read":    {"entry", leaf(drivers.Unknown), false},
		"the reader was lost":        {"entry", lost("entry-badge"), false},
		"the reader was opened":      {"entry", func(w *world) { w.loop.Emit(drivers.Event{Source: "entry-badge", Body: drivers.Tamper{Active: true}}) }, false},
		"a lockdown":                 {"entry", func(w *world) { w.loop.Do(door.Act{Kind: door.ActLockdown, Order: "o-1"}) }, false},
		"a fire":                     {"entry", func(w *world) { w.loop.Do(door.Line{ID: door.LineFire, Level: door.Active}) }, false},
		"the lock cannot be secured": {"entry", lost("lock"), false},
		"the leaf opened, for somebody who leaves":     {"exit", leaf(drivers.Open), false},
		"the other reader was lost":                    {"exit", lost("entry-badge"), true},
		"a lockdown, for somebody who leaves":          {"exit", func(w *world) { w.loop.Do(door.Act{Kind: door.ActLockdown, Order: "o-1"}) }, true},
		"the leaf cannot be read, and somebody leaves": {"exit", leaf(drivers.Unknown), true},
		"behind many others": {"entry", func(w *world) {
			for range queue - 1 {
				w.loop.Emit(drivers.Event{Source: "bolt", Body: drivers.Line{Level: drivers.Closed}})
			}
			w.loop.Do(door.Act{Kind: door.ActLockdown, Order: "o-1"})
		}, false},
		"behind a full queue": {"entry", func(w *world) {
			for range queue {
				w.loop.Emit(drivers.Event{Source: "bolt", Body: drivers.Line{Level: drivers.Closed}})
			}
			go w.loop.Do(door.Act{Kind: door.ActLockdown, Order: "o-1"})
		}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			overtaken(t, test.side, false, test.during, func(w *world) {
				if w.released() != test.opens {
					t.Errorf("released: %v, want %v: %v", w.released(), test.opens, w.kinds())
				}
			})
		})
	}
}

// TestP2StopWhileRecording: a daemon that is told to end opens nothing any
// more.
func TestP2StopWhileRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, verify: match}
		var end func() any
		ended := make(chan any, 1)
		w.disk = &slowDisk{world: w, during: func() { go func() { ended <- end() }() }}
		end = w.start()
		w.commission()
		w.loop.Emit(badge("entry", "10023"))
		if r := <-ended; r != nil {
			t.Fatal(r)
		}
		if w.released() || w.kinds()[len(w.stored)-1] != event.DaemonStopped {
			t.Errorf("released: %v, %v", w.released(), w.kinds())
		}
	})
}

// TestAnswersComeAfterTheOutcome: an order, a refusal and the watchdog's
// question that arrive while a record is being written are answered with what
// is true once they are taken.
func TestAnswersComeAfterTheOutcome(t *testing.T) {
	for _, fails := range []bool{false, true} {
		var order, refusal, lockedDown bool
		alive := errors.New("no answer")
		overtaken(t, "entry", fails, func(w *world) {
			ctx := w.t.Context()
			go func() { alive = w.loop.Alive(ctx) }()
			go func() { refusal = w.loop.Settled(door.Refused{Code: "bad_signature"}) }()
			go func() {
				order = w.loop.Act(door.Act{Kind: door.ActLockdown, Order: "o-1"}, Extra{OrderID: "o-1"})
				lockedDown = w.has(event.Lockdown)
			}()
		}, nil)
		if alive != nil || order == fails || refusal == fails || lockedDown == fails {
			t.Errorf("record fails: %v; alive %v, order recorded %v, refusal recorded %v, locked down %v", fails, alive, order, refusal, lockedDown)
		}
	}
}

// TestFloodDelaysNothingElse: badges fill their queue while the disk is slow; a
// lockdown, and then whoever leaves, come before all of them.
func TestFloodDelaysNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, verify: match}
		w.disk = everySlow{w}
		end := w.start()
		w.commission()
		time.Sleep(10 * time.Second)
		for i := range queue {
			w.loop.Emit(badge("entry", fmt.Sprint(70_000+i))) // each another: none is counted with others
		}
		from := time.Now()
		w.loop.Emit(badge("exit", "10023"))
		if !w.loop.Act(door.Act{Kind: door.ActLockdown, Order: "o-1"}, Extra{}) {
			t.Error("the lockdown was not recorded")
		}
		if took := time.Since(from); took > 3*time.Second {
			t.Errorf("a lockdown took %v", took)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if !w.released() {
			t.Error("whoever leaves waits behind those who do not enter")
		}
		time.Sleep(10 * time.Minute)
		if r := end(); r != nil {
			t.Fatal(r)
		}
	})
}

// everySlow is a disk that takes a second for everything.
type everySlow struct{ *world }

func (d everySlow) Append(ctx context.Context, events []event.Event, x Extra) ([]event.Event, error) {
	time.Sleep(time.Second)
	return d.world.Append(ctx, events, x)
}
