package drivertest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"sekimori/drivers"
)

// WireRig is a wire under test. Wire is the one that is held to the contract;
// Far is its other end.
type WireRig struct {
	Wire   drivers.Wire
	Far    drivers.Wire
	Unplug func()
}

// Runner runs a test's body: synctest.Test for wires that work in a bubble,
// [RealTime] for those that the kernel moves.
type Runner func(*testing.T, func(*testing.T))

// RealTime is the [Runner] that only runs.
func RealTime(t *testing.T, body func(*testing.T)) { body(t) }

// soon bounds what must happen at once; it is wide for a loaded machine, and
// nothing waits for it unless it fails.
const soon = 5 * time.Second

// TestWire holds an implementation of [drivers.Wire] to its contract.
func TestWire(t *testing.T, run Runner, connect func(*testing.T) WireRig) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, WireRig)
	}{
		{"every byte value passes both ways", wireTransparent},
		{"a read ends at its deadline and the wire lives on", wireTimeout},
		{"a deadline that has passed polls", wirePolls},
		{"a short buffer loses nothing", wireShortBuffer},
		{"Close ends a blocked read", wireCloseEndsRead},
		{"after Close everything is ErrClosed", wireClosed},
		{"a pulled cable is ErrUnplugged, not ErrClosed", wireUnplugged},
		{"a write that nobody reads ends within a second", wireWriteEnds},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, func(t *testing.T) {
				rig := connect(t)
				defer rig.Far.Close()
				defer rig.Wire.Close()
				c.test(t, rig)
			})
		})
	}
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// readFull reads n bytes, however they arrive.
func readFull(w drivers.Wire, n int) ([]byte, error) {
	deadline := time.Now().Add(soon)
	got := make([]byte, 0, n)
	for len(got) < n {
		b := make([]byte, n-len(got))
		k, err := w.Read(b, deadline)
		got = append(got, b[:k]...)
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func wireTransparent(t *testing.T, r WireRig) {
	for _, way := range []struct{ from, to drivers.Wire }{{r.Wire, r.Far}, {r.Far, r.Wire}} {
		if n, err := way.from.Write(allBytes()); n != 256 || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		if got, err := readFull(way.to, 256); err != nil || !bytes.Equal(got, allBytes()) {
			t.Fatalf("read % x, %v", got, err)
		}
	}
}

func wireTimeout(t *testing.T, r WireRig) {
	const wait = 50 * time.Millisecond
	for range 2 {
		start := time.Now()
		n, err := r.Wire.Read(make([]byte, 8), start.Add(wait))
		if n != 0 || !errors.Is(err, drivers.ErrTimeout) {
			t.Fatalf("Read of silence = %d, %v; want ErrTimeout", n, err)
		}
		if d := time.Since(start); d < wait {
			t.Fatalf("Read of silence ended after %v, before its deadline of %v", d, wait)
		}
	}
	wireTransparent(t, r)
}

func wirePolls(t *testing.T, r WireRig) {
	past := time.Now().Add(-time.Hour)
	if n, err := r.Wire.Read(make([]byte, 8), past); n != 0 || !errors.Is(err, drivers.ErrTimeout) {
		t.Fatalf("poll of silence = %d, %v; want ErrTimeout", n, err)
	}
	wireTransparent(t, r)
}

func wireShortBuffer(t *testing.T, r WireRig) {
	if _, err := r.Far.Write(allBytes()); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for len(got) < 256 {
		var b [7]byte
		n, err := r.Wire.Read(b[:], time.Now().Add(soon))
		if err != nil || n == 0 {
			t.Fatalf("after %d bytes: Read = %d, %v", len(got), n, err)
		}
		got = append(got, b[:n]...)
	}
	if !bytes.Equal(got, allBytes()) {
		t.Fatalf("read % x", got)
	}
}

func wireCloseEndsRead(t *testing.T, r WireRig) {
	ended := make(chan error, 1)
	go func() {
		_, err := r.Wire.Read(make([]byte, 8), time.Now().Add(time.Hour))
		ended <- err
	}()
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	<-timer.C
	if err := r.Wire.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, drivers.ErrClosed) || errors.Is(err, drivers.ErrUnplugged) {
			t.Fatalf("Read ended with %v, want ErrClosed alone", err)
		}
	case <-time.After(soon):
		t.Fatal("Read did not end after Close")
	}
}

func wireClosed(t *testing.T, r WireRig) {
	for range 2 {
		if err := r.Wire.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if _, err := r.Wire.Write([]byte("x")); !errors.Is(err, drivers.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if _, err := r.Wire.Read(make([]byte, 1), time.Now().Add(soon)); !errors.Is(err, drivers.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
}

func wireUnplugged(t *testing.T, r WireRig) {
	ended := make(chan error, 1)
	go func() {
		_, err := r.Wire.Read(make([]byte, 8), time.Now().Add(time.Hour))
		ended <- err
	}()
	timer := time.NewTimer(20 * time.Millisecond)
	defer timer.Stop()
	<-timer.C
	r.Unplug()
	select {
	case err := <-ended:
		if !errors.Is(err, drivers.ErrUnplugged) || errors.Is(err, drivers.ErrClosed) {
			t.Fatalf("Read ended with %v, want ErrUnplugged alone", err)
		}
	case <-time.After(soon):
		t.Fatal("Read did not end when the cable was pulled")
	}
	if _, err := r.Wire.Write([]byte("x")); !errors.Is(err, drivers.ErrUnplugged) {
		t.Errorf("Write without a cable: %v", err)
	}
}

// wireWriteEnds fills whatever buffer there is. The bound is the contract's
// second with room for a loaded machine.
func wireWriteEnds(t *testing.T, r WireRig) {
	start := time.Now()
	_, err := r.Wire.Write(make([]byte, 1<<20))
	if d := time.Since(start); d > soon {
		t.Fatalf("Write took %v", d)
	}
	if err != nil && !errors.Is(err, drivers.ErrTimeout) {
		t.Fatalf("Write that nobody reads: %v, want nil or ErrTimeout", err)
	}
}
