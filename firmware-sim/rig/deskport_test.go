package rig

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sekimori/drivers"
	"sekimori/drivers/serialport"
)

// echo is a device that says back what it hears.
func echo(_ context.Context, end io.ReadWriteCloser) error {
	_, err := io.Copy(end, end)
	return err
}

func openPort(t *testing.T, p *port) drivers.Wire {
	t.Helper()
	w, err := serialport.Open(p.path, serialport.Mode{Baud: 57600})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func hears(t *testing.T, w drivers.Wire, text string) {
	t.Helper()
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	got, b := "", make([]byte, 64)
	for deadline := time.Now().Add(5 * time.Second); got != text; {
		n, err := w.Read(b, deadline)
		if err != nil {
			t.Fatalf("heard %q of %q, then %v", got, text, err)
		}
		got += string(b[:n])
	}
}

// TestPortIsPluggedAndPulled: the real driver opens the same path before and
// after; pulling hangs up on it at once and takes the path away.
func TestPortIsPluggedAndPulled(t *testing.T) {
	needPTY(t)
	p := newPort(filepath.Join(t.TempDir(), "readers"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx, echo) }()
	for range 2 {
		if err := errors.Join(p.plug(), p.plug()); err != nil {
			t.Fatal(err)
		}
		w := openPort(t, p)
		hears(t, w, "\x11\x13\x03\r\n\xff") // bytes that a cooked terminal eats
		p.unplug()
		if _, err := w.Read(make([]byte, 8), time.Now().Add(5*time.Second)); !errors.Is(err, drivers.ErrUnplugged) {
			t.Errorf("after unplugging: %v", err)
		}
		if w, err := serialport.Open(p.path, serialport.Mode{Baud: 57600}); err == nil {
			w.Close()
			t.Error("a port without a cable was opened")
		}
	}
	p.unplug() // nothing is plugged in
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestPortForgetsItsKilledUser: exclusive use ends with the process that had
// claimed it, as on a port with one opener.
func TestPortForgetsItsKilledUser(t *testing.T) {
	needPTY(t)
	p := newPort(filepath.Join(t.TempDir(), "readers"))
	if err := p.plug(); err != nil {
		t.Fatal(err)
	}
	defer p.unplug()
	exclusive := func() int {
		n, err := unix.IoctlGetInt(int(p.cable.slave.Fd()), unix.TIOCGEXCL)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	openPort(t, p)
	if exclusive() == 0 {
		t.Fatal("the driver did not claim the port: this test shows nothing")
	}
	p.release()
	if exclusive() != 0 {
		t.Error("the port is still claimed")
	}
}

// TestPortReportsADeviceThatGaveUp: a simulator that ends on a cable that
// nobody pulled is a fault of the rig.
func TestPortReportsADeviceThatGaveUp(t *testing.T) {
	needPTY(t)
	p := newPort(filepath.Join(t.TempDir(), "readers"))
	if err := p.plug(); err != nil {
		t.Fatal(err)
	}
	defer p.unplug()
	why := errors.New("burnt out")
	err := p.run(t.Context(), func(context.Context, io.ReadWriteCloser) error { return why })
	if !errors.Is(err, why) {
		t.Errorf("run ended with %v", err)
	}
}
