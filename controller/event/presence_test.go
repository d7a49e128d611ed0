package event

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sekimori/policy"
)

const place policy.PlaceID = "machine_room"

func at(n int) Time { return At(time.Date(2026, 11, 24, 9, 0, n, 0, time.UTC)) }

func ev(k Kind, side Side, p policy.PersonID) Event {
	e := New(k)
	e.Side, e.Person, e.Place = side, p, place
	return e
}

func TestZone(t *testing.T) {
	in, out := func(p policy.PersonID) Event { return ev(AccessTaken, "entry", p) }, func(p policy.PersonID) Event { return ev(AccessTaken, "exit", p) }
	elsewhere := out("a")
	elsewhere.Place = "other"
	for _, c := range []struct {
		name   string
		events []Event
		want   map[policy.PersonID]policy.Presence
	}{
		{"nothing", nil, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnknown}},
		{"in", []Event{in("a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceInside, "b": policy.PresenceUnknown}},
		{"in and out", []Event{in("a"), out("a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceOutside}},
		{"out without in", []Event{out("a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceOutside}},
		{"granted is not taken", []Event{ev(AccessGranted, "entry", "a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnknown}},
		{"taken without a side", []Event{ev(AccessTaken, "", "a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnknown}},
		{"another place", []Event{in("a"), elsewhere}, map[policy.PersonID]policy.Presence{"a": policy.PresenceInside}},
		{"somebody left", []Event{in("a"), in("b"), in("c"), out("c"), ev(ExitUnidentified, "exit", "")},
			map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified, "b": policy.PresenceUnidentified, "c": policy.PresenceOutside}},
		{"the only one left, perhaps", []Event{in("a"), ev(ExitUnidentified, "exit", "")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified}},
		{"a claimed person left", []Event{in("a"), in("b"), ev(ExitUnidentified, "exit", "a")},
			map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified, "b": policy.PresenceInside}},
		{"doubt ends with an exit", []Event{in("a"), ev(ExitUnidentified, "exit", ""), out("a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceOutside}},
		{"doubt ends with an entry", []Event{in("a"), ev(ExitUnidentified, "exit", ""), in("a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceInside}},
		{"reset", []Event{in("a"), in("b"), ev(PassbackReset, "", "a")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnknown, "b": policy.PresenceInside}},
		{"reset of nobody", []Event{in("a"), ev(PassbackReset, "", "")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceInside}},
		{"two owners", []Event{in("a"), ev(OpeningAmbiguous, "", "b")},
			map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified, "b": policy.PresenceUnidentified}},
		{"forced", []Event{in("a"), out("b"), ev(DoorForced, "", "")},
			map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified, "b": policy.PresenceOutside}},
		{"key", []Event{in("a"), ev(DoorOpenedByKey, "", "")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified}},
		{"found open", []Event{in("a"), ev(DoorFoundOpen, "", "")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified}},
		{"fire", []Event{in("a"), ev(EmergencyRelease, "", "")}, map[policy.PersonID]policy.Presence{"a": policy.PresenceUnidentified}},
	} {
		z := NewZone(place)
		for i, e := range c.events {
			e.Seq, e.Time = uint64(i+1), at(i)
			z.Apply(e)
		}
		for p, want := range c.want {
			if got := z.Presence(p); got != want {
				t.Errorf("%s: %s is %d, want %d", c.name, p, got, want)
			}
		}
	}
}

func TestZoneKeepsTheOpenEntry(t *testing.T) {
	z := NewZone(place)
	e := ev(AccessTaken, "entry", "a")
	e.Seq, e.Time = 7, at(1)
	z.Apply(e)
	e = ev(ExitUnidentified, "exit", "")
	e.Seq, e.Time = 9, at(2)
	z.Apply(e)
	if s := z.People["a"]; s.Entry != 7 || s.Where != Unidentified || !s.Since.Equal(at(2).Time) {
		t.Errorf("%+v", s)
	}
	if in, may := z.Persons(Inside), z.Persons(Unidentified); len(in) != 0 || !slices.Equal(may, []policy.PersonID{"a"}) {
		t.Errorf("muster %v %v", in, may)
	}
}

// Restarting from the JSON in the middle of any stream comes to the same
// answer; and P11: nobody is ever inside or outside unless the newest thing
// said of him is exactly that.
func TestP11ZoneClaimsNoMoreThanTheEvents(t *testing.T) {
	kinds := []Kind{AccessTaken, AccessGranted, ExitUnidentified, OpeningAmbiguous, DoorForced, DoorOpenedByKey,
		DoorFoundOpen, EmergencyRelease, PassbackReset, FactorRead, AccessNotTaken}
	rapid.Check(t, func(t *rapid.T) {
		whole, restarted := NewZone(place), NewZone(place)
		newest := map[policy.PersonID]Where{}
		for i := range rapid.IntRange(0, 60).Draw(t, "events") {
			e := ev(rapid.SampledFrom(kinds).Draw(t, "kind"),
				rapid.SampledFrom([]Side{"", "entry", "exit"}).Draw(t, "side"),
				rapid.SampledFrom([]policy.PersonID{"", "a", "b", "c"}).Draw(t, "person"))
			e.Seq, e.Time = uint64(i+1), at(i)
			whole.Apply(e)
			restarted.Apply(e)
			if rapid.Bool().Draw(t, "restart") {
				b, err := json.Marshal(restarted)
				if err != nil {
					t.Fatal(err)
				}
				restarted = Zone{}
				if err := json.Unmarshal(b, &restarted); err != nil {
					t.Fatal(err)
				}
			}
			if e.Kind == AccessTaken && e.Side != "" && e.Person != "" {
				newest[e.Person] = map[Side]Where{"entry": Inside, "exit": Outside}[e.Side]
			}
			for p, s := range whole.People {
				if (s.Where == Inside || s.Where == Outside) && newest[p] != s.Where {
					t.Fatalf("%s is %s, but was last seen %q", p, s.Where, newest[p])
				}
			}
		}
		for p := range newest {
			if whole.Presence(p) != restarted.Presence(p) || whole.People[p].Entry != restarted.People[p].Entry {
				t.Fatalf("%s: %+v, after restarts %+v", p, whole.People[p], restarted.People[p])
			}
		}
	})
}

func TestZoneClone(t *testing.T) {
	z := NewZone(place)
	z.Apply(ev(AccessTaken, "entry", "a"))
	c := z.Clone()
	z.Apply(ev(AccessTaken, "exit", "a"))
	if c.Presence("a") != policy.PresenceInside {
		t.Error("a clone changed with its original")
	}
}

func TestRegisterNumber(t *testing.T) {
	jst := time.FixedZone("JST", 9*60*60)
	for _, c := range []struct {
		t    time.Time
		n    uint64
		want string
	}{
		{time.Date(2026, 11, 24, 9, 0, 0, 0, jst), 123, "machine-room-R8-000123"},
		{time.Date(2027, 3, 31, 23, 59, 59, 999, jst), 1, "machine-room-R8-000001"},
		{time.Date(2027, 4, 1, 0, 0, 0, 0, jst), 1, "machine-room-R9-000001"},
		{time.Date(2027, 3, 31, 15, 0, 0, 0, time.UTC).In(jst), 1, "machine-room-R9-000001"},
		{time.Date(2019, 5, 1, 0, 0, 0, 0, jst), 1_000_000, "machine-room-R1-1000000"},
		{time.Date(1970, 1, 1, 0, 0, 0, 0, jst), 1, "machine-room-1969-000001"},
	} {
		if got := RegisterNumber("machine-room", FiscalYear(c.t), c.n); got != c.want {
			t.Errorf("%v: %s, want %s", c.t, got, c.want)
		}
	}
	for _, c := range []struct {
		e    Event
		want bool
	}{{ev(AccessTaken, "entry", "a"), true}, {ev(AccessTaken, "exit", "a"), false}, {ev(AccessGranted, "entry", "a"), false}} {
		if c.e.Numbered() != c.want {
			t.Errorf("%s %s numbered: %v", c.e.Kind, c.e.Side, !c.want)
		}
	}
}

// Every kind has its severity and words; an unknown one is an incident.
func TestKindsAreComplete(t *testing.T) {
	for k, r := range rows {
		if r.ja == "" || r.en == "" || r.severity == "" || string(k) == "" {
			t.Errorf("%s: %+v", k, r)
		}
		if New(k).Severity != k.Severity() || k.Japanese() != r.ja || k.English() != r.en {
			t.Errorf("%s answers otherwise", k)
		}
	}
	if k := Kind("never_heard_of"); k.Severity() != SeverityA || k.Japanese() != "never_heard_of" || k.English() != "never_heard_of" {
		t.Error("an unknown kind is not an incident")
	}
}

// The JSON is canonical: what was written reads back as the same event, and
// writes as the same bytes.
func TestEventJSON(t *testing.T) {
	e := ev(AccessDenied, "entry", "s-001")
	e.Seq, e.Time, e.Clock, e.Door = 7, Time{time.Date(2026, 11, 24, 9, 0, 0, 120e6, time.FixedZone("", 9*60*60))}, Trusted, "machine-room"
	e.Failed = Findings([]policy.Finding{{Reason: policy.Expired, Article: "6-3-1"}})
	until := at(5)
	e.Until, e.Diff = &until, map[string]int{"z": 1, "a": 2}
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"seq":7,"kind":"access_denied","severity":"C","time":"2026-11-24T09:00:00.120+09:00","clock":"trusted",` +
		`"door":"machine-room","place":"machine_room","side":"entry","person":"s-001",` +
		`"failed":[{"reason":"EXPIRED","article":"6-3-1"}],"until":"2026-11-24T09:00:05.000Z","diff":{"a":2,"z":1}}`
	if string(b) != want {
		t.Errorf("%s", b)
	}
	var back Event
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); !reflect.DeepEqual(again, b) {
		t.Errorf("again %s", again)
	}
}

func TestTime(t *testing.T) {
	with := At(time.Date(2026, 1, 1, 0, 0, 0, 999_999, time.UTC))
	if with.Nanosecond() != 0 {
		t.Errorf("not rounded down: %v", with)
	}
	for _, s := range []string{`"2026-11-24T09:00:00Z"`, `"2026-11-24 09:00:00.000Z"`, `7`, `""`} {
		var got Time
		if err := json.Unmarshal([]byte(s), &got); err == nil {
			t.Errorf("%s was read as %v", s, got)
		}
	}
}

func TestSides(t *testing.T) {
	for _, s := range []policy.Side{policy.Entry, policy.Exit} {
		if SideOf(s).Policy() != s {
			t.Errorf("%v", s)
		}
	}
	if SideOf(0) != "" || Side("roof").Policy() != 0 {
		t.Error("an unknown side has a name")
	}
}

// Property: a time that reads is written back as the same instant and text.
func FuzzTime(f *testing.F) {
	f.Add(`"2026-11-24T09:00:00.120+09:00"`)
	f.Fuzz(func(t *testing.T, s string) {
		var got Time
		if json.Unmarshal([]byte(s), &got) != nil {
			return
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again Time
		if err := json.Unmarshal(b, &again); err != nil || !again.Equal(got.Time) {
			t.Fatalf("%s, written %s, reads as %v: %v", s, b, again, err)
		}
	})
}
