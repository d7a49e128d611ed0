package door

import (
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// Egress is how the doorway senses somebody leaving without a reader.
type Egress uint8

// Egress senses.
const (
	EgressNone Egress = iota
	EgressHandle
	EgressMotion
	EgressExitButton
)

// Config is the doorway's constant part.
type Config struct {
	Door  string
	Place policy.PlaceID
	// Which lines are fitted; a line that is not fitted stays Unknown and is
	// never waited for.
	Leaf, Bolt, Fire bool
	Egress           Egress
	// EgressWindow is how long after the egress sense an opening belongs to
	// it (default 5 s).
	EgressWindow time.Duration
	// Readers and Sensors name the devices of the two sides; a side without a
	// reader has no name.
	Readers, Sensors map[policy.Side]string
	MinScore         uint16
	// NewID gives an unguessable id for a request; tests give a counter.
	// Without it nobody can be asked for a permission.
	NewID func() string
	// RecordLimit is how long a record may take and still open (default 2 s).
	RecordLimit time.Duration
	// AfterRelease leaves the lock released for its full time after the leaf
	// opened (for a bolt that must not be thrown into an open leaf). By
	// default the release ends as soon as the leaf opens. Closing the leaf
	// always ends it: one release, one opening.
	AfterRelease bool
	// Latched tells a lock that stays unlocked after its release until the
	// leaf was opened (瞬時通電). Only the place's NotTaken ends its grant.
	Latched bool
}

// Door is one doorway with its two sides. It has no clock, no goroutine and
// no I/O; one owner steps it.
type Door struct {
	cfg   Config
	rb    *policy.Rulebook
	ro    *policy.Roster
	state State // changes only in State.Apply

	// The step.
	t   Time
	out []Effect

	// The run.
	started, stopped bool
	startedAt        time.Duration
	suspect          string // why the ledger cannot be trusted
	base             uint64 // last event known when the run began; see newPassage
	passages, ids    uint64
	wake             time.Duration // the Tick that was asked for; 0: none

	recorder recorder
	sides    [2]side // entry, exit
	lines    [lineCount]line
	lock     lock
	sensed   egressSense
	// disagreeFrom is since when leaf and bolt contradict each other; 0: they
	// do not.
	disagreeFrom time.Duration

	grant     *grant   // the one right to open that is pending
	open      *opening // the one opening that is going on
	requests  []*request
	tallies   []tally
	blocks    []block
	enrolment *enrolment
	abandoned uint64 // the enrolment's operation that was given up: its outcome may still come
	erasure   erasure
	standing  map[alarmKey]bool // alarms as written, or on their way to be
	// conditions is what reconcile looked at last, kept for its room.
	conditions []condition
	link       truth
	linkWhy    string
	review     bool // what was judged before must be judged again
}

// Defaults of Config.
const (
	defaultEgressWindow = 5 * time.Second
	defaultRecordLimit  = 2 * time.Second
)

// New makes a door from its configuration, the rules and people in force, and
// the state that survived.
func New(cfg Config, rb *policy.Rulebook, ro *policy.Roster, st State) *Door {
	if cfg.EgressWindow == 0 {
		cfg.EgressWindow = defaultEgressWindow
	}
	if cfg.RecordLimit == 0 {
		cfg.RecordLimit = defaultRecordLimit
	}
	d := &Door{cfg: cfg, rb: rb, ro: ro, state: st.clone(), base: st.Seq}
	for i, s := range []policy.Side{policy.Entry, policy.Exit} {
		d.sides[i] = side{Side: s, reader: device{name: cfg.Readers[s]}, sensor: device{name: cfg.Sensors[s]}}
	}
	d.standing = d.state.standing()
	return d
}

// State gives a copy of the surviving state, for the ledger's state row.
func (d *Door) State() State { return d.state.clone() }

// Step takes one input and answers with what must be done.
func (d *Door) Step(t Time, in Input) []Effect {
	// Mono never runs back: a caller's mistake must not revive a timer. And it
	// is never 0, which in every timer here means that it does not run.
	t.Mono = max(t.Mono, d.t.Mono, 1)
	d.t, d.out = t, nil
	if _, ok := in.(Tick); ok {
		d.wake = 0 // whatever was asked for: the timer may be spent
	}
	switch in := in.(type) {
	case Recorded:
		d.recorded(in)
	case RecordFailed:
		d.recordFailed(in)
	default:
		d.admit(in)
	}
	for d.commit(); d.recorder.pending == nil && (d.expire() || d.reconcile() || d.next()); {
		d.commit()
	}
	d.display()
	d.askWake()
	if p := d.recorder.pending; p != nil && !p.sent {
		p.sent = true
		d.do(Record{ID: p.id, Events: p.events})
	}
	return d.out
}

// take dispatches one input.
func (d *Door) take(in Input) {
	switch in := in.(type) {
	case Start:
		d.start(in)
	case Stop:
		d.stop()
	case Tick:
	case Badge:
		d.badge(in)
	case Finger:
		d.finger(in)
	case Line:
		d.lineMoved(in)
	case Device:
		d.deviceChanged(in)
	case DeviceTamper:
		d.deviceTampered(in)
	case DeviceFault:
		d.deviceFault(in)
	case Released:
		d.released(in)
	case Secured:
		d.secured(in)
	case ClockChanged:
		d.clockChanged(in)
	case Link:
		d.linkChanged(in)
	case Requested:
		d.requested(in)
	case Act:
		d.act(in)
	case Refused:
		d.orderRefused(in)
	case Rules:
		d.rules(in)
	case Observed:
		d.emit(d.stamped(in.Event))
	case EnrolProgress:
		d.enrolProgress(in)
	case EnrolDone:
		d.enrolDone(in)
	case StoreDone:
		d.storeDone(in)
	case EraseDone:
		d.eraseDone(in)
	}
}

func (d *Door) do(e Effect) { d.out = append(d.out, e) }

// newEffectID numbers everything that has an outcome. The numbers mean nothing
// after a restart: whatever would answer them is gone too.
func (d *Door) newEffectID() uint64 {
	d.ids++
	return d.ids
}

// newPassage names an attempt or opening. It never repeats: as soon as one
// event of a run is durable, the next run has a higher base, and a passage of
// which nothing is durable names nothing.
func (d *Door) newPassage() string { return passageID(d.base, &d.passages) }

func (d *Door) event(k event.Kind) event.Event { return d.stamped(event.New(k)) }

// stamped gives an event its place and moment.
func (d *Door) stamped(ev event.Event) event.Event {
	ev.Time, ev.Clock = event.At(d.t.Wall), event.Untrusted
	if d.t.Trusted {
		ev.Clock = event.Trusted
	}
	ev.Door, ev.Place = d.cfg.Door, d.cfg.Place
	if ev.Severity == "" {
		ev.Severity = ev.Kind.Severity()
	}
	return ev
}

func (d *Door) timings() policy.Timings {
	if p, ok := d.rb.Place(d.cfg.Place); ok {
		return p.Timings
	}
	return policy.DefaultTimings()
}

func (d *Door) side(s policy.Side) *side {
	if s != policy.Entry && s != policy.Exit {
		return nil
	}
	return &d.sides[s-policy.Entry]
}

// due tells whether a moment has come; 0 is no moment.
func (d *Door) due(at time.Duration) bool { return at != 0 && d.t.Mono >= at }
