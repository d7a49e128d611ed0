package daemon

import (
	"context"
	"fmt"
	"log/slog"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/loop"
	"sekimori/drivers"
	"sekimori/drivers/card"
	"sekimori/drivers/gpioline"
	"sekimori/drivers/osdp"
	"sekimori/drivers/serialport"
	"sekimori/drivers/zfm"
	"sekimori/policy"
)

// devices are everything that hangs on the box's wires.
type devices struct {
	lock    drivers.Lock
	run     []drivers.Device // each becomes a task
	readers map[policy.Side]drivers.Annunciator
	sensors map[policy.Side]drivers.Sensor
	modules map[policy.Side]*zfm.Sensor
	places  map[string]loop.Place
}

// wire prepares everything but the lock, which is claimed already.
func wire(lock *output, cfg *config.Door, host Host, log *slog.Logger) (*devices, error) {
	d := &devices{
		lock:    lock,
		run:     []drivers.Device{lock},
		readers: map[policy.Side]drivers.Annunciator{},
		sensors: map[policy.Side]drivers.Sensor{},
		modules: map[policy.Side]*zfm.Sensor{},
		places:  map[string]loop.Place{lock.String(): {Lock: true}},
	}
	if err := d.contacts(cfg, host, log); err != nil {
		return nil, err
	}
	if err := d.serial(cfg, host, log); err != nil {
		return nil, err
	}
	return d, nil
}

// lines says what each contact is to the door, and which state of its loop
// makes the line active there.
var lines = map[string]struct {
	id door.LineID
	// restsActive: the line is active while nothing is the matter (a bolt that
	// is home).
	restsActive bool
}{
	"door_contact":  {door.LineLeaf, false},
	"bolt_contact":  {door.LineBolt, true},
	"handle_switch": {door.LineHandle, false},
	"exit_button":   {door.LineExitButton, false},
	"motion":        {door.LineMotion, false},
	"fire":          {door.LineFire, false},
	"tamper":        {door.LineTamper, false},
	"lock_supply":   {door.LineSupply, false},
}

func (d *devices) contacts(cfg *config.Door, host Host, log *slog.Logger) error {
	for _, in := range cfg.Inputs {
		pin, err := host.Pin(PinUse{Name: in.Name, Pin: in.Pin, Pull: in.Pull})
		if err != nil {
			return fmt.Errorf("cannot claim input %s: %w", in.Name, err)
		}
		opt := gpioline.ContactOptions{
			Name: in.Name, Pull: pull(in.Pull), NormallyOpen: in.Loop == "NO", Debounce: in.Debounce,
			Report: func(err error) { log.Warn("input unknown", "input", in.Name, "err", err) },
		}
		if in.Pull == "down" { // a contact to the supply
			opt.ClosedLevel = gpio.High
		}
		c, err := gpioline.NewContact(pin, opt)
		if err != nil {
			return fmt.Errorf("cannot watch input %s: %w", in.Name, err)
		}
		d.run = append(d.run, c)
		line := lines[in.Name]
		// A normally-closed loop opens when something is the matter.
		matterOpen := in.Loop == "NC"
		d.places[in.Name] = loop.Place{Line: line.id, ActiveOpen: matterOpen != line.restsActive}
	}
	return nil
}

func pull(name string) gpio.Pull {
	switch name {
	case "up":
		return gpio.PullUp
	case "down":
		return gpio.PullDown
	default:
		return gpio.Float
	}
}

// serial opens nothing yet: a port is opened by its device's task, again and
// again if need be.
func (d *devices) serial(cfg *config.Door, host Host, log *slog.Logger) error {
	for _, p := range cfg.Ports {
		port := serialport.New(p.Name, func(context.Context) (drivers.Wire, error) { return host.Serial(p) })
		if err := d.bus(cfg, p, port); err != nil {
			return err
		}
		if err := d.sensor(cfg, p, port, host, log); err != nil {
			return err
		}
	}
	return nil
}

// bus gathers the OSDP readers of one port.
func (d *devices) bus(cfg *config.Door, p config.Port, port drivers.Port) error {
	opt := osdp.Options{Port: port, Baud: p.Baud}
	var readers []osdp.ReaderOptions
	var sides []policy.Side
	for _, r := range cfg.Readers {
		if r.Port != p.Name {
			continue
		}
		ro, err := readerOptions(r)
		if err != nil {
			return fmt.Errorf("cannot use reader %s: %w", r.Name, err)
		}
		opt.Poll = r.Poll
		readers, sides = append(readers, ro), append(sides, r.Side)
	}
	if len(readers) == 0 {
		return nil
	}
	bus, err := osdp.New(opt, readers)
	if err != nil {
		return fmt.Errorf("port %s: %w", p.Name, err)
	}
	d.run = append(d.run, bus)
	for i, r := range readers {
		d.readers[sides[i]] = bus.Reader(r.Name)
		d.places[r.Name] = loop.Place{Side: sides[i], Kind: door.BadgeReader}
	}
	return nil
}

func readerOptions(r config.Reader) (osdp.ReaderOptions, error) {
	path, err := secretPath(r.KeyFile)
	if err != nil {
		return osdp.ReaderOptions{}, err
	}
	key, err := osdp.ReadKeyFile(path)
	if err != nil {
		return osdp.ReaderOptions{}, err
	}
	format, err := card.Parse(r.Format)
	if err != nil {
		return osdp.ReaderOptions{}, err
	}
	ro := osdp.ReaderOptions{Name: r.Name, Address: r.Address, Key: key, Format: format}
	if r.Identity != "" {
		if ro.Pin, err = osdp.ParseIdentity(r.Identity); err != nil {
			return osdp.ReaderOptions{}, err
		}
	}
	return ro, nil
}
