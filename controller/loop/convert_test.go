package loop

import (
	"strings"
	"testing"

	"sekimori/controller/door"
	"sekimori/drivers"
	"sekimori/policy"
)

// TestSignalsAreToldApart: no two signals differ by colour only, every one has
// a row, and the texts fit an OSDP display.
func TestSignalsAreToldApart(t *testing.T) {
	type heard struct {
		led  drivers.Pattern
		tone drivers.Tone
	}
	seen := map[heard]string{}
	for name, s := range Signals() {
		led := s.LED
		led.OnColour, led.OffColour = 0, 0
		if led.Off == 0 {
			led.On = 0 // a steady light has no rhythm
		}
		k := heard{led, s.Tone}
		if other, dup := seen[k]; dup {
			t.Errorf("%s and %s differ by colour only", name, other)
		}
		seen[k] = string(name)
		if s.Name != string(name) {
			t.Errorf("%s is named %q", name, s.Name)
		}
		if len(s.Text) > 32 || strings.ContainsFunc(s.Text, func(r rune) bool { return r < 0x20 || r > 0x7E }) {
			t.Errorf("%s: text %q is not up to 32 printable ASCII characters", name, s.Text)
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d signals", len(seen))
	}
}

// TestUnknownIsNotFine: a level that is not known never becomes one that is,
// whatever the wiring (P11).
func TestUnknownIsNotFine(t *testing.T) {
	for _, activeOpen := range []bool{false, true} {
		p := Place{Line: door.LineLeaf, ActiveOpen: activeOpen}
		if got := p.level(drivers.Unknown); got != door.Unknown {
			t.Errorf("unknown became %v", got)
		}
		if p.level(drivers.Open) == p.level(drivers.Closed) {
			t.Error("open and closed became the same")
		}
	}
	if got := result(drivers.FingerOutcome(99)); got != policy.FactorUnavailable {
		t.Errorf("an outcome that nobody knows became %v", got)
	}
}

// TestP12Tag: the same badge has the same tag at the same box, another one
// elsewhere, and the number cannot be read from it.
func TestP12Tag(t *testing.T) {
	places := map[string]Place{"r": {Side: policy.Entry, Kind: door.BadgeReader}}
	read := func(key, number string) door.Badge {
		in, ok := NewConverter(places, []byte(key)).Input(drivers.Event{Source: "r", Body: drivers.Card{Number: number}})
		if !ok {
			t.Fatal("not converted")
		}
		return in.(door.Badge)
	}
	a := read("box 1", "12345678")
	if b := read("box 1", "12345678"); a.Tag != b.Tag {
		t.Error("the same badge has two tags")
	}
	if b := read("box 2", "12345678"); a.Tag == b.Tag {
		t.Error("two boxes give the same tag")
	}
	if b := read("box 1", "12345679"); a.Tag == b.Tag {
		t.Error("two badges have the same tag")
	}
	if len(a.Tag) != 10 || strings.Contains(a.Tag, "12345678") {
		t.Errorf("tag %q", a.Tag)
	}
}

// TestClearTextIsNotSecured: what the driver does not vouch for is open and
// clonable.
func TestClearTextIsNotSecured(t *testing.T) {
	places := map[string]Place{"r": {Side: policy.Entry, Kind: door.BadgeReader}}
	c := NewConverter(places, nil)
	in, _ := c.Input(drivers.Event{Source: "r", Body: drivers.Card{Number: "1"}})
	if b := in.(door.Badge); b.Wire != policy.WireOpen || b.Proof != policy.ProofClonable {
		t.Errorf("%+v", b)
	}
	if _, ok := c.Input(drivers.Event{Source: "stranger", Body: drivers.Card{Number: "1"}}); ok {
		t.Error("a device that is not configured was heard")
	}
}
