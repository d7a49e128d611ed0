package door

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekimori/policy"
)

var rewrite = flag.Bool("rewrite", false, "write what the door does into testdata/*.txt, to be reviewed as a diff")

// TestTranscripts plays testdata/*.txt: a line at the margin is something that
// happens, the indented lines below it are everything that the door does, with
// the moment in seconds. Lines that begin with # are for the reader.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s: %s", file, firstDifference(string(want), got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			have := "(nothing)"
			if i < len(g) {
				have = g[i]
			}
			return fmt.Sprintf("line %d:\nwant %s\ngot  %s", i+1, w[i], have)
		}
	}
	return fmt.Sprintf("the door does more than expected from line %d on:\n%s", len(w), strings.Join(g[len(w)-1:], "\n"))
}

// play keeps what happens, and writes anew what the door does.
func play(t *testing.T, script string) string {
	p := &player{t: t}
	var out bytes.Buffer
	for n, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "  "):
			continue
		case line == "", strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
			continue
		}
		fmt.Fprintln(&out, line)
		if err := p.do(strings.Fields(line)); err != nil {
			t.Fatalf("line %d: %q: %v", n+1, line, err)
		}
		out.WriteString(p.w.out.String())
		p.w.out.Reset()
	}
	sameAsFold(t, p.w)
	leaksNothing(t, out.String())
	return out.String()
}

// player reads the verbs of a transcript.
type player struct {
	t *testing.T
	w *world
}

func (p *player) do(f []string) error {
	verb, args := f[0], f[1:]
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	w := p.w
	switch {
	case verb == "door":
		return p.place(args)
	case w == nil:
		return fmt.Errorf("the first line says which door")
	}
	side := sideNamed(arg(0))
	switch verb {
	case "start":
		w.step(Start{Version: "test", Suspect: strings.Join(args, " ")})
	case "stop":
		w.step(Stop{})
	case "ready":
		w.ready()
	case "restart":
		w.restart()
	case "wait":
		d, err := time.ParseDuration(arg(0))
		if err != nil {
			return err
		}
		w.pass(d)
	case "badge":
		w.badge(side, arg(1))
	case "open-wire":
		w.step(Badge{Side: side, Device: w.f.cfg.Readers[side], Number: numberOf(arg(1)), Wire: policy.WireOpen, Proof: policy.ProofClonable})
	case "finger":
		return p.finger(side, arg(1))
	case "line":
		return p.line(arg(0), arg(1))
	case "device":
		return p.device(side, arg(1), arg(2))
	case "tamper":
		w.step(DeviceTamper{Side: side, Name: w.f.cfg.Readers[side], Active: arg(1) == "on"})
	case "record":
		return p.record(arg(0))
	case "clock":
		return p.clock(arg(0))
	case "link":
		w.step(Link{Up: arg(0) == "up", Reason: "test"})
	case "lock":
		w.step(Released{ID: w.door.lock.id, Err: "the line is gone"})
	case "secure":
		w.stuck = map[string]string{"fails": "the output cannot be driven"}[arg(0)]
	case "order":
		return p.order(arg(0), arg(1), arg(2))
	case "forged":
		w.step(Refused{Order: "o99", Code: "bad_signature", Detail: "key k9", Count: 3})
	case "rules":
		return p.rules(arg(0))
	case "enrol":
		return p.enrol(arg(0))
	default:
		return fmt.Errorf("no such verb")
	}
	return nil
}

func sideNamed(s string) policy.Side {
	return map[string]policy.Side{"entry": policy.Entry, "exit": policy.Exit}[s]
}

func (p *player) place(args []string) error {
	var f fixture
	switch args[0] {
	case "machine-room":
		f = machineRoom(p.t)
	case "terminal":
		f = terminal(p.t)
	default:
		return fmt.Errorf("no such door")
	}
	for _, a := range args[1:] {
		switch a {
		case "hard":
			f.rb = rulebook(p.t, func(d *policy.RulebookData) { d.Places[0].AntiPassback = "hard" })
		case "no-leaf":
			f.cfg.Leaf = false
		case "no-bolt":
			f.cfg.Bolt = false
		case "latched":
			f.cfg.Latched = true
		case "after-release":
			f.cfg.AfterRelease = true
		default:
			return fmt.Errorf("no such door")
		}
	}
	p.w = newWorld(p.t, f)
	return nil
}

func (p *player) finger(s policy.Side, word string) error {
	w := p.w
	switch word {
	case "match":
		w.finger(s, policy.FactorMatch)
	case "mismatch":
		w.finger(s, policy.FactorMismatch)
	case "unreadable":
		w.finger(s, policy.FactorUnreadable)
	case "timeout":
		w.finger(s, policy.FactorTimeout)
	case "weak":
		c := w.capture[s-policy.Entry]
		w.step(Finger{ID: c.ID, Result: policy.FactorMatch, Page: c.Pages[0], Score: 49})
	case "wrong-page":
		w.step(Finger{ID: w.capture[s-policy.Entry].ID, Result: policy.FactorMatch, Page: 999, Score: 120})
	case "stale":
		w.step(Finger{ID: 12345, Result: policy.FactorMatch, Page: 1, Score: 120})
	default:
		return fmt.Errorf("no such finger")
	}
	return nil
}

func (p *player) line(name, level string) error {
	levels := map[string]Level{"unknown": Unknown, "inactive": Inactive, "active": Active}
	l, ok := levels[level]
	if !ok {
		return fmt.Errorf("no such level")
	}
	for id := LineLeaf; id <= LineSupply; id++ {
		if id.String() == name {
			p.w.line(id, l)
			return nil
		}
	}
	return fmt.Errorf("no such line")
}

func (p *player) device(s policy.Side, kind, what string) error {
	in := Device{Side: s, Kind: BadgeReader, Name: p.w.f.cfg.Readers[s], Reason: "test"}
	if kind == "sensor" {
		in.Kind, in.Name = FingerSensor, p.w.f.cfg.Sensors[s]
	}
	switch what {
	case "online":
		in.Online = true
	case "offline":
	case "rejected":
		in.Rejected = true
	default:
		return fmt.Errorf("no such state")
	}
	p.w.step(in)
	return nil
}

func (p *player) record(what string) error {
	switch what {
	case "ok":
		p.w.recorder = recordOK
	case "fails":
		p.w.recorder = recordFails
	case "full":
		p.w.recorder = recordFull
	case "held":
		p.w.recorder = recordHeld
	case "settle":
		p.w.recorder = recordOK
		p.w.settle()
	default:
		d, err := time.ParseDuration(what)
		p.w.slow = d
		return err
	}
	return nil
}

func (p *player) clock(what string) error {
	w := p.w
	in := ClockChanged{Reason: what}
	switch what {
	case "untrusted", "trusted":
		w.trusted = what == "trusted"
	default:
		d, err := time.ParseDuration(what)
		if err != nil {
			return err
		}
		w.offset += d
		in.Step = d
	}
	w.step(in)
	return nil
}

func (p *player) order(what, person, page string) error {
	kinds := map[string]ActKind{
		"lockdown": ActLockdown, "release": ActRelease, "resecure": ActResecure, "reset": ActReset,
		"enroll": ActEnroll, "erase": ActErase, "import": ActImport,
	}
	k, ok := kinds[what]
	if !ok {
		return fmt.Errorf("no such act")
	}
	n, _ := strconv.Atoi(page)
	p.w.act(k, func(a *Act) {
		a.Person, a.Page = policy.PersonID(person), uint16(n)
		switch k {
		case ActEnroll:
			a.Roster = roster(p.t, func(d *policy.RosterData) {
				if _, taken := p.w.f.ro.PageOwner(a.Page); taken {
					return
				}
				d.Fingers = append(d.Fingers, policy.FingerPage{Person: a.Person, Page: a.Page, EnrolledAt: 1})
			})
		case ActErase, ActImport:
			a.Roster = roster(p.t, func(d *policy.RosterData) { without(d, a.Person) })
		}
	})
	return nil
}

// without takes a person's fingers and permits away.
func without(d *policy.RosterData, p policy.PersonID) {
	var fingers []policy.FingerPage
	for _, f := range d.Fingers {
		if f.Person != p {
			fingers = append(fingers, f)
		}
	}
	var permits []policy.PermitData
	for _, f := range d.Permits {
		if f.Person != p {
			permits = append(permits, f)
		}
	}
	d.Fingers, d.Permits = fingers, permits
}

func (p *player) rules(what string) error {
	if what == "bad" {
		p.w.step(Rules{Before: "h1", Err: "rulebook.toml:3:1: unknown key"})
		return nil
	}
	p.w.step(Rules{Before: "h1", After: "h2", Rulebook: p.w.f.rb})
	return nil
}

func (p *player) enrol(what string) error {
	w := p.w
	switch what {
	case "place":
		w.step(EnrolProgress{ID: w.stored.enrol, View: 1, Of: 2, Place: true})
	case "lift":
		w.step(EnrolProgress{ID: w.stored.enrol, View: 1, Of: 2})
	case "done":
		w.step(EnrolDone{ID: w.stored.enrol})
	case "duplicate":
		w.step(EnrolDone{ID: w.stored.enrol, Err: "duplicate", Duplicate: true, Of: 7})
	case "stored":
		w.step(StoreDone{ID: w.stored.store})
	case "store-fails":
		w.step(StoreDone{ID: w.stored.store, Err: "the library is full"})
	case "erased":
		w.step(EraseDone{ID: w.stored.erase})
	case "erase-fails":
		w.step(EraseDone{ID: w.stored.erase, Err: "no answer"})
	default:
		return fmt.Errorf("no such step")
	}
	return nil
}
