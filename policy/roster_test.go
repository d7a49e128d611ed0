package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"
)

func wants(t *testing.T, err error, want ...string) {
	t.Helper()
	var list DataErrors
	if !errors.As(err, &list) {
		t.Fatalf("error is %v, want a DataErrors", err)
	}
	var one *DataError
	if !errors.As(err, &one) {
		t.Error("no single DataError can be found in it")
	}
	got := list.Error()
	for _, w := range want {
		if !strings.Contains("\n"+got, "\n"+w) {
			t.Errorf("no error begins with %q in:\n%s", w, got)
		}
	}
	if len(list) != len(want) {
		t.Errorf("%d errors, want %d:\n%s", len(list), len(want), got)
	}
}

func TestRosterRefuses(t *testing.T) {
	cases := map[string]struct {
		edit func(*RosterData)
		want []string
	}{
		"a person twice": {func(d *RosterData) { d.Persons = append(d.Persons, d.Persons[0]) },
			[]string{"persons.26.id: is already that of persons.0"}},
		"a badge id twice": {func(d *RosterData) { d.Badges[3].ID = "b-001" }, []string{"badges.3.id: is already that of badges.0"}},
		"a badge number twice, without telling it": {func(d *RosterData) { d.Badges[3].Number = "10023" },
			[]string{"badges.3.number: is already that of badges.0"}},
		"no number": {func(d *RosterData) { d.Badges[3].Number = "" }, []string{"badges.3.number: is no credential number"}},
		"a badge of nobody known": {func(d *RosterData) { d.Badges[0].Person = "s-999" },
			[]string{`badges.0.person: "s-999" is no person`}},
		"a page twice":              {func(d *RosterData) { d.Fingers[1].Page = 1 }, []string{"fingers.1.page: is already that of fingers.0"}},
		"a finger of nobody":        {func(d *RosterData) { d.Fingers[0].Person = "" }, []string{`fingers.0.person: "" is no person`}},
		"a finger never enrolled":   {func(d *RosterData) { d.Fingers[0].EnrolledAt = 0 }, []string{"fingers.0.enrolled_at: missing"}},
		"an unknown category":       {func(d *RosterData) { d.Persons[0].Category = "boss" }, []string{`persons.0.category: "boss" is none of`}},
		"no standing":               {func(d *RosterData) { d.Persons[0].Standing = "" }, []string{`persons.0.standing: "" is none of`}},
		"an unknown badge state":    {func(d *RosterData) { d.Badges[0].State = "ok" }, []string{`badges.0.state: "ok" is none of`}},
		"an id with a topic's sign": {func(d *RosterData) { d.Persons[25].ID = "v/#" }, []string{`persons.25.id: "v/#" is not an identifier`, "badges.25.person"}},
		"no name":                   {func(d *RosterData) { d.Persons[0].Name = "" }, []string{"persons.0.name: missing"}},
		"a name that commands a terminal": {func(d *RosterData) { d.Persons[0].Name = "\x1b[2J" },
			[]string{"persons.0.name: contains a control character"}},
		"a name that is no text":      {func(d *RosterData) { d.Persons[0].Kana = "\xff" }, []string{"persons.0.kana: not valid UTF-8"}},
		"a name without end":          {func(d *RosterData) { d.Persons[0].Affiliation = strings.Repeat("あ", 200) }, []string{"persons.0.affiliation: longer"}},
		"an end before its beginning": {func(d *RosterData) { d.Badges[0].To = d.Badges[0].From }, []string{"badges.0.to: "}},
		"two holders of a post": {func(d *RosterData) {
			d.Tenures = append(d.Tenures, TenureData{Post: "nanao_shishocho", Person: "s-019", From: d.Tenures[2].From + 1})
		}, []string{"tenures.5.from: overlaps tenures.2"}},
		"a deputy":               {func(d *RosterData) { d.Tenures[0].As = "deputy" }, []string{`tenures.0.as: "deputy" is not built`}},
		"a tenure of what":       {func(d *RosterData) { d.Tenures[0].As = "king" }, []string{`tenures.0.as: "king" is none`}},
		"a tenure without start": {func(d *RosterData) { d.Tenures[0].From = 0 }, []string{"tenures.0.from: missing"}},
		"a tenure of no post": {func(d *RosterData) { d.Tenures[0].Post = "x" },
			[]string{`tenures.0.post: "x" is no post`}},
		"a permit approved afterwards": {func(d *RosterData) { permitOf(d, "p-001").ApprovedAt = permitOf(d, "p-001").From + 1 },
			[]string{"permits.0.approved_at: "}},
		"a permit without end": {func(d *RosterData) { permitOf(d, "p-001").To = 0 }, []string{"permits.0.to: missing"}},
		"a permit by nobody":   {func(d *RosterData) { permitOf(d, "p-001").Approver = "" }, []string{`permits.0.approver: "" is no person`}},
		"a permit for nothing": {func(d *RosterData) { permitOf(d, "p-001").Purpose = "" }, []string{"permits.0.purpose: missing"}},
		"days that are none":   {func(d *RosterData) { permitOf(d, "p-001").Days = "mon-" }, []string{"permits.0.days: "}},
		"hours that are none":  {func(d *RosterData) { permitOf(d, "p-001").Hours = "9-17" }, []string{"permits.0.hours: "}},
		"several things at once": {func(d *RosterData) {
			d.Persons[0].Name, d.Badges[1].State, permitOf(d, "p-001").Place = "", "", ""
		}, []string{"persons.0.name", "badges.1.state", "permits.0.place"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var d RosterData
			decodeHino(t, "roster.toml", &d)
			c.edit(&d)
			ro, err := NewRoster(d)
			if ro != nil {
				t.Error("a roster came with the error")
			}
			wants(t, err, c.want...)
			if strings.Contains(err.Error(), "10023") {
				t.Error("the error tells a credential number")
			}
		})
	}
}

func TestErrorsAreBounded(t *testing.T) {
	_, err := NewRoster(RosterData{Persons: make([]PersonData, 1000)})
	var list DataErrors
	if !errors.As(err, &list) || len(list) != maxDataErrors+1 || !strings.Contains(list[maxDataErrors].Msg, "more") {
		t.Errorf("%d errors", len(list))
	}
}

func TestRosterGivesItsDataBack(t *testing.T) {
	ro := hinoRoster(t)
	d := ro.Data()
	again, err := NewRoster(d)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Data(), d) || again.Hash() != ro.Hash() {
		t.Error("the data does not come back as it was")
	}
	d.Persons[0].Name = "別人"
	if p, _ := ro.Person("m-001"); p.Name != "清水 和夫" {
		t.Error("the data shares memory with the roster")
	}
	if diff := DiffRosters(ro, again); !diff.Empty() || len(diff.Counts()) != 0 {
		t.Errorf("equal rosters differ: %v", diff)
	}
	for name, encode := range map[string]func(any) ([]byte, error){"json": json.Marshal, "toml": toml.Marshal} {
		b, err := encode(again.Data())
		if err != nil {
			t.Fatal(err)
		}
		var back RosterData
		if name == "json" {
			err = json.Unmarshal(b, &back)
		} else {
			err = toml.Unmarshal(b, &back)
		}
		if err != nil || !reflect.DeepEqual(back, again.Data()) {
			t.Errorf("%s changes the data: %v", name, err)
		}
	}
}

func TestHashTellsContentNotOrder(t *testing.T) {
	ro := hinoRoster(t)
	shuffled := hinoRoster(t, func(d *RosterData) {
		r := rand.New(rand.NewSource(1))
		r.Shuffle(len(d.Persons), reflect.Swapper(d.Persons))
		r.Shuffle(len(d.Badges), reflect.Swapper(d.Badges))
		r.Shuffle(len(d.Fingers), reflect.Swapper(d.Fingers))
		r.Shuffle(len(d.Posts), reflect.Swapper(d.Posts))
		r.Shuffle(len(d.Tenures), reflect.Swapper(d.Tenures))
		r.Shuffle(len(d.Permits), reflect.Swapper(d.Permits))
	})
	if ro.Hash() != shuffled.Hash() || len(ro.Hash()) != 64 {
		t.Error("the hash depends on the order")
	}
	hashes := map[string]string{ro.Hash(): "Hino"}
	for name, edit := range map[string]func(*RosterData){
		"name":      func(d *RosterData) { d.Persons[0].Name += "x" },
		"kana":      func(d *RosterData) { d.Persons[0].Kana += "x" },
		"extended":  func(d *RosterData) { d.Persons[0].Extended = true },
		"standing":  func(d *RosterData) { d.Persons[0].Standing = Left },
		"category":  func(d *RosterData) { d.Persons[0].Category = Dispatched },
		"number":    func(d *RosterData) { d.Badges[0].Number = "77" },
		"state":     func(d *RosterData) { d.Badges[0].State = BadgeLost },
		"holder":    func(d *RosterData) { d.Badges[0].Person = "s-002" },
		"page":      func(d *RosterData) { d.Fingers[0].Page = 500 },
		"post":      func(d *RosterData) { d.Posts[0].Ja += "x" },
		"tenure":    func(d *RosterData) { d.Tenures[0].To = d.Tenures[0].From + 9e8 },
		"permit to": func(d *RosterData) { d.Permits[0].To++ },
		"revoked":   func(d *RosterData) { d.Permits[0].RevokedAt = 5 },
		"holidays":  func(d *RosterData) { d.Permits[0].Holidays = false },
		"hours":     func(d *RosterData) { d.Permits[0].Hours = "01:00-02:00" },
		"days":      func(d *RosterData) { d.Permits[0].Days = "sun" },
		"approver":  func(d *RosterData) { d.Permits[0].Approver = "m-002" },
	} {
		h := hinoRoster(t, edit).Hash()
		if other, dup := hashes[h]; dup {
			t.Errorf("%s has the hash of %s", name, other)
		}
		hashes[h] = name
	}
}

func TestDiff(t *testing.T) {
	before := hinoRoster(t)
	after := hinoRoster(t, func(d *RosterData) {
		d.Persons = append(d.Persons, PersonData{ID: "s-030", Name: "新人", Category: Employee, Standing: Active})
		badgeOf(d, "b-001").State = BadgeLost
		permitOf(d, "p-001").RevokedAt = 1795478400
		d.Fingers = d.Fingers[1:]
	})
	d := DiffRosters(before, after)
	want := Diff{
		Persons: Change{Added: []string{"s-030"}}, Badges: Change{Changed: []string{"b-001"}},
		Permits: Change{Changed: []string{"p-001"}}, Fingers: Change{Removed: []string{"s-001/1"}},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("diff %+v", d)
	}
	if got := fmt.Sprint(d.Counts()); got != "map[badges_changed:1 fingers_removed:1 permits_changed:1 persons_added:1]" {
		t.Errorf("counts %s", got)
	}
	if n := len(DiffRosters(nil, before).Persons.Added); n != before.Size().Persons {
		t.Errorf("from nobody %d were added", n)
	}
}

func TestLookups(t *testing.T) {
	ro := hinoRoster(t, func(d *RosterData) {
		d.Fingers = append(d.Fingers, FingerPage{"s-001", 65535, 1}, FingerPage{"s-001", 300, 1})
		d.Tenures[2].To = d.Tenures[2].From + 100
	})
	if got := ro.Pages(nil, "s-001"); !reflect.DeepEqual(got, []uint16{1, 300, 65535}) {
		t.Errorf("pages %v", got)
	}
	if got := ro.Pages(nil, "s-016"); got != nil {
		t.Errorf("pages of nobody's finger: %v", got)
	}
	if p, ok := ro.PageOwner(300); !ok || p != "s-001" {
		t.Errorf("page 300 is %s's", p)
	}
	if _, ok := ro.PageOwner(301); ok {
		t.Error("page 301 is somebody's")
	}
	end := ro.tenures[ro.postIndexTenure(t, "nanao_shishocho")].to
	for at, want := range map[Stamp]PersonID{end - 1: "m-003", end: "", end - 101: ""} {
		if got, _ := ro.Holder("nanao_shishocho", at); got != want {
			t.Errorf("holder at %v is %q, want %q", at, got, want)
		}
	}
	if _, ok := ro.Holder("nobody", end); ok {
		t.Error("an unknown post is held")
	}
	if p, ok := ro.Post("shimin_bucho"); !ok || !strings.Contains(p.Ja, "市民部長") {
		t.Errorf("post %v", p)
	}
}

func (r *Roster) postIndexTenure(t *testing.T, id PostID) int {
	for i := range r.tenures {
		if r.tenures[i].post == int32(r.postIndex(id)) {
			return i
		}
	}
	t.Fatalf("nobody held %s", id)
	return 0
}

// TestP12NumbersDoNotPrint: whatever is printed of people, no credential
// number is.
func TestP12NumbersDoNotPrint(t *testing.T) {
	ro := hinoRoster(t)
	a := arrives(ro, "10023")
	b, _ := ro.BadgeByNumber("10023")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{*a, a.Holder, b, []BadgeData{b}, &b, ro.Data()} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, "10023") {
				t.Errorf("%s of %T tells the number: %.80s", verb, v, s)
			}
		}
	}
}

// TestLookupsFindEveryone holds the index against a plain scan.
func TestLookupsFindEveryone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfNDistinct(rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,5}`), 1, 40, rapid.ID[string]).Draw(t, "ids")
		var d RosterData
		for _, id := range ids {
			d.Persons = append(d.Persons, PersonData{ID: PersonID(id), Name: "人" + id, Category: Employee, Standing: Active})
			d.Badges = append(d.Badges, BadgeData{ID: BadgeID("b" + id), Number: id, Person: PersonID(id), State: BadgeActive})
		}
		ro, err := NewRoster(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			p, ok := ro.Person(PersonID(id))
			b, okB := ro.BadgeByNumber(id)
			if !ok || !okB || p.Name != "人"+id || b.Person != PersonID(id) {
				t.Fatalf("%q is not found: %v %v", id, p, b)
			}
			if _, ok := ro.Person(PersonID(id + "!")); ok {
				t.Fatalf("somebody is called %q", id+"!")
			}
		}
	})
}
