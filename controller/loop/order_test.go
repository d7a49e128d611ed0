package loop

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/policy"
)

// TestNothingOfAnOrderStays: once an order is recorded or given up, what rode
// along with it is forgotten.
func TestNothingOfAnOrderStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		end := w.start()
		w.commission()
		for i, act := range []door.Act{
			{Kind: door.ActReset, Person: "s-001"}, {Kind: door.ActReset, Person: "s-001", Lockout: true},
			{Kind: door.ActLockdown}, {Kind: door.ActLockdown}, {Kind: door.ActRelease}, {Kind: door.ActRelease},
			{Kind: door.ActResecure}, {Kind: door.ActImport}, {Kind: door.ActImport, Roster: &policy.Roster{}},
			{Kind: door.ActEnroll, Person: "s-001", Page: 1},
		} {
			act.Order = string(rune('a' + i))
			x := Extra{OrderID: act.Order, Order: []byte("signed")}
			if act.Kind == door.ActImport || act.Kind == door.ActEnroll {
				x.State = map[string][]byte{"roster": []byte("{}")}
			}
			if !w.loop.Act(act, x) {
				t.Errorf("order %d was not recorded", i)
			}
		}
		broken := errors.New("i/o error")
		w.broken.Store(&broken)
		if w.loop.Act(door.Act{Kind: door.ActReset, Order: "z", Person: "s-001"}, Extra{OrderID: "z"}) {
			t.Error("an order that could not be recorded was")
		}
		if r := end(); r != nil {
			t.Fatal(r)
		}
		if n := len(w.loop.extras); n != 0 {
			t.Errorf("%d extras stay for ever: %v", n, w.loop.extras)
		}
	})
}

// failsAfter is a disk that fails from the record after an order's answer on.
type failsAfter struct {
	*world
	failing bool
	failed  atomic.Bool
	mended  atomic.Bool
}

func (d *failsAfter) Append(ctx context.Context, events []event.Event, x Extra) ([]event.Event, error) {
	if d.failing && !d.mended.Load() {
		d.failed.Store(true)
		return nil, errors.New("i/o error")
	}
	for _, ev := range events {
		d.failing = d.failing || ev.Kind == event.OrderAccepted || ev.Kind == event.OrderRefused
	}
	return d.world.Append(ctx, events, x)
}

// TestAnswerIsAboutTheOrder: an order that stands in the ledger was recorded,
// whatever becomes of the records that follow from it.
func TestAnswerIsAboutTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		disk := &failsAfter{world: w}
		w.disk = disk
		end := w.start()
		w.commission()
		w.loop.Emit(badge("entry", "10023")) // an attempt that the lockdown ends, in a record of its own
		synctest.Wait()
		if !w.loop.Act(door.Act{Kind: door.ActLockdown, Order: "o-1"}, Extra{OrderID: "o-1"}) {
			t.Errorf("o-1 stands in the ledger, and its sender hears that it does not: %v", w.kinds())
		}
		synctest.Wait()
		if !disk.failed.Load() {
			t.Error("nothing followed from the order that could fail")
		}
		if w.loop.Settled(door.Refused{Code: "bad_signature"}) {
			t.Error("a refusal that could not be recorded was")
		}
		disk.mended.Store(true)
		time.Sleep(time.Minute)
		if r := end(); r != nil {
			t.Fatal(r)
		}
	})
}
