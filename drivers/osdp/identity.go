package osdp

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Identity is what a reader says of itself, pinned when it is adopted: a reader
// that says anything else later is another one, or was changed.
type Identity struct {
	PDID [12]byte // vendor 3, model, version, serial 4 (LE), firmware 3 (OSDP v2.2 §7.4)
	CUID [8]byte  // client unique identifier of the handshake; opaque
	Caps [32]byte // SHA-256 of its capability records, sorted
}

// IsZero tells that no identity was pinned.
func (i Identity) IsZero() bool { return i == Identity{} }

// String is the form for configuration and alarms: PDID-CUID-CAPS in
// hexadecimal. Nothing in it is secret.
func (i Identity) String() string { return fmt.Sprintf("%x-%x-%x", i.PDID, i.CUID, i.Caps) }

// ParseIdentity takes the form that String gives, and only that.
func ParseIdentity(s string) (Identity, error) {
	var i Identity
	parts := strings.Split(s, "-")
	if len(parts) == 3 &&
		unhex(i.PDID[:], parts[0]) && unhex(i.CUID[:], parts[1]) && unhex(i.Caps[:], parts[2]) && i.String() == s {
		return i, nil
	}
	return Identity{}, fmt.Errorf("cannot read reader identity %q: want 24, 16 and 64 lower-case hexadecimal digits with hyphens between", s)
}

func unhex(dst []byte, s string) bool {
	if len(s) != 2*len(dst) {
		return false
	}
	_, err := hex.Decode(dst, []byte(s))
	return err == nil
}

// HashCapabilities gives the pinned form of the payload of a PDCAP: records of
// {function, compliance, count}, in any order.
func HashCapabilities(records []byte) [32]byte {
	sorted := make([][]byte, 0, len(records)/3)
	for r := range slices.Chunk(records, 3) {
		sorted = append(sorted, r)
	}
	slices.SortFunc(sorted, bytes.Compare)
	return sha256.Sum256(bytes.Join(sorted, nil))
}

// describePDID puts a PDID into words for a person.
func describePDID(id [12]byte) string {
	serial := uint32(id[5]) | uint32(id[6])<<8 | uint32(id[7])<<16 | uint32(id[8])<<24
	return fmt.Sprintf("vendor %x model %d.%d serial %08x firmware %d.%d.%d",
		id[:3], id[3], id[4], serial, id[9], id[10], id[11])
}

// capability looks a function up in PDCAP records.
func capability(records []byte, function byte) (compliance, count byte) {
	for r := range slices.Chunk(records, 3) {
		if len(r) == 3 && r[0] == function {
			return r[1], r[2]
		}
	}
	return 0, 0
}
