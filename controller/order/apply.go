package order

import (
	"errors"
	"slices"

	"sekimori/policy"
)

// Fingers is what orders did to fingers since the box was made. Orders overlay
// an import and win: a file neither forgets a finger that was enrolled here
// nor brings back one that was taken away.
type Fingers struct {
	// Enrolled by an order, of persons whom the roster knows; a page stands
	// here once.
	Enrolled []policy.FingerPage `json:"enrolled,omitempty"`
	// Erased are the persons whose last finger was taken away, by an order or
	// by an import that no longer knew it. What a file says of their fingers
	// counts no more: the sensors do not hold them. Enrolling does.
	Erased []policy.PersonID `json:"erased,omitempty"`
}

// Change is what an accepted order does to the roster.
type Change struct {
	// Roster is the roster after the order; nil if the order does not touch it.
	Roster *policy.Roster
	// Fingers is the overlay after the order.
	Fingers Fingers
	// Page is the sensors' page of an enrolment.
	Page          uint16
	Before, After string // the rosters' hashes
	Diff          map[string]int
}

// Site is what Apply must know of the door besides the roster.
type Site struct {
	// Pages is how many pages every sensor of the door has; 0 if it has none.
	Pages int
	// Busy are pages that hold a template without an owner: their erasure is
	// not done yet.
	Busy []uint16
	// Fingers is the overlay in force.
	Fingers Fingers
	// Parse reads a roster file.
	Parse func(text []byte) (policy.RosterData, error)
	// Now is the time that an enrolment is given.
	Now policy.Stamp
}

// Apply tells what an order makes of the roster. It is pure: the same order on
// the same roster gives the same change. Errors are [Refusal]: a genuine order
// can ask for the impossible.
//
// An import replaces persons, badges, posts, tenures and permits, and the
// fingers that came with a file; [Fingers] lies over it. It never gives a page
// that holds a finger to somebody else: the template there would let the one
// in under the other's name (P5).
func Apply(before *policy.Roster, o *Order, site Site) (Change, error) {
	c := Change{Before: before.Hash(), After: before.Hash(), Fingers: site.Fingers}
	var data policy.RosterData
	var err error
	switch o.Act {
	case Enroll:
		data, err = c.enroll(before, o, site)
	case Erase:
		data, err = c.erase(before, o, site)
	case Import:
		data, err = c.replace(before, o, site)
	case Reset:
		if err := known(before, o.Person); err != nil {
			return Change{}, named(err, o)
		}
		return c, nil
	case Resecure, Lockdown, Release:
		return c, nil
	default:
		err = refuse(UnknownAct, "act %.40q is not known", string(o.Act))
	}
	if err != nil {
		return Change{}, named(err, o)
	}
	after, err := policy.NewRoster(data)
	if err != nil {
		return Change{}, named(refuse(Impossible, "the roster would not hold: %s", where(err)), o)
	}
	c.Roster, c.After, c.Diff = after, after.Hash(), policy.DiffRosters(before, after).Counts()
	return c, nil
}

// ChangesRoster tells the acts that give another roster.
func (a Act) ChangesRoster() bool { return a == Enroll || a == Erase || a == Import }

func known(r *policy.Roster, id policy.PersonID) error {
	if _, ok := r.Person(id); !ok {
		return refuse(Impossible, "person %s is not in the roster", id)
	}
	return nil
}

func (c *Change) enroll(before *policy.Roster, o *Order, site Site) (policy.RosterData, error) {
	if err := known(before, o.Person); err != nil {
		return policy.RosterData{}, err
	}
	page, err := freePage(before, o.Page, site)
	if err != nil {
		return policy.RosterData{}, err
	}
	c.Page = page
	finger := policy.FingerPage{Person: o.Person, Page: page, EnrolledAt: site.Now}
	c.Fingers.Enrolled = append(slices.Clone(site.Fingers.Enrolled), finger)
	data := before.Data()
	data.Fingers = append(data.Fingers, finger)
	return data, nil
}

// freePage gives the page that was asked for, else the lowest free one.
func freePage(r *policy.Roster, want *uint16, site Site) (uint16, error) {
	taken := map[uint16]bool{}
	for _, f := range r.Data().Fingers {
		taken[f.Page] = true
	}
	for _, p := range site.Busy {
		taken[p] = true
	}
	if want != nil {
		if int(*want) >= site.Pages || taken[*want] {
			return 0, refuse(Impossible, "page %d is taken or not there", *want)
		}
		return *want, nil
	}
	for p := range min(site.Pages, 1<<16) {
		if !taken[uint16(p)] {
			return uint16(p), nil
		}
	}
	return 0, refuse(Impossible, "all %d pages of the sensors are taken", site.Pages)
}

func (c *Change) erase(before *policy.Roster, o *Order, site Site) (policy.RosterData, error) {
	data := before.Data()
	gone := func(f policy.FingerPage) bool { return f.Person == o.Person }
	if !slices.ContainsFunc(data.Fingers, gone) {
		return data, refuse(Impossible, "no finger of %s is enrolled", o.Person)
	}
	data.Fingers = slices.DeleteFunc(data.Fingers, gone)
	c.Fingers = Fingers{
		Enrolled: slices.DeleteFunc(slices.Clone(site.Fingers.Enrolled), gone),
		Erased:   append(slices.Clone(site.Fingers.Erased), o.Person),
	}
	c.Fingers.tidy()
	return data, nil
}

func (c *Change) replace(before *policy.Roster, o *Order, site Site) (policy.RosterData, error) {
	if site.Parse == nil {
		return policy.RosterData{}, refuse(Impossible, "this door reads no roster files")
	}
	data, err := site.Parse(o.Payload)
	if err != nil {
		return data, refuse(BadPayload, "the roster file cannot be used: %s", where(err))
	}
	persons := map[policy.PersonID]bool{}
	for _, p := range data.Persons {
		persons[p.ID] = true
	}
	kept, taken := site.Fingers.kept(persons)
	fingers := slices.Clone(kept)
	for _, f := range data.Fingers {
		switch {
		case slices.Contains(site.Fingers.Erased, f.Person) || taken[f.Page] == f.Person && f.Person != "":
			continue
		case slices.Contains(site.Busy, f.Page):
			return data, refuse(Impossible, "page %d, the file's of %s, is still to be erased", f.Page, f.Person)
		}
		if owner, ok := before.PageOwner(f.Page); ok && owner != f.Person {
			return data, refuse(Impossible, "page %d holds a finger of %s: the file cannot give it to %s", f.Page, owner, f.Person)
		}
		fingers = append(fingers, f)
	}
	data.Fingers = fingers
	c.Fingers = Fingers{Enrolled: kept, Erased: append(slices.Clone(site.Fingers.Erased), bereft(before.Data().Fingers, fingers)...)}
	c.Fingers.tidy()
	return data, nil
}

// kept gives the enrolments of persons who stay, and who has which page by
// them. Of two for one page the later one is true.
func (f Fingers) kept(persons map[policy.PersonID]bool) ([]policy.FingerPage, map[uint16]policy.PersonID) {
	var out []policy.FingerPage
	taken := map[uint16]policy.PersonID{}
	for _, e := range slices.Backward(f.Enrolled) {
		if _, later := taken[e.Page]; !later && persons[e.Person] {
			taken[e.Page] = e.Person
			out = append(out, e)
		}
	}
	slices.Reverse(out)
	return out, taken
}

// bereft lists who had a finger and has none.
func bereft(before, after []policy.FingerPage) []policy.PersonID {
	has := map[policy.PersonID]bool{}
	for _, f := range after {
		has[f.Person] = true
	}
	var out []policy.PersonID
	for _, f := range before {
		if !has[f.Person] {
			out = append(out, f.Person)
		}
	}
	return out
}

func (f *Fingers) tidy() {
	slices.Sort(f.Erased)
	f.Erased = slices.Compact(f.Erased)
}

// where says where in the roster the first fault is, and nothing about its
// value: that might be a badge's number (P12). Whoever signs sees the whole
// error before he does.
func where(err error) string {
	var e *policy.DataError
	if errors.As(err, &e) && e.Path != "" {
		return "first fault at " + e.Path
	}
	return "it is not a roster"
}
