package order

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sekimori/policy"
)

var update = flag.Bool("update", false, "write testdata/orders anew")

const vectorDir = "../../testdata/orders"

// vectorFile is one readable file of vectors, for another implementation.
type vectorFile struct {
	About   string      `json:"about"`
	Source  string      `json:"source"`
	Context string      `json:"signature_context_hex"` // before the document in what is signed
	Keys    []vectorKey `json:"keys"`
	Door    string      `json:"door"`
	Place   string      `json:"place"`
	Now     time.Time   `json:"now"`
	Vectors []vector    `json:"vectors"`
}

type vectorKey struct {
	Seed   string `json:"ed25519_seed_hex"`
	Public string `json:"public_base64"`
	ID     string `json:"id_hex"`
	Role   string `json:"role"` // "" if the door does not know it
}

type vector struct {
	Name       string   `json:"name"`
	Meaning    string   `json:"meaning"`      // the document in diagnostic words
	Document   string   `json:"document_hex"` // what is signed, after the context
	Signatures []string `json:"signatures_hex"`
	Payload    string   `json:"payload_hex,omitempty"`
	Signed     string   `json:"signed_hex"` // the envelope as it travels
	Verdict    string   `json:"verdict"`    // accepted, or the refusal's code
}

func keysOfVectors() []vectorKey {
	var out []vectorKey
	for _, k := range []struct {
		key  *PrivateKey
		role Role
	}{{testAdmin, Administrator}, {testRobot, Automation}, {testOther, ""}} {
		pub := k.key.Public()
		out = append(out, vectorKey{
			Seed: hex.EncodeToString(k.key.key.Seed()), Public: pub.String(), ID: pub.ID().String(), Role: string(k.role),
		})
	}
	return out
}

func describe(t *testing.T, name, meaning string, signed []byte) vector {
	v := vector{Name: name, Meaning: meaning, Signed: hex.EncodeToString(signed), Verdict: "accepted"}
	var w wireSigned
	if decoder.Unmarshal(signed, &w) == nil {
		v.Document, v.Payload = hex.EncodeToString(w.Document), hex.EncodeToString(w.Payload)
		for _, s := range w.Signatures {
			v.Signatures = append(v.Signatures, hex.EncodeToString(s))
		}
	}
	if _, err := Verify(testKeys(t), signed, testHere, testNow); err != nil {
		v.Verdict = string(code(t, err))
	}
	return v
}

// acceptedVectors: one of each act.
func acceptedVectors(t *testing.T) []vector {
	words := map[Act]string{
		Enroll:   "act enroll, person s-001, page 0, one hour from one minute ago, capacity administrator",
		Erase:    "act erase, person s-001",
		Import:   "act import, capacity automation, the payload bound by hash and length",
		Reset:    "act reset, person s-001, scope lockout and passback, with a reason in Japanese",
		Resecure: "act resecure, with a reason that holds a space",
		Lockdown: "act lockdown, two doors in ascending order, capacity automation",
		Release:  "act release",
	}
	var out []vector
	for _, a := range Acts() {
		out = append(out, describe(t, string(a), words[a], signSample(t, a)))
	}
	return out
}

// refusedVectors: each breaks one rule. What breaks the form is signed all the
// same, so that the form alone decides.
func refusedVectors(t *testing.T) []vector {
	var out []vector
	add := func(name, meaning string, signed []byte) { out = append(out, describe(t, name, meaning, signed)) }
	good := signSample(t, Release)
	_, w, err := open(good)
	if err != nil {
		t.Fatal(err)
	}
	reform := func(f func([]byte) []byte) []byte {
		doc := f(bytes.Clone(w.Document))
		b, err := encoder.Marshal(&wireSigned{Version: 1, Document: doc, Signatures: [][]byte{ed25519.Sign(testAdmin.key, signedBytes(doc))}})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	replace := func(old, new string) []byte {
		return reform(func(doc []byte) []byte {
			o, n := unhex(t, old), unhex(t, new)
			if bytes.Count(doc, o) != 1 {
				t.Fatalf("%s does not stand once in %x", old, doc)
			}
			return bytes.Replace(doc, o, n, 1)
		})
	}
	add("long integer", "the version 1 as 18 01 instead of 01", replace("010102", "01180102"))
	add("long key", "the map key 2 as 18 02", replace("0267", "180267"))
	add("long string header", "the act's length in two bytes", replace("0267", "027807"))
	add("keys out of order", "act before version", replace("0101026772656c65617365", "026772656c656173650101"))
	add("a key twice", "the act stands twice, the map has one entry more", reform(func(doc []byte) []byte {
		doc[0]++
		return bytes.Replace(doc, unhex(t, "026772656c65617365"), unhex(t, "026772656c65617365026772656c65617365"), 1)
	}))
	add("indefinite map", "the map begins with bf and ends with ff", reform(func(doc []byte) []byte {
		return append(append([]byte{0xbf}, doc[1:]...), 0xff)
	}))
	add("unknown field", "key 24 with the value 0", reform(func(doc []byte) []byte {
		doc[0]++
		return append(doc, 0x18, 0x18, 0x00)
	}))
	add("empty field", "key 10 (person) with an empty text", reform(func(doc []byte) []byte {
		doc[0]++
		return bytes.Replace(doc, []byte{0x0b, 0x6d}, []byte{0x0a, 0x60, 0x0b, 0x6d}, 1)
	}))
	add("tagged", "the document's map carries tag 55799", reform(func(doc []byte) []byte { return append(unhex(t, "d9d9f7"), doc...) }))
	add("trailing byte", "a zero byte after the document", reform(func(doc []byte) []byte { return append(doc, 0) }))
	add("unknown act", "act xelease", replace("026772656c65617365", "026778656c65617365"))
	flipped := bytes.Clone(good)
	flipped[len(flipped)-1] ^= 1
	add("bad signature", "the last bit of the signature changed", flipped)
	other, err := Sign(sample(Release), nil, testOther)
	if err != nil {
		t.Fatal(err)
	}
	add("unknown key", "signed by a key that the door does not know", other)
	for name, c := range map[string]struct {
		meaning string
		change  func(*Document)
	}{
		"expired":       {"not after is now", func(d *Document) { d.NotAfter = testNow.Wall }},
		"not yet":       {"not before is one second from now", func(d *Document) { d.NotBefore = testNow.Wall.Add(time.Second) }},
		"wrong door":    {"for door archive", func(d *Document) { d.Doors = []string{"archive"} }},
		"wrong place":   {"for place toyoda", func(d *Document) { d.Place = "toyoda" }},
		"not that role": {"an automation key orders a release", func(d *Document) { d.Capacity = Automation }},
	} {
		d := sample(Release)
		c.change(&d)
		add(name, c.meaning, signDocument(t, d))
	}
	slices.SortStableFunc(out, func(a, b vector) int { return strings.Compare(a.Verdict, b.Verdict) })
	slices.SortStableFunc(out, func(a, b vector) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors holds testdata/orders against the code, in both directions.
func TestVectors(t *testing.T) {
	for name, make := range map[string]func(*testing.T) []vector{
		"accepted.json": acceptedVectors, "refused.json": refusedVectors,
	} {
		path := filepath.Join(vectorDir, name)
		want := vectorFile{
			About: "Signed orders of version 1. The form is described in controller/order/doc.go. " +
				"An order is verified by the door and at the time given below, by the keys that have a role.",
			Source:  "Written by controller/order (go test -run TestVectors -update); Ed25519 as in RFC 8032, CBOR as in RFC 8949. The seeds are public: never pin these keys.",
			Context: hex.EncodeToString([]byte(signatureContext)), Keys: keysOfVectors(),
			Door: testHere.Door, Place: string(testHere.Place), Now: testNow.Wall, Vectors: make(t),
		}
		if *update {
			b, err := json.MarshalIndent(want, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got vectorFile
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is not what the code makes; see -update", name)
		}
		for _, v := range got.Vectors {
			o, err := Verify(testKeys(t), unhex(t, v.Signed), Here{got.Door, policy.PlaceID(got.Place)}, policy.Instant{Wall: got.Now, Trusted: true})
			switch {
			case err == nil && (v.Verdict != "accepted" || o.Act != Act(v.Name)):
				t.Errorf("%s: %s is accepted", name, v.Name)
			case err != nil && v.Verdict != string(code(t, err)):
				t.Errorf("%s: %s: %v, want %s", name, v.Name, err, v.Verdict)
			case err != nil && name == "accepted.json":
				t.Errorf("%s: %s: %v", name, v.Name, err)
			}
		}
	}
}
