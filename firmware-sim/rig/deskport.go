package rig

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// port is one serial port of the box: a path that stays, and behind it a
// pseudo-terminal for as long as a cable is plugged in. Pulling the cable takes
// the path away too, as udev does with an adapter's.
type port struct {
	path string

	mu    sync.Mutex
	cable *cable      // nil: none is plugged in
	fresh chan *cable // plugged, and not taken by the device yet
}

// cable is one pseudo-terminal: the master is the device's end, the slave the
// box's. The slave is held open here, because a read of a master whose slave
// nobody has open fails.
type cable struct {
	master, slave *os.File
	pulled        chan struct{}
}

func newPort(path string) *port { return &port{path: path, fresh: make(chan *cable, 1)} }

// plug does nothing if a cable is plugged in already.
func (p *port) plug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cable != nil {
		return nil
	}
	c, err := newCable()
	if err != nil {
		return fmt.Errorf("cannot make serial port %s: %w", p.path, err)
	}
	if err := os.Symlink(c.slave.Name(), p.path); err != nil {
		c.pull()
		return fmt.Errorf("cannot make serial port: %w", err)
	}
	p.cable = c
	select {
	case <-p.fresh: // plugged and pulled before the device looked
	default:
	}
	p.fresh <- c
	return nil
}

// unplug hangs up on whoever has the port open.
func (p *port) unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cable == nil {
		return
	}
	_ = os.Remove(p.path)
	p.cable.pull()
	p.cable = nil
}

// release undoes the exclusive use that a killed daemon had claimed. A real
// port forgets it with its last close; this one has another opener.
func (p *port) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cable != nil {
		_ = unix.IoctlSetInt(int(p.cable.slave.Fd()), unix.TIOCNXCL, 0)
	}
}

// run lives the device's life on the port, cable after cable, until ctx ends.
// It fails if the device gave up on a cable that nobody pulled.
func (p *port) run(ctx context.Context, device func(context.Context, io.ReadWriteCloser) error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-p.fresh:
			err := device(ctx, c.master)
			select {
			case <-c.pulled:
			case <-ctx.Done():
				return nil
			default:
				return fmt.Errorf("the device on serial port %s ended: %w", p.path, err)
			}
		}
	}
}

// newCable makes a raw pseudo-terminal: a fresh one would echo.
func newCable() (_ *cable, err error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, err
	}
	// In blocking mode, in which the library leaves it, a master's Close does
	// not end its Read; a descriptor of our own can be polled.
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	blocking.Close()
	if err != nil {
		slave.Close()
		return nil, err
	}
	if err = unix.SetNonblock(fd, true); err == nil {
		_, err = term.MakeRaw(int(slave.Fd()))
	}
	c := &cable{os.NewFile(uintptr(fd), "/dev/ptmx"), slave, make(chan struct{})}
	if err != nil {
		c.pull()
		return nil, err
	}
	return c, nil
}

func (c *cable) pull() {
	close(c.pulled)
	c.master.Close()
	c.slave.Close()
}
