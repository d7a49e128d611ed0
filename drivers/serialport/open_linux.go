package serialport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"sekimori/drivers"
)

// writeLimit bounds a Write, see [drivers.Wire]. A frame of 1,440 bytes at
// 19,200 baud, the longest at the lowest usual speed, fits the kernel's buffer
// and leaves in 750 ms.
const writeLimit = 900 * time.Millisecond

// Open opens the port at path (a symlink will do), takes its lock and sets it
// up raw at mode. What had arrived before is discarded. It fails with
// [ErrTaken] where another holds the lock, and with [ErrNever] where trying
// again cannot help.
func Open(path string, mode Mode) (drivers.Wire, error) {
	wire, err := open(path, mode)
	if err != nil {
		return nil, fmt.Errorf("cannot open serial port %s: %w", path, err)
	}
	return wire, nil
}

func open(path string, mode Mode) (_ *wire, err error) {
	if err := mode.Check(); err != nil {
		return nil, never(err)
	}
	// Non-blocking, or the open itself would wait for a carrier; not our
	// controlling terminal, or its hang-up would kill the daemon.
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, classifyOpen(err)
	}
	file := os.NewFile(uintptr(fd), path)
	defer func() {
		if err != nil {
			_ = file.Close()
		}
	}()
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS2); err != nil {
		if errors.Is(err, unix.ENOTTY) {
			return nil, never(errors.New("not a serial port"))
		}
		return nil, err
	}
	if err := takeLock(fd); err != nil {
		return nil, err
	}
	// Before serial.Open, whose TIOCEXCL shuts others out: a driver may need
	// the direction set while nothing is sent.
	if mode.Direction == DirectionKernel {
		if err := enableRS485(fd); err != nil {
			return nil, err
		}
	}
	line, err := serial.Open(path, mode.library())
	if err != nil {
		return nil, classifyLibrary(err)
	}
	defer func() {
		if err != nil {
			_ = line.Close()
		}
	}()
	if err := checkSpeed(fd, mode.Baud); err != nil {
		return nil, err
	}
	if err := line.ResetInputBuffer(); err != nil {
		return nil, err
	}
	return &wire{file: file, line: line, path: path}, nil
}

// takeLock refuses a port that another descriptor has locked. TIOCEXCL alone
// does not bind root (tty_ioctl(2)), and a daemon may run as root.
func takeLock(fd int) error {
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrTaken
	}
	return err
}

func classifyOpen(err error) error {
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM),
		errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return never(err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	return err // absent or gone: it may come
}

func classifyLibrary(err error) error {
	var portError *serial.PortError
	if !errors.As(err, &portError) {
		return err
	}
	switch portError.Code() {
	case serial.PermissionDenied, serial.InvalidSpeed, serial.InvalidDataBits,
		serial.InvalidParity, serial.InvalidStopBits, serial.FunctionNotImplemented:
		return never(err)
	case serial.PortBusy:
		return fmt.Errorf("%w: %w", ErrTaken, err)
	}
	return err
}

// library is m in the library's words. InitialStatusBits stays nil: setting
// modem lines fails on a pseudo-terminal (ENOTTY) and nothing here needs them.
func (m Mode) library() *serial.Mode {
	out := &serial.Mode{BaudRate: m.Baud, DataBits: 8}
	if m.DataBits != 0 {
		out.DataBits = m.DataBits
	}
	if m.StopBits == 2 {
		out.StopBits = serial.TwoStopBits
	}
	switch m.Parity {
	case ParityOdd:
		out.Parity = serial.OddParity
	case ParityEven:
		out.Parity = serial.EvenParity
	}
	return out
}

// checkSpeed reads the speed back: a UART that cannot divide its clock to the
// speed asked for takes the nearest and says nothing. Half of a receiver's
// tolerance (a bit in ten characters' bits, both ends) is about 2 %.
func checkSpeed(fd, baud int) error {
	got, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return err
	}
	if off := int(got.Ospeed) - baud; off*50 > baud || off*50 < -baud {
		return never(fmt.Errorf("speed %d: the port gives %d", baud, got.Ospeed))
	}
	return nil
}

// wire moves bytes through file. line is kept open for the settings, which
// some drivers drop at its last close, and for discarding what is unsent.
type wire struct {
	file *os.File
	path string

	mu     sync.Mutex // guards line against use after close
	line   serial.Port
	closed bool
}

func (w *wire) Read(p []byte, deadline time.Time) (int, error) {
	// The poller fails at once at a deadline that has passed, also where bytes
	// wait, and takes the zero time for no deadline at all.
	if soonest := time.Now().Add(time.Millisecond); deadline.Before(soonest) {
		deadline = soonest
	}
	err := w.file.SetReadDeadline(deadline)
	if err == nil {
		var n int
		if n, err = w.file.Read(p); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("cannot read serial port %s: %w", w.path, w.classify(err))
}

func (w *wire) Write(p []byte) (int, error) {
	err := w.file.SetWriteDeadline(time.Now().Add(writeLimit))
	n := 0
	if err == nil {
		if n, err = w.file.Write(p); err == nil {
			return n, nil
		}
	}
	err = w.classify(err)
	if errors.Is(err, drivers.ErrTimeout) {
		w.discardUnsent()
	}
	return n, fmt.Errorf("cannot write serial port %s: %w", w.path, err)
}

// discardUnsent empties the kernel's transmit buffer: a command that could not
// leave in time must not leave later, when it means something else.
func (w *wire) discardUnsent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		_ = w.line.ResetOutputBuffer()
	}
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	// What was written still leaves: without flow control, which is off, the
	// driver's own wait for it is at most the buffer's length at the baud rate.
	_ = w.line.Close()
	if err := w.file.Close(); err != nil {
		return fmt.Errorf("cannot close serial port %s: %w", w.path, err)
	}
	return nil
}

// classify tells "closed by this side" from "nothing came" from "the port went
// away". Only our own flag tells the first: a descriptor closed by us fails in
// several ways. A hang-up reads as end of file and writes as EIO; an adapter
// that was pulled may also give ENXIO or ENODEV. Any other failure is cured, if
// at all, by opening again, so it counts as gone too.
func (w *wire) classify(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return drivers.ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return drivers.ErrTimeout
	case errors.Is(err, io.EOF), errors.Is(err, unix.EIO):
		return drivers.ErrUnplugged
	}
	return fmt.Errorf("%w: %w", drivers.ErrUnplugged, err)
}
