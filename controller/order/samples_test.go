package order

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"sekimori/policy"
)

// Fixed keys and times of the tests and vectors. The seeds are public: whoever
// pins one of these keys on a door gives it away.
var (
	testAdmin = seedKey(1)
	testRobot = seedKey(2)
	testOther = seedKey(3)
	testHere  = Here{Door: "machine-room", Place: "machine_room"}
	testNow   = policy.Instant{Wall: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), Trusted: true}
)

func seedKey(n byte) *PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = n
	}
	return &PrivateKey{ed25519.NewKeyFromSeed(seed)}
}

func testKeys(t testing.TB) *Keys {
	t.Helper()
	from := testNow.Wall.AddDate(-1, 0, 0)
	k, err := PinKeys([]Key{
		{Public: testAdmin.Public(), Holder: "admin", Role: Administrator, From: from},
		{Public: testRobot.Public(), Holder: "robot", Role: Automation, From: from},
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func u16(n uint16) *uint16 { return &n }

// sample is a valid document of each act.
func sample(a Act) Document {
	d := Document{
		Act: a, ID: ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		Place: testHere.Place, Doors: []string{testHere.Door}, Capacity: Administrator,
		NotBefore: testNow.Wall.Add(-time.Minute), NotAfter: testNow.Wall.Add(time.Hour),
	}
	switch a {
	case Enroll:
		d.Person, d.Page = "s-001", u16(0)
	case Erase:
		d.Person = "s-001"
	case Import:
		d.Capacity = Automation
	case Reset:
		d.Person, d.Scope, d.Reason = "s-001", []string{ScopeLockout, ScopePassback}, "指を怪我した"
	case Lockdown:
		d.Capacity, d.Doors, d.Reason = Automation, []string{"archive", testHere.Door}, "不審者"
	case Resecure, Release:
		d.Reason = "点検 終了"
	}
	return d
}

func signSample(t testing.TB, a Act) []byte {
	t.Helper()
	return signDocument(t, sample(a))
}

func signDocument(t testing.TB, d Document) []byte {
	t.Helper()
	var payload []byte
	if d.Act == Import {
		payload = []byte("[[persons]]\nid = \"s-001\"\n")
	}
	key := testAdmin
	if d.Capacity == Automation {
		key = testRobot
	}
	b, err := Sign(d, payload, key)
	if err != nil {
		t.Fatalf("%s: %v", d.Act, err)
	}
	return b
}

// code gives the refusal's code, "" for none.
func code(t testing.TB, err error) Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var r *Refusal
	if !errors.As(err, &r) {
		t.Fatalf("%v is no refusal", err)
	}
	return r.Code
}

func sprint(verb string, v any) string { return fmt.Sprintf(verb, v) }
