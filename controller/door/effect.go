package door

import (
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// Effect is one thing that the loop must do. It is one of the types of this
// file. The loop does a step's effects in order.
type Effect interface{ effect() }

// Record asks that these events become durable, all or none. It is always the
// last effect of its list. Whatever had happened by the time its outcome
// ([Recorded] or [RecordFailed] with the same ID) is known comes first, then
// the outcome, and no other effect is asked for in between: so a lockdown, a
// fire or a leaf that moved while the disk was written keeps the lock locked
// (P1, P4, P5).
type Record struct {
	ID     uint64
	Events []event.Event
}

// Release asks the lock driver to release once for For. It is only ever
// emitted in answer to Recorded (P1); the driver ends it (P3).
type Release struct {
	ID  uint64
	For time.Duration
}

// Secure ends a release early. It is never emitted while fire is active (P4).
// What it came to is [Secured].
type Secure struct{}

// Show tells the person at a side what is going on; see [Signal].
type Show struct {
	Side   policy.Side
	Signal Signal
}

// Capture asks the side's sensor for one finger, to compare with the pages of
// exactly one person.
type Capture struct {
	ID            uint64
	Side          policy.Side
	Pages         []uint16
	MinScore      uint16
	MaxUnreadable int
	Timeout       time.Duration
}

// CancelCapture ends a capture; its outcome no longer matters.
type CancelCapture struct {
	ID   uint64
	Side policy.Side
}

// Request publishes a request for a per-entry permission. ID is unguessable:
// the loop supplies the randomness through Config.NewID.
type Request struct {
	ID      string
	Side    policy.Side
	Person  policy.PersonID
	Badge   policy.BadgeID
	Post    policy.PostID
	Wire    string
	Proof   string
	Expires time.Duration // from now
}

// Withdraw says that the request is over: answered, timed out or abandoned.
type Withdraw struct {
	ID     string
	Reason policy.Reason
}

// Wake asks for a Tick at this moment. The latest Wake replaces the earlier.
type Wake struct{ At time.Duration }

// EnrolFinger, StoreFinger and EraseFinger drive a side's sensor. StoreFinger
// stores the template that the enrolment with id From produced.
type EnrolFinger struct {
	ID      uint64
	Side    policy.Side
	Page    uint16
	Timeout time.Duration
}

// StoreFinger: see EnrolFinger.
type StoreFinger struct {
	ID   uint64
	From uint64
	Side policy.Side
	Page uint16
}

// EraseFinger: see EnrolFinger.
type EraseFinger struct {
	ID   uint64
	Side policy.Side
	Page uint16
}

func (Record) effect()        {}
func (Release) effect()       {}
func (Secure) effect()        {}
func (Show) effect()          {}
func (Capture) effect()       {}
func (CancelCapture) effect() {}
func (Request) effect()       {}
func (Withdraw) effect()      {}
func (Wake) effect()          {}
func (EnrolFinger) effect()   {}
func (StoreFinger) effect()   {}
func (EraseFinger) effect()   {}

// Signal is what a person at a side is shown: one stable word. The loop's
// table gives each its light, tone and text. Until all factors matched, a
// stranger only sees SignalRefused or SignalAgain; after that, the class of
// the reason.
type Signal string

// The signals.
const (
	SignalIdle          Signal = "idle"
	SignalWait          Signal = "wait"           // a permission was asked for, or something is being worked out
	SignalFinger        Signal = "finger"         // put your finger down
	SignalAgain         Signal = "again"          // not read, or not matched: try again
	SignalGranted       Signal = "granted"        // open the door
	SignalRefused       Signal = "refused"        // no
	SignalRefusedPermit Signal = "refused-permit" // you are known, but no permit holds here
	SignalRefusedTime   Signal = "refused-time"   // you are known, but not at this time
	SignalUnavailable   Signal = "unavailable"    // the door cannot judge or record now
	SignalBusy          Signal = "busy"           // the other side is passing, or an attempt runs
	SignalDoorOpen      Signal = "door-open"      // close the leaf first
	SignalHeld          Signal = "held"           // close the leaf: the alarm comes soon
	SignalAlarm         Signal = "alarm"
	SignalPlaceFinger   Signal = "place-finger" // enrolment: finger down
	SignalLiftFinger    Signal = "lift-finger"  // enrolment: finger up
	SignalEnrolled      Signal = "enrolled"
)
