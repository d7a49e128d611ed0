package drivertest

import (
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
)

// LockRig is a lock under test with the outside's view of its output.
type LockRig struct {
	Lock drivers.Lock
	// Released tells whether the output is driven to release, as a meter at
	// the terminal would: not what the driver believes.
	Released func() bool
	// Fail makes each driving of the output fail with err until it is called
	// with nil. Nil: this output cannot fail.
	Fail func(err error)
	// Releases is how often the output went from inactive to released.
	Releases func() int
}

// TestLock holds an implementation of [drivers.Lock] to its contract (P2, P3),
// in virtual time. newLock is called inside a bubble; what it starts must end
// with Lock.Close.
func TestLock(t *testing.T, newLock func(t *testing.T) LockRig) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, LockRig)
	}{
		{"inactive until asked", lockInactiveUntilAsked},
		{"P3 a release ends itself, exactly", lockEndsItself},
		{"Secure ends early and twice is once", lockSecure},
		{"a second release extends and does not stack", lockExtends},
		{"a shorter second release does not shorten", lockKeepsLonger},
		{"a release that is no time is refused", lockRefusesNoTime},
		{"errors are told and leave the lock inactive", lockErrors},
		{"a failed end is tried until it succeeds", lockRetriesEnd},
		{"Close leaves it inactive and refuses more", lockClose},
		{"a late timer never ends a newer release", lockTimerRace},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rig := newLock(t)
				defer rig.Lock.Close()
				c.test(t, rig)
			})
		})
	}
}

const release = 5 * time.Second

func (r LockRig) want(t *testing.T, released bool, when string) {
	t.Helper()
	synctest.Wait()
	if got := r.Released(); got != released {
		t.Fatalf("%s: released = %v, want %v", when, got, released)
	}
}

func (r LockRig) release(t *testing.T, d time.Duration) {
	t.Helper()
	if err := r.Lock.Release(d); err != nil {
		t.Fatalf("Release(%v): %v", d, err)
	}
}

func lockInactiveUntilAsked(t *testing.T, r LockRig) {
	r.want(t, false, "new lock")
	time.Sleep(time.Hour)
	if n := r.Releases(); n != 0 {
		t.Fatalf("released %d times without being asked", n)
	}
	r.release(t, release)
	if n := r.Releases(); n != 1 {
		t.Fatalf("one Release drove %d releases", n)
	}
}

func lockEndsItself(t *testing.T, r LockRig) {
	r.release(t, release)
	r.want(t, true, "after Release")
	time.Sleep(release - time.Nanosecond)
	r.want(t, true, "a nanosecond before the end")
	time.Sleep(time.Nanosecond)
	r.want(t, false, "at the end")
}

func lockSecure(t *testing.T, r LockRig) {
	r.release(t, release)
	time.Sleep(time.Second)
	for range 2 {
		if err := r.Lock.Secure(); err != nil {
			t.Fatalf("Secure: %v", err)
		}
		r.want(t, false, "after Secure")
	}
	time.Sleep(release)
	r.release(t, release)
	r.want(t, true, "a release after Secure")
	if n := r.Releases(); n != 2 {
		t.Fatalf("two Releases drove %d releases", n)
	}
}

func lockExtends(t *testing.T, r LockRig) {
	r.release(t, release)
	time.Sleep(3 * time.Second)
	r.release(t, release)
	time.Sleep(release - time.Nanosecond)
	r.want(t, true, "before the end of the second release")
	time.Sleep(time.Nanosecond)
	r.want(t, false, "at the end of the second release")
}

func lockKeepsLonger(t *testing.T, r LockRig) {
	r.release(t, release)
	time.Sleep(time.Second)
	r.release(t, time.Second)
	time.Sleep(release - time.Second - time.Nanosecond)
	r.want(t, true, "before the end of the longer release")
	time.Sleep(time.Nanosecond)
	r.want(t, false, "at the end of the longer release")
}

func lockRefusesNoTime(t *testing.T, r LockRig) {
	for _, d := range []time.Duration{0, -1, -time.Hour, 1<<63 - 1} {
		if err := r.Lock.Release(d); err == nil {
			t.Errorf("Release(%v) gave no error", d)
		}
		r.want(t, false, "after a refused release")
	}
	if n := r.Releases(); n != 0 {
		t.Fatalf("refused releases drove %d", n)
	}
}

type outputFault string

func (e outputFault) Error() string { return string(e) }

func lockErrors(t *testing.T, r LockRig) {
	if r.Fail == nil {
		t.Log("this output cannot fail: nothing to try")
		return
	}
	r.Fail(outputFault("output gone"))
	if err := r.Lock.Release(release); err == nil {
		t.Error("Release on a failing output gave no error")
	}
	if err := r.Lock.Secure(); err == nil {
		t.Error("Secure on a failing output gave no error")
	}
	r.Fail(nil)
	r.want(t, false, "after a failed release")
	time.Sleep(2 * release)
	r.want(t, false, "long after a failed release")
	r.release(t, release)
	r.want(t, true, "a release after the output came back")
}

func lockRetriesEnd(t *testing.T, r LockRig) {
	if r.Fail == nil {
		t.Log("this output cannot fail: nothing to try")
		return
	}
	r.release(t, release)
	r.Fail(outputFault("output gone"))
	time.Sleep(2 * release)
	r.Fail(nil)
	time.Sleep(time.Second)
	r.want(t, false, "a second after the output came back")
}

func lockClose(t *testing.T, r LockRig) {
	r.release(t, release)
	if err := r.Lock.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	r.want(t, false, "after Close")
	if err := r.Lock.Release(release); err == nil {
		t.Error("Release after Close gave no error")
	}
	time.Sleep(2 * release)
	r.want(t, false, "long after Close")
	if err := r.Lock.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if n := r.Releases(); n != 1 {
		t.Fatalf("one Release drove %d releases", n)
	}
}

func lockTimerRace(t *testing.T, r LockRig) {
	r.release(t, release)
	time.Sleep(release) // the timer and the next Release are due together
	r.release(t, release)
	r.want(t, true, "a release at the instant the last one ended")
	time.Sleep(release - time.Nanosecond)
	r.want(t, true, "before the end of the newer release")
	time.Sleep(time.Nanosecond)
	r.want(t, false, "at the end of the newer release")
}
