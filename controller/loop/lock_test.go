package loop

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/drivers"
)

// jammed is a lock output that cannot be driven to rest while why is set.
type jammed struct {
	*world
	why atomic.Pointer[error]
}

func (j *jammed) jam() error {
	err := errors.New("the output cannot be driven")
	j.why.Store(&err)
	return err
}

func (j *jammed) Secure() error {
	if err := j.world.Secure(); err != nil {
		return err
	}
	if err := j.why.Load(); err != nil {
		return *err
	}
	return nil
}

// TestP3P11JammedLockIsSaid: a lock that cannot be secured stands in the
// ledger, lets nobody in, and stands there again once it works.
func TestP3P11JammedLockIsSaid(t *testing.T) {
	for name, jam := range map[string]func(w *world, j *jammed){
		"the loop asked": func(w *world, j *jammed) {
			j.jam()
			w.loop.Emit(badge("entry", "10023"))
			time.Sleep(time.Second)
			w.loop.Emit(drivers.Event{Source: "leaf", Body: drivers.Line{Level: drivers.Open}})
			time.Sleep(time.Second)
			w.loop.Emit(drivers.Event{Source: "leaf", Body: drivers.Line{Level: drivers.Closed}})
		},
		"the driver tells": func(w *world, j *jammed) {
			w.loop.Emit(drivers.Event{Source: "lock", Body: drivers.Offline{Reason: j.jam().Error()}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, verify: match}
				j := &jammed{world: w}
				w.lock = j
				end := w.start()
				w.commission()
				synctest.Wait()
				jam(w, j)
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if !w.has(event.LockFault) {
					t.Fatalf("the ledger says nothing of it: %v", w.kinds())
				}
				w.forget()
				w.loop.Emit(badge("entry", "10023"))
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if w.released() {
					t.Error("somebody entered")
				}
				j.why.Store(nil)
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if !w.has(event.LockFaultCleared) {
					t.Errorf("it works again, and the ledger does not say so: %v", w.kinds())
				}
				if r := end(); r != nil {
					t.Fatal(r)
				}
			})
		})
	}
}

// TestRunTellsOfALockLeftOpen: what securing came to at last is Run's result.
func TestRunTellsOfALockLeftOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		j := &jammed{world: w}
		w.lock = j
		end := w.start()
		synctest.Wait()
		why := j.jam()
		if err, _ := end().(error); !errors.Is(err, why) {
			t.Errorf("Run = %v", err)
		}
	})
}

// TestP4NoLockCommandInAFire: also not at the end of the daemon.
func TestP4NoLockCommandInAFire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		end := w.start()
		w.commission()
		w.loop.Do(door.Line{ID: door.LineFire, Level: door.Active})
		synctest.Wait()
		w.forget()
		if r := end(); r != nil {
			t.Fatal(r)
		}
		if w.touched("secure") || !w.has(event.DaemonStopped) {
			t.Errorf("touched %v, recorded %v", w.touches, w.kinds())
		}
	})
}
