package order

import (
	"bytes"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"

	"sekimori/policy"
)

// wireDocument is a document as it travels; see the package comment.
type wireDocument struct {
	Version   uint64       `cbor:"1,keyasint,omitempty"`
	Act       string       `cbor:"2,keyasint,omitempty"`
	ID        []byte       `cbor:"3,keyasint,omitempty"`
	Place     string       `cbor:"4,keyasint,omitempty"`
	Doors     []string     `cbor:"5,keyasint,omitempty"`
	Capacity  string       `cbor:"6,keyasint,omitempty"`
	Keys      [][]byte     `cbor:"7,keyasint,omitempty"`
	NotBefore uint64       `cbor:"8,keyasint,omitempty"`
	NotAfter  uint64       `cbor:"9,keyasint,omitempty"`
	Person    string       `cbor:"10,keyasint,omitempty"`
	Reason    string       `cbor:"11,keyasint,omitempty"`
	Payload   *wirePayload `cbor:"12,keyasint,omitempty"`
	Page      *uint16      `cbor:"13,keyasint,omitempty"`
	Scope     []string     `cbor:"14,keyasint,omitempty"`
}

type wirePayload struct {
	Hash   []byte `cbor:"1,keyasint,omitempty"`
	Length uint64 `cbor:"2,keyasint,omitempty"`
}

// wireSigned is the envelope as it travels.
type wireSigned struct {
	Version    uint64   `cbor:"1,keyasint,omitempty"`
	Document   []byte   `cbor:"2,keyasint,omitempty"`
	Signatures [][]byte `cbor:"3,keyasint,omitempty"`
	Payload    []byte   `cbor:"4,keyasint,omitempty"`
}

var (
	encoder = mustEncoder()
	decoder = mustDecoder()
)

func mustEncoder() cbor.EncMode {
	opts := cbor.CoreDetEncOptions()
	opts.IndefLength = cbor.IndefLengthForbidden
	opts.TagsMd = cbor.TagsForbidden
	m, err := opts.EncMode()
	if err != nil {
		panic("internal error: order: encoder: " + err.Error())
	}
	return m
}

func mustDecoder() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   4,
		MaxArrayElements:  64,
		MaxMapPairs:       32,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		UTF8:              cbor.UTF8RejectInvalid,
	}.DecMode()
	if err != nil {
		panic("internal error: order: decoder: " + err.Error())
	}
	return m
}

// decodeExact decodes b into v and refuses every b that encoding v again does
// not give: non-shortest integers, disorder, explicit empty fields and all
// else that would let one order have two forms.
func decodeExact(b []byte, v any) error {
	if err := decoder.Unmarshal(b, v); err != nil {
		return refuse(NotCanonical, "%v", err)
	}
	again, err := encoder.Marshal(v)
	if err != nil {
		return refuse(NotCanonical, "cannot be encoded again: %v", err)
	}
	if !bytes.Equal(again, b) {
		return refuse(NotCanonical, "not in the deterministic encoding")
	}
	return nil
}

// Encode gives the canonical bytes of a document that keeps the form's rules.
func (d *Document) Encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("cannot encode order: %w", err)
	}
	w := wireDocument{
		Version: version, Act: string(d.Act), ID: d.ID[:], Place: string(d.Place),
		Doors: d.Doors, Capacity: string(d.Capacity), Person: string(d.Person),
		NotBefore: uint64(d.NotBefore.Unix()), NotAfter: uint64(d.NotAfter.Unix()),
		Reason: d.Reason, Page: d.Page, Scope: d.Scope,
	}
	for _, k := range d.Keys {
		w.Keys = append(w.Keys, k[:])
	}
	if d.Payload != nil {
		w.Payload = &wirePayload{Hash: d.Payload.Hash[:], Length: d.Payload.Length}
	}
	b, err := encoder.Marshal(&w)
	if err != nil {
		return nil, fmt.Errorf("cannot encode order: %w", err)
	}
	if len(b) > MaxDocument {
		return nil, refuse(TooLarge, "the document has %d bytes, at most %d", len(b), MaxDocument)
	}
	return b, nil
}

// Decode reads the canonical bytes of a document and nothing else. Its errors
// are [Refusal].
func Decode(b []byte) (*Document, error) {
	if len(b) > MaxDocument {
		return nil, refuse(TooLarge, "the document has %d bytes, at most %d", len(b), MaxDocument)
	}
	var w wireDocument
	if err := decodeExact(b, &w); err != nil {
		return nil, err
	}
	if w.Version != version {
		return nil, refuse(BadField, "version %d is not understood, only %d", w.Version, version)
	}
	if len(w.ID) != len(ID{}) {
		return nil, refuse(BadField, "the id has %d bytes, not %d", len(w.ID), len(ID{}))
	}
	d := &Document{
		Act: Act(w.Act), ID: ID(w.ID), Place: policy.PlaceID(w.Place), Doors: w.Doors,
		Capacity: Role(w.Capacity), Person: policy.PersonID(w.Person), Reason: w.Reason,
		Page: w.Page, Scope: w.Scope,
	}
	if w.NotBefore > maxUnix || w.NotAfter > maxUnix {
		return nil, refuse(BadField, "the window lies beyond the year 9999")
	}
	d.NotBefore, d.NotAfter = time.Unix(int64(w.NotBefore), 0).UTC(), time.Unix(int64(w.NotAfter), 0).UTC()
	for _, k := range w.Keys {
		if len(k) != len(KeyID{}) {
			return nil, refuse(BadField, "a key id has %d bytes, not %d", len(k), len(KeyID{}))
		}
		d.Keys = append(d.Keys, KeyID(k))
	}
	if p := w.Payload; p != nil {
		if len(p.Hash) != 32 {
			return nil, refuse(BadField, "the payload's hash has %d bytes, not 32", len(p.Hash))
		}
		d.Payload = &PayloadRef{Hash: [32]byte(p.Hash), Length: p.Length}
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}

// maxUnix is 9999-12-31T23:59:59Z, the last instant that RFC 3339 can write.
const maxUnix = 253402300799
