package daemon_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/daemon"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/firmware-sim/rig"
	"sekimori/firmware-sim/story"
)

// The door of every test here, and who comes to it: a person with a permit and
// a finger, and another one.
const (
	door          = "machine-room"
	badge, person = "10023", "s-001"
	badge2        = "10029"
	person2       = "s-007"
	begins        = "2026-11-24T09:00:00+09:00"
)

// stage is a bench with a whole door in virtual time, and what was seen there.
// Its acts are those of stories.
type stage struct {
	*testing.T
	rig  *rig.Bench
	root string

	mu   sync.Mutex // guards what follows
	log  bytes.Buffer
	seen []story.Observation
}

// onStage runs a test at a door that is in service.
func onStage(t *testing.T, test func(*stage), files ...story.File) {
	t.Helper()
	onStageWith(t, func(*rig.Bench) {}, test, files...)
}

// onStageWith also prepares the bench before it is set up.
func onStageWith(t *testing.T, prepare func(*rig.Bench), test func(*stage), files ...story.File) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{T: t, root: dir}
		s.rig = rig.NewBench(dir, synctest.Wait, slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug})))
		prepare(s.rig)
		defer func() {
			if err := s.rig.Close(); err != nil {
				t.Errorf("the bench closed with %v", err)
			}
		}()
		at, err := time.Parse(time.RFC3339, begins)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.rig.Setup(t.Context(), story.Scene{Doors: []string{door}, At: at, Files: files}, s.observe); err != nil {
			t.Fatal(err)
		}
		test(s)
	})
}

// Write takes what the daemon logs.
func (s *stage) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(b)
}

func (s *stage) observe(o story.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, o)
}

func (s *stage) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

// do performs acts, written as in a story.
func (s *stage) do(acts ...string) {
	s.Helper()
	for _, a := range acts {
		if err := s.try(a); err != nil {
			s.Fatalf("> %s: %v", a, err)
		}
	}
}

func (s *stage) try(act string) error {
	parsed, err := story.Parse("act", []byte("# act\ndoor "+door+"\nat "+begins+"\n> "+act+"\n"))
	if err != nil {
		return err
	}
	for _, l := range parsed.Lines {
		if a, ok := l.Body.(story.Act); ok {
			if a.Verb == story.VerbDisk && os.Getenv(childEnv) == "" {
				s.Fatal("a full disk holds for the whole process: call alone first")
			}
			err = s.rig.Do(s.Context(), a)
			synctest.Wait()
			return err
		}
	}
	return fmt.Errorf("no act in %q", act)
}

// within waits in virtual time until a condition holds.
func (s *stage) within(d time.Duration, what string, holds func() bool) {
	s.Helper()
	for end := time.Now().Add(d); ; {
		synctest.Wait()
		if holds() {
			return
		}
		if !time.Now().Before(end) {
			s.Fatalf("not within %v: %s\n%s", d, what, s.tail())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// rest lets time pass.
func (s *stage) rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// tail is the end of the ledger and of the log, for messages.
func (s *stage) tail() string {
	var b strings.Builder
	all := s.ledger()
	for _, ev := range all[max(0, len(all)-15):] {
		fmt.Fprintf(&b, "%4d %s %s %s %s %s\n", ev.Seq, ev.Kind, ev.Side, ev.Person, ev.Reason, ev.Detail)
	}
	lines := strings.Split(s.logged(), "\n")
	b.WriteString(strings.Join(lines[max(0, len(lines)-12):], "\n"))
	return b.String()
}

// shows waits for a signal at a side's reader that was not there at the call.
func (s *stage) shows(side, word string, d time.Duration) {
	s.Helper()
	s.mu.Lock()
	from := len(s.seen)
	s.mu.Unlock()
	s.within(d, "show "+side+" "+word, func() bool { return s.shown(side, word, from) })
}

func (s *stage) shown(side, word string, from int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.seen[from:], func(o story.Observation) bool {
		return o.Channel == story.Show && o.Side == side && o.Word == word
	})
}

func (s *stage) dir() string { return daemon.LedgerDir(s.rig.Config(door)) }

// bodies reads the ledger on disk, as an auditor beside the daemon does.
func (s *stage) bodies() [][]byte {
	s.Helper()
	r, err := ledger.OpenReader(context.Background(), s.dir())
	if err != nil {
		s.Fatalf("cannot read the ledger: %v", err)
	}
	defer r.Close()
	var out [][]byte
	for stored, err := range r.All(context.Background(), 1) {
		if err != nil {
			s.Fatalf("cannot read the ledger: %v", err)
		}
		out = append(out, stored.Body)
	}
	return out
}

func (s *stage) ledger() []event.Event {
	s.Helper()
	bodies := s.bodies()
	out := make([]event.Event, len(bodies))
	for i, b := range bodies {
		if err := json.Unmarshal(b, &out[i]); err != nil {
			s.Fatalf("event %d: %v", i+1, err)
		}
	}
	return out
}

// last is the number of the newest event.
func (s *stage) last() uint64 { return uint64(len(s.bodies())) }

// is gives a filter for events: a kind, then key=value.
func is(kind event.Kind, more ...string) func(event.Event) bool {
	return func(ev event.Event) bool {
		if ev.Kind != kind {
			return false
		}
		for _, m := range more {
			k, v, _ := strings.Cut(m, "=")
			got := map[string]string{
				"person": string(ev.Person), "side": string(ev.Side), "reason": string(ev.Reason), "device": ev.Device,
				"clock": string(ev.Clock),
			}
			if got[k] != v {
				return false
			}
		}
		return true
	}
}

// count is how many events of the ledger after a number a filter takes.
func (s *stage) count(after uint64, f func(event.Event) bool) (n int) {
	s.Helper()
	for _, ev := range s.ledger() {
		if ev.Seq > after && f(ev) {
			n++
		}
	}
	return n
}

// writes waits for an event after a number to stand in the ledger.
func (s *stage) writes(after uint64, d time.Duration, kind event.Kind, more ...string) {
	s.Helper()
	r, err := ledger.OpenReader(context.Background(), s.dir())
	if err != nil {
		s.Fatalf("cannot read the ledger: %v", err)
	}
	defer r.Close()
	wanted := is(kind, more...)
	next := after + 1
	s.within(d, fmt.Sprint("event ", kind, more), func() bool {
		for stored, err := range r.All(context.Background(), next) {
			var ev event.Event
			if err == nil {
				err = json.Unmarshal(stored.Body, &ev)
			}
			if err != nil {
				s.Fatalf("cannot read the ledger: %v", err)
			}
			if next = ev.Seq + 1; wanted(ev) {
				return true
			}
		}
		return false
	})
}

// releases counts how often the relay was driven to open.
func (s *stage) releases() (n int) {
	for _, e := range s.rig.Portal(door).RelayEdges() {
		if e.Level == gpio.High {
			n++
		}
	}
	return n
}

// enters walks a person in, and fails if the door does not let him.
func (s *stage) enters(badge, person string) {
	s.Helper()
	from, opened := s.last(), s.releases()
	s.do("badge entry " + badge)
	s.shows("entry", "finger", 3*time.Second)
	s.do("finger entry " + person)
	s.writes(from, 3*time.Second, event.AccessGranted, "person="+person, "side=entry")
	s.within(2*time.Second, "the bolt to be released", func() bool { return s.rig.Portal(door).Lock() == "released" })
	s.do("door open")
	s.writes(from, 2*time.Second, event.AccessTaken, "person="+person, "side=entry")
	s.do("door close")
	s.within(5*time.Second, "the bolt to be home", func() bool { return s.rig.Portal(door).Lock() == "secured" })
	if s.releases() != opened+1 {
		s.Fatalf("one entry, %d releases", s.releases()-opened)
	}
	s.rest(time.Second)
}

// staysOut holds a good badge and a good finger at the entry, and fails if the
// door opens.
func (s *stage) staysOut(badge, person string) {
	s.Helper()
	opened := s.releases()
	s.do("badge entry " + badge)
	s.rest(500 * time.Millisecond)
	s.do("finger entry " + person)
	s.rest(5500 * time.Millisecond) // the finger is lifted again
	if s.releases() != opened || s.rig.Portal(door).Lock() != "secured" {
		s.Fatalf("the door opened\n%s", s.tail())
	}
}

// nobodyIsShutIn: handle and exit button open the leaf, in this very state (P4).
func (s *stage) nobodyIsShutIn(state string) {
	s.Helper()
	p := s.rig.Portal(door)
	if p.Open() {
		s.Fatalf("%s: the leaf is open already", state)
	}
	s.do("handle")
	if err := s.try("door open"); err != nil {
		s.Errorf("%s: the handle does not open: %v", state, err)
	}
	s.do("door close")
	s.rest(3 * time.Second)
	s.do("exit-button")
	s.rest(200 * time.Millisecond)
	if err := s.try("door open"); err != nil {
		s.Errorf("%s: the exit button does not open: %v", state, err)
	}
	s.do("door close")
	s.rest(4 * time.Second)
	if p.Lock() != "secured" {
		s.Errorf("%s: the bolt is not home again", state)
	}
}

// nothingUnrecorded holds every release of the relay against the ledger: each
// has a grant of its own that is durable (P1). A ledger that lost something is
// not asked.
func (s *stage) nothingUnrecorded() {
	s.Helper()
	granted, released := s.count(0, is(event.AccessGranted)), s.releases()
	if released > granted {
		s.Errorf("%d releases, %d recorded grants", released, granted)
	}
}

// nothingLost waits until the head end has every event of the ledger, and
// compares them byte by byte (P9).
func (s *stage) nothingLost() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 2*time.Minute)
	defer cancel()
	head := s.rig.Head()
	if err := head.Wait(ctx, door, s.last()); err != nil {
		s.Fatalf("%v\n%s", err, s.tail())
	}
	sent := head.Events(door)
	for i, body := range s.bodies() {
		if i < len(sent) && !bytes.Equal(body, sent[i]) {
			s.Fatalf("event %d differs:\nledger    %s\ncollector %s", i+1, body, sent[i])
		}
	}
	if _, forged := head.Repeats(door); forged > 0 {
		s.Errorf("%d numbers came twice with another body", forged)
	}
}

// sound holds what every fault must leave true.
func (s *stage) sound() {
	s.Helper()
	s.nothingUnrecorded()
	s.nothingLost()
	report, err := ledger.Verify(context.Background(), s.dir(), ledger.Evidence{})
	if err != nil || !report.OK() {
		s.Errorf("the ledger does not verify: %v %v", err, report)
	}
}

// supervised lets time pass as it passes under a supervisor: a daemon that ends
// by itself is started again a second later.
func (s *stage) supervised(d time.Duration) {
	s.Helper()
	for range d / time.Second {
		s.rest(time.Second)
		if alive, err := s.rig.Alive(door); !alive {
			s.Logf("the daemon ended: %v", err)
			s.rig.Bury(door)
			s.do("daemon start")
		}
	}
}
