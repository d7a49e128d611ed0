package rig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/drivers"
	"sekimori/drivers/drivertest"
	"sekimori/firmware-sim/broker"
	"sekimori/firmware-sim/osdppd"
	"sekimori/firmware-sim/story"
)

// Bench is the rig in virtual time. Make, play and close it inside one
// testing/synctest bubble.
type Bench struct {
	dir    string
	settle func()
	log    *slog.Logger

	site    *site
	at      time.Time
	start   time.Time
	doors   map[string]*benchDoor
	mini    *broker.Mini
	listen  *broker.Listener
	head    *broker.Collector
	cancel  context.CancelFunc
	running sync.WaitGroup
	observe func(story.Observation)
	tap     func(identity, topic string, payload []byte)
}

var _ story.Rig = (*Bench)(nil)

// NewBench makes a rig whose files live in dir. settle is synctest.Wait; log
// receives what the daemons log.
func NewBench(dir string, settle func(), log *slog.Logger) *Bench {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Bench{dir: dir, settle: settle, log: log, doors: map[string]*benchDoor{}}
}

// benchDoor is one door with its daemon in this process.
type benchDoor struct {
	*doorway
	bench  *Bench
	cables map[string]*drivertest.Cable // by port
	// clock of the box
	mu     sync.Mutex
	offset time.Duration
	synced bool
	// the daemon that runs now; nil while none does
	life *life
	// dies is set by kill-before and kill-after: what the relay's next release
	// does.
	dies   string
	killed chan error
	copied files // of a ledger that was copied away
}

// Setup is [story.Rig.Setup].
func (b *Bench) Setup(ctx context.Context, scene story.Scene, observe func(story.Observation)) error {
	b.at, b.start, b.observe = scene.At, time.Now(), observe
	var err error
	if b.site, err = newSite(b.dir, scene); err != nil {
		return err
	}
	ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := b.startBroker(ctx); err != nil {
		return err
	}
	for _, name := range scene.Doors {
		if err := b.addDoor(ctx, name); err != nil {
			return fmt.Errorf("door %s: %w", name, err)
		}
	}
	for _, name := range scene.Doors {
		if err := b.doors[name].serve(); err != nil {
			return fmt.Errorf("door %s: %w", name, err)
		}
	}
	return nil
}

func (b *Bench) startBroker(ctx context.Context) error {
	server, err := b.site.authority.Server()
	if err != nil {
		return err
	}
	client, err := b.site.authority.Client(broker.HeadEnd)
	if err != nil {
		return err
	}
	b.listen = broker.Listen()
	b.mini = broker.NewMini(broker.MiniOptions{TLS: server, OnPublish: b.tap})
	b.head = broker.NewCollector(broker.CollectorOptions{Dial: b.listen.Dial, TLS: client})
	b.running.Go(func() { _ = b.mini.Serve(ctx, b.listen) })
	b.running.Go(func() { _ = b.head.Run(ctx) })
	b.running.Go(func() { b.relay(ctx) })
	return b.head.Ready(ctx)
}

// relay hands the story what the head end received.
func (b *Bench) relay(ctx context.Context) {
	for {
		select {
		case o := <-b.head.Observations():
			if d := b.doors[o.Door]; d != nil {
				d.published(o.Kind, o.Payload, time.Now())
			}
		case <-ctx.Done():
			return
		}
	}
}

func (b *Bench) addDoor(ctx context.Context, name string) error {
	hw, err := b.site.build(name)
	if err != nil {
		return err
	}
	w, err := newDoorway(hw, b.at, b.observe)
	if err != nil {
		return err
	}
	d := &benchDoor{doorway: w, bench: b, cables: map[string]*drivertest.Cable{}, synced: true, killed: make(chan error, 1)}
	roster, err := config.ParseRoster("roster.toml", b.site.roster)
	if err != nil {
		return err
	}
	d.preload(roster.Fingers)
	b.doors[name] = d
	b.running.Go(func() { d.portal.Run(ctx) })
	for _, p := range d.cfg.Ports {
		cable := drivertest.NewCable(func(driver, device *drivertest.End) { driver.Pace(p.Baud, 16) })
		d.cables[p.Name] = cable
		var pds []*osdppd.PD
		for _, r := range d.cfg.Readers {
			if r.Port == p.Name {
				pds = append(pds, d.readers[r.Side.String()].PD)
			}
		}
		if len(pds) > 0 {
			line := osdppd.NewLine(osdppd.FromWire(cable.Device()), p.Baud, pds...)
			b.running.Go(func() { _ = line.Run(ctx) })
		}
		for _, s := range d.cfg.Sensors {
			if s.Port == p.Name {
				m := d.sensors[s.Side.String()]
				b.running.Go(func() { powered(ctx, cable, m) })
			}
		}
	}
	return nil
}

// powered runs a module on its cable for as long as the scene lasts.
func powered(ctx context.Context, cable *drivertest.Cable, m *sensor) {
	for ctx.Err() == nil {
		_ = m.Run(ctx, cable.Device())
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// Do is [story.Rig.Do].
func (b *Bench) Do(_ context.Context, a story.Act) error { return b.act(a) }

// Settle is [story.Rig.Settle].
func (b *Bench) Settle() { b.settle() }

// Lateness is zero: virtual time is exact.
func (b *Bench) Lateness() time.Duration { return 0 }

// Close is [story.Rig.Close].
func (b *Bench) Close() error {
	var errs []error
	for _, d := range b.doors {
		if d.life != nil {
			errs = append(errs, d.stop())
		}
	}
	if b.cancel != nil {
		b.cancel()
	}
	if b.listen != nil {
		b.listen.Close()
	}
	b.running.Wait()
	return errors.Join(errs...)
}

// wall is the box's clock.
func (d *benchDoor) wall() (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bench.at.Add(time.Since(d.bench.start) + d.offset), d.synced
}

// life is one run of the daemon. Cut off, it can do nothing to the world any
// more: what a killed process leaves behind is what had left it before.
type life struct {
	cancel context.CancelFunc
	ended  chan error

	gone chan struct{} // closed when it is cut off

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

var errDead = errors.New("the daemon is dead")

func (l *life) dead() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

// sever cuts the daemon off, mid-word.
func (l *life) sever() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.gone)
	for _, c := range l.conns {
		c.Close()
	}
}

// run starts the daemon.
func (d *benchDoor) run() {
	ctx, cancel := context.WithCancel(context.Background())
	l := &life{cancel: cancel, ended: make(chan error, 1), gone: make(chan struct{})}
	d.life = l
	cfg := daemon.Config{Door: d.cfg, Version: "bench", Log: d.bench.log.With("door", d.name)}
	host := daemon.Host{
		Serial: func(p config.Port) (drivers.Wire, error) {
			if l.dead() {
				return nil, errDead
			}
			return d.cables[p.Name].Open(ctx)
		},
		Pin:  func(u daemon.PinUse) (gpio.PinIO, error) { return d.pin(l, u) },
		Wall: d.wall,
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { return d.dial(ctx, l) },
	}
	go func() { l.ended <- daemon.Run(ctx, cfg, host) }()
}

func (d *benchDoor) dial(ctx context.Context, l *life) (net.Conn, error) {
	if l.dead() {
		return nil, errDead
	}
	c, err := d.bench.listen.Dial(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c)
	return c, nil
}

func (d *benchDoor) pin(l *life, u daemon.PinUse) (gpio.PinIO, error) {
	if u.Output {
		return relayPin{d.portal.Relay(), d, l}, nil
	}
	return d.portal.Pin(u.Name)
}

// relayPin is the box's output as one run of the daemon has it.
type relayPin struct {
	gpio.PinIO
	door *benchDoor
	life *life
}

// Out drives the relay. A door that is to die at its next release dies here:
// the ledger has the grant, the pin was asked, and nobody is there any more to
// hear the answer.
func (p relayPin) Out(l gpio.Level) error {
	if p.life.dead() {
		return errDead
	}
	at := p.door.dies
	if l == gpio.Low || at == "" {
		return p.PinIO.Out(l)
	}
	p.door.dies = ""
	if at == "kill-after" {
		if err := p.PinIO.Out(l); err != nil {
			return err
		}
	}
	go func() { p.door.killed <- p.door.kill() }()
	<-p.life.gone // the call never returns to a living daemon
	return errDead
}

// stop ends the daemon in order.
func (d *benchDoor) stop() error {
	l := d.life
	d.life = nil
	l.cancel()
	return <-l.ended
}

// kill ends it at once: nothing that it does afterwards reaches the world, and
// what it still writes into its ledger while it unwinds is put back to how it
// was.
func (d *benchDoor) kill() error {
	l := d.life
	if l == nil {
		return errDead
	}
	// In a bubble this returns once everything has come to rest, so that the
	// files are copied between two acts of the daemon.
	time.Sleep(time.Nanosecond)
	before, err := snapshot(daemon.LedgerDir(d.cfg))
	if err != nil {
		return err
	}
	l.sever()
	l.cancel()
	<-l.ended
	d.life = nil
	return before.restore()
}

// files is a folder's content at one moment.
type files struct {
	dir  string
	kept map[string][]byte
}

func snapshot(dir string) (files, error) {
	f := files{dir, map[string][]byte{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return f, err
		}
		f.kept[e.Name()] = b
	}
	return f, nil
}

func (f files) restore() error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := f.kept[e.Name()]; !ok {
			if err := os.Remove(filepath.Join(f.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	for name, b := range f.kept {
		if err := os.WriteFile(filepath.Join(f.dir, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// databaseOver is now with the database of the copy: what somebody puts back
// who does not know of the head beside it.
func (f files) databaseOver(now files) files {
	mixed := files{f.dir, map[string][]byte{}}
	for name, b := range f.kept {
		mixed.kept[name] = b
		if !strings.HasPrefix(name, "ledger.db") {
			mixed.kept[name] = now.kept[name]
		}
	}
	return mixed
}
