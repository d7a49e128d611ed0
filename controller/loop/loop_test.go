package loop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/drivers"
	"sekimori/policy"
)

const hino = "../../testdata/hino/"

// death is what a boundary throws when the daemon is to die there.
type death struct{ at string }

// world is everything around a loop, and the order in which the loop touched
// it. At touch number dieAt the daemon dies.
type world struct {
	t       *testing.T
	mu      sync.Mutex // guards touches and stored while the loop turns
	touches []string
	dieAt   int // 0: never
	stored  []event.Event
	broken  atomic.Pointer[error] // what every append fails with
	open    bool                  // the relay
	extras  []Extra
	verify  func(id uint64) drivers.FingerResult
	shown   []string
	loop    *Loop
	disk    Recorder     // instead of the world; nil: the world
	lock    drivers.Lock // likewise
}

func (w *world) touch(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touches = append(w.touches, what)
	if len(w.touches) == w.dieAt {
		panic(death{what})
	}
}

// Append is durable the moment it returns; a death before it loses the events,
// a death after it does not.
func (w *world) Append(_ context.Context, events []event.Event, extra Extra) ([]event.Event, error) {
	w.touch("before record " + string(events[0].Kind))
	if err := w.broken.Load(); err != nil {
		return nil, *err
	}
	w.mu.Lock()
	out := slices.Clone(events)
	for i := range out {
		out[i].Seq = uint64(len(w.stored) + 1)
		w.stored = append(w.stored, out[i])
	}
	w.extras = append(w.extras, extra)
	w.mu.Unlock()
	w.touch("after record " + string(events[0].Kind))
	return out, nil
}

func (w *world) Release(time.Duration) error {
	w.touch("before release")
	w.open = true
	w.touch("after release")
	return nil
}

func (w *world) Secure() error {
	w.touch("secure")
	w.open = false
	return nil
}

func (w *world) Close() error { return w.Secure() }

// Publish and Withdraw are the requests.
func (w *world) Publish(door.Request) error     { return errors.New("no broker here") }
func (w *world) Withdraw(string, policy.Reason) {}

// panel is one side's reader and sensor.
type panel struct {
	*world
	side policy.Side
}

func (p panel) Show(s drivers.Signal) {
	p.touch("show " + s.Name)
	p.shown = append(p.shown, p.side.String()+" "+s.Name)
}
func (p panel) Run(context.Context, drivers.Emit) error { return nil }
func (p panel) String() string                          { return p.side.String() }
func (p panel) Verify(id uint64, _ []uint16, _ uint16, _ int, _ time.Duration) {
	p.touch("verify")
	if p.verify != nil {
		r := p.verify(id)
		go p.loop.Emit(drivers.Event{Source: p.side.String() + "-finger", Body: r})
	}
}
func (p panel) Cancel(uint64) {}
func (p panel) Enrol(id uint64, page uint16, _ time.Duration) {
	go p.loop.Emit(drivers.Event{Source: p.side.String() + "-finger", Body: drivers.EnrolResult{ID: id, Template: drivers.NewTemplate(secret)}})
}
func (p panel) Store(id uint64, _ uint16, t drivers.Template) {
	ok := slices.Equal(t.Bytes(), secret)
	t.Wipe()
	var err error
	if !ok {
		err = errors.New("another template")
	}
	go p.loop.Emit(drivers.Event{Source: p.side.String() + "-finger", Body: drivers.StoreResult{ID: id, Err: err}})
}
func (p panel) Erase(id uint64, _ uint16) {
	go p.loop.Emit(drivers.Event{Source: p.side.String() + "-finger", Body: drivers.EraseResult{ID: id}})
}

var secret = []byte{1, 2, 3, 4}

var at = time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("JST", 9*3600))

// start makes a loop over the world as it is, and runs it until the returned
// function is called; that gives how it ended.
func (w *world) start() (end func() any) {
	w.t.Helper()
	rb, _, err := config.LoadRulebook(hino + "rulebook.toml")
	if err != nil {
		w.t.Fatal(err)
	}
	data, err := config.LoadRoster(hino + "roster.toml")
	if err != nil {
		w.t.Fatal(err)
	}
	ro, err := policy.NewRoster(data)
	if err != nil {
		w.t.Fatal(err)
	}
	var st door.State
	for _, ev := range w.stored {
		st.Apply(ev)
	}
	begun := time.Now()
	n := 0
	places := map[string]Place{
		"leaf": {Line: door.LineLeaf, ActiveOpen: true}, "bolt": {Line: door.LineBolt},
		"lock": {Lock: true},
	}
	o := Options{
		Recorder: w, Lock: w, Requests: w, Log: slog.New(slog.DiscardHandler), Last: uint64(len(w.stored)),
		Readers: map[policy.Side]drivers.Annunciator{},
		Sensors: map[policy.Side]drivers.Sensor{},
		Now: func() door.Time {
			return door.Time{Mono: time.Since(begun), Instant: policy.Instant{Wall: at.Add(time.Since(begun)), Trusted: true}}
		},
		Recorded: func(event.Event) {}, Status: func(door.Status) {},
	}
	cfg := door.Config{
		Door: "machine-room", Place: "machine_room", Leaf: true, Bolt: true,
		Readers: map[policy.Side]string{}, Sensors: map[policy.Side]string{},
		NewID: func() string { n++; return fmt.Sprintf("%032d", n) },
	}
	for _, s := range []policy.Side{policy.Entry, policy.Exit} {
		p := panel{w, s}
		o.Sensors[s] = p
		places[s.String()+"-badge"] = Place{Side: s, Kind: door.BadgeReader}
		places[s.String()+"-finger"] = Place{Side: s, Kind: door.FingerSensor}
		cfg.Readers[s], cfg.Sensors[s] = s.String()+"-badge", s.String()+"-finger"
	}
	if w.disk != nil {
		o.Recorder = w.disk
	}
	if w.lock != nil {
		o.Lock = w.lock
	}
	o.Door, o.Convert = door.New(cfg, rb, ro, st), NewConverter(places, []byte("key of this box"))
	w.loop = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		if err := w.loop.Run(ctx, door.Start{Version: "test"}); err != nil {
			panic(err)
		}
	}()
	return func() any {
		cancel()
		return <-ended
	}
}

// commission lets every device report for service, leaf closed, bolt home.
func (w *world) commission() {
	for _, s := range []string{"entry", "exit"} {
		w.loop.Emit(drivers.Event{Source: s + "-badge", Body: drivers.Online{}})
		w.loop.Emit(drivers.Event{Source: s + "-finger", Body: drivers.Online{}})
	}
	w.loop.Emit(drivers.Event{Source: "leaf", Body: drivers.Line{Level: drivers.Closed}})
	w.loop.Emit(drivers.Event{Source: "bolt", Body: drivers.Line{Level: drivers.Closed}})
}

func match(id uint64) drivers.FingerResult {
	return drivers.FingerResult{ID: id, Outcome: drivers.FingerMatch, Page: 1, Score: 150}
}

func badge(side, number string) drivers.Event {
	return drivers.Event{Source: side + "-badge", Body: drivers.Card{Layout: "H10301", Number: number, Secured: true}}
}

func (w *world) kinds() []event.Kind {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []event.Kind
	for _, ev := range w.stored {
		out = append(out, ev.Kind)
	}
	return out
}

func (w *world) has(k event.Kind) bool { return slices.Contains(w.kinds(), k) }

// TestP1DurableBeforeRelease: the grant stands in the ledger before the relay
// is touched, and nothing comes in between.
func TestP1DurableBeforeRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, verify: match}
		end := w.start()
		w.commission()
		w.loop.Emit(badge("entry", "10023"))
		time.Sleep(time.Second)
		if r := end(); r != nil {
			t.Fatal(r)
		}
		i := slices.Index(w.touches, "before release")
		if i < 0 {
			t.Fatalf("never released: %v", w.touches)
		}
		if !strings.HasPrefix(w.touches[i-1], "after record") && !slices.Contains(w.touches[:i], "after record access_granted") {
			t.Errorf("released after %q", w.touches[:i])
		}
		if !w.has(event.AccessGranted) {
			t.Errorf("no grant in %v", w.kinds())
		}
	})
}

// TestP1NothingOpensUnrecorded: a ledger that cannot be written opens nothing.
func TestP1NothingOpensUnrecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, verify: match}
		end := w.start()
		w.commission()
		synctest.Wait()
		full := fmt.Errorf("%w: in a test", ErrFull)
		w.broken.Store(&full)
		w.loop.Emit(badge("entry", "10023"))
		w.loop.Emit(badge("exit", "10023"))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if w.released() {
			t.Error("the lock was released")
		}
		w.broken.Store(nil)
		time.Sleep(10 * time.Second)
		if r := end(); r != nil {
			t.Fatal(r)
		}
		if !w.has(event.DiskFull) {
			t.Errorf("the outage was never owned up to: %v", w.kinds())
		}
	})
}

// TestP1P2DeathAtEveryBoundary lets the daemon die before and after each thing
// it does on the way through a good entry. Whatever is open then was recorded;
// the next start opens nothing, and says what happened.
func TestP1P2DeathAtEveryBoundary(t *testing.T) {
	total := 0
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, verify: match}
		total = len(w.goodEntry(t))
	})
	if total < 10 {
		t.Fatalf("a good entry touches the world %d times only", total)
	}
	for n := 1; n <= total; n++ {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, verify: match, dieAt: n}
			w.goodEntry(t)
			where := w.touches[len(w.touches)-1]
			if w.open && !w.has(event.AccessGranted) {
				t.Errorf("dead at %q: open, and the ledger says %v", where, w.kinds())
			}
			before := len(w.stored)
			w.afterDeath(t, where, before)
		})
	}
	t.Logf("died at %d boundaries", total)
}

func (w *world) goodEntry(t *testing.T) []string {
	t.Helper()
	end := w.start()
	synctest.Wait()
	if w.loop.alive() {
		w.commission()
		w.loop.Emit(badge("entry", "10023"))
		time.Sleep(time.Second)
		w.loop.Emit(drivers.Event{Source: "leaf", Body: drivers.Line{Level: drivers.Open}})
		time.Sleep(time.Second)
		w.loop.Emit(drivers.Event{Source: "leaf", Body: drivers.Line{Level: drivers.Closed}})
		time.Sleep(5 * time.Second)
	}
	if r := end(); r != nil {
		if _, planned := r.(death); !planned {
			t.Fatal(r)
		}
	}
	return w.touches
}

// alive tells whether a test may still send: a dead loop takes nothing.
func (l *Loop) alive() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return l.Alive(ctx) == nil
}

func (w *world) afterDeath(t *testing.T, where string, before int) {
	t.Helper()
	w.dieAt, w.touches, w.verify = 0, nil, nil
	end := w.start()
	w.commission()
	time.Sleep(30 * time.Second)
	if r := end(); r != nil {
		t.Fatalf("after a death at %q: %v", where, r)
	}
	if w.open || slices.Contains(w.touches, "before release") {
		t.Errorf("dead at %q: the next start released the lock", where)
	}
	if len(w.touches) == 0 || w.touches[0] != "secure" {
		t.Errorf("dead at %q: the next start first did %q", where, w.touches[0])
	}
	fresh := w.stored[before:]
	if len(fresh) == 0 || fresh[0].Kind != event.DaemonStarted && !slices.ContainsFunc(fresh, func(ev event.Event) bool { return ev.Kind == event.DaemonStarted }) {
		t.Errorf("dead at %q: the next start said nothing", where)
	}
	granted, settled := 0, 0
	for _, ev := range w.stored {
		switch ev.Kind {
		case event.AccessGranted:
			granted++
		case event.AccessTaken, event.AccessNotTaken:
			settled++
		}
	}
	if granted != settled {
		t.Errorf("dead at %q: %d granted, %d taken or not taken: %v", where, granted, settled, w.kinds())
	}
}

// TestFloodIsNeverSilent: ten thousand reads are ten thousand outcomes.
func TestFloodIsNeverSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		end := w.start()
		w.commission()
		for i := range 10_000 {
			w.loop.Emit(badge("entry", fmt.Sprint(50_000+i%7)))
		}
		time.Sleep(2 * time.Minute)
		if r := end(); r != nil {
			t.Fatal(r)
		}
		total := uint64(0)
		for _, ev := range w.stored {
			if ev.Kind == event.AccessDenied {
				total += max(ev.Count, 1)
			}
		}
		if total != 10_000 {
			t.Errorf("%d outcomes in %d events", total, len(w.stored))
		}
	})
}

// TestAliveNeedsTheLoop: the watchdog's question goes through the same queue
// as everything else.
func TestAliveNeedsTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		end := w.start()
		if !w.loop.alive() {
			t.Error("a loop that turns is not alive")
		}
		if r := end(); r != nil {
			t.Fatal(r)
		}
		if w.loop.alive() {
			t.Error("a loop that ended is alive")
		}
	})
}

// TestStateRowIsAFold: the state that rides along is the fold of all events
// before it.
func TestStateRowIsAFold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		end := w.start()
		w.commission()
		for range 3 * stateEvery {
			w.loop.Emit(badge("entry", "10024"))
			time.Sleep(3 * time.Second)
		}
		if r := end(); r != nil {
			t.Fatal(r)
		}
		rows := 0
		for _, x := range w.extras {
			blob := x.State[StateName]
			if blob == nil {
				continue
			}
			rows++
			var got, want door.State
			if err := json.Unmarshal(blob, &got); err != nil {
				t.Fatal(err)
			}
			for _, ev := range w.stored[:got.Seq] {
				want.Apply(ev)
			}
			again, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if string(again) != string(blob) {
				t.Errorf("state after event %d\n got %s\nwant %s", got.Seq, blob, again)
			}
		}
		if rows < 2 {
			t.Errorf("%d state rows in %d events", rows, len(w.stored))
		}
	})
}
