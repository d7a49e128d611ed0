package rig

import (
	"fmt"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/controller/order"
	"sekimori/firmware-sim/story"
	"sekimori/policy"
)

// command signs an order as the administrator and leaves it in the door's
// inbox, as the command line does.
func (s *site) command(cfg *config.Door, now time.Time, args ...string) error {
	d := order.Document{
		ID: order.NewID(), Place: cfg.Place, Doors: []string{cfg.ID}, Capacity: order.Administrator,
		NotBefore: now.Add(-time.Minute).Truncate(time.Second), NotAfter: now.Add(24 * time.Hour).Truncate(time.Second),
		Act: order.Act(args[0]),
	}
	var payload []byte
	d.Reason = "試験 / a story"
	switch d.Act {
	case order.Reset:
		d.Person, d.Scope = policy.PersonID(args[1]), []string{order.ScopeLockout, order.ScopePassback}
	case order.Enroll, order.Erase:
		d.Person = policy.PersonID(args[1])
	case order.Import:
		var err error
		if payload, err = s.file(args[1]); err != nil {
			return err
		}
	}
	signed, err := order.Sign(d, payload, s.admin)
	if err != nil {
		return err
	}
	return order.Put(daemon.InboxDir(cfg), signed)
}

// importRoster is the administrator's first order at a new door.
func (s *site) importRoster(cfg *config.Door, now time.Time) error {
	return s.command(cfg, now, string(order.Import), "roster.toml")
}

// act performs one act.
func (b *Bench) act(a story.Act) error {
	if a.Verb == story.VerbBroker {
		return b.broker(a.Args[0])
	}
	d := b.doors[a.Door]
	if d == nil {
		return fmt.Errorf("this scene has no door %q", a.Door)
	}
	if done, err := d.doorway.act(a); done {
		return err
	}
	switch a.Verb {
	case story.VerbReader:
		return d.readerFault(a.Args[0], a.Args[1])
	case story.VerbSensor:
		return d.sensorFault(a.Args[0], a.Args[1])
	case story.VerbDaemon:
		return d.daemon(a.Args)
	case story.VerbPower:
		return d.power(a.Args[0] == "restore", a.Args[1])
	case story.VerbDisk:
		return d.disk(a.Args[0] == "full")
	case story.VerbClock:
		return d.clock(a.Args[0])
	case story.VerbLedger:
		return d.ledger(a.Args[0])
	case story.VerbOrder:
		now, _ := d.wall()
		return b.site.command(d.cfg, now, a.Args...)
	default:
		return fmt.Errorf("the bench cannot do %q yet", a.Verb)
	}
}

func (b *Bench) broker(what string) error {
	if what == "stop" {
		b.listen.Refuse(true)
		b.mini.Stop()
		return nil
	}
	b.listen.Refuse(false)
	b.mini.Start()
	return nil
}

func (d *benchDoor) sensorFault(side, what string) error {
	s, err := d.sensor(side)
	if err != nil {
		return err
	}
	for _, sc := range d.cfg.Sensors {
		if sc.Side.String() != side {
			continue
		}
		switch what {
		case "unplug":
			d.cables[sc.Port].Unplug()
		case "plug":
			d.cables[sc.Port].Plug()
		case "swap":
			s.SwapSerial("SK999999")
			s.PowerCycle()
		}
	}
	return nil
}

func (d *benchDoor) daemon(args []string) error {
	switch args[0] {
	case "kill-before", "kill-after":
		return d.doom(args[0], args[1])
	case "start":
		return d.begin()
	}
	if d.life == nil {
		return fmt.Errorf("the daemon does not run")
	}
	if args[0] == "kill" {
		return d.kill()
	}
	return d.stop()
}

// doom lets the daemon die at a boundary that shows from outside: before the
// record of the next grant (the sensor has the finger, and has not answered
// yet), or on either side of the relay's next edge.
func (d *benchDoor) doom(when, boundary string) error {
	switch {
	case boundary == "record" && when == "kill-before":
		d.onCapture(func() { go func() { d.killed <- d.kill() }() })
	case boundary == "release":
		d.dies = when
	default:
		return fmt.Errorf("nothing outside shows %s %s: want kill-before record, kill-before release or kill-after release", when, boundary)
	}
	return nil
}

// begin starts the daemon and waits until it is in service, or refuses to be.
func (d *benchDoor) begin() error {
	if d.life != nil {
		return fmt.Errorf("the daemon runs already")
	}
	d.run()
	return nil
}

// power cuts or restores a supply. Without the box's the daemon is dead, the
// relay rests and the readers are dark.
func (d *benchDoor) power(restore bool, what string) error {
	box := what == "box" || what == "all"
	if !restore && box && d.life != nil {
		if err := d.kill(); err != nil {
			return err
		}
	}
	if err := d.supply(what, restore); err != nil {
		return err
	}
	if restore && box {
		return d.begin()
	}
	return nil
}

func (d *benchDoor) clock(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch what {
	case "untrusted", "trusted":
		d.synced = what == "trusted"
		return nil
	}
	step, err := time.ParseDuration(what)
	if err != nil {
		return err
	}
	d.offset += step
	return nil
}

// ledger copies the ledger away, or puts the copy back as somebody would who
// wants yesterday's truth.
func (d *benchDoor) ledger(what string) error {
	if what == "copy" {
		f, err := snapshot(daemon.LedgerDir(d.cfg))
		d.copied = f
		return err
	}
	if what == "restore-database" {
		return d.restoreDatabase()
	}
	if d.life != nil {
		return fmt.Errorf("the daemon runs: stop it before its ledger is replaced")
	}
	if d.copied.kept == nil {
		return fmt.Errorf("nothing was copied")
	}
	return d.copied.restore()
}

// restoreDatabase puts only the database back, as somebody would who does not
// know of the head beside it.
func (d *benchDoor) restoreDatabase() error {
	now, err := snapshot(daemon.LedgerDir(d.cfg))
	if err != nil {
		return err
	}
	return d.copied.databaseOver(now).restore()
}

// serve starts the door as its administrator does: daemon, roster, and then
// the sensors, whose libraries must be what the roster says.
func (d *benchDoor) serve() error {
	for _, sc := range d.cfg.Sensors {
		d.cables[sc.Port].Unplug()
	}
	d.run()
	now, _ := d.wall()
	if err := d.bench.site.importRoster(d.cfg, now); err != nil {
		return err
	}
	time.Sleep(time.Second)
	for _, sc := range d.cfg.Sensors {
		d.cables[sc.Port].Plug()
	}
	// Bring-up takes a second or two on the wire; virtual time costs nothing.
	time.Sleep(5 * time.Second)
	for side, r := range d.readers {
		if !r.Established() {
			return fmt.Errorf("the %s reader did not come into service", side)
		}
	}
	select {
	case err := <-d.life.ended:
		d.life = nil
		return fmt.Errorf("the daemon ended: %w", err)
	default:
		return nil
	}
}
