package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Rulebook is a checked, immutable set of rules. The zero Rulebook (and a nil
// one) covers no place and refuses everyone.
type Rulebook struct {
	regulation, version, decidedBy string

	location    *time.Location
	places      []Place // sorted by ID
	calendar    Calendar
	clock       ClockRule
	lockout     LockoutRule
	unreadable  int
	staleAfter  time.Duration
	staleDenies bool
	fiscalYear  bool
	maxDays     int
	readings    [len(questions)]string
	hash        string
}

// Place is one place of Article 6-2 with everything its doorway requires.
type Place struct {
	ID           PlaceID
	Words        Words  // its name
	Article      string // where the regulation names it
	Post         PostID // who manages it (入退室管理者)
	PostWords    Words
	AntiPassback AntiPassback
	Entry, Exit  SideRule
	Timings      Timings
}

// SideRule is what one side of a place requires. The zero SideRule asks for
// nothing and is only ever used behind a check that has already refused.
type SideRule struct {
	Permit PermitKind
	Badge  bool  // a badge that names the holder; so far every side asks for one
	Finger bool  // a live match of the holder's own finger, besides the badge
	Wire   Wire  // the least that a read must have
	Proof  Proof // the least that a read must prove
}

// Side gives the rule of one side; the zero rule for an unknown side.
func (p *Place) Side(s Side) SideRule {
	switch s {
	case Entry:
		return p.Entry
	case Exit:
		return p.Exit
	default:
		return SideRule{}
	}
}

// PermitKind is the permission that a side requires.
type PermitKind uint8

const (
	PermitNone  PermitKind = iota // none
	PermitPrior                   // 事前許可 (6-3-1)
	PermitEach                    // 都度許可 (6-3-2)
)

// AntiPassback is what a second entry without an exit in between does.
type AntiPassback uint8

const (
	PassbackOff  AntiPassback = iota
	PassbackSoft              // granted and remarked
	PassbackHard              // refused on the entry side; never on the exit side
)

// UntrustedClock is what an untrusted clock does to entries.
type UntrustedClock uint8

const (
	UntrustedDenies   UntrustedClock = iota // no entry
	UntrustedStanding                       // prior permits longer than 24 h still carry, remarked
)

// ClockRule says when the wall clock is trusted, for the daemon's clock task,
// and what an untrusted one does.
type ClockRule struct {
	Untrusted      UntrustedClock
	OffsetAlarm    time.Duration // an offset above it is an alarm
	UntrustedAbove time.Duration // an offset above it makes the clock untrusted
	SyncWithin     time.Duration // without synchronisation for this long it is untrusted
}

// LockoutRule blocks a credential after that many mismatches in a row.
type LockoutRule struct {
	Mismatches int
	Block      time.Duration
}

// Place finds a place; false if the rulebook does not cover it.
func (rb *Rulebook) Place(id PlaceID) (Place, bool) {
	if p := rb.place(id); p != nil {
		return *p, true
	}
	return Place{}, false
}

func (rb *Rulebook) place(id PlaceID) *Place {
	if rb == nil {
		return nil
	}
	for i := range rb.places { // a city has a handful
		if rb.places[i].ID == id {
			return &rb.places[i]
		}
	}
	return nil
}

// Places lists the places, sorted by ID.
func (rb *Rulebook) Places() []Place {
	if rb == nil {
		return nil
	}
	return slices.Clone(rb.places)
}

// Manages tells whether this post manages any place.
func (rb *Rulebook) Manages(post PostID) bool {
	for _, p := range rb.Places() {
		if p.Post == post {
			return true
		}
	}
	return false
}

// Regulation is the title of the regulation, its version, and who decided this
// rulebook.
func (rb *Rulebook) Regulation() (title, version, decidedBy string) {
	return rb.regulation, rb.version, rb.decidedBy
}

// Location is the zone in which hours, days and holidays are judged.
func (rb *Rulebook) Location() *time.Location {
	if rb == nil || rb.location == nil {
		return time.UTC
	}
	return rb.location
}

// Clock is the rule of the wall clock.
func (rb *Rulebook) Clock() ClockRule { return rb.clock }

// Lockout is the rule of mismatches.
func (rb *Rulebook) Lockout() LockoutRule { return rb.lockout }

// UnreadableCaptures is how many captures without a usable image end an
// attempt with FACTOR_ERROR.
func (rb *Rulebook) UnreadableCaptures() int { return rb.unreadable }

// RosterStaleAfter is the age past which the roster is stale (0: never), and
// whether a stale roster refuses entry.
func (rb *Rulebook) RosterStaleAfter() (age time.Duration, denies bool) {
	return rb.staleAfter, rb.staleDenies
}

// Calendar is the rulebook's holidays.
func (rb *Rulebook) Calendar() *Calendar { return &rb.calendar }

// Hash identifies the rules: SHA-256, in hex, of their canonical JSON. The
// zero Rulebook has none.
func (rb *Rulebook) Hash() string { return rb.hash }

func hashRulebook(d *RulebookData) string {
	// Structs encode in field order and maps in key order, so that equal
	// rules give equal bytes.
	b, err := json.Marshal(d)
	if err != nil {
		panic("internal error: policy: rulebook data does not encode: " + err.Error())
	}
	sum := sha256.Sum256(append([]byte("sekimori rulebook 1\n"), b...))
	return hex.EncodeToString(sum[:])
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
