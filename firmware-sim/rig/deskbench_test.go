package rig

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/controller/event"
	"sekimori/drivers"
	"sekimori/drivers/serialport"
	"sekimori/firmware-sim/osdppd"
	"sekimori/firmware-sim/portal"
	"sekimori/firmware-sim/story"
	zfmsim "sekimori/firmware-sim/zfm"
	"sekimori/testdata"
)

// BenchmarkMatchToRelay measures what a person at the door waits for: from the
// last byte of the sensor's match on the wire to the edge at the relay, over
// pseudo-terminals, with the real drivers, the real ledger and its durable
// commit between them. Run it with -benchtime 2000x.
//
// All times are in µs. total is the whole way; commit is the append of that
// very sample, as the daemon logs it; own is the difference, sample by sample:
// what our code and the scheduler take. The clock starts before the simulator's
// write, so that the terminal's own way is in it too.
//
// The wires are faster than a real door's, or 2,000 persons would take an hour;
// nothing of that lies between the two instants. There is no broker: what goes
// out to one goes after the commit, by itself.
func BenchmarkMatchToRelay(b *testing.B) {
	needPTY(b)
	r := newSwiftDoor(b)
	r.pass(b) // the first person warms everything up
	var total, commit, own []time.Duration
	for b.Loop() {
		s := r.pass(b)
		whole := s.edge.Sub(s.match)
		total, commit, own = append(total, whole), append(commit, s.commit), append(own, whole-s.commit)
	}
	for name, samples := range map[string][]time.Duration{"total": total, "commit": commit, "own": own} {
		slices.Sort(samples)
		for _, p := range []int{50, 99} {
			at := samples[min(len(samples)*p/100, len(samples)-1)]
			b.ReportMetric(float64(at.Nanoseconds())/1e3, fmt.Sprintf("%s-p%d-µs", name, p))
		}
	}
	b.ReportMetric(0, "ns/op") // the time of a whole passage says nothing
}

// match is the sensor's comparison of a finger with one page (R503 manual
// §Match).
const match = 0x03

// sample is one person's way out.
type sample struct {
	match  time.Time // just before the last byte of the match is written
	edge   time.Time
	commit time.Duration
}

// swiftDoor is one door in this process, whose wires and parts are quick.
type swiftDoor struct {
	*doorway
	matches chan time.Time
	edges   chan portalChange
	commits chan time.Duration
	taken   chan time.Duration
}

type portalChange struct {
	what string
	at   time.Time
}

func newSwiftDoor(b *testing.B) *swiftDoor {
	b.Helper()
	s, err := newSite(b.TempDir(), story.Scene{Files: []story.File{{Name: "door-machine-room.toml", Data: swiftFile(b)}}})
	if err != nil {
		b.Fatal(err)
	}
	hw, err := s.build("machine-room")
	if err != nil {
		b.Fatal(err)
	}
	r := &swiftDoor{
		matches: make(chan time.Time, 1), edges: make(chan portalChange, 64),
	}
	var last lastWrite // of the exit sensor's wire; its module's goroutine only
	for _, sc := range hw.cfg.Sensors {
		o := hw.sensors[sc.Name]
		if sc.Side.String() == "exit" {
			o.Answered = func(instruction, code byte, _ time.Time) {
				if instruction == match && code == 0 {
					r.matches <- last.at
				}
			}
		}
		hw.sensors[sc.Name] = o
	}
	if r.doorway, err = newDoorway(hw, time.Time{}, func(story.Observation) {}); err != nil {
		b.Fatal(err)
	}
	r.portal = portal.New(portal.Options{
		BoltTravel: time.Millisecond, Bounce: []time.Duration{},
		OnChange: func(what string, at time.Time) { r.edges <- portalChange{what, at} },
	})
	r.run(b, s, &last)
	return r
}

// swiftFile is the machine room's door file with everything as quick as a file
// may make it.
func swiftFile(b *testing.B) string {
	text, err := testdata.Files.ReadFile("hino/door-machine-room.toml")
	if err != nil {
		b.Fatal(err)
	}
	door, rest, _ := strings.Cut(string(text), "[broker]")
	_, keys, _ := strings.Cut(rest, "[[keys]]")
	return strings.NewReplacer(
		"= 9600", "= 230400", "= 57600", "= 230400",
		"loop = \"NC\"", "loop = \"NC\"\ndebounce = \"5ms\"",
		"loop = \"NO\"", "loop = \"NO\"\ndebounce = \"5ms\"",
		"format   = \"H10301\"", "format = \"H10301\"\npoll = \"10ms\"",
	).Replace(door + "[[keys]]" + keys)
}

// lastWrite notes when a device last wrote.
type lastWrite struct{ at time.Time }

type timedEnd struct {
	io.ReadWriteCloser
	last *lastWrite
}

func (e timedEnd) Write(p []byte) (int, error) {
	e.last.at = time.Now()
	return e.ReadWriteCloser.Write(p)
}

// run starts devices and daemon, and ends them with the benchmark.
func (r *swiftDoor) run(b *testing.B, s *site, last *lastWrite) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	b.Cleanup(func() { cancel(); parts.Wait() })
	parts.Go(func() { r.portal.Run(ctx) })
	dir := b.TempDir()
	ports := map[string]*port{}
	for _, p := range r.cfg.Ports {
		ports[p.Name] = newPort(filepath.Join(dir, p.Name))
		device := func(ctx context.Context, end io.ReadWriteCloser) error {
			return osdppd.NewLine(end, p.Baud, r.readers["entry"].PD, r.readers["exit"].PD).Run(ctx)
		}
		for _, sc := range r.cfg.Sensors {
			if sc.Port == p.Name {
				m, side := r.sensors[sc.Side.String()], sc.Side.String()
				device = func(ctx context.Context, end io.ReadWriteCloser) error {
					if side == "exit" {
						end = timedEnd{end, last}
					}
					return m.Run(ctx, zfmsim.Stream(end))
				}
			}
		}
		parts.Go(func() {
			defer ports[p.Name].unplug()
			if err := ports[p.Name].run(ctx, device); err != nil {
				b.Error(err)
			}
		})
	}
	book := recordings{}
	imported := book.await(event.RosterChanged, 1)
	restored := book.await(event.ReaderRestored, len(r.cfg.Sensors))
	r.commits = book.await(event.AccessGranted, 1)
	r.taken = book.await(event.AccessTaken, 1)
	if err := s.importRoster(r.cfg, time.Now()); err != nil {
		b.Fatal(err)
	}
	parts.Go(func() {
		if err := daemon.Run(ctx, daemon.Config{Door: r.cfg, Version: "benchmark", Log: slog.New(book)}, r.host(ports)); err != nil {
			b.Error(err)
		}
	})
	receive(b, "the import", imported)
	roster, err := config.ParseRoster("roster.toml", s.roster)
	if err != nil {
		b.Fatal(err)
	}
	r.preload(roster.Fingers)
	for _, name := range slices.Sorted(maps.Keys(ports)) {
		if err := ports[name].plug(); err != nil {
			b.Fatal(err)
		}
	}
	for range r.cfg.Sensors {
		receive(b, "a sensor", restored)
	}
}

func (r *swiftDoor) host(ports map[string]*port) daemon.Host {
	return daemon.Host{
		Serial: func(p config.Port) (drivers.Wire, error) {
			return serialport.Open(ports[p.Name].path, serialport.Mode{Baud: p.Baud})
		},
		Pin: func(u daemon.PinUse) (gpio.PinIO, error) {
			if u.Output {
				return r.portal.Relay(), nil
			}
			return r.portal.Pin(u.Name)
		},
		Wall: func() (time.Time, bool) { return time.Now(), true },
		Dial: func(context.Context, string) (net.Conn, error) { return nil, net.ErrClosed },
	}
}

// pass lets one person out: badge, finger, and through the door.
func (r *swiftDoor) pass(b *testing.B) sample {
	b.Helper()
	reader := r.readers["exit"]
	if err := reader.PresentCard(reader.format, "10023"); err != nil {
		b.Fatal(err)
	}
	r.sensors["exit"].place("s-001")
	s := sample{match: receive(b, "a match", r.matches)}
	s.edge = r.change(b, "energised")
	s.commit = receive(b, "the commit", r.commits)
	r.change(b, "released")
	if err := r.portal.OpenDoor(); err != nil {
		b.Fatal(err)
	}
	receive(b, "the passage", r.taken)
	r.change(b, "de-energised")
	r.portal.CloseDoor()
	r.change(b, "secured")
	return s
}

// change waits for the portal to tell of something.
func (r *swiftDoor) change(b *testing.B, what string) time.Time {
	b.Helper()
	for {
		if c := receive(b, what, r.edges); c.what == what {
			return c.at
		}
	}
}

func receive[T any](b *testing.B, what string, from <-chan T) T {
	b.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(10 * time.Second):
		b.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// recordings hears the daemon's log: what was recorded, and how long that took.
type recordings map[string]chan time.Duration

// await gives the channel of one kind; call it before the daemon runs.
func (h recordings) await(k event.Kind, room int) chan time.Duration {
	h[string(k)] = make(chan time.Duration, room)
	return h[string(k)]
}

func (h recordings) Enabled(context.Context, slog.Level) bool { return true }
func (h recordings) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h recordings) WithGroup(string) slog.Handler            { return h }

func (h recordings) Handle(_ context.Context, rec slog.Record) error {
	kind, took := "", time.Duration(0)
	rec.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "kind":
			kind = a.Value.String()
		case "took":
			took = a.Value.Duration()
		}
		return true
	})
	if c := h[kind]; c != nil && rec.Message == "recorded" {
		select {
		case c <- took:
		default:
		}
	}
	return nil
}
