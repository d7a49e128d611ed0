package loop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"sekimori/controller/door"
	"sekimori/drivers"
	"sekimori/policy"
)

// Place says what one configured device or contact is to the door.
type Place struct {
	Side policy.Side     // of a reader or sensor
	Kind door.DeviceKind // BadgeReader or FingerSensor; 0 for a contact
	Line door.LineID     // of a contact
	Lock bool            // the lock's own output
	// ActiveOpen: an open loop means that the line is active.
	ActiveOpen bool
}

// Converter turns what drivers saw into the door's inputs. This is where a
// credential number becomes a judgement's input, and where what may be
// recorded of an unknown one is made: a short keyed tag (P12).
type Converter struct {
	places map[string]Place
	tagKey []byte
}

// NewConverter takes the devices by their configured names, and a key that is
// this box's own: tags of two boxes cannot be compared.
func NewConverter(places map[string]Place, tagKey []byte) *Converter {
	return &Converter{places: places, tagKey: tagKey}
}

// Input converts one event. It is false for what a door need not know.
func (c *Converter) Input(ev drivers.Event) (door.Input, bool) {
	p, ok := c.places[ev.Source]
	if !ok {
		return nil, false
	}
	if p.Lock { // it only ever reports that it cannot be driven to rest
		b, ok := ev.Body.(drivers.Offline)
		return door.Secured{Err: b.Reason}, ok
	}
	switch b := ev.Body.(type) {
	case drivers.Card:
		return c.badge(ev.Source, p, b), true
	case drivers.Line:
		return door.Line{ID: p.Line, Device: ev.Source, Level: p.level(b.Level)}, true
	case drivers.Tamper:
		return door.DeviceTamper{Side: p.Side, Name: ev.Source, Active: b.Active}, true
	case drivers.Power:
		if !b.Failed {
			return nil, false
		}
		return door.DeviceFault{Side: p.Side, Name: ev.Source, Detail: "the device reports that its supply failed"}, true
	case drivers.Online:
		return door.Device{Side: p.Side, Kind: p.Kind, Name: ev.Source, Online: true}, true
	case drivers.Offline:
		return door.Device{Side: p.Side, Kind: p.Kind, Name: ev.Source, Reason: b.Reason}, true
	case drivers.Fault:
		return fault(ev.Source, p, b), true
	default:
		return finger(ev.Body)
	}
}

func (c *Converter) badge(source string, p Place, b drivers.Card) door.Badge {
	in := door.Badge{Side: p.Side, Device: source, Number: b.Number, Tag: c.tag(b), Wire: policy.WireOpen}
	if b.Secured {
		in.Wire = policy.WireSecured
	}
	switch b.Proof {
	case drivers.Authenticated:
		in.Proof = policy.ProofAuthenticated
	case drivers.ReaderAsserted:
		in.Proof = policy.ProofReaderAsserted
	default:
		in.Proof = policy.ProofClonable
	}
	return in
}

// tag is 40 bits of a keyed digest: enough to see that the same unknown badge
// came again, useless to find its number without the box's key.
func (c *Converter) tag(b drivers.Card) string {
	m := hmac.New(sha256.New, c.tagKey)
	m.Write([]byte("credential tag v1\x00"))
	if b.Number != "" {
		m.Write([]byte(b.Number))
	} else {
		m.Write([]byte{byte(b.Bits), byte(b.Bits >> 8)})
		m.Write(b.Raw)
	}
	return hex.EncodeToString(m.Sum(nil)[:5])
}

func (p Place) level(l drivers.Level) door.Level {
	switch {
	case l == drivers.Unknown:
		return door.Unknown
	case (l == drivers.Open) == p.ActiveOpen:
		return door.Active
	default:
		return door.Inactive
	}
}

func fault(source string, p Place, f drivers.Fault) door.Input {
	detail := string(f.Code)
	if f.Detail != "" {
		detail += ": " + f.Detail
	}
	if f.Disabled {
		return door.Device{Side: p.Side, Kind: p.Kind, Name: source, Rejected: true, Reason: detail}
	}
	return door.DeviceFault{Side: p.Side, Name: source, Detail: detail}
}

// finger converts the outcomes of a sensor's operations.
func finger(body drivers.Body) (door.Input, bool) {
	switch b := body.(type) {
	case drivers.FingerResult:
		return door.Finger{ID: b.ID, Result: result(b.Outcome), Page: b.Page, Score: b.Score, Detail: b.Detail}, true
	case drivers.EnrolStep:
		return door.EnrolProgress{ID: b.ID, View: b.View, Of: b.Of, Place: b.Place}, true
	case drivers.EnrolResult:
		return held{door.EnrolDone{ID: b.ID, Err: text(b.Err), Duplicate: b.Duplicate, Of: b.Of}, b.Template}, true
	case drivers.StoreResult:
		return door.StoreDone{ID: b.ID, Err: text(b.Err)}, true
	case drivers.EraseResult:
		return door.EraseDone{ID: b.ID, Err: text(b.Err)}, true
	default:
		return nil, false
	}
}

// result maps what cannot be understood to unavailable, never to a match (P11).
func result(o drivers.FingerOutcome) policy.FactorResult {
	switch o {
	case drivers.FingerMatch:
		return policy.FactorMatch
	case drivers.FingerMismatch:
		return policy.FactorMismatch
	case drivers.FingerUnreadable:
		return policy.FactorUnreadable
	case drivers.FingerTimeout:
		return policy.FactorTimeout
	default:
		return policy.FactorUnavailable
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
