package order

import (
	"errors"
	"slices"
	"testing"

	"sekimori/policy"
)

func rosterData() policy.RosterData {
	return policy.RosterData{
		Persons: []policy.PersonData{
			{ID: "s-001", Name: "一", Category: policy.Employee, Standing: policy.Active},
			{ID: "s-002", Name: "二", Category: policy.Employee, Standing: policy.Active},
		},
		Fingers: []policy.FingerPage{{Person: "s-001", Page: 0, EnrolledAt: 1}, {Person: "s-001", Page: 2, EnrolledAt: 1}},
	}
}

func roster(t *testing.T, d policy.RosterData) *policy.Roster {
	t.Helper()
	r, err := policy.NewRoster(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestApplyEnroll(t *testing.T) {
	r := roster(t, rosterData())
	o := &Order{Document: sample(Enroll)}
	o.Person, o.Page = "s-002", nil
	site := Site{Pages: 5, Busy: []uint16{1}, Now: 1000}
	c, err := Apply(r, o, site)
	if err != nil {
		t.Fatal(err)
	}
	if c.Page != 3 || !slices.Equal(c.Roster.Pages(nil, "s-002"), []uint16{3}) || c.Diff["fingers_added"] != 1 {
		t.Errorf("page %d, %v", c.Page, c.Diff)
	}
	if !slices.Equal(c.Fingers.Enrolled, []policy.FingerPage{{Person: "s-002", Page: 3, EnrolledAt: 1000}}) {
		t.Errorf("overlay %+v", c.Fingers)
	}
	if c.Before != r.Hash() || c.After != c.Roster.Hash() || c.Before == c.After {
		t.Errorf("hashes %s, %s", c.Before, c.After)
	}
	for _, page := range []uint16{0, 1, 5} { // taken, still to be erased, not there
		o.Page = u16(page)
		if _, err := Apply(r, o, site); code(t, err) != Impossible {
			t.Errorf("page %d: %v", page, err)
		}
	}
	o.Page = nil
	if _, err := Apply(r, o, Site{Pages: 3, Busy: []uint16{1}}); code(t, err) != Impossible {
		t.Errorf("full sensor: %v", err)
	}
	o.Person = "s-999"
	if _, err := Apply(r, o, site); code(t, err) != Impossible {
		t.Errorf("unknown person: %v", err)
	}
}

func TestApplyErase(t *testing.T) {
	r := roster(t, rosterData())
	o := &Order{Document: sample(Erase)}
	site := Site{Fingers: Fingers{Enrolled: []policy.FingerPage{{Person: "s-001", Page: 2, EnrolledAt: 1}}}}
	c, err := Apply(r, o, site)
	if err != nil || len(c.Roster.Pages(nil, "s-001")) != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if len(c.Fingers.Enrolled) != 0 || !slices.Equal(c.Fingers.Erased, []policy.PersonID{"s-001"}) {
		t.Errorf("overlay %+v", c.Fingers)
	}
	if len(site.Fingers.Enrolled) != 1 {
		t.Error("the overlay in force was changed")
	}
	o.Person = "s-002"
	if _, err := Apply(r, o, Site{}); code(t, err) != Impossible {
		t.Errorf("nothing to erase: %v", err)
	}
}

// people makes a roster file of persons and fingers.
func people(ids []policy.PersonID, fingers ...policy.FingerPage) policy.RosterData {
	d := policy.RosterData{Fingers: fingers}
	for _, id := range ids {
		d.Persons = append(d.Persons, policy.PersonData{ID: id, Name: "名", Category: policy.Employee, Standing: policy.Active})
	}
	return d
}

func on(page uint16, id policy.PersonID) policy.FingerPage {
	return policy.FingerPage{Person: id, Page: page, EnrolledAt: 1}
}

// doorway is a door at which orders are carried out one after the other.
type doorway struct {
	*testing.T
	roster *policy.Roster
	site   Site
}

func newDoorway(t *testing.T) *doorway {
	return &doorway{T: t, roster: &policy.Roster{}, site: Site{Pages: 162, Now: 1}}
}

func (d *doorway) try(o *Order) error {
	c, err := Apply(d.roster, o, d.site)
	if err != nil {
		return err
	}
	d.roster, d.site.Fingers = c.Roster, c.Fingers
	return nil
}

func (d *doorway) imports(file policy.RosterData) error {
	d.site.Parse = func([]byte) (policy.RosterData, error) { return file, nil }
	return d.try(&Order{Document: sample(Import), Payload: []byte("x")})
}

func (d *doorway) enrols(id policy.PersonID) error {
	o := &Order{Document: sample(Enroll)}
	o.Person, o.Page = id, nil
	return d.try(o)
}

func (d *doorway) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// holds compares who has which page, by page.
func (d *doorway) holds(want ...policy.FingerPage) {
	d.Helper()
	got := d.roster.Data().Fingers
	slices.SortFunc(got, func(a, b policy.FingerPage) int { return int(a.Page) - int(b.Page) })
	if !slices.Equal(got, want) {
		d.Errorf("fingers %v, want %v", got, want)
	}
}

var x, y, z policy.PersonID = "s-00x", "s-00y", "s-00z"

// TestP5PageStaysWithItsFinger: a page goes to nobody else while it holds a
// finger, whoever left and came back meanwhile.
func TestP5PageStaysWithItsFinger(t *testing.T) {
	d := newDoorway(t)
	both := []policy.PersonID{x, y}
	d.must(d.imports(people(both)))
	d.must(d.enrols(x))
	d.must(d.imports(people([]policy.PersonID{y})))
	d.holds()
	d.must(d.enrols(y))
	d.must(d.imports(people(both)))
	d.holds(on(0, y))
	// The file still knows the finger that x had: it was taken away with him.
	d.must(d.imports(people(both, on(0, x))))
	d.holds(on(0, y))
	d.must(d.enrols(x))
	d.holds(on(0, y), on(1, x))
}

// TestImportNeverGivesAPageAway: neither an enrolled finger's, nor a file's,
// nor one that is still to be erased.
func TestImportNeverGivesAPageAway(t *testing.T) {
	d := newDoorway(t)
	all := []policy.PersonID{x, y, z}
	d.must(d.imports(people(all, on(0, x))))
	d.must(d.enrols(y))
	d.site.Busy = []uint16{7}
	for page, why := range map[uint16]string{0: "another's, by a file", 1: "another's, enrolled", 7: "still to be erased"} {
		if err := d.imports(people(all, on(page, z))); code(t, err) != Impossible {
			t.Errorf("page %d (%s): %v", page, why, err)
		}
	}
	d.holds(on(0, x), on(1, y))
	// The same file again, and another finger of one who was enrolled.
	d.must(d.imports(people(all, on(0, x), on(5, y))))
	d.holds(on(0, x), on(1, y), on(5, y))
}

// TestImportOverlay: enrolments outlive an import, a file's own fingers follow
// the file, and no file brings back what was erased.
func TestImportOverlay(t *testing.T) {
	d := newDoorway(t)
	all := []policy.PersonID{x, y, z}
	d.must(d.imports(people(all, on(3, x), on(4, x), on(6, z))))
	d.must(d.enrols(y))
	d.must(d.imports(people(all, on(3, x))))
	d.holds(on(0, y), on(3, x))
	d.must(d.imports(people(all, on(3, x), on(6, z)))) // z's went with the import before
	d.holds(on(0, y), on(3, x))
	o := &Order{Document: sample(Erase)}
	o.Person = x
	d.must(d.try(o))
	d.must(d.imports(people(all, on(3, x))))
	d.holds(on(0, y))
	if want := []policy.PersonID{x, z}; !slices.Equal(d.site.Fingers.Erased, want) {
		t.Errorf("erased %v", d.site.Fingers.Erased)
	}
}

// TestImportHealsAnOldOverlay: rows of earlier versions may hold one page
// twice; the later enrolment is the one on the sensors.
func TestImportHealsAnOldOverlay(t *testing.T) {
	d := newDoorway(t)
	d.site.Fingers.Enrolled = []policy.FingerPage{on(0, x), on(0, y)}
	d.must(d.imports(people([]policy.PersonID{x, y})))
	d.holds(on(0, y))
	if !slices.Equal(d.site.Fingers.Enrolled, []policy.FingerPage{on(0, y)}) {
		t.Errorf("overlay %v", d.site.Fingers.Enrolled)
	}
}

func TestApplyBadImport(t *testing.T) {
	r := roster(t, rosterData())
	o := &Order{Document: sample(Import), Payload: []byte("x")}
	for name, parse := range map[string]func([]byte) (policy.RosterData, error){
		"unreadable": func([]byte) (policy.RosterData, error) { return policy.RosterData{}, errors.New("badge 10023") },
		"no reader":  nil,
		"inconsistent": func([]byte) (policy.RosterData, error) {
			return policy.RosterData{Persons: make([]policy.PersonData, 1)}, nil
		},
	} {
		c, err := Apply(r, o, Site{Parse: parse})
		var ref *Refusal
		if !errors.As(err, &ref) || c.Roster != nil {
			t.Errorf("%s: %v", name, err)
		} else if ref.Order == "" || slices.Contains([]string{"badge 10023"}, ref.Detail) {
			t.Errorf("%s: %+v", name, ref)
		}
	}
}

func TestApplyLeavesTheRosterAlone(t *testing.T) {
	r := roster(t, rosterData())
	for _, a := range []Act{Reset, Resecure, Lockdown, Release} {
		c, err := Apply(r, &Order{Document: sample(a)}, Site{})
		if err != nil || c.Roster != nil || c.Before != c.After {
			t.Errorf("%s: %+v, %v", a, c, err)
		}
	}
	nobody := &Order{Document: sample(Reset)}
	nobody.Person = "s-999"
	if _, err := Apply(r, nobody, Site{}); code(t, err) != Impossible {
		t.Errorf("reset of an unknown person: %v", err)
	}
	if _, err := Apply(r, &Order{Document: Document{Act: "open"}}, Site{}); code(t, err) != UnknownAct {
		t.Errorf("unknown act: %v", err)
	}
}
