package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"sekimori/controller/config"
	"sekimori/drivers"
	"sekimori/drivers/gpioline"
)

// output is the lock with the way on which it tells the door that it cannot be
// driven to rest: a release ends in the driver, where nobody waits for an
// answer.
type output struct {
	*gpioline.Relay
	name  string
	stuck chan error // the newest that was not told yet
}

// openLock claims the lock output at its inactive level.
func openLock(cfg *config.Door, host Host, log *slog.Logger) (*output, error) {
	l := cfg.Lock
	pin, err := host.Pin(PinUse{Name: "lock", Pin: l.Pin, Output: true, ActiveLow: l.ActiveLow})
	if err != nil {
		return nil, fmt.Errorf("cannot claim the lock output: %w", err)
	}
	o := &output{name: "lock of " + cfg.ID, stuck: make(chan error, 1)}
	opt := gpioline.RelayOptions{
		Name: o.name, ActiveLow: l.ActiveLow,
		Report: func(err error) {
			log.Error("lock output", "err", err)
			select {
			case o.stuck <- err:
			default: // one such word is enough
			}
		},
	}
	if l.Drive == "pulse" {
		opt.Drive, opt.Pulse = gpioline.DrivePulse, l.Pulse
	}
	if o.Relay, err = gpioline.NewRelay(pin, opt); err != nil {
		return nil, err
	}
	return o, nil
}

// String names the output. No reader or contact can have the name: theirs hold
// no space.
func (o *output) String() string { return o.name }

// Run passes on what the driver reports.
func (o *output) Run(ctx context.Context, emit drivers.Emit) error {
	for {
		select {
		case err := <-o.stuck:
			emit(drivers.Event{Source: o.name, At: time.Now(), Body: drivers.Offline{Reason: err.Error()}})
		case <-ctx.Done():
			return nil
		}
	}
}
