package order

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"sekimori/policy"
)

// signatureContext separates a signature over an order from one over anything
// else that the same key might sign.
const signatureContext = "sekimori order v1\x00"

// Order is an order whose signatures hold.
type Order struct {
	Document
	Payload []byte // nil unless the document names one
	Holder  string // who answers for the first key
	// Kept is the envelope without its payload, in canonical form: what stands
	// in the ledger as long as the events that the order caused. Its
	// signatures can be checked as ever; the payload's hash is in the document.
	Kept []byte
}

// Here is the door that judges.
type Here struct {
	Door  string
	Place policy.PlaceID
}

// Sign completes a document with the keys' ids, in their order, and signs it.
// payload is nil for an act without one; d.Payload is set from it.
func Sign(d Document, payload []byte, keys ...*PrivateKey) ([]byte, error) {
	d.Payload = nil
	if payload != nil {
		d.Payload = RefPayload(payload)
	}
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b *PrivateKey) int {
		x, y := a.Public().ID(), b.Public().ID()
		return bytes.Compare(x[:], y[:])
	})
	d.Keys = nil
	for _, k := range keys {
		d.Keys = append(d.Keys, k.Public().ID())
	}
	doc, err := d.Encode()
	if err != nil {
		return nil, err
	}
	w := wireSigned{Version: version, Document: doc, Payload: payload}
	for _, k := range keys {
		w.Signatures = append(w.Signatures, ed25519.Sign(k.key, signedBytes(doc)))
	}
	b, err := encoder.Marshal(&w)
	if err != nil {
		return nil, fmt.Errorf("cannot sign order: %w", err)
	}
	return b, nil
}

func signedBytes(doc []byte) []byte { return append([]byte(signatureContext), doc...) }

// Authenticate reads an envelope and checks that pinned keys signed it. It says
// nothing about door, time or use; see [Verify]. Errors are [Refusal].
func Authenticate(keys *Keys, signed []byte) (*Order, error) {
	o, w, err := open(signed)
	if err != nil {
		return nil, named(err, o)
	}
	// Look all keys up before the first signature is computed: bytes that name
	// a stranger's key cost next to nothing.
	pinned := make([]Key, len(o.Keys))
	for i, id := range o.Keys {
		k, ok := keys.Find(id)
		if !ok {
			return nil, named(refuse(UnknownKey, "key %.16s… is not pinned here", id), o)
		}
		pinned[i] = k
	}
	for i, k := range pinned {
		if !ed25519.Verify(k.Public[:], signedBytes(w.Document), w.Signatures[i]) {
			return nil, named(refuse(BadSignature, "the signature of key %.16s… does not fit", o.Keys[i]), o)
		}
	}
	if o.Document.Payload != nil && !o.Document.Payload.fits(w.Payload) {
		return nil, named(refuse(BadPayload, "the payload is not the one that was signed"), o)
	}
	o.Holder = pinned[0].Holder
	w.Payload = nil
	if o.Kept, err = encoder.Marshal(w); err != nil {
		return nil, named(refuse(NotCanonical, "cannot be encoded again: %v", err), o)
	}
	return o, nil
}

// open reads an envelope and its document, signatures unseen. It gives an
// order also with an error, once the document could be read.
func open(signed []byte) (*Order, *wireSigned, error) {
	if len(signed) > MaxSigned {
		return nil, nil, refuse(TooLarge, "the order has %d bytes, at most %d", len(signed), MaxSigned)
	}
	var w wireSigned
	if err := decodeExact(signed, &w); err != nil {
		return nil, nil, err
	}
	if w.Version != version {
		return nil, nil, refuse(BadField, "version %d of the envelope is not understood", w.Version)
	}
	d, err := Decode(w.Document)
	if err != nil {
		return nil, nil, err
	}
	o := &Order{Document: *d, Payload: w.Payload}
	switch {
	case len(w.Signatures) != len(d.Keys):
		return o, nil, refuse(BadSignature, "%d signatures for %d keys", len(w.Signatures), len(d.Keys))
	case (d.Payload != nil) != (len(w.Payload) > 0):
		return o, nil, refuse(BadPayload, "document and envelope do not agree on a payload")
	}
	for _, s := range w.Signatures {
		if len(s) != ed25519.SignatureSize {
			return o, nil, refuse(BadSignature, "a signature has %d bytes, not %d", len(s), ed25519.SignatureSize)
		}
	}
	return o, &w, nil
}

// named adds the order's id to a refusal.
func named(err error, o *Order) error {
	var r *Refusal
	if o != nil && errors.As(err, &r) {
		r.Order = o.ID.String()
	}
	return err
}

// Verify tells whether the door may act on these bytes now, but for two
// things that only the caller knows: whether the order was used before (see
// [Inbox]) and whether the roster allows it (see [Apply]). Errors are
// [Refusal].
//
// It refuses in this order: size and form, unknown key, signature, payload,
// place, door, role, clock, window, key not in force.
func Verify(keys *Keys, signed []byte, here Here, t policy.Instant) (*Order, error) {
	o, err := Authenticate(keys, signed)
	if err != nil {
		return nil, err
	}
	if err := o.admit(keys, here, t); err != nil {
		return nil, named(err, o)
	}
	return o, nil
}

func (o *Order) admit(keys *Keys, here Here, t policy.Instant) error {
	s := shapes[o.Act]
	if o.Place != here.Place {
		return refuse(WrongPlace, "for place %s", o.Place)
	}
	if !o.Names(here.Door, here.Place) {
		return refuse(WrongDoor, "for %d other doors, first %s", len(o.Doors), o.Doors[0])
	}
	for _, id := range o.Keys {
		k, _ := keys.Find(id)
		if k.Role != o.Capacity {
			return refuse(NotThatRole, "signed as %.20s with a key of role %s", string(o.Capacity), string(k.Role))
		}
		if !slices.Contains(s.roles, k.Role) {
			return refuse(NotThatRole, "%s may not be ordered by %s", o.Act, string(k.Role))
		}
	}
	if !t.Trusted {
		// Its window cannot be judged. Only what shuts may pass: a late
		// lockdown is a nuisance, a late release or import is an attack.
		if s.anyClock {
			return nil
		}
		return refuse(ClockUntrusted, "the door does not know the time")
	}
	return o.inTime(keys, t)
}

func (o *Order) inTime(keys *Keys, t policy.Instant) error {
	switch {
	case t.Wall.Before(o.NotBefore):
		return refuse(NotYet, "not before %s", o.NotBefore.Format("2006-01-02T15:04:05Z"))
	case !t.Wall.Before(o.NotAfter):
		return refuse(Expired, "not after %s", o.NotAfter.Format("2006-01-02T15:04:05Z"))
	}
	for _, id := range o.Keys {
		// The key's right is judged now, never at a time that the order claims.
		k, _ := keys.Find(id)
		if t.Wall.Before(k.From) || (!k.To.IsZero() && !t.Wall.Before(k.To)) {
			return refuse(KeyNotInForce, "key %.16s… is not in force today", id)
		}
	}
	return nil
}
