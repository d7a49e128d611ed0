package door

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// outcome is what the next record comes to.
type outcome uint8

const (
	recordOK outcome = iota
	recordFails
	recordFull
	recordHeld // no outcome until the test settles it
)

// world is the smallest loop round a door: it records, wakes it, and drives
// virtual time. Everything that the door does goes through seen, which holds
// the promises, and into the transcript.
type world struct {
	t       testing.TB
	f       fixture
	door    *Door
	mono    time.Duration
	offset  time.Duration // of the wall clock
	trusted bool

	recorder outcome
	slow     time.Duration // a record takes this long
	stuck    string        // why the lock cannot be secured
	ledger   []event.Event
	held     *Record
	wake     time.Duration

	capture [2]Capture
	stored  struct{ enrol, store, erase uint64 }
	lastAct int
	out     strings.Builder
	watch   []func(in Input, out []Effect) // invariants, called after each step
}

func newWorld(t testing.TB, f fixture) *world {
	w := &world{t: t, f: f, trusted: true, mono: time.Second}
	w.door = New(f.cfg, f.rb, f.ro, State{})
	return w
}

func (w *world) now() Time {
	return Time{Mono: w.mono, Instant: policy.Instant{Wall: morning.Add(w.mono + w.offset), Trusted: w.trusted}}
}

// step gives one input and does what follows, as the loop does.
func (w *world) step(in Input) {
	next := []Input{in}
	for len(next) > 0 {
		in, next = next[0], next[1:]
		out := w.door.Step(w.now(), in)
		for _, check := range w.watch {
			check(in, out)
		}
		for i, e := range out {
			w.print(e)
			switch e := e.(type) {
			case Record:
				if i != len(out)-1 {
					w.t.Fatalf("Record is not the last effect of %v", out)
				}
				if r := w.record(e); r != nil {
					next = append(next, r)
				}
			case Release:
				next = append(next, Released{ID: e.ID})
			case Secure:
				next = append(next, Secured{Err: w.stuck})
			case Wake:
				w.wake = e.At
			case Capture:
				w.capture[e.Side-policy.Entry] = e
			case EnrolFinger:
				w.stored.enrol = e.ID
			case StoreFinger:
				w.stored.store = e.ID
			case EraseFinger:
				w.stored.erase = e.ID
			case Request:
				next = append(next, Requested{ID: e.ID})
			}
		}
	}
}

func (w *world) record(r Record) Input {
	w.mono += w.slow
	switch w.recorder {
	case recordFails:
		return RecordFailed{ID: r.ID, Err: "i/o error"}
	case recordFull:
		return RecordFailed{ID: r.ID, Full: true, Err: "no space"}
	case recordHeld:
		w.held = &r
		return nil
	default:
		return w.durable(r)
	}
}

func (w *world) durable(r Record) Recorded {
	stored := slices.Clone(r.Events)
	for i := range stored {
		stored[i].Seq = uint64(len(w.ledger) + 1)
		w.ledger = append(w.ledger, stored[i])
	}
	return Recorded{ID: r.ID, Events: stored}
}

// settle gives the outcome of the record that was held.
func (w *world) settle() {
	if w.held == nil {
		w.t.Fatal("no record is held")
	}
	r := *w.held
	w.held = nil
	w.step(w.durable(r))
}

// pass lets time go by and ticks at every moment that the door asked for.
func (w *world) pass(d time.Duration) {
	end := w.mono + d
	for w.wake != 0 && w.wake <= end {
		w.mono, w.wake = max(w.mono, w.wake), 0
		w.step(Tick{})
	}
	w.mono = max(w.mono, end)
}

// restart is a kill and a start: the door is made anew from the fold of the
// ledger.
func (w *world) restart() {
	var st State
	for _, ev := range w.ledger {
		st.Apply(ev)
	}
	w.held, w.wake = nil, 0
	w.door = New(w.f.cfg, w.f.rb, w.f.ro, st)
}

// begin starts the door and lets everything be read for the first time.
func (w *world) begin() {
	w.step(Start{Version: "test"})
	w.ready()
}

// ready reports every device and line of an ordinary closed door.
func (w *world) ready() {
	for _, s := range []policy.Side{policy.Entry, policy.Exit} {
		if n := w.f.cfg.Readers[s]; n != "" {
			w.step(Device{Side: s, Kind: BadgeReader, Name: n, Online: true})
		}
		if n := w.f.cfg.Sensors[s]; n != "" {
			w.step(Device{Side: s, Kind: FingerSensor, Name: n, Online: true})
		}
	}
	w.step(Line{ID: LineFire, Level: Inactive})
	w.step(Line{ID: LineBolt, Level: Active})
	w.step(Line{ID: LineLeaf, Level: Inactive})
}

func (w *world) badge(s policy.Side, person string) {
	tag := ""
	if person == "stranger" {
		tag = "a1b2c3d4e5"
	}
	w.step(Badge{
		Side: s, Device: w.f.cfg.Readers[s], Number: numberOf(person), Tag: tag,
		Wire: policy.WireSecured, Proof: policy.ProofClonable,
	})
}

func (w *world) finger(s policy.Side, r policy.FactorResult) {
	c := w.capture[s-policy.Entry]
	in := Finger{ID: c.ID, Result: r}
	if r == policy.FactorMatch && len(c.Pages) > 0 {
		in.Page, in.Score = c.Pages[0], 120
	}
	w.step(in)
}

func (w *world) enter(person string) {
	w.badge(policy.Entry, person)
	w.finger(policy.Entry, policy.FactorMatch)
}

func (w *world) line(id LineID, l Level) { w.step(Line{ID: id, Level: l}) }

func (w *world) act(k ActKind, edit func(*Act)) {
	w.lastAct++
	a := Act{Kind: k, Order: fmt.Sprintf("o%d", w.lastAct), Signer: "k1"}
	if edit != nil {
		edit(&a)
	}
	w.step(a)
}

// print writes one effect as one line of the transcript.
func (w *world) print(e Effect) {
	at := fmt.Sprintf("  %.3f ", w.mono.Seconds())
	switch e := e.(type) {
	case Record:
		for _, ev := range e.Events {
			fmt.Fprintf(&w.out, "%srecord %s\n", at, eventLine(ev))
		}
	case Release:
		fmt.Fprintf(&w.out, "%srelease %v\n", at, e.For)
	case Secure:
		fmt.Fprintf(&w.out, "%ssecure\n", at)
	case Show:
		fmt.Fprintf(&w.out, "%sshow %v %s\n", at, e.Side, e.Signal)
	case Capture:
		fmt.Fprintf(&w.out, "%scapture %v pages=%v min=%d unreadable=%d timeout=%v\n", at, e.Side, e.Pages, e.MinScore, e.MaxUnreadable, e.Timeout)
	case CancelCapture:
		fmt.Fprintf(&w.out, "%scancel-capture %v\n", at, e.Side)
	case Request:
		fmt.Fprintf(&w.out, "%srequest %s %v person=%s badge=%s post=%s wire=%s proof=%s expires=%v\n",
			at, e.ID, e.Side, e.Person, e.Badge, e.Post, e.Wire, e.Proof, e.Expires)
	case Withdraw:
		fmt.Fprintf(&w.out, "%swithdraw %s %s\n", at, e.ID, e.Reason)
	case EnrolFinger:
		fmt.Fprintf(&w.out, "%senrol-finger %v page=%d timeout=%v\n", at, e.Side, e.Page, e.Timeout)
	case StoreFinger:
		fmt.Fprintf(&w.out, "%sstore-finger %v page=%d\n", at, e.Side, e.Page)
	case EraseFinger:
		fmt.Fprintf(&w.out, "%serase-finger %v page=%d\n", at, e.Side, e.Page)
	case Wake: // when, not what: it would only repeat the timings
	}
}

// eventLine is an event as key=value, without what is the same for all.
func eventLine(ev event.Event) string {
	b, err := json.Marshal(ev)
	if err != nil {
		panic(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	out := string(ev.Kind)
	for _, k := range []string{
		"side", "passage", "person", "badge", "tag", "permit", "post", "reason", "article", "wire", "proof", "score",
		"device", "count", "of", "order", "before", "after",
	} {
		if v, ok := m[k]; ok {
			out += fmt.Sprintf(" %s=%v", k, v)
		}
	}
	for name, list := range map[string][]event.Finding{"failed": ev.Failed} {
		if len(list) > 0 {
			out += " " + name + "=" + codes(list)
		}
	}
	if len(ev.Remarks) > 0 {
		out += " remarks=" + codes(ev.Remarks)
	}
	if ev.Until != nil {
		out += " until=" + ev.Until.Format("15:04:05")
	}
	if len(ev.Diff) > 0 {
		out += fmt.Sprintf(" diff=%v", ev.Diff)
	}
	if ev.Detail != "" {
		out += fmt.Sprintf(" %q", ev.Detail)
	}
	return out
}

func codes(list []event.Finding) string {
	var out []string
	for _, f := range list {
		out = append(out, string(f.Reason))
	}
	return strings.Join(out, ",")
}

// kinds lists the kinds of what was recorded from seq on.
func (w *world) kinds(from int) []event.Kind {
	var out []event.Kind
	for _, ev := range w.ledger[from:] {
		out = append(out, ev.Kind)
	}
	return out
}
