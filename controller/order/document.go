package order

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"sekimori/policy"
)

// Bounds of an order. They are part of the form: another size is another
// version.
const (
	// MaxDocument bounds the signed bytes. The largest valid document names
	// [MaxDoors] doors of [MaxName] bytes and is well under it.
	MaxDocument = 16 << 10
	// MaxPayload bounds what an import carries. A roster of 50,000 persons
	// takes some 20 MB.
	MaxPayload = 32 << 20
	// MaxSigned bounds an envelope.
	MaxSigned = MaxPayload + MaxDocument + 1<<10

	MaxName   = 64  // bytes of a place, door, capacity or person
	MaxReason = 512 // bytes of a reason
	MaxDoors  = 64  // doors that a restrictive order may name
	MaxKeys   = 3   // signatures on one order
	// MaxWindow is the longest time between not before and not after: what
	// nobody accepted within a month is signed again.
	MaxWindow = 31 * 24 * time.Hour
)

const version = 1

// Act is what an order asks for, as it stands in the document.
type Act string

// The acts of this version. Any other is refused by its name.
const (
	Enroll   Act = "enroll"   // add a finger of a person
	Erase    Act = "erase"    // forget all fingers of a person
	Import   Act = "import"   // replace the roster by the payload
	Reset    Act = "reset"    // presence or lockout of a person
	Resecure Act = "resecure" // end an emergency release, by a person at the box
	Lockdown Act = "lockdown" // 閉鎖
	Release  Act = "release"  // end a lockdown
)

// What a reset may undo.
const (
	ScopeLockout  = "lockout"
	ScopePassback = "passback"
)

// ID names one order, for ever.
type ID [16]byte

// NewID makes an unguessable id.
func NewID() ID {
	var id ID
	rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return id
}

// String is the id in the ledger: 32 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Document is what is signed. Its fields are those of the package comment.
type Document struct {
	Act       Act
	ID        ID
	Place     policy.PlaceID
	Doors     []string // ascending
	Capacity  Role
	Keys      []KeyID // ascending
	NotBefore time.Time
	NotAfter  time.Time
	Person    policy.PersonID
	Reason    string
	Payload   *PayloadRef
	Page      *uint16 // nil: the door chooses
	Scope     []string
}

// PayloadRef binds a payload to a document.
type PayloadRef struct {
	Hash   [32]byte
	Length uint64
}

// RefPayload describes a payload for a document.
func RefPayload(payload []byte) *PayloadRef {
	return &PayloadRef{Hash: sha256.Sum256(payload), Length: uint64(len(payload))}
}

func (p *PayloadRef) fits(payload []byte) bool {
	sum := sha256.Sum256(payload)
	return p.Length == uint64(len(payload)) && bytes.Equal(p.Hash[:], sum[:])
}

// Names tells whether the order names this door of this place.
func (d *Document) Names(door string, place policy.PlaceID) bool {
	return d.Place == place && slices.Contains(d.Doors, door)
}

// Resets tells whether a reset covers this scope.
func (d *Document) Resets(scope string) bool { return slices.Contains(d.Scope, scope) }
