package policy

import "time"

// Identifiers. They are opaque, stable and safe to publish: none of them is a
// name or a credential number.
type (
	PlaceID  string // a place of Article 6-2, for example "machine_room"
	PostID   string // a post (職), for example "joho_system_kacho"
	PersonID string // a person, for example "s-001"
	BadgeID  string // a badge's own id, never the number a reader reads
	PermitID string // a prior permit
)

// Side is one direction of a doorway. The zero Side is invalid.
type Side uint8

const (
	Entry Side = iota + 1 // 入室
	Exit                  // 退室
)

func (s Side) String() string {
	switch s {
	case Entry:
		return "entry"
	case Exit:
		return "exit"
	default:
		return "unknown"
	}
}

// Opposite is the other side of the same doorway.
func (s Side) Opposite() Side {
	switch s {
	case Entry:
		return Exit
	case Exit:
		return Entry
	default:
		return s
	}
}

// Instant is what the judgement knows of time: the wall clock, and whether the
// daemon's clock task vouches for it.
type Instant struct {
	Wall    time.Time
	Trusted bool
}

// Wire is how the reader's bytes travelled to this box.
type Wire uint8

const (
	WireUnknown Wire = iota
	WireOpen         // readable and forgeable by whoever taps the cable
	WireSecured      // encrypted and authenticated (OSDP Secure Channel)
)

// Proof is what a badge read proves about the badge itself.
type Proof uint8

const (
	ProofUnknown        Proof = iota
	ProofClonable             // bits or an identifier that a copy would also send
	ProofReaderAsserted       // the reader says that it authenticated the card
	ProofAuthenticated        // a key checked on this box
)

// FactorResult is the outcome of one biometric capture for one person.
type FactorResult uint8

const (
	FactorMissing     FactorResult = iota // not captured (yet)
	FactorMatch                           // 一致
	FactorMismatch                        // 照合不一致
	FactorUnreadable                      // 読取不良: three captures without a usable image
	FactorTimeout                         // nobody put a finger down in time
	FactorUnavailable                     // the sensor is offline, swapped or faulty
)

// Permission is the state of a per-entry permission (都度許可) as evidence.
type Permission uint8

const (
	PermissionMissing  Permission = iota // not asked, or not answered yet
	PermissionGranted                    // 許可
	PermissionRefused                    // 不許可
	PermissionTimedOut                   // nobody answered within the place's time
)

// Presence is where the ledger last saw a person relative to one place.
type Presence uint8

const (
	PresenceUnknown Presence = iota // never seen, or reset by an order
	PresenceInside
	PresenceOutside
	// PresenceUnidentified marks a person who was inside when somebody left
	// without identifying himself: he may have been the one.
	PresenceUnidentified
)

// Presentation is what one person showed at a reader.
type Presentation struct {
	Number string // credential number as read; "" if the read was not decodable
	Wire   Wire
	Proof  Proof
	// Finger is the result of a capture that compared with FingerOf's own
	// templates only; a result for another person is no evidence.
	Finger      FactorResult
	FingerOf    PersonID
	FingerScore uint16
}

// String and GoString withhold the number (P12).
func (p Presentation) String() string { return "presentation (number withheld)" }

// GoString is String.
func (p Presentation) GoString() string { return p.String() }

// Facts are what the doorway itself knows at the instant of judgement.
type Facts struct {
	Presence    Presence
	LockedOut   bool // the credential is blocked after five mismatches
	Lockdown    bool // 閉鎖
	Resecure    bool // the place waits for a recorded local act after fire
	RecorderBad bool // the ledger cannot be written: nothing may enter
	RosterStale bool
}

// Attempt is everything Judge looks at besides the rulebook and the roster.
type Attempt struct {
	Place      PlaceID
	Side       Side
	Holder     Presentation
	Permission Permission
	Facts      Facts
}

// Decision is the verdict's class.
type Decision uint8

const (
	Deny Decision = iota // the zero verdict refuses
	Need
	Grant
)

// Evidence names what an open check still waits for.
type Evidence uint8

const (
	NoEvidence Evidence = iota
	NeedFinger
	NeedPermission
)

// MaxFindings bounds the failed checks and the remarks that one verdict can
// carry: every check fails at most once.
const MaxFindings = 64

// Finding is one check that did not pass.
type Finding struct {
	Check   int    // the check's number in the printed table
	Reason  Reason // stable code
	Article string // the article that the check enforces, for example "6-3-1"
}

// Verdict is the answer of Judge. It holds no pointers of its own, so that a
// grant allocates nothing; read the findings with Failed and Remarks.
type Verdict struct {
	Decision Decision
	Need     Evidence // set when Decision is Need
	Primary  Reason   // why not; "" unless Decision is Deny
	Article  string   // of Primary, or of what is needed; "" on a grant
	Person   PersonID // "" when the credential names nobody
	Badge    BadgeID
	Permit   PermitID // the prior permit that holds for this person here and now
	Post     PostID   // the post that manages the place
	Extended bool     // the person has the place's longer timings
	// Identified says that every factor that this side asks for matched this
	// one person. Until then a stranger is told no more than refused or try
	// again ([Reason.Class]).
	Identified bool
	// SelfPermitted says that the person approved the permit himself.
	SelfPermitted bool

	failed, remarks checkSet
}

// Failed lists every failed check in the table's order.
func (v *Verdict) Failed() []Finding { return v.failed.findings() }

// Remarks lists what did not hold but does not refuse: soft anti-passback, and
// on the exit side every check but identity.
func (v *Verdict) Remarks() []Finding { return v.remarks.findings() }

// Remarked tells whether a reason stands among the remarks.
func (v *Verdict) Remarked(r Reason) bool {
	for _, f := range v.Remarks() {
		if f.Reason == r {
			return true
		}
	}
	return false
}
