package drivers

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Event is something that one device saw. Source is the device's name in the
// door's configuration, At the moment in the daemon's own clock (with its
// monotonic reading), Body one of the types below.
type Event struct {
	Source string
	At     time.Time
	Body   Body
}

// Body is one of the concrete types of this file.
type Body interface{ body() }

// Card is one badge that a reader read, once. The number is secret-like: it
// never enters a log (see [Card.String]).
type Card struct {
	Layout  string // the configured format that fitted, "" if none did
	Number  string // canonical credential number, "" if no format fitted
	Bits    int    // how many bits the reader sent
	Raw     []byte // the bits, first bit sent = most significant bit of Raw[0]
	Secured bool   // it travelled over an authenticated, encrypted wire
	Proof   Proof
}

const cardWithheld = "card read (number withheld)"

// Format, String and MarshalText say that there was a read, never which (P12).
func (c Card) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, cardWithheld) }
func (c Card) String() string               { return cardWithheld }
func (c Card) MarshalText() ([]byte, error) { return []byte(cardWithheld), nil }

// Proof is what a read proves about the card, in the reader's own terms.
type Proof uint8

const (
	Clonable       Proof = iota // bits or identifier only
	ReaderAsserted              // the reader says it authenticated the card
	Authenticated               // a key was checked on this box
)

// Online says that the device answers, is the adopted one, and is ready.
type Online struct{ Identity string }

// Offline says that the device cannot be used, and why.
type Offline struct {
	Reason string
	// Unplugged: the port itself went away (as against silence on it).
	Unplugged bool
}

// Fault is an observation that a person must look at. The device stays
// disabled while Disabled is true: a swapped, downgraded or unadopted device
// never opens anything again until it is adopted or restored.
type Fault struct {
	Code     FaultCode
	Detail   string // no secret, no credential
	Disabled bool
}

// FaultCode is a closed set.
type FaultCode string

// The faults that devices report.
const (
	IdentityChanged   FaultCode = "identity_changed"
	CapabilityChanged FaultCode = "capability_changed"
	NotAdopted        FaultCode = "not_adopted"
	NoSecureChannel   FaultCode = "no_secure_channel"
	BadKey            FaultCode = "bad_key"
	MACFailure        FaultCode = "mac_failure"
	ClearText         FaultCode = "clear_text" // data in clear where a secure channel is required
	RepeatedNonce     FaultCode = "repeated_nonce"
	LibraryChanged    FaultCode = "library_changed" // a fingerprint sensor's template index differs from the pinned one
	BadPassword       FaultCode = "bad_password"
	NoTouch           FaultCode = "no_touch" // a match without a finger on the touch line
	Malformed         FaultCode = "malformed"
	LostEdges         FaultCode = "lost_edges"
)

// Tamper is the device's own enclosure contact.
type Tamper struct{ Active bool }

// Power is the device's own supply state.
type Power struct{ Failed bool }

// Line is a level of a contact input. Unknown is a level of its own: it is
// never reported as closed (P11).
type Line struct{ Level Level }

// Level of a contact. For a door or bolt contact wired normally-closed, Closed
// means the loop is intact, so a cut wire reads Open.
type Level uint8

// Levels.
const (
	Unknown Level = iota
	Open
	Closed
)

func (l Level) String() string {
	switch l {
	case Open:
		return "open"
	case Closed:
		return "closed"
	default:
		return "unknown"
	}
}

// FingerResult is the outcome of one Verify, given back with its id.
type FingerResult struct {
	ID      uint64
	Outcome FingerOutcome
	Page    uint16 // the template page that matched
	Score   uint16 // device units; higher is more alike
	Detail  string
}

// FingerOutcome is a closed set.
type FingerOutcome uint8

// Outcomes of a capture. Unreadable counts images that could not be used; it
// is not a mismatch.
const (
	FingerMatch FingerOutcome = iota + 1
	FingerMismatch
	FingerUnreadable
	FingerTimeout
	FingerUnavailable
)

// EnrolStep is progress of an enrolment: which view is wanted, finger on or
// off.
type EnrolStep struct {
	ID    uint64
	View  int  // 1-based
	Of    int  // number of views
	Place bool // true: put the finger down; false: lift it
}

// EnrolResult ends an enrolment at one sensor.
type EnrolResult struct {
	ID        uint64
	Err       error // nil: stored and read back
	Duplicate bool  // the finger is already stored, on page DuplicateOf
	Of        uint16
	Template  Template // for the other side's sensor; in memory only
}

// StoreResult ends Store, EraseResult ends Erase (nil Err: the sensor's index
// was read back and shows it).
type StoreResult struct {
	ID  uint64
	Err error
}

// EraseResult: see StoreResult.
type EraseResult struct {
	ID  uint64
	Err error
}

func (Card) body()         {}
func (Online) body()       {}
func (Offline) body()      {}
func (Fault) body()        {}
func (Tamper) body()       {}
func (Power) body()        {}
func (Line) body()         {}
func (FingerResult) body() {}
func (EnrolStep) body()    {}
func (EnrolResult) body()  {}
func (StoreResult) body()  {}
func (EraseResult) body()  {}

// Template is a fingerprint template in memory. It cannot print, log or
// marshal itself (P12), and [Template.Wipe] clears it. The bytes stand behind a
// function because package fmt reads unexported fields, but cannot call them.
type Template struct{ bytes func() []byte }

// NewTemplate takes ownership of b.
func NewTemplate(b []byte) Template { return Template{func() []byte { return b }} }

// Bytes gives the blob to the driver that stores it; do not keep it.
func (t Template) Bytes() []byte {
	if t.bytes == nil {
		return nil
	}
	return t.bytes()
}

// Len is the size in bytes.
func (t Template) Len() int { return len(t.Bytes()) }

// Wipe overwrites the template.
func (t Template) Wipe() { clear(t.Bytes()) }

const withheld = "template (withheld)"

// Format, String and MarshalText keep the content out of every output, for
// every verb.
func (t Template) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, withheld) }
func (t Template) String() string               { return withheld }
func (t Template) MarshalText() ([]byte, error) { return []byte(withheld), nil }

// Emit hands one event to the daemon. It may block until the loop takes it or
// the device's context ends; a driver must not hold a lock while calling it.
type Emit func(Event)

// Device is anything that the daemon runs. Run drives it until ctx ends and
// returns only then (nil), or on a configuration that can never work (error).
// A lost wire is not an end: the device reports Offline and comes back.
type Device interface {
	Run(ctx context.Context, emit Emit) error
	String() string
}

// Annunciator shows signals to the person at a reader. Show never blocks; the
// last signal wins.
type Annunciator interface{ Show(Signal) }

// Reader is a badge reader.
type Reader interface {
	Device
	Annunciator
}

// Sensor is a fingerprint sensor that holds its own templates by page. Every
// call returns at once; its outcome comes as an event with the same id. One
// operation runs at a time: a call while one runs ends the running one first.
type Sensor interface {
	Device
	Annunciator
	// Verify compares the finger put down within timeout with exactly these
	// pages (1:1 with one holder). maxUnreadable captures without a usable
	// image end it as FingerUnreadable.
	Verify(id uint64, pages []uint16, minScore uint16, maxUnreadable int, timeout time.Duration)
	Cancel(id uint64)
	// Enrol takes a new finger, refuses one that is already stored, stores it
	// on page and reads it back.
	Enrol(id uint64, page uint16, timeout time.Duration)
	// Store takes the template over and wipes it, whatever the outcome.
	Store(id uint64, page uint16, t Template)
	Erase(id uint64, page uint16)
}

// Lock is a lock output. Release is the only way to open, and the driver ends
// the release itself after d; there is no On. Secure only ends it early. Both
// return after the output was driven, with the error of driving it.
type Lock interface {
	Release(d time.Duration) error
	Secure() error
	Close() error
}

// Signal is what a reader shows: LED, tone and, where there is a display, a
// short ASCII text. The daemon's table gives every situation a signal that
// can be told apart without colour.
type Signal struct {
	Name  string // stable word for logs and stories, for example "finger"
	LED   Pattern
	Tone  Tone
	Text  string        // at most 32 printable ASCII characters
	Until time.Duration // then the reader returns to idle by itself; 0: stays
}

// Colour of an LED.
type Colour uint8

// Colours that every tri-colour reader has, and blue for those that have it.
const (
	Off Colour = iota
	Red
	Green
	Amber
	Blue
)

// Pattern alternates OnColour for On and OffColour for Off (steady when Off is
// 0). Resolution 100 ms.
type Pattern struct {
	OnColour, OffColour Colour
	On, Off             time.Duration
}

// Tone sounds Count times On/Off. The zero Tone is silence. Resolution 100 ms.
type Tone struct {
	On, Off time.Duration
	Count   int
}
