package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/loop"
	"sekimori/drivers"
	"sekimori/drivers/gpioline"
	"sekimori/drivers/zfm"
)

// sensor makes the fingerprint sensor of a port, if the port carries one.
func (d *devices) sensor(cfg *config.Door, p config.Port, port drivers.Port, host Host, log *slog.Logger) error {
	for _, sc := range cfg.Sensors {
		if sc.Port != p.Name {
			continue
		}
		path, err := secretPath(sc.PasswordFile)
		if err != nil {
			return fmt.Errorf("cannot use sensor %s: %w", sc.Name, err)
		}
		password, err := zfm.LoadPassword(path)
		if err != nil {
			return fmt.Errorf("cannot use sensor %s: %w", sc.Name, err)
		}
		opt := zfm.Options{Name: sc.Name, Port: port, Password: password, Identity: sc.Identity}
		if sc.Touch != nil {
			t, err := d.touchLine(sc, host, log)
			if err != nil {
				return err
			}
			opt.Touch = t.state
		}
		s, err := zfm.New(opt)
		if err != nil {
			return fmt.Errorf("cannot use sensor %s: %w", sc.Name, err)
		}
		d.run = append(d.run, s)
		d.modules[sc.Side] = s
		d.sensors[sc.Side] = s
		d.places[sc.Name] = loop.Place{Side: sc.Side, Kind: door.FingerSensor}
	}
	return nil
}

// touch follows a sensor's touch line: low while a finger rests (R503 manual,
// WAKEUP).
type touch struct {
	contact *gpioline.Contact

	mu     sync.Mutex // guards what follows
	active bool
	last   time.Time
}

func (d *devices) touchLine(sc config.Sensor, host Host, log *slog.Logger) (*touch, error) {
	name := sc.Name + "-touch"
	pin, err := host.Pin(PinUse{Name: name, Pin: *sc.Touch, Pull: "up"})
	if err != nil {
		return nil, fmt.Errorf("cannot claim the touch line of %s: %w", sc.Name, err)
	}
	c, err := gpioline.NewContact(pin, gpioline.ContactOptions{
		Name: name, Pull: pull("up"), NormallyOpen: true, Debounce: 5 * time.Millisecond,
		Report: func(err error) { log.Warn("touch line unknown", "sensor", sc.Name, "err", err) },
	})
	if err != nil {
		return nil, fmt.Errorf("cannot watch the touch line of %s: %w", sc.Name, err)
	}
	t := &touch{contact: c}
	d.run = append(d.run, t)
	return t, nil
}

func (t *touch) String() string { return t.contact.String() }

// Run keeps the line's state; nothing of it goes to the door.
func (t *touch) Run(ctx context.Context, _ drivers.Emit) error {
	return t.contact.Run(ctx, func(ev drivers.Event) {
		l, ok := ev.Body.(drivers.Line)
		if !ok {
			return
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.active = l.Level == drivers.Closed
		if t.active {
			t.last = ev.At
		}
	})
}

func (t *touch) state() (bool, time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.active, t.last
}
