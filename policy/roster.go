package policy

import (
	"slices"
	"strings"
)

// Roster is a checked, immutable index of the people a door knows. The zero
// Roster (and a nil one) knows nobody. Its lookups allocate nothing.
//
// Fifty thousand persons must sit in a small box beside everything else, so
// that all text lies in one string and records hold offsets, which the garbage
// collector need not look at. Times are seconds, 0 an open end.
type Roster struct {
	text    string
	persons []person // sorted by id
	badges  []badge  // sorted by number
	fingers []finger // sorted by person, page
	posts   []post   // sorted by id
	tenures []tenure // sorted by post, from
	permits []permit // sorted by person, place, from, id
	places  []string // the places that permits name, sorted
	hash    string
}

// chars is a stretch of Roster.text.
type chars struct {
	at  uint32
	len uint16
}

type person struct {
	from, to             Stamp
	id, name, kana, affl chars
	category             uint8 // index of categories
	standing             uint8 // index of standings
	extended             bool
}

type badge struct {
	from, to   Stamp
	id, number chars
	person     int32 // index of persons, -1: nobody
	state      uint8 // index of badgeStates
}

type finger struct {
	enrolled Stamp
	person   int32
	page     uint16
}

type post struct{ id, ja, en chars }

type tenure struct {
	from, to Stamp
	person   int32
	post     int32
}

type permit struct {
	approvedAt, from, to, revokedAt Stamp
	id, purpose                     chars
	person, approver                int32
	post                            int32
	place                           int32 // index of places
	hours                           hours
	days                            weekdays
	holidays                        bool
}

var (
	categories  = []Category{Employee, FixedTerm, Dispatched, NonEmployee}
	standings   = []Standing{Active, Suspended, Left}
	badgeStates = []BadgeState{BadgeActive, BadgeDisabled, BadgeLost, BadgeStolen, BadgeDamaged}
)

func (r *Roster) str(c chars) string { return r.text[c.at : c.at+uint32(c.len)] }

// within tells whether from <= now < to; a 0 leaves that end open.
func within(now, from, to Stamp) bool { return from <= now && (to == 0 || now < to) }

// find is a binary search by text over n records that key gives in order.
func (r *Roster) find(n int, want string, key func(*Roster, int) chars) int {
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch got := r.str(key(r, mid)); {
		case got == want:
			return mid
		case got < want:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return -1
}

func (r *Roster) personIndex(id PersonID) int {
	if r == nil {
		return -1
	}
	return r.find(len(r.persons), string(id), func(r *Roster, i int) chars { return r.persons[i].id })
}

func (r *Roster) badgeIndex(number string) int {
	if r == nil || number == "" {
		return -1
	}
	return r.find(len(r.badges), number, func(r *Roster, i int) chars { return r.badges[i].number })
}

func (r *Roster) postIndex(id PostID) int {
	if r == nil {
		return -1
	}
	return r.find(len(r.posts), string(id), func(r *Roster, i int) chars { return r.posts[i].id })
}

// run gives the half-open range of records whose owner is want, in a list
// sorted by owner.
func run(n int, want int32, owner func(int) int32) (lo, hi int) {
	lo = firstAt(n, want, owner)
	return lo, firstAt(n, want+1, owner)
}

func firstAt(n int, want int32, owner func(int) int32) int {
	lo, hi := 0, n
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if owner(mid) < want {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

func (r *Roster) fingersOf(p int32) []finger {
	lo, hi := run(len(r.fingers), p, func(i int) int32 { return r.fingers[i].person })
	return r.fingers[lo:hi]
}

func (r *Roster) permitsOf(p int32) []permit {
	lo, hi := run(len(r.permits), p, func(i int) int32 { return r.permits[i].person })
	return r.permits[lo:hi]
}

// holder gives the index of the person who holds a post at a moment, or -1.
func (r *Roster) holder(post int32, now Stamp) int32 {
	lo, hi := run(len(r.tenures), post, func(i int) int32 { return r.tenures[i].post })
	for _, t := range r.tenures[lo:hi] {
		if within(now, t.from, t.to) {
			return t.person
		}
	}
	return -1
}

// Size counts the records of a roster.
type Size struct{ Persons, Badges, Fingers, Posts, Tenures, Permits int }

// Size counts the records.
func (r *Roster) Size() Size {
	if r == nil {
		return Size{}
	}
	return Size{len(r.persons), len(r.badges), len(r.fingers), len(r.posts), len(r.tenures), len(r.permits)}
}

// Person finds a person; false if there is none.
func (r *Roster) Person(id PersonID) (PersonData, bool) {
	if i := r.personIndex(id); i >= 0 {
		return r.personData(i), true
	}
	return PersonData{}, false
}

// BadgeByNumber finds a badge by its credential number.
func (r *Roster) BadgeByNumber(number string) (BadgeData, bool) {
	if i := r.badgeIndex(number); i >= 0 {
		return r.badgeData(i), true
	}
	return BadgeData{}, false
}

// Post finds a post; false if there is none.
func (r *Roster) Post(id PostID) (PostData, bool) {
	if i := r.postIndex(id); i >= 0 {
		return r.postData(i), true
	}
	return PostData{}, false
}

// Holder tells who holds a post at a moment; false if it is vacant or unknown.
func (r *Roster) Holder(post PostID, at Stamp) (PersonID, bool) {
	i := r.postIndex(post)
	if i < 0 {
		return "", false
	}
	p := r.holder(int32(i), at)
	if p < 0 {
		return "", false
	}
	return PersonID(r.str(r.persons[p].id)), true
}

// Pages appends the sensor pages that hold this person's fingers, ascending.
func (r *Roster) Pages(dst []uint16, id PersonID) []uint16 {
	i := r.personIndex(id)
	if i < 0 {
		return dst
	}
	for _, f := range r.fingersOf(int32(i)) {
		dst = append(dst, f.page)
	}
	return dst
}

// PageOwner tells whose finger a page holds; false for an empty page.
func (r *Roster) PageOwner(page uint16) (PersonID, bool) {
	if r == nil {
		return "", false
	}
	for i := range r.fingers {
		if r.fingers[i].page == page {
			return PersonID(r.str(r.persons[r.fingers[i].person].id)), true
		}
	}
	return "", false
}

// Hash identifies the roster's content: SHA-256, in hex, of its canonical
// form, independent of the order in which it was written. The zero Roster has
// none.
func (r *Roster) Hash() string {
	if r == nil {
		return ""
	}
	return r.hash
}

// Data gives the content back, sorted; it shares nothing mutable.
func (r *Roster) Data() RosterData {
	var d RosterData
	if r == nil {
		return d
	}
	d.Persons = each(len(r.persons), r.personData)
	d.Badges = each(len(r.badges), r.badgeData)
	d.Fingers = each(len(r.fingers), r.fingerData)
	d.Posts = each(len(r.posts), r.postData)
	d.Tenures = each(len(r.tenures), r.tenureData)
	d.Permits = each(len(r.permits), r.permitData)
	slices.SortFunc(d.Badges, func(a, b BadgeData) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(d.Permits, func(a, b PermitData) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return d
}

func each[T any](n int, get func(int) T) []T {
	if n == 0 {
		return nil
	}
	out := make([]T, n)
	for i := range out {
		out[i] = get(i)
	}
	return out
}

func (r *Roster) personID(i int32) PersonID {
	if i < 0 {
		return ""
	}
	return PersonID(r.str(r.persons[i].id))
}

func (r *Roster) personData(i int) PersonData {
	p := &r.persons[i]
	return PersonData{
		ID: PersonID(r.str(p.id)), Name: r.str(p.name), Kana: r.str(p.kana), Affiliation: r.str(p.affl),
		Category: categories[p.category], Standing: standings[p.standing],
		From: p.from, To: p.to, Extended: p.extended,
	}
}

func (r *Roster) badgeData(i int) BadgeData {
	b := &r.badges[i]
	return BadgeData{
		ID: BadgeID(r.str(b.id)), Number: r.str(b.number), Person: r.personID(b.person),
		State: badgeStates[b.state], From: b.from, To: b.to,
	}
}

func (r *Roster) fingerData(i int) FingerPage {
	f := &r.fingers[i]
	return FingerPage{Person: r.personID(f.person), Page: f.page, EnrolledAt: f.enrolled}
}

func (r *Roster) postData(i int) PostData {
	p := &r.posts[i]
	return PostData{ID: PostID(r.str(p.id)), Ja: r.str(p.ja), En: r.str(p.en)}
}

func (r *Roster) tenureData(i int) TenureData {
	t := &r.tenures[i]
	return TenureData{
		Post: PostID(r.str(r.posts[t.post].id)), Person: r.personID(t.person), From: t.from, To: t.to,
	}
}

func (r *Roster) permitData(i int) PermitData {
	p := &r.permits[i]
	return PermitData{
		ID: PermitID(r.str(p.id)), Place: PlaceID(r.places[p.place]), Person: r.personID(p.person),
		Post: PostID(r.str(r.posts[p.post].id)), Approver: r.personID(p.approver),
		ApprovedAt: p.approvedAt, From: p.from, To: p.to,
		Days: p.days.String(), Hours: p.hours.String(), Holidays: p.holidays,
		Purpose: r.str(p.purpose), RevokedAt: p.revokedAt,
	}
}
