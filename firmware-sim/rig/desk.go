package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sekimori/firmware-sim/broker"
	"sekimori/firmware-sim/story"
)

// Desk is the rig in real time: what a person runs. The simulated devices live
// in this process, on the masters of pseudo-terminals; the real daemon with its
// real drivers and the broker live in processes of their own, which are this
// program again (see [Child]), so that a kill is a real kill.
type Desk struct {
	opt DeskOptions

	dir     string
	site    *site
	ahead   time.Duration // of the story's clock before the machine's
	doors   map[string]*deskDoor
	broker  *process
	address string // the broker's, the same after a restart
	link    *os.File
	head    *broker.Collector
	cancel  context.CancelFunc
	running sync.WaitGroup
	observe func(story.Observation)

	mu    sync.Mutex // guards what follows
	fault error      // the first thing that ended though nobody ended it
	logs  string     // kept from the folder, at the end
}

var _ story.Rig = (*Desk)(nil)

// DeskOptions of a [Desk]. The zero value is usual.
type DeskOptions struct {
	Keep bool // leave the folder behind
}

// NewDesk makes a rig for one scene. It needs Linux with pseudo-terminals, and
// no rights.
func NewDesk(o DeskOptions) *Desk {
	return &Desk{opt: o, doors: map[string]*deskDoor{}}
}

// setupLimit bounds Setup: on an idle machine it takes two seconds.
const setupLimit = 60 * time.Second

// Setup is [story.Rig.Setup].
func (d *Desk) Setup(ctx context.Context, scene story.Scene, observe func(story.Observation)) error {
	d.observe, d.ahead = observe, time.Until(scene.At)
	var err error
	if d.dir, err = os.MkdirTemp("", "sekimori-desk-"); err != nil {
		return fmt.Errorf("cannot make the desk's folder: %w", err)
	}
	if d.site, err = newSite(d.dir, scene); err != nil {
		return err
	}
	setup, done := context.WithTimeout(ctx, setupLimit)
	defer done()
	ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := d.startHeadEnd(ctx, setup, scene.Doors); err != nil {
		return err
	}
	for _, name := range scene.Doors {
		if d.doors[name], err = newDeskDoor(ctx, d, name); err != nil {
			return fmt.Errorf("door %s: %w", name, err)
		}
	}
	if err := d.head.Ready(setup); err != nil {
		return err
	}
	for _, name := range scene.Doors {
		if err := d.doors[name].serve(setup); err != nil {
			return fmt.Errorf("door %s: %w", name, err)
		}
	}
	return nil
}

// startHeadEnd starts the broker and the collector behind it.
func (d *Desk) startHeadEnd(ctx, setup context.Context, doors []string) error {
	if _, err := d.site.authority.Write(d.tls(), broker.ServerName); err != nil {
		return err
	}
	client, err := d.site.authority.Client(broker.HeadEnd)
	if err != nil {
		return err
	}
	if err := d.findBroker(setup, doors); err != nil {
		return err
	}
	d.head = broker.NewCollector(broker.CollectorOptions{
		TLS: client,
		Dial: func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", d.address)
		},
	})
	d.running.Go(func() { _ = d.head.Run(ctx) })
	d.running.Go(func() { d.relay(ctx) })
	return nil
}

func (d *Desk) tls() string { return filepath.Join(d.dir, "broker") }

// Ports that the kernel does not give to clients by itself
// (ip_local_port_range): a client that dials the broker while it is down could
// else be given the broker's own port, and would talk to itself.
const (
	lowestPort  = 20000
	highestPort = 32000
	portTries   = 20
)

// findBroker starts the broker on a port that is free, and stays free while
// the broker is down.
func (d *Desk) findBroker(ctx context.Context, doors []string) error {
	var err error
	for range portTries {
		d.address = fmt.Sprintf("127.0.0.1:%d", lowestPort+rand.IntN(highestPort-lowestPort))
		if err = d.startBroker(ctx, doors...); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// startBroker returns once clients may come.
func (d *Desk) startBroker(ctx context.Context, doors ...string) error {
	if len(doors) == 0 {
		for name := range d.doors {
			doors = append(doors, name)
		}
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer theirs.Close()
	log, err := os.OpenFile(filepath.Join(d.dir, "broker.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		ours.Close()
		return fmt.Errorf("cannot start the broker: %w", err)
	}
	defer log.Close()
	said := &firstWrite{done: make(chan struct{})}
	args := append([]string{partBroker, d.tls(), filepath.Join(d.dir, "broker", "store"), d.address}, doors...)
	p, err := launch(args, said, log, theirs)
	if err != nil {
		ours.Close()
		return err
	}
	d.broker, d.link = p, ours
	select {
	case <-said.done:
		return nil
	case <-p.gone:
		err = fmt.Errorf("cannot start the broker on %s: %w", d.address, p.err)
	case <-ctx.Done():
		err = fmt.Errorf("cannot start the broker: %w", context.Cause(ctx))
	}
	d.killBroker()
	return err
}

// firstWrite tells that somebody wrote.
type firstWrite struct {
	once sync.Once
	done chan struct{}
}

func (f *firstWrite) Write(b []byte) (int, error) {
	f.once.Do(func() { close(f.done) })
	return len(b), nil
}

func (d *Desk) killBroker() {
	if d.broker != nil {
		d.broker.kill()
		d.link.Close()
		d.broker = nil
	}
}

// socketPair gives two ends of a stream that only processes of ours see.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make a link: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "link"), os.NewFile(uintptr(fds[1]), "link"), nil
}

// relay hands the story what the head end received.
func (d *Desk) relay(ctx context.Context) {
	for {
		select {
		case o := <-d.head.Observations():
			if door := d.doors[o.Door]; door != nil && !d.again(o) {
				door.tail.glance(ctx)
				door.published(o.Kind, o.Payload, time.Now())
			}
		case <-ctx.Done():
			return
		}
	}
}

// again tells that a message was received before. Another event under a known
// number is news: a ledger that was put back counts from where it was.
func (d *Desk) again(o broker.Observation) bool {
	if !o.Repeat {
		return false
	}
	known := d.head.Events(o.Door)
	return o.Seq > uint64(len(known)) || bytes.Equal(known[o.Seq-1], o.Payload)
}

// Settle is [story.Rig.Settle]: in real time nothing settles.
func (d *Desk) Settle() {}

// Lateness is [story.Rig.Lateness].
func (d *Desk) Lateness() time.Duration { return story.MaxLateness }

// Dir is the scene's folder: one folder for each door, with its files as a box
// has them. It is gone after Close, unless it is to be kept.
func (d *Desk) Dir() string { return d.dir }

// Events are the events of a door that the collector has, in order: number n is
// at n-1.
func (d *Desk) Events(door string) []json.RawMessage { return d.head.Events(door) }

// Wall is what the clock of a door's box shows.
func (d *Desk) Wall(door string) time.Time {
	now, _ := d.doors[door].wall()
	return now
}

// Logs are the last lines of the daemons' logs, after Close.
func (d *Desk) Logs() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logs
}

// fail keeps the first thing that ended though nobody ended it.
func (d *Desk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault == nil {
		d.fault = err
	}
}

func (d *Desk) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fault
}

// Close is [story.Rig.Close]. The daemons end in order, the broker does not.
func (d *Desk) Close() error {
	errs := []error{d.failed()}
	for _, door := range d.doors {
		if door != nil && door.life != nil {
			errs = append(errs, door.stop())
		}
	}
	if d.cancel != nil {
		d.cancel()
	}
	d.killBroker()
	d.running.Wait()
	d.keepLogs()
	if d.dir != "" && !d.opt.Keep {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

// maxLog is how many lines of a log are kept.
const maxLog = 40

func (d *Desk) keepLogs() {
	var kept strings.Builder
	for name, door := range d.doors {
		if door == nil {
			continue
		}
		b, err := os.ReadFile(door.logFile())
		if err != nil {
			continue
		}
		lines := bytes.SplitAfter(b, []byte("\n"))
		fmt.Fprintf(&kept, "log of the daemon of %s:\n", name)
		for _, line := range lines[max(0, len(lines)-maxLog):] {
			kept.Write(line)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.logs = kept.String()
}
