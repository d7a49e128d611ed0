package daemon

import (
	"context"
	"net"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/drivers"
)

// Host is the world outside the process.
type Host struct {
	// Serial opens a port for exclusive use.
	Serial func(config.Port) (drivers.Wire, error)
	// Pin claims a line. An output is driven to its inactive level in the same
	// act, so that no edge appears at start.
	Pin func(PinUse) (gpio.PinIO, error)
	// Wall tells the wall clock, and whether the operating system vouches for
	// it (synchronised, or from a battery-backed clock).
	Wall func() (now time.Time, synced bool)
	// Dial connects to the broker's address; TLS is the uplink's business.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// PinUse says what a line is claimed for.
type PinUse struct {
	Name   string // the role, for example "lock" or "door_contact"
	Pin    config.Pin
	Output bool
	// ActiveLow applies to an output: inactive is then the high level.
	ActiveLow bool
	Pull      string // up or down, of an input
}
