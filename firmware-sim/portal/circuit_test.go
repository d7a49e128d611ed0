package portal

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// bench is a circuit with its own clock.
type bench struct {
	*circuit
	now time.Time
}

func newBench(opt Options) *bench {
	opt.setDefaults()
	return &bench{newCircuit(opt), epoch}
}

func (b *bench) wait(d time.Duration) {
	b.now = b.now.Add(d)
	b.advance(b.now)
}

// travel is long enough for the bolt.
func (b *bench) travel() { b.wait(b.opt.BoltTravel) }

func (b *bench) turnHandle() { b.handle = b.now.Add(b.opt.HandleFor); b.advance(b.now) }
func (b *bench) turnKey()    { b.key = b.now.Add(b.opt.KeyFor); b.advance(b.now) }
func (b *bench) pressExit()  { b.exit = b.now.Add(b.opt.ExitFor); b.advance(b.now) }
func (b *bench) setFire(on bool) {
	b.fire = on
	b.advance(b.now)
}

func TestDeenergisedIsSecuredForBothKinds(t *testing.T) {
	for _, failSafe := range []bool{false, true} {
		b := newBench(Options{FailSafe: failSafe})
		b.wait(time.Hour)
		if !b.boltOut {
			t.Fatalf("fail-safe %v: the bolt is in at rest", failSafe)
		}
		b.drive(b.now, true)
		b.wait(b.opt.BoltTravel - 1)
		if !b.boltOut {
			t.Errorf("fail-safe %v: the bolt was faster than its travel", failSafe)
		}
		b.wait(1)
		if b.boltOut {
			t.Errorf("fail-safe %v: energised, the bolt is out", failSafe)
		}
		b.drive(b.now, false)
		b.travel()
		if !b.boltOut {
			t.Errorf("fail-safe %v: de-energised, the bolt is in", failSafe)
		}
	}
}

// TestLossOfSupplyDoesWhatTheKindSays (P2).
func TestP2LossOfSupplyDoesWhatTheKindSays(t *testing.T) {
	for _, c := range []struct {
		failSafe, lock, box, out bool
	}{
		{false, false, true, true}, {false, true, false, true}, {false, false, false, true},
		{true, false, true, false}, {true, true, false, true}, {true, false, false, false},
	} {
		b := newBench(Options{FailSafe: c.failSafe})
		b.supplyLock, b.supplyBox = c.lock, c.box
		b.advance(b.now)
		b.travel()
		if b.boltOut != c.out {
			t.Errorf("%+v: bolt out %v", c, b.boltOut)
		}
	}
}

func TestLeaf(t *testing.T) {
	b := newBench(Options{})
	if err := b.open(b.now); err == nil {
		t.Error("a locked leaf opened")
	}
	b.turnHandle()
	if err := b.open(b.now); err != nil {
		t.Errorf("with the handle turned: %v", err)
	}
	if err := b.open(b.now); err == nil {
		t.Error("an open leaf opened")
	}
	b.wait(b.opt.HandleFor + b.opt.BoltTravel)
	if b.boltOut || !b.leafOpen || !b.matter(BoltContact) {
		t.Error("the bolt did not wait for the leaf")
	}
	b.swing(b.now, false)
	b.settle(b.now)
	b.wait(b.opt.BoltTravel)
	if b.leafOpen || b.matter(BoltContact) {
		t.Error("the leaf did not latch")
	}
	b.swing(b.now, true) // by force
	if !b.leafOpen || !b.boltOut {
		t.Error("force did not open the leaf")
	}
}

func TestDoorContactBouncesAndEndsWhereTheLeafIs(t *testing.T) {
	b := newBench(Options{})
	for range 3 {
		open := !b.leafOpen
		b.swing(b.now, open)
		toggles, last := 1, b.contactOpen
		if last != open {
			t.Error("the contact did not follow the leaf")
		}
		for range 40 {
			b.wait(time.Millisecond / 2)
			if b.contactOpen != last {
				toggles++
				last = b.contactOpen
			}
		}
		if toggles != 7 || last != open {
			t.Errorf("%d toggles, ends open %v; want 7, %v", toggles, last, open)
		}
	}
}

func TestLoops(t *testing.T) {
	b := newBench(Options{})
	rest := map[string]bool{}
	for _, name := range inputNames {
		rest[name] = b.loopClosed(name)
		if rest[name] == b.opt.NormallyOpen[name] {
			t.Errorf("%s at rest: loop closed %v", name, rest[name])
		}
	}
	acts := map[string]func(){
		DoorContact:  func() { b.contactOpen = true },
		BoltContact:  func() { b.boltOut = false },
		HandleSwitch: b.turnHandle,
		ExitButton:   b.pressExit,
		FireContact:  func() { b.setFire(true) },
		Motion:       func() { b.motion = b.now.Add(time.Second) },
		LockSupply:   func() { b.supplyLock = false },
	}
	for _, name := range inputNames {
		act := acts[name]
		if act == nil {
			continue // the tamper contact: its wire only
		}
		act()
		if b.loopClosed(name) == rest[name] {
			t.Errorf("%s does not change its loop", name)
		}
	}
	for _, name := range inputNames {
		b.wires[name] = wireCut
		if b.loopClosed(name) {
			t.Errorf("%s: a cut wire is closed", name)
		}
		b.wires[name] = wireShorted
		if !b.loopClosed(name) {
			t.Errorf("%s: a shorted wire is open", name)
		}
	}
}

// outsideActs are what somebody outside, without key or force, can do to the
// metal; nothing of it is a grant.
var outsideActs = map[string]func(*bench, *rapid.T){
	"pull":          func(b *bench, _ *rapid.T) { _ = b.open(b.now) },
	"push shut":     func(b *bench, _ *rapid.T) { b.swing(b.now, false) },
	"lock's supply": func(b *bench, t *rapid.T) { b.supplyLock = rapid.Bool().Draw(t, "on") },
	"box's supply":  func(b *bench, t *rapid.T) { b.supplyBox = rapid.Bool().Draw(t, "on") },
	"wire": func(b *bench, t *rapid.T) {
		b.wires[rapid.SampledFrom(inputNames).Draw(t, "input")] = fault(rapid.IntRange(0, 2).Draw(t, "fault"))
	},
	"wait": func(b *bench, t *rapid.T) { b.wait(drawWait(t)) },
}

// otherActs are the rest.
var otherActs = map[string]func(*bench, *rapid.T){
	"relay":  func(b *bench, t *rapid.T) { b.drive(b.now, rapid.Bool().Draw(t, "on")) },
	"handle": func(b *bench, _ *rapid.T) { b.turnHandle() },
	"key":    func(b *bench, _ *rapid.T) { b.turnKey() },
	"exit":   func(b *bench, _ *rapid.T) { b.pressExit() },
	"fire":   func(b *bench, t *rapid.T) { b.setFire(rapid.Bool().Draw(t, "on")) },
	"force":  func(b *bench, _ *rapid.T) { b.swing(b.now, true) },
	"jam":    func(b *bench, t *rapid.T) { b.jammed = rapid.Bool().Draw(t, "on") },
}

func drawWait(t *rapid.T) time.Duration {
	return time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond
}

func names(acts ...map[string]func(*bench, *rapid.T)) (all []string) {
	for _, m := range acts {
		for name := range m {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func (b *bench) walk(t *rapid.T, acts []string) {
	for range rapid.IntRange(0, 40).Draw(t, "steps") {
		name := rapid.SampledFrom(acts).Draw(t, "act")
		if act := outsideActs[name]; act != nil {
			act(b, t)
		} else {
			otherActs[name](b, t)
		}
		b.advance(b.now)
	}
}

// TestP4NobodyIsEverShutIn: from any state the handle opens from inside, at
// once and without any supply; exit button and fire open wherever the lock's
// kind lets electricity open it at all (a fail-secure lock needs its own
// supply) and the bolt is not stuck, whatever relay, box and wires do.
func TestP4NobodyIsEverShutIn(t *testing.T) {
	all := names(outsideActs, otherActs)
	ways := map[string]func(*bench){
		"handle": func(b *bench) { b.turnHandle() },
		"exit": func(b *bench) {
			b.pressExit()
			b.travel()
		},
		"fire": func(b *bench) {
			b.setFire(true)
			b.travel()
		},
	}
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(Options{FailSafe: rapid.Bool().Draw(t, "fail-safe")})
		b.walk(t, all)
		way := rapid.SampledFrom([]string{"handle", "exit", "fire"}).Draw(t, "way")
		if way != "handle" && (b.jammed || !b.opt.FailSafe && !b.supplyLock) {
			way = "handle"
		}
		b.swing(b.now, false)
		ways[way](b)
		if err := b.open(b.now); err != nil {
			t.Fatalf("shut in: %s: %v", way, err)
		}
	})
}

// TestP2NothingOpensByItself: with the relay never driven, nothing that is done
// from outside opens, but key and force (which are not among the acts); for a
// fail-safe lock the loss of its supply is what its kind declares.
func TestP2NothingOpensByItself(t *testing.T) {
	outside := names(outsideActs)
	rapid.Check(t, func(t *rapid.T) {
		failSafe := rapid.Bool().Draw(t, "fail-safe")
		acts := outside
		if failSafe {
			acts = slices.DeleteFunc(slices.Clone(outside), func(s string) bool { return s == "lock's supply" })
		}
		b := newBench(Options{FailSafe: failSafe})
		b.walk(t, acts)
		if b.leafOpen || !b.boltOut {
			t.Fatalf("leaf open %v, bolt out %v", b.leafOpen, b.boltOut)
		}
		if failSafe {
			return
		}
		b.turnKey()
		if err := b.open(b.now); err != nil {
			t.Fatalf("the key does not open: %v", err)
		}
	})
}
