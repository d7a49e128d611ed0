package door

import (
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// Time is the instant of one step. Durations are counted on Mono, which never
// jumps and starts at the daemon's start; judgement uses the embedded Instant.
type Time struct {
	Mono time.Duration
	policy.Instant
}

// Input is one thing that happened. It is one of the types of this file.
type Input interface{ input() }

// Start is the first input of a run: what the daemon found when it started.
// The door answers with a record of it; nothing opens by it (P2).
type Start struct {
	Version string
	// Rules is the hash of the rulebook in force; another one than last recorded
	// is recorded as a change.
	Rules string
	// Suspect is why the ledger cannot be trusted ("" if it can): entry is
	// refused until it can be.
	Suspect string
}

// Stop is the last input of an orderly end.
type Stop struct{}

// Tick says that time went on; the loop sends it at the Wake that the door
// asked for, and may send it at any other moment.
type Tick struct{}

// Badge is one read of a badge at a side's reader.
type Badge struct {
	Side   policy.Side
	Device string
	Number string // canonical credential number; "" when no format fitted
	Tag    string // keyed short digest of what was read, safe to record
	Wire   policy.Wire
	Proof  policy.Proof
}

// Finger is the outcome of the capture with this id.
type Finger struct {
	ID     uint64
	Result policy.FactorResult // never FactorMissing
	Page   uint16
	Score  uint16
	Detail string
}

// LineID names an input line of the doorway.
type LineID uint8

// The lines. What Active means is said at each.
const (
	LineLeaf       LineID = iota + 1 // the leaf is open
	LineBolt                         // the bolt is home (secured)
	LineHandle                       // the inside handle is pressed
	LineExitButton                   // the exit button is pressed
	LineMotion                       // somebody moves inside, at the door
	LineFire                         // the fire panel's contact reports fire
	LineTamper                       // this box's enclosure is open
	LineSupply                       // the lock's supply has failed
)

// Level of a line. Unknown is a level of its own (P11).
type Level uint8

// Levels.
const (
	Unknown Level = iota
	Inactive
	Active
)

// Line is a debounced level of a line; repeats are harmless.
type Line struct {
	ID     LineID
	Device string
	Level  Level
}

// DeviceKind tells a badge reader from a fingerprint sensor.
type DeviceKind uint8

// Kinds of device at a side.
const (
	BadgeReader DeviceKind = iota + 1
	FingerSensor
)

// Device is a reader or sensor becoming usable or not.
type Device struct {
	Side   policy.Side
	Kind   DeviceKind
	Name   string
	Online bool
	// Rejected: it answers, but is not the adopted one, or lost its security;
	// it stays unusable until a person adopts or restores it.
	Rejected bool
	Reason   string
}

// DeviceTamper is a device's own enclosure contact.
type DeviceTamper struct {
	Side   policy.Side
	Name   string
	Active bool
}

// DeviceFault is an observation that does not make the device unusable.
type DeviceFault struct {
	Side   policy.Side
	Name   string
	Detail string
}

// Recorded says that the Record with this id is durable, and as which numbers.
type Recorded struct {
	ID     uint64
	Events []event.Event // as stored, with Seq (and ledger number where given)
}

// RecordFailed says that the Record with this id is not in the ledger.
type RecordFailed struct {
	ID   uint64
	Full bool // the disk is full (as against failing otherwise)
	Err  string
}

// Released is what driving the lock came to; Err "" means that it was driven.
type Released struct {
	ID  uint64
	Err string
}

// Secured is what driving the lock to its secured level came to, whether a
// [Secure] asked for it or the driver's own end of a release did; Err "" means
// that it was driven.
type Secured struct{ Err string }

// ClockChanged says that the wall clock stepped or its trust changed. The new
// state is in the step's Time.
type ClockChanged struct {
	Step   time.Duration // 0 if only the trust changed
	Reason string
}

// Link is the connection to the broker.
type Link struct {
	Up     bool
	Reason string
}

// Requested is the outcome of a Request: delivered to the broker or not. An
// answer to it comes as an order.
type Requested struct {
	ID  string
	Err string
}

// ActKind is what an accepted order does at this door.
type ActKind uint8

// The acts that this door knows.
const (
	ActLockdown ActKind = iota + 1
	ActRelease          // ends a lockdown
	ActResecure         // ends an emergency release, by a person at the box
	ActReset            // presence and lockout of one person
	ActEnroll
	ActErase
	ActImport // replaces the roster
)

// Act is a verified order. The loop has checked signature, window and replay;
// the door decides what it does and records it. Roster is the roster after
// the act (nil if it does not change).
type Act struct {
	Kind   ActKind
	Order  string // id
	Post   policy.PostID
	Signer string // key id
	Person policy.PersonID
	Page   uint16
	// Lockout and Passback are what ActReset undoes; neither set means both.
	Lockout, Passback bool
	Reason            string
	Roster            *policy.Roster
	Before            string // roster hash before and after
	After             string
	Diff              map[string]int
}

// Refused is an order that failed verification, or so many alike.
type Refused struct {
	Order  string
	Code   string
	Detail string
	Count  uint64
}

// Rules swaps the rulebook once the change is recorded; Err says that a new
// one was rejected and the old one stays.
type Rules struct {
	Rulebook      *policy.Rulebook
	Before, After string
	Err           string
}

// Observed asks for an event that another part of the daemon saw, for example
// a refused acknowledgement or a rolled-back ledger.
type Observed struct{ Event event.Event }

// EnrolProgress, EnrolDone, StoreDone and EraseDone are outcomes of the
// effects of the same names. The template itself stays with the loop.
type EnrolProgress struct {
	ID       uint64
	View, Of int
	Place    bool
}

// EnrolDone: see EnrolProgress.
type EnrolDone struct {
	ID        uint64
	Err       string
	Duplicate bool
	Of        uint16
}

// StoreDone: see EnrolProgress.
type StoreDone struct {
	ID  uint64
	Err string
}

// EraseDone: see EnrolProgress.
type EraseDone struct {
	ID  uint64
	Err string
}

func (Start) input()         {}
func (Stop) input()          {}
func (Tick) input()          {}
func (Badge) input()         {}
func (Finger) input()        {}
func (Line) input()          {}
func (Device) input()        {}
func (DeviceTamper) input()  {}
func (DeviceFault) input()   {}
func (Recorded) input()      {}
func (RecordFailed) input()  {}
func (Released) input()      {}
func (Secured) input()       {}
func (ClockChanged) input()  {}
func (Link) input()          {}
func (Requested) input()     {}
func (Act) input()           {}
func (Refused) input()       {}
func (Rules) input()         {}
func (Observed) input()      {}
func (EnrolProgress) input() {}
func (EnrolDone) input()     {}
func (StoreDone) input()     {}
func (EraseDone) input()     {}
