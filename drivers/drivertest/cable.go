package drivertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sekimori/drivers"
)

// errPlugTaken is what a second Open finds, as a second daemon finds a port
// whose lock another holds.
var errPlugTaken = errors.New("the driver's side is open already")

// Cable is a lead between a driver and a simulated device that can be pulled
// out and put back. [Cable.Open] is what serialport.New takes to make a
// drivers.Port of it; [Cable.Device] is the device's side, which lives on while
// the driver's side comes and goes, as a device on a bus does.
type Cable struct {
	mu       sync.Mutex
	unplug   bool
	driver   *End // nil: not open
	device   *End
	setup    func(driver, device *End)
	changed  chan struct{}
	deviceUp bool // false after Device().Close
}

// NewCable gives a cable that is plugged in. setup, if not nil, sets the faults
// of every wire that is opened over it (driver's end, device's end).
func NewCable(setup func(driver, device *End)) *Cable {
	return &Cable{setup: setup, changed: make(chan struct{}), deviceUp: true}
}

// notify wakes whoever waits for a change; mu is held.
func (c *Cable) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// Open opens the driver's side. It fails with drivers.ErrUnplugged while the
// cable is out, and when the driver's side is open already.
func (c *Cable) Open(ctx context.Context) (drivers.Wire, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unplug {
		return nil, fmt.Errorf("cannot open in-memory port: %w", drivers.ErrUnplugged)
	}
	if c.driver != nil && !c.driver.closed() {
		return nil, fmt.Errorf("cannot open in-memory port: %w", errPlugTaken)
	}
	c.driver, c.device = Pipe()
	if c.setup != nil {
		c.setup(c.driver, c.device)
	}
	c.notify()
	return c.driver, nil
}

// Unplug pulls the cable: the driver's open wire fails with
// drivers.ErrUnplugged, and Open does until Plug.
func (c *Cable) Unplug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unplug = true
	if c.driver != nil {
		c.driver.Unplug()
	}
	c.driver, c.device = nil, nil
	c.notify()
}

// Plug puts the cable back.
func (c *Cable) Plug() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unplug = false
	c.notify()
}

// Ends gives the ends of the wire that is open now, to set faults on it; nil
// while none is.
func (c *Cable) Ends() (driver, device *End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.driver, c.device
}

// Device is the device's side. While the driver's side is not open, its writes
// are lost and its reads wait. It never fails with drivers.ErrUnplugged.
func (c *Cable) Device() drivers.Wire { return deviceSide{c} }

type deviceSide struct{ c *Cable }

// current is the device's end (nil: none), whether this side was closed, and
// what is closed at the next change.
func (c *Cable) current() (*End, bool, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.device, !c.deviceUp, c.changed
}

// lose forgets an end whose far side went away.
func (c *Cable) lose(e *End) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.device == e {
		c.driver, c.device = nil, nil
	}
}

func (d deviceSide) Read(p []byte, deadline time.Time) (int, error) {
	for {
		end, closed, changed := d.c.current()
		if closed {
			return 0, fmt.Errorf("cannot read device's side: %w", drivers.ErrClosed)
		}
		if end != nil {
			n, err := end.Read(p, deadline)
			if errors.Is(err, drivers.ErrUnplugged) {
				d.c.lose(end)
				continue
			}
			return n, err
		}
		wait := time.Until(deadline)
		if wait <= 0 {
			return 0, fmt.Errorf("cannot read device's side: %w", drivers.ErrTimeout)
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (d deviceSide) Write(p []byte) (int, error) {
	end, closed, _ := d.c.current()
	if closed {
		return 0, fmt.Errorf("cannot write device's side: %w", drivers.ErrClosed)
	}
	if end != nil {
		if _, err := end.Write(p); err != nil && !errors.Is(err, drivers.ErrUnplugged) {
			return 0, err
		}
	}
	return len(p), nil
}

// Close ends the device: the driver's side sees the wire unplugged.
func (d deviceSide) Close() error {
	d.c.mu.Lock()
	defer d.c.mu.Unlock()
	d.c.deviceUp, d.c.unplug = false, true
	if d.c.device != nil {
		_ = d.c.device.Close()
	}
	d.c.driver, d.c.device = nil, nil
	d.c.notify()
	return nil
}
