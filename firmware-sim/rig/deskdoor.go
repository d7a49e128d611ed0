package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/controller/event"
	"sekimori/firmware-sim/osdppd"
	"sekimori/firmware-sim/story"
	zfmsim "sekimori/firmware-sim/zfm"
)

// deskDoor is one door of a desk with its daemon in another process.
type deskDoor struct {
	*doorway
	desk  *Desk
	dir   string
	ports map[string]*port // by name
	tail  *tail
	life  *deskLife // of the daemon's last start; nil: it never ran, or was ended

	indexed  atomic.Int64 // libraries that the sensors were asked for
	imported atomic.Int64 // rosters in force
	lit      sync.Map     // sides whose reader has shown something

	mu     sync.Mutex // guards what follows
	clock  face
	dies   string // what the relay's next release does: kill-before or kill-after
	copied files  // of a ledger that was copied away
}

// newDeskDoor builds a door whose devices live; its sensors are not plugged in
// yet, its daemon does not run yet.
func newDeskDoor(ctx context.Context, desk *Desk, name string) (*deskDoor, error) {
	hw, err := desk.site.build(name)
	if err != nil {
		return nil, err
	}
	d := &deskDoor{
		desk: desk, dir: filepath.Join(desk.dir, name), ports: map[string]*port{},
		clock: face{desk.ahead, true},
	}
	for _, s := range hw.cfg.Sensors {
		o := hw.sensors[s.Name]
		o.Baud = baud(hw.cfg, s.Port)
		o.Answered = d.answered
		hw.sensors[s.Name] = o
	}
	if d.doorway, err = newDoorway(hw, time.Time{}, d.seen); err != nil {
		return nil, err
	}
	roster, err := config.ParseRoster("roster.toml", desk.site.roster)
	if err != nil {
		return nil, err
	}
	d.preload(roster.Fingers)
	d.tail = &tail{dir: daemon.LedgerDir(d.cfg), seen: d.recorded}
	if err := os.Mkdir(d.portsDir(), 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the ports' folder: %w", err)
	}
	desk.running.Go(func() { d.portal.Run(ctx) })
	return d, d.wire(ctx)
}

func baud(cfg *config.Door, port string) int {
	i := slices.IndexFunc(cfg.Ports, func(p config.Port) bool { return p.Name == port })
	return cfg.Ports[i].Baud // every device's port is there: the file was checked
}

func (d *deskDoor) portsDir() string { return filepath.Join(d.dir, "ports") }
func (d *deskDoor) logFile() string  { return filepath.Join(d.dir, "daemon.log") }

// readIndexTable is what a driver asks a sensor last before it calls it ready
// (R503 manual §ReadIndexTable).
const readIndexTable = 0x1F

func (d *deskDoor) answered(instruction, code byte, _ time.Time) {
	if instruction == readIndexTable && code == 0 {
		d.indexed.Add(1)
	}
}

// seen passes on what is seen at the door, and notes which readers are driven.
func (d *deskDoor) seen(o story.Observation) {
	if o.Channel == story.Show {
		d.lit.Store(o.Side, true)
	}
	d.desk.observe(o)
}

// recorded tells the story what the door's own ledger says.
func (d *deskDoor) recorded(kind string, body []byte) {
	if kind == string(event.RosterChanged) {
		d.imported.Add(1)
	}
	d.observe(story.Observation{Door: d.name, Channel: story.Ledger, Word: kind, JSON: body, At: time.Now()})
}

// wire hangs the devices on their ports.
func (d *deskDoor) wire(ctx context.Context) error {
	for _, p := range d.cfg.Ports {
		var pds []*osdppd.PD
		for _, r := range d.cfg.Readers {
			if r.Port == p.Name {
				pds = append(pds, d.readers[r.Side.String()].PD)
			}
		}
		device := func(ctx context.Context, end io.ReadWriteCloser) error {
			return osdppd.NewLine(end, p.Baud, pds...).Run(ctx)
		}
		for _, s := range d.cfg.Sensors {
			if s.Port == p.Name {
				m := d.sensors[s.Side.String()]
				device = func(ctx context.Context, end io.ReadWriteCloser) error {
					return m.Run(ctx, zfmsim.Stream(end))
				}
			}
		}
		port := newPort(filepath.Join(d.portsDir(), p.Name))
		d.ports[p.Name] = port
		d.desk.running.Go(func() {
			defer port.unplug()
			if err := port.run(ctx, device); err != nil {
				d.desk.fail(err)
			}
		})
		if len(pds) > 0 {
			if err := port.plug(); err != nil {
				return err
			}
		}
	}
	return nil
}

// deskLife is one run of the daemon.
type deskLife struct {
	process    *process
	supervisor *supervisor
	pins       *pinHost
	expected   atomic.Bool   // its end is somebody's wish
	done       chan struct{} // closed when nothing of it is left
}

// begin starts the daemon and returns when it says that it is in service.
func (d *deskDoor) begin(ctx context.Context) error {
	if d.alive() {
		return errors.New("the daemon runs already")
	}
	if d.life != nil { // it was struck down; let everything of it end first
		<-d.life.done
	}
	l, err := d.launch()
	if err != nil {
		return err
	}
	d.life = l
	return l.supervisor.await(ctx, l.process)
}

func (d *deskDoor) launch() (*deskLife, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	link, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return nil, fmt.Errorf("cannot use the link: %w", err)
	}
	log, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		link.Close()
		return nil, fmt.Errorf("cannot log: %w", err)
	}
	l := &deskLife{done: make(chan struct{})}
	if l.supervisor, err = newSupervisor(); err == nil {
		args := []string{partDaemon, d.cfg.File, d.portsDir(), d.desk.address}
		if l.process, err = launch(args, nil, log, theirs, l.supervisor.environment()); err != nil {
			l.supervisor.close()
		}
	}
	if err != nil {
		link.Close()
		log.Close()
		return nil, err
	}
	l.pins = newPinHost(link, func(name string, output bool) (gpio.PinIO, error) { return d.claim(l, name, output) })
	d.accompany(l, log)
	return l, nil
}

// accompany serves one run of the daemon to its end: its pins, its clock, and
// the reading of its ledger. The first word must be the clock.
func (d *deskDoor) accompany(l *deskLife, log io.Closer) {
	ctx, end := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { d.tail.run(ctx) })
	parts.Go(func() {
		if err := l.pins.serve(); err != nil {
			l.process.strike()
			d.desk.fail(fmt.Errorf("the daemon of %s: %w", d.name, err))
		}
	})
	d.mu.Lock()
	_ = l.pins.show(d.clock) // to one that died at once: nobody hears it
	d.mu.Unlock()
	d.desk.running.Go(func() {
		<-l.process.gone
		end()
		parts.Wait()
		l.supervisor.close()
		log.Close()
		for _, p := range d.ports {
			p.release()
		}
		if !l.expected.Load() {
			d.desk.fail(fmt.Errorf("the daemon of %s ended by itself: %w", d.name, l.process.err))
		}
		close(l.done)
	})
}

func (d *deskDoor) alive() bool { return d.life != nil && d.life.process.running() }

var errNotRunning = errors.New("the daemon does not run")

// kill ends the daemon at once.
func (d *deskDoor) kill() error {
	if !d.alive() {
		return errNotRunning
	}
	d.life.strike()
	<-d.life.done
	d.life = nil
	return nil
}

// strike kills and does not wait; it may be called from anywhere.
func (l *deskLife) strike() {
	l.expected.Store(true)
	l.process.strike()
}

// stop ends the daemon in order; one that is gone already is no error.
func (d *deskDoor) stop() error {
	l := d.life
	d.life = nil
	struck := l.expected.Swap(true)
	err := l.process.stop()
	<-l.done
	if err != nil && !struck && d.desk.failed() == nil {
		return fmt.Errorf("the daemon of %s: %w", d.name, err)
	}
	return nil
}

// claim gives the daemon a pin of the doorway.
func (d *deskDoor) claim(l *deskLife, name string, output bool) (gpio.PinIO, error) {
	if output {
		return doomedPin{d.portal.Relay(), d, l}, nil
	}
	return d.portal.Pin(name)
}

// doomedPin is the relay's output. It kills a daemon that is to die at its next
// release: the ledger has the grant, the pin was asked, and nobody is there any
// more to hear the answer.
type doomedPin struct {
	gpio.PinIO
	door *deskDoor
	life *deskLife
}

func (p doomedPin) Out(l gpio.Level) error {
	when := ""
	if release := bool(l) != p.door.cfg.Lock.ActiveLow; release {
		when = p.door.doom("")
	}
	if when == "" {
		return p.PinIO.Out(l)
	}
	if when == "kill-after" {
		if err := p.PinIO.Out(l); err != nil {
			return err
		}
	}
	p.life.strike()
	return errUnanswered
}

// doom says what the next release does, and gives what was said before.
func (d *deskDoor) doom(when string) (before string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before, d.dies = d.dies, when
	return before
}

// serve starts the door as its administrator does: roster, daemon, and then the
// sensors, whose libraries must be what the roster says.
func (d *deskDoor) serve(ctx context.Context) error {
	now, _ := d.clock.now()
	if err := d.desk.site.importRoster(d.cfg, now); err != nil {
		return err
	}
	if err := d.begin(ctx); err != nil {
		return fmt.Errorf("the daemon %w", err)
	}
	if err := d.await(ctx, "the roster was not imported", func() bool { return d.imported.Load() > 0 }); err != nil {
		return err
	}
	for _, s := range d.cfg.Sensors {
		if err := d.ports[s.Port].plug(); err != nil {
			return err
		}
	}
	for side := range d.readers {
		// The first thing that the door lets a reader show: it is in service.
		lit := func() bool { _, ok := d.lit.Load(side); return ok }
		if err := d.await(ctx, "the "+side+" reader did not come into service", lit); err != nil {
			return err
		}
	}
	ready := func() bool { return d.indexed.Load() >= int64(len(d.cfg.Sensors)) }
	if err := d.await(ctx, "a sensor did not come into service", ready); err != nil {
		return err
	}
	if d.cfg.Broker == nil {
		return nil
	}
	online := func() bool { return d.desk.head.Highest(d.name) > 0 }
	return d.await(ctx, "nothing arrived at the collector", online)
}

// await polls until ok; it fails with why, or because the daemon is gone.
func (d *deskDoor) await(ctx context.Context, why string, ok func() bool) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-d.life.process.gone:
			return fmt.Errorf("%s: the daemon ended: %w", why, d.life.process.err)
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", why, context.Cause(ctx))
		}
	}
	return nil
}
