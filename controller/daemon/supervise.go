package daemon

import (
	"context"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"sekimori/controller/config"
	"sekimori/controller/door"
)

// supervise tells systemd that the door is in service, and keeps its watchdog
// only while the loop itself comes round: a hung door is killed, its lock
// secured by ExecStopPost, and started again (P3).
func (r *running) supervise(ctx context.Context) error {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return fmt.Errorf("cannot read the watchdog interval: %w", err)
	}
	every := 5 * time.Second
	if interval > 0 {
		every = interval / 3
	}
	ready := false
	for {
		if alive := r.alive(ctx, every); alive {
			state := daemon.SdNotifyWatchdog
			if !ready {
				state, ready = daemon.SdNotifyReady, true
			}
			if _, err := daemon.SdNotify(false, state); err != nil {
				r.Log.Warn("cannot notify the supervisor", "err", err)
			}
		} else if ctx.Err() == nil {
			r.Log.Error("the loop does not come round")
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			_, _ = daemon.SdNotify(false, daemon.SdNotifyStopping)
			return nil
		}
	}
}

func (r *running) alive(ctx context.Context, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return r.loop.Alive(ctx) == nil
}

// reload reads the rulebook again when told to. It is swapped only after the
// change is recorded; a bad file leaves the old one in force and says so.
func (r *running) reload(ctx context.Context) error {
	for {
		select {
		case <-r.Reload:
		case <-ctx.Done():
			return nil
		}
		rb, hash, err := config.LoadRulebook(r.Door.Rulebook)
		if err == nil {
			err = r.Door.Fit(rb)
		}
		if err != nil {
			r.Log.Error("the new rulebook is refused; the old one stays in force", "err", err)
			r.loop.Do(door.Rules{Before: r.rules.Load().(string), After: hash, Err: err.Error()})
			continue
		}
		r.loop.Do(door.Rules{Rulebook: rb, Before: r.rules.Load().(string), After: hash})
	}
}
