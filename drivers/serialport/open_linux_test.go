package serialport

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sekimori/drivers"
	"sekimori/drivers/drivertest"
)

// newPTY gives a master and the slave's path. It must be loud where a machine
// has none: these tests are the only ones on a real terminal.
func newPTY(t *testing.T) (*os.File, string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		if strings.Contains(os.Getenv("SEKIMORI_REQUIRE"), "pty") {
			t.Fatalf("pseudo-terminals are required here: %v", err)
		}
		t.Skipf("NOT TESTED: this machine gives no pseudo-terminal: %v", err)
	}
	defer slave.Close()
	path := slave.Name()
	// After (*os.File).Fd a master is in blocking mode and Close would not
	// hang up while a Read is blocked on it; a fresh descriptor can.
	fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	master.Close()
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { master.Close() })
	return master, path
}

// far is a master as the other end of the wire.
type far struct{ *os.File }

func (f far) Read(p []byte, deadline time.Time) (int, error) {
	f.SetReadDeadline(deadline)
	return f.File.Read(p)
}

func mustOpen(t *testing.T, path string, mode Mode) drivers.Wire {
	t.Helper()
	w, err := Open(path, mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestSerialPortIsAWire(t *testing.T) {
	drivertest.TestWire(t, drivertest.RealTime, func(t *testing.T) drivertest.WireRig {
		master, path := newPTY(t)
		w := mustOpen(t, path, Mode{Baud: 115200})
		return drivertest.WireRig{Wire: w, Far: far{master}, Unplug: func() { master.Close() }}
	})
}

// TestSettingsReachTheTerminal reads the settings at the master, as the desk's
// simulators do. A PTY clears parity silently, so that is not asserted.
func TestSettingsReachTheTerminal(t *testing.T) {
	for _, baud := range []int{300, 9600, 12345, 57600, 115200, 250000} {
		master, path := newPTY(t)
		mustOpen(t, path, Mode{Baud: baud, DataBits: 7, Parity: ParityEven, StopBits: 2})
		conn, err := master.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		conn.Control(func(fd uintptr) {
			got, err := unix.IoctlGetTermios(int(fd), unix.TCGETS2)
			if err != nil {
				t.Fatal(err)
			}
			if int(got.Ospeed) != baud || int(got.Ispeed) != baud {
				t.Errorf("asked %d baud, the terminal has %d out, %d in", baud, got.Ospeed, got.Ispeed)
			}
			if got.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 || got.Oflag&unix.OPOST != 0 || got.Iflag&(unix.IXON|unix.IXOFF) != 0 {
				t.Errorf("the terminal is not raw: %+v", got)
			}
			if got.Cflag&unix.CSTOPB == 0 || got.Cflag&unix.CRTSCTS != 0 {
				t.Errorf("control flags %#x", got.Cflag)
			}
		})
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	_, path := newPTY(t)
	first := mustOpen(t, path, Mode{Baud: 9600})
	link := filepath.Join(t.TempDir(), "entry")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		_, err := Open(name, Mode{Baud: 9600})
		if !errors.Is(err, ErrTaken) || errors.Is(err, ErrNever) || !strings.Contains(err.Error(), name) {
			t.Errorf("second open of %s: %v", name, err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, link, Mode{Baud: 9600})
}

func TestOpenRefuses(t *testing.T) {
	_, path := newPTY(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		mode       Mode
		never      bool
		says       string
	}{
		{"absent", "/dev/sekimori-none", Mode{Baud: 9600}, false, "no such file"},
		{"a file", file, Mode{Baud: 9600}, true, "not a serial port"},
		{"/dev/null", "/dev/null", Mode{Baud: 9600}, true, "not a serial port"},
		{"a folder", filepath.Dir(file), Mode{Baud: 9600}, true, "is a directory"},
		{"no speed", path, Mode{}, true, "speed 0"},
		{"direction that the driver lacks", path, Mode{Baud: 9600, Direction: DirectionKernel}, true, "RS-485"},
	} {
		w, err := Open(c.path, c.mode)
		if err == nil {
			w.Close()
			t.Errorf("%s: opened", c.name)
			continue
		}
		if errors.Is(err, ErrNever) != c.never || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v (never %v)", c.name, err, errors.Is(err, ErrNever))
		}
	}
	mustOpen(t, path, Mode{Baud: 9600}) // a refused open leaves no lock
}

// TestStaleBytesAreNotRead: what arrived before the port was opened was sent
// to somebody else.
func TestStaleBytesAreNotRead(t *testing.T) {
	master, path := newPTY(t)
	holder := mustOpen(t, path, Mode{Baud: 9600}) // makes the terminal raw
	keep, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	holder.Close()
	if _, err := master.WriteString("stale"); err != nil {
		t.Fatal(err)
	}
	w := mustOpen(t, path, Mode{Baud: 9600})
	if _, err := master.WriteString("fresh"); err != nil {
		t.Fatal(err)
	}
	var b [32]byte
	n, err := w.Read(b[:], time.Now().Add(5*time.Second))
	if string(b[:n]) != "fresh" {
		t.Fatalf("read %q, %v", b[:n], err)
	}
}

// TestTimedOutWriteDoesNotLeaveLater: the rest of a write that could not leave
// in time is discarded, so nothing stale is sent when the far end wakes up.
func TestTimedOutWriteDoesNotLeaveLater(t *testing.T) {
	master, path := newPTY(t)
	w := mustOpen(t, path, Mode{Baud: 9600})
	start := time.Now()
	n, err := w.Write(make([]byte, 1<<20))
	if !errors.Is(err, drivers.ErrTimeout) || n >= 1<<20 {
		t.Fatalf("Write = %d, %v after %v", n, err, time.Since(start))
	}
	var b [1 << 16]byte
	arrived := 0
	for { // what had left the port's own buffer
		master.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		k, err := master.Read(b[:])
		if arrived += k; err != nil {
			break
		}
	}
	if arrived > n/2 {
		t.Errorf("%d of the %d bytes taken left after the write had failed", arrived, n)
	}
	if _, err := w.Write([]byte("next")); err != nil {
		t.Fatalf("the wire did not live on: %v", err)
	}
	master.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := master.Read(b[:]); string(b[:n]) != "next" {
		t.Fatalf("the far end read %d bytes, %v", n, err)
	}
}
