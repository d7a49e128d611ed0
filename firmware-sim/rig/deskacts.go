package rig

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"sekimori/controller/daemon"
	"sekimori/firmware-sim/story"
)

// Unable tells the verbs that a desk cannot do yet.
func Unable(verb string) bool { return verb == story.VerbPin || verb == story.VerbManager }

// Do is [story.Rig.Do].
func (d *Desk) Do(ctx context.Context, a story.Act) error {
	if err := d.failed(); err != nil {
		return err
	}
	if a.Verb == story.VerbBroker {
		return d.doBroker(ctx, a.Args[0])
	}
	door := d.doors[a.Door]
	if door == nil {
		return fmt.Errorf("this scene has no door %q", a.Door)
	}
	if done, err := door.doorway.act(a); done {
		return err
	}
	switch a.Verb {
	case story.VerbReader:
		return door.readerFault(a.Args[0], a.Args[1])
	case story.VerbSensor:
		return door.sensorFault(a.Args[0], a.Args[1])
	case story.VerbDaemon:
		return door.daemon(ctx, a.Args)
	case story.VerbPower:
		return door.power(ctx, a.Args[0] == "restore", a.Args[1])
	case story.VerbDisk:
		return door.disk(a.Args[0] == "full")
	case story.VerbClock:
		return door.setClock(a.Args[0])
	case story.VerbLedger:
		return door.ledger(a.Args[0])
	case story.VerbOrder:
		now, _ := door.wall()
		return d.site.command(door.cfg, now, a.Args...)
	default:
		return fmt.Errorf("the desk cannot do %q yet", a.Verb)
	}
}

func (d *Desk) doBroker(ctx context.Context, what string) error {
	up := d.broker != nil
	switch {
	case what == "stop" && up:
		d.killBroker()
		return nil
	case what == "start" && !up:
		return d.startBroker(ctx)
	case up:
		return errors.New("the broker runs already")
	default:
		return errors.New("the broker does not run")
	}
}

func (d *deskDoor) sensorFault(side, what string) error {
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
			d.ports[sc.Port].unplug()
		case "plug":
			return d.ports[sc.Port].plug()
		case "swap":
			s.SwapSerial("SK999999")
			s.PowerCycle()
		}
	}
	return nil
}

func (d *deskDoor) daemon(ctx context.Context, args []string) error {
	switch args[0] {
	case "kill-before", "kill-after":
		return d.doomAt(args[0], args[1])
	case "start":
		if err := d.begin(ctx); err != nil {
			return fmt.Errorf("the daemon: %w", err)
		}
		return nil
	case "kill":
		return d.kill()
	}
	if !d.alive() {
		return errNotRunning
	}
	return d.stop()
}

// doomAt lets the daemon die at a boundary that shows from outside: before the
// record of the next grant (the sensor has the finger, and has not answered
// yet), or on either side of the relay's next edge.
func (d *deskDoor) doomAt(when, boundary string) error {
	if !d.alive() {
		return errNotRunning
	}
	switch {
	case boundary == "record" && when == "kill-before":
		d.onCapture(d.life.strike)
	case boundary == "release":
		d.doom(when)
	default:
		return fmt.Errorf("nothing outside shows %s %s: want kill-before record, kill-before release or kill-after release", when, boundary)
	}
	return nil
}

// power cuts or restores a supply. Without the box's the daemon is dead.
func (d *deskDoor) power(ctx context.Context, restore bool, what string) error {
	box := what == "box" || what == "all"
	if box && !restore && d.alive() {
		if err := d.kill(); err != nil {
			return err
		}
	}
	if err := d.supply(what, restore); err != nil {
		return err
	}
	if box && restore {
		return d.begin(ctx)
	}
	return nil
}

// disk fills the daemon's disk from outside: no file of its process may grow
// beyond what the ledger's files are now.
func (d *deskDoor) disk(full bool) error {
	if !d.alive() {
		return errNotRunning
	}
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if full {
		size, err := largest(daemon.LedgerDir(d.cfg))
		if err != nil {
			return err
		}
		limit.Cur = size
	}
	if err := unix.Prlimit(d.life.process.pid(), unix.RLIMIT_FSIZE, &limit, nil); err != nil {
		return fmt.Errorf("cannot limit file sizes: %w", err)
	}
	return nil
}

func (d *deskDoor) wall() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.clock.now()
}

// setClock moves the box's clock, or its trust in it, while the daemon runs or
// while it does not.
func (d *deskDoor) setClock(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch what {
	case "untrusted", "trusted":
		d.clock.Synced = what == "trusted"
	default:
		step, err := time.ParseDuration(what)
		if err != nil {
			return err
		}
		d.clock.Ahead += step
	}
	if !d.alive() {
		return nil
	}
	return d.life.pins.show(d.clock)
}

// ledger copies the ledger away, or puts the copy back as somebody would who
// wants yesterday's truth.
func (d *deskDoor) ledger(what string) (err error) {
	dir := daemon.LedgerDir(d.cfg)
	if what == "copy" {
		return d.frozen(func() { d.copied, err = snapshot(dir) }, &err)
	}
	switch {
	case d.alive():
		return errors.New("the daemon runs: stop it before its ledger is replaced")
	case d.copied.kept == nil:
		return errors.New("nothing was copied")
	}
	back := d.copied
	if what == "restore-database" {
		now, err := snapshot(dir)
		if err != nil {
			return err
		}
		back = back.databaseOver(now)
	}
	return back.restore()
}

// frozen does something while the daemon stands still, between two instructions
// of it: what it left on disk is what a power cut would leave.
func (d *deskDoor) frozen(do func(), err *error) error {
	if d.alive() {
		pid := d.life.process.pid()
		if e := unix.Kill(pid, unix.SIGSTOP); e != nil {
			return fmt.Errorf("cannot freeze the daemon: %w", e)
		}
		defer func() { _ = unix.Kill(pid, unix.SIGCONT) }()
		// The signal acts on its own time; a stopped child can be waited for
		// without reaping it.
		if e := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); e != nil {
			return fmt.Errorf("cannot freeze the daemon: %w", e)
		}
	}
	d.tail.apart(do)
	return *err
}
