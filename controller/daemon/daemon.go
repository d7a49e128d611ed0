package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/loop"
	"sekimori/controller/order"
	"sekimori/controller/uplink"
	"sekimori/policy"
)

// Config is what a daemon is started with.
type Config struct {
	Door    *config.Door
	Version string
	Log     *slog.Logger
	Reload  <-chan os.Signal // the rulebook is read again; nil: never
}

// Run guards one door until ctx ends, and joins everything that it started.
// The lock output is driven inactive before anything else is even read, so
// that a daemon that cannot run leaves a locked door (P2). It returns an error
// for a configuration that can never work and for a part that failed; the lock
// is secured in either case.
//
// A ledger that is missing, shorter or corrupt does not stop it: the door then
// refuses every entry, says so, and leaves egress to the hardware (P11). Once
// the ledger can be used again Run ends with an error, to be started afresh.
// State rows that the ledger's events do not vouch for are an incident of the
// same kind, on a ledger that is still written; see [memory].
func Run(ctx context.Context, cfg Config, host Host) error {
	lock, err := openLock(cfg.Door, host, cfg.Log)
	if err != nil {
		return err
	}
	return errors.Join(guard(ctx, cfg, host, lock), lock.Close())
}

func guard(ctx context.Context, cfg Config, host Host, lock *output) error {
	rb, rulesHash, err := config.LoadRulebook(cfg.Door.Rulebook)
	if err != nil {
		return err
	}
	if err := cfg.Door.Fit(rb); err != nil {
		return err
	}
	tags, err := readTagKey(tagFile(cfg.Door))
	if err != nil {
		return err
	}
	dev, err := wire(lock, cfg.Door, host, cfg.Log)
	if err != nil {
		return err
	}
	r := &running{Config: cfg, host: host, dev: dev}
	r.rules.Store(rulesHash)
	book, known, err := openLedger(ctx, cfg.Door)
	if err != nil {
		cfg.Log.Error("the ledger cannot be used: entry is refused", "err", err)
		known = &memory{roster: &policy.Roster{}, suspect: []string{err.Error()}}
	} else {
		defer book.Close()
		r.book = book
	}
	if err := r.build(rb, tags, known); err != nil {
		return err
	}
	return r.run(ctx)
}

// openLedger gives the ledger and what the door knows from it; an error means
// that it must not be written.
func openLedger(ctx context.Context, cfg *config.Door) (*ledger.Ledger, *memory, error) {
	book, err := ledger.Open(ctx, LedgerDir(cfg), ledger.Options{Door: cfg.ID})
	if err != nil {
		return nil, nil, err
	}
	known, err := recall(ctx, book)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("cannot recall what the door knew: %w", err), book.Close())
	}
	return book, known, nil
}

// reopenEvery is how often a ledger that could not be used is tried again.
const reopenEvery = 10 * time.Second

// awaitLedger ends the daemon once the ledger can be used: the disk has room
// again, or somebody put it back. What the door knows stands in the ledger, so
// it starts afresh with it, under its supervisor; nothing opens by that (P2).
func (r *running) awaitLedger(ctx context.Context) error {
	tick := time.NewTicker(reopenEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		book, _, err := openLedger(ctx, r.Door)
		if err != nil {
			continue // said at the start, and by the door since
		}
		return errors.Join(errLedgerBack, book.Close())
	}
}

var errLedgerBack = errors.New("the ledger can be used again: start afresh with it")

// running is one daemon with its parts.
type running struct {
	Config
	host    Host
	dev     *devices
	book    *ledger.Ledger // nil: it must not be written
	clock   *clock
	people  *people
	library *library // nil: suspect
	loop    *loop.Loop
	inbox   *order.Inbox   // nil without a ledger
	uplink  *uplink.Uplink // nil without broker or ledger
	rules   atomic.Value   // string: hash of the rulebook in force
	first   door.Start
}

func (r *running) build(rb *policy.Rulebook, tags []byte, known *memory) error {
	r.clock = newClock(r.host.Wall, rb.Location(), known.trusted)
	r.people = newPeople(known.roster, known.fingers, known.state, r.sensors())
	if err := r.outside(); err != nil {
		return err
	}
	o := loop.Options{
		Door:     door.New(r.doorConfig(), rb, known.roster, known.state),
		Recorder: noRecorder{fmt.Errorf("the ledger is not in use: %s", known.why())},
		Lock:     r.dev.lock,
		Readers:  r.dev.readers,
		Sensors:  r.dev.sensors,
		Requests: requests{r},
		Convert:  loop.NewConverter(r.dev.places, tags),
		Now:      r.clock.Now,
		Log:      r.Log,
		Recorded: r.recorded,
		Status:   r.status,
	}
	if r.book != nil {
		o.Last = r.book.Last()
		o.Recorder = &recorder{ledger: r.book, rows: known.rows, first: known.anew, last: o.Last}
	}
	r.loop = loop.New(o)
	if known.why() == "" {
		r.library = newLibrary(r.dev.modules, known.roster, known.state)
	}
	r.first = door.Start{Version: r.Version, Rules: r.rules.Load().(string), Suspect: known.why()}
	return nil
}

// sensors lists the sides that have a fingerprint sensor.
func (r *running) sensors() []event.Side {
	var out []event.Side
	for _, s := range r.Door.Sensors {
		out = append(out, event.SideOf(s.Side))
	}
	return out
}

// recorded runs in the loop after each durable event; it must not block.
func (r *running) recorded(ev event.Event) {
	r.library.recorded(ev)
	if ev.Kind == event.ConfigChanged {
		r.rules.Store(ev.After) // no sooner: what is not recorded is not in force
	}
	if r.people.recorded(ev) {
		r.library.replace(r.people.current())
	}
}

// status runs in the loop at the end of every step that changed anything, a
// record among it; SetState never waits.
func (r *running) status(s door.Status) {
	r.library.settle()
	if r.uplink == nil {
		return
	}
	now := r.clock.Now()
	at, trust := event.At(now.Wall), event.Untrusted
	if now.Trusted {
		trust = event.Trusted
	}
	r.uplink.SetState(uplink.State{
		At: &at, Seq: s.Seq, Lock: s.Lock, Leaf: s.Leaf, Inside: s.Inside, Alarms: s.Alarms,
		Requests: s.Requests, Clock: trust, Version: r.Version,
	})
}

func (r *running) doorConfig() door.Config {
	c := door.Config{
		Door: r.Door.ID, Place: r.Door.Place,
		Egress: map[string]door.Egress{
			"handle_switch": door.EgressHandle, "motion": door.EgressMotion,
			"exit_button": door.EgressExitButton, "none": door.EgressNone,
		}[r.Door.Egress.Sense],
		EgressWindow: r.Door.Egress.Window,
		Readers:      map[policy.Side]string{},
		Sensors:      map[policy.Side]string{},
		RecordLimit:  loop.RecordDeadline,
		AfterRelease: r.Door.Lock.Relock == "after_release",
		Latched:      r.Door.Lock.Drive == "pulse",
		NewID:        newID,
	}
	_, c.Leaf = r.Door.Input("door_contact")
	_, c.Bolt = r.Door.Input("bolt_contact")
	_, c.Fire = r.Door.Input("fire")
	for _, reader := range r.Door.Readers {
		c.Readers[reader.Side] = reader.Name
	}
	for _, s := range r.Door.Sensors {
		c.Sensors[s.Side] = s.Name
		c.MinScore = max(c.MinScore, uint16(s.MinScore))
	}
	return c
}

// newID is 128 random bits.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// run starts every task and waits for all of them. The loop outlives the
// tasks that feed it, so that what they still report finds somebody.
func (r *running) run(ctx context.Context) error {
	loopCtx, endLoop := context.WithCancel(context.WithoutCancel(ctx))
	looping := newTasks(loopCtx, r.Log)
	looping.start("loop", func(ctx context.Context) error { return r.loop.Run(ctx, r.first) })

	t := newTasks(ctx, r.Log)
	for _, d := range r.dev.run {
		t.start(d.String(), func(ctx context.Context) error { return d.Run(ctx, r.loop.Emit) })
	}
	t.start("clock", r.watchClock)
	t.start("supervisor", r.supervise)
	if r.Reload != nil {
		t.start("reload", r.reload)
	}
	if r.book != nil {
		t.start("inbox", r.inbox.Run)
		t.start("orders", r.orders)
		t.start("retention", r.retain)
	} else {
		t.start("ledger", r.awaitLedger)
	}
	if r.uplink != nil {
		t.start("uplink", r.uplink.Run)
	} else if r.book != nil {
		t.start("checkpoints", r.checkpoints)
	}
	err := t.wait()
	endLoop()
	return errors.Join(err, looping.wait())
}

// watchClock tells the door what the clock noticed.
func (r *running) watchClock(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		r.clock.Now()
		for _, c := range r.clock.changes() {
			r.loop.Do(c)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// outside opens the ways orders come in and events go out. Without a ledger
// there is neither: an order could not be recorded, and there is nothing to
// send.
func (r *running) outside() (err error) {
	if r.book == nil {
		return nil
	}
	if r.inbox, err = r.newInbox(); err != nil {
		return err
	}
	if r.Door.Broker != nil {
		r.uplink, err = r.newUplink()
	}
	return err
}

// checkpoints signs the tree from time to time on a door without a broker;
// otherwise the uplink asks for them and sends them on.
func (r *running) checkpoints(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		if _, _, err := r.book.Checkpoint(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.Log.Warn("no checkpoint", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
