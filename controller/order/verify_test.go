package order

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekimori/policy"
)

func TestEveryActIsAccepted(t *testing.T) {
	for _, a := range Acts() {
		o, err := Verify(testKeys(t), signSample(t, a), testHere, testNow)
		if err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		want := sample(a)
		if o.Act != a || o.ID != want.ID || o.Person != want.Person || o.Reason != want.Reason || len(o.Keys) != 1 {
			t.Errorf("%s: got %+v", a, o.Document)
		}
		if (a == Import) != (len(o.Payload) > 0) {
			t.Errorf("%s: payload of %d bytes", a, len(o.Payload))
		}
	}
}

// TestP8EveryFieldChanged: every field of every valid order, changed, removed
// or added under the same signature, is refused.
func TestP8EveryFieldChanged(t *testing.T) {
	for _, a := range Acts() {
		signed := signSample(t, a)
		_, w, err := open(signed)
		if err != nil {
			t.Fatal(err)
		}
		for name, mutate := range mutations() {
			var d wireDocument
			if err := decodeExact(w.Document, &d); err != nil {
				t.Fatal(err)
			}
			mutate(&d)
			doc, err := encoder.Marshal(&d)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(doc, w.Document) {
				continue // the act has no such field to remove
			}
			forged, err := encoder.Marshal(&wireSigned{Version: 1, Document: doc, Signatures: w.Signatures, Payload: w.Payload})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(testKeys(t), forged, testHere, testNow); err == nil {
				t.Errorf("%s with %s is accepted", a, name)
			}
		}
	}
}

func mutations() map[string]func(*wireDocument) {
	return map[string]func(*wireDocument){
		"version 2":          func(d *wireDocument) { d.Version = 2 },
		"another act":        func(d *wireDocument) { d.Act = map[string]string{"release": "resecure"}[d.Act] + "release" },
		"release":            func(d *wireDocument) { d.Act = pick(d.Act, "release", "resecure") },
		"erase":              func(d *wireDocument) { d.Act = pick(d.Act, "erase", "enroll") },
		"another id":         func(d *wireDocument) { d.ID = append(slices.Clone(d.ID[:15]), d.ID[15]^1) },
		"short id":           func(d *wireDocument) { d.ID = d.ID[:8] },
		"another place":      func(d *wireDocument) { d.Place = "toyoda" },
		"another door":       func(d *wireDocument) { d.Doors = []string{"toyoda"} },
		"one door more":      func(d *wireDocument) { d.Doors = append(slices.Clone(d.Doors), "toyoda") },
		"no door":            func(d *wireDocument) { d.Doors = nil },
		"another capacity":   func(d *wireDocument) { d.Capacity = pick(d.Capacity, "automation", "administrator") },
		"another key":        func(d *wireDocument) { id := testOther.Public().ID(); d.Keys = [][]byte{id[:]} },
		"the other key":      func(d *wireDocument) { d.Keys = otherPinned(d.Keys) },
		"no key":             func(d *wireDocument) { d.Keys = nil },
		"earlier":            func(d *wireDocument) { d.NotBefore-- },
		"later":              func(d *wireDocument) { d.NotAfter++ },
		"no begin":           func(d *wireDocument) { d.NotBefore = 0 },
		"no end":             func(d *wireDocument) { d.NotAfter = 0 },
		"beyond int64":       func(d *wireDocument) { d.NotAfter = 1 << 63 },
		"another person":     func(d *wireDocument) { d.Person = "s-002" },
		"no person":          func(d *wireDocument) { d.Person = "" },
		"another reason":     func(d *wireDocument) { d.Reason += "!" },
		"no reason":          func(d *wireDocument) { d.Reason = "" },
		"another payload":    func(d *wireDocument) { d.Payload = &wirePayload{Hash: make([]byte, 32), Length: 9} },
		"no payload":         func(d *wireDocument) { d.Payload = nil },
		"page 9":             func(d *wireDocument) { d.Page = u16(9) },
		"no page":            func(d *wireDocument) { d.Page = nil },
		"more scope":         func(d *wireDocument) { d.Scope = []string{"lockout"} },
		"no scope":           func(d *wireDocument) { d.Scope = nil },
		"unknown scope":      func(d *wireDocument) { d.Scope = []string{"all"} },
		"a writing reversed": func(d *wireDocument) { d.Reason = "ok \u202e" },
	}
}

func pick(is, a, b string) string {
	if is == a {
		return b
	}
	return a
}

func otherPinned(have [][]byte) [][]byte {
	a, r := testAdmin.Public().ID(), testRobot.Public().ID()
	if bytes.Equal(have[0], a[:]) {
		return [][]byte{r[:]}
	}
	return [][]byte{a[:]}
}

// TestP8EveryByteChanged: no byte of an envelope can be changed, added or
// taken.
func TestP8EveryByteChanged(t *testing.T) {
	for _, a := range []Act{Import, Lockdown} {
		signed := signSample(t, a)
		for i := range signed {
			for _, bit := range []byte{0x01, 0x20, 0x80} {
				forged := slices.Clone(signed)
				forged[i] ^= bit
				if _, err := Verify(testKeys(t), forged, testHere, testNow); err == nil {
					t.Fatalf("%s: accepted with byte %d changed by %#x", a, i, bit)
				}
			}
			if _, err := Verify(testKeys(t), signed[:i], testHere, testNow); err == nil {
				t.Fatalf("%s: accepted when cut to %d bytes", a, i)
			}
		}
		if _, err := Verify(testKeys(t), append(slices.Clone(signed), 0), testHere, testNow); err == nil {
			t.Fatalf("%s: accepted with a byte more", a)
		}
	}
}

func TestRefusals(t *testing.T) {
	with := func(a Act, f func(*Document)) []byte {
		d := sample(a)
		f(&d)
		return signDocument(t, d)
	}
	late, early := testNow, testNow
	late.Wall = testNow.Wall.Add(time.Hour)
	early.Wall = testNow.Wall.Add(-time.Minute - time.Second)
	unsure := testNow
	unsure.Trusted = false
	foreign, err := Sign(sample(Release), nil, testOther)
	if err != nil {
		t.Fatal(err)
	}
	robotReleases := sample(Release)
	robotReleases.Capacity = Automation
	pretender := sample(Release) // signed by the robot, in the administrator's name
	stolen, err := Sign(pretender, nil, testRobot)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		signed []byte
		here   Here
		at     policy.Instant
		want   Code
	}{
		{"good", signSample(t, Release), testHere, testNow, ""},
		{"last second", signSample(t, Release), testHere, policy.Instant{Wall: late.Wall.Add(-time.Second), Trusted: true}, ""},
		{"first second", signSample(t, Release), testHere, policy.Instant{Wall: early.Wall.Add(time.Second), Trusted: true}, ""},
		{"expired", signSample(t, Release), testHere, late, Expired},
		{"not yet", signSample(t, Release), testHere, early, NotYet},
		{"wrong door", signSample(t, Release), Here{"archive", testHere.Place}, testNow, WrongDoor},
		{"wrong place", signSample(t, Release), Here{testHere.Door, "toyoda"}, testNow, WrongPlace},
		{"lockdown of a list", signSample(t, Lockdown), Here{"archive", testHere.Place}, testNow, ""},
		{"unknown key", foreign, testHere, testNow, UnknownKey},
		{"automation may not release", with(Release, func(d *Document) { d.Capacity = Automation }), testHere, testNow, NotThatRole},
		{"automation as administrator", stolen, testHere, testNow, NotThatRole},
		{"untrusted clock, release", signSample(t, Release), testHere, unsure, ClockUntrusted},
		{"untrusted clock, import", signSample(t, Import), testHere, unsure, ClockUntrusted},
		{"untrusted clock, lockdown", signSample(t, Lockdown), testHere, unsure, ""},
		{"untrusted clock, resecure", signSample(t, Resecure), testHere, unsure, ""},
		{"nothing", nil, testHere, testNow, NotCanonical},
		{"too large", make([]byte, MaxSigned+1), testHere, testNow, TooLarge},
	} {
		_, err := Verify(testKeys(t), c.signed, c.here, c.at)
		if got := code(t, err); got != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.name, got, c.want, err)
		}
	}
}

func TestKeyInForce(t *testing.T) {
	signed := signSample(t, Release)
	for _, c := range []struct {
		from, to time.Time
		want     Code
	}{
		{testNow.Wall, time.Time{}, ""},
		{testNow.Wall.Add(time.Second), time.Time{}, KeyNotInForce},
		{testNow.Wall.Add(-time.Hour), testNow.Wall, KeyNotInForce},
		{testNow.Wall.Add(-time.Hour), testNow.Wall.Add(time.Second), ""},
	} {
		keys, err := PinKeys([]Key{{Public: testAdmin.Public(), Holder: "admin", Role: Administrator, From: c.from, To: c.to}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(keys, signed, testHere, testNow); code(t, err) != c.want {
			t.Errorf("from %v to %v: %v, want %q", c.from, c.to, err, c.want)
		}
	}
	if _, err := Verify(nil, signed, testHere, testNow); code(t, err) != UnknownKey {
		t.Errorf("without pinned keys: %v", err)
	}
}

// TestDomainSeparation: a signature over the same bytes for another purpose is
// none for an order.
func TestDomainSeparation(t *testing.T) {
	_, w, err := open(signSample(t, Release))
	if err != nil {
		t.Fatal(err)
	}
	for _, context := range []string{"", "sekimori order v1", "sekimori order v2\x00"} {
		w.Signatures = [][]byte{ed25519.Sign(testAdmin.key, append([]byte(context), w.Document...))}
		forged, _ := encoder.Marshal(w)
		if _, err := Verify(testKeys(t), forged, testHere, testNow); code(t, err) != BadSignature {
			t.Errorf("context %q: %v", context, err)
		}
	}
}

// TestTwoSignatures: an order may ask for more than one key, and then all must
// have signed.
func TestTwoSignatures(t *testing.T) {
	second := seedKey(9)
	keys, err := PinKeys([]Key{
		{Public: testAdmin.Public(), Holder: "a", Role: Administrator},
		{Public: second.Public(), Holder: "b", Role: Administrator},
	})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Sign(sample(Release), nil, second, testAdmin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(keys, signed, testHere, testNow); err != nil {
		t.Fatal(err)
	}
	_, w, _ := open(signed)
	for name, sigs := range map[string][][]byte{
		"one": w.Signatures[:1], "exchanged": {w.Signatures[1], w.Signatures[0]}, "twice": {w.Signatures[0], w.Signatures[0]},
	} {
		forged, _ := encoder.Marshal(&wireSigned{Version: 1, Document: w.Document, Signatures: sigs})
		if _, err := Verify(keys, forged, testHere, testNow); code(t, err) != BadSignature {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPayloadExchanged(t *testing.T) {
	_, w, err := open(signSample(t, Import))
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range [][]byte{nil, []byte("x"), append(slices.Clone(w.Payload), ' ')} {
		forged, _ := encoder.Marshal(&wireSigned{Version: 1, Document: w.Document, Signatures: w.Signatures, Payload: payload})
		if _, err := Verify(testKeys(t), forged, testHere, testNow); code(t, err) != BadPayload {
			t.Errorf("%q: %v", payload, err)
		}
	}
}

// TestLargeRoster: a roster of 50,000 persons fits.
func TestLargeRoster(t *testing.T) {
	var b strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&b, "[[persons]]\nid = \"s-%05d\"\nname = \"多摩平 花子%d\"\nkana = \"タマダイラ ハナコ\"\naffiliation = \"市民部市民窓口課\"\n"+
			"category = \"employee\"\nstanding = \"active\"\n\n[[badges]]\nid = \"b-%05d\"\nnumber = \"%d\"\nperson = \"s-%05d\"\nstate = \"active\"\n\n"+
			"[[permits]]\nid = \"p-%05d\"\nplace = \"machine_room\"\nperson = \"s-%05d\"\npost = \"joho_system_kacho\"\napprover = \"s-00001\"\n"+
			"approved_at = 2026-04-01T09:00:00+09:00\nfrom = 2026-04-01T09:00:00+09:00\nto = 2027-03-31T00:00:00+09:00\npurpose = \"保守\"\n\n", i, i, i, i, i, i, i)
	}
	signed, err := Sign(sample(Import), []byte(b.String()), testRobot)
	if err != nil {
		t.Fatalf("%d bytes: %v", b.Len(), err)
	}
	o, err := Verify(testKeys(t), signed, testHere, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Payload) != b.Len() || len(o.Kept) > MaxDocument {
		t.Errorf("payload %d of %d bytes, kept %d", len(o.Payload), b.Len(), len(o.Kept))
	}
}

// TestKeptOrderCanBeCheckedLater: what stands in the ledger still proves who
// signed.
func TestKeptOrderCanBeCheckedLater(t *testing.T) {
	o, err := Authenticate(testKeys(t), signSample(t, Import))
	if err != nil {
		t.Fatal(err)
	}
	var w wireSigned
	if err := decodeExact(o.Kept, &w); err != nil {
		t.Fatal(err)
	}
	pub := testRobot.Public()
	if w.Payload != nil || !ed25519.Verify(pub[:], signedBytes(w.Document), w.Signatures[0]) {
		t.Error("the kept order does not verify")
	}
}

// TestDocumentRoundTrip: encoding is injective and decoding its inverse.
func TestDocumentRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := sample(rapid.SampledFrom(Acts()).Draw(t, "act"))
		d.ID = ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		d.Place = policy.PlaceID(rapid.StringMatching(`[a-z][a-z0-9_-]{0,20}`).Draw(t, "place"))
		d.NotBefore = time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "from"), 0).UTC()
		d.NotAfter = d.NotBefore.Add(time.Duration(rapid.Int64Range(1, 31*86400).Draw(t, "life")) * time.Second)
		d.Keys = []KeyID{KeyID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key"))}
		if d.Act == Import {
			d.Payload = RefPayload([]byte("x"))
		}
		if d.ID == (ID{}) {
			return
		}
		b, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := got.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x encodes again as %x (%v)", b, again, err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	for _, a := range Acts() {
		f.Add(signSample(f, a))
	}
	keys := testKeys(f)
	good := map[string]bool{}
	for _, a := range Acts() {
		good[string(signSample(f, a))] = true
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Verify(keys, b, testHere, testNow)
		var r *Refusal
		switch {
		case err == nil && !good[string(b)]:
			t.Fatalf("forged: %+v from %x", o.Document, b)
		case err != nil && !errors.As(err, &r):
			t.Fatalf("%v is no refusal", err)
		}
	})
}

// FuzzDecode holds the one property of the form: what is understood encodes to
// the same bytes.
func FuzzDecode(f *testing.F) {
	for _, a := range Acts() {
		_, w, err := open(signSample(f, a))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(w.Document)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Decode(b)
		if err != nil {
			return
		}
		again, err := d.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x is understood, but encodes as %x (%v)", b, again, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	keys, signed := testKeys(b), signSample(b, Release)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(keys, signed, testHere, testNow); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRefuseUnknownKey(b *testing.B) {
	keys := testKeys(b)
	signed, _ := Sign(sample(Release), nil, testOther)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(keys, signed, testHere, testNow); err == nil {
			b.Fatal("accepted")
		}
	}
}
