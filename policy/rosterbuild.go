package policy

import (
	"cmp"
	"slices"
	"strings"
)

// NewRoster checks a roster as a whole and indexes it. The error is a
// [DataErrors] with everything that was found; no roster is returned with it.
//
// Whether a permit was given by the right post is judged at each attempt and
// not here: a roster with one bad permit must still be able to bring the
// revocation of another. [Rulebook.Vet] reports such permits.
func NewRoster(d RosterData) (*Roster, error) {
	b := builder{c: &complaints{}, r: &Roster{}, words: make(map[string]chars)}
	b.text.Grow(textSize(&d))
	b.persons(d.Persons)
	b.badges(d.Badges)
	b.fingers(d.Fingers)
	b.posts(d.Posts)
	b.tenures(d.Tenures)
	b.permits(d.Permits)
	if err := b.c.err(); err != nil {
		return nil, err
	}
	b.r.hash = hashRoster(b.r)
	return b.r, nil
}

// builder fills one roster. r.text follows the text under construction, so
// that lookups already work while later lists are checked.
type builder struct {
	c     *complaints
	r     *Roster
	text  strings.Builder
	words map[string]chars // text that many records share
}

// textSize is an upper estimate, so that the one string is allocated once.
func textSize(d *RosterData) int {
	n := 0
	for i := range d.Persons {
		p := &d.Persons[i]
		n += len(p.ID) + len(p.Name) + len(p.Kana)
	}
	for i := range d.Badges {
		n += len(d.Badges[i].ID) + len(d.Badges[i].Number)
	}
	for i := range d.Permits {
		n += len(d.Permits[i].ID)
	}
	return n + 4096
}

func (b *builder) put(s string) chars {
	if len(s) > maxText { // already complained about
		return chars{}
	}
	c := chars{uint32(b.text.Len()), uint16(len(s))}
	b.text.WriteString(s)
	return c
}

// share stores text that repeats (affiliations, purposes) once.
func (b *builder) share(s string) chars {
	c, ok := b.words[s]
	if !ok {
		c = b.put(s)
		b.words[s] = c
	}
	return c
}

// record is where one record stands in the data. Its paths are only written
// out for a complaint: fifty thousand good persons have none.
type record struct {
	list string
	i    int
}

func (w record) path() string { return at(w.list, w.i) }

func (b *builder) add(w record, field, format string, args ...any) {
	b.c.add(at(w.list, w.i, field), format, args...)
}

func (b *builder) id(w record, field, id string) {
	if p := idProblem(id); p != "" {
		b.add(w, field, "%s", p)
	}
}

func (b *builder) line(w record, field, s string) {
	if p := textProblem(s); p != "" {
		b.add(w, field, "%s", p)
	}
}

// need is a line that must not be empty.
func (b *builder) need(w record, field, s string) {
	b.line(w, field, s)
	if s == "" {
		b.add(w, field, "missing")
	}
}

func (b *builder) window(w record, from, to Stamp) {
	if from < 0 || to < 0 {
		b.add(w, "from", "before 1970")
	}
	if to != 0 && to <= from {
		b.add(w, "to", "%v is not after from (%v); to is exclusive", to, from)
	}
}

// word gives the index of a word in a closed set.
func word[T ~string](b *builder, w record, field string, is T, set []T) uint8 {
	for i, s := range set {
		if s == is {
			return uint8(i)
		}
	}
	b.add(w, field, "%q is none of %q", is, set)
	return 0
}

// inOrder gives the indices of a list sorted by key, and complains about keys
// that occur twice.
func inOrder[K cmp.Ordered](b *builder, n int, list, field string, key func(int) K) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(key(i), key(j)) })
	for k := 1; k < n; k++ {
		if key(order[k]) == key(order[k-1]) {
			b.c.add(at(list, order[k], field), "is already that of %s", at(list, order[k-1]))
		}
	}
	return order
}

func (b *builder) person(w record, field string, id PersonID) int32 {
	i := b.r.personIndex(id)
	if i < 0 {
		b.add(w, field, "%q is no person of this roster", id)
	}
	return int32(i)
}

func (b *builder) post(w record, id PostID) int32 {
	i := b.r.postIndex(id)
	if i < 0 {
		b.add(w, "post", "%q is no post of this roster", id)
	}
	return int32(i)
}

func (b *builder) persons(in []PersonData) {
	out := make([]person, 0, len(in))
	for _, i := range inOrder(b, len(in), "persons", "id", func(i int) PersonID { return in[i].ID }) {
		p, w := &in[i], record{"persons", i}
		b.id(w, "id", string(p.ID))
		b.need(w, "name", p.Name)
		b.line(w, "kana", p.Kana)
		b.line(w, "affiliation", p.Affiliation)
		b.window(w, p.From, p.To)
		out = append(out, person{
			from: p.From, to: p.To,
			id: b.put(string(p.ID)), name: b.put(p.Name), kana: b.put(p.Kana), affl: b.share(p.Affiliation),
			category: word(b, w, "category", p.Category, categories),
			standing: word(b, w, "standing", p.Standing, standings),
			extended: p.Extended,
		})
	}
	b.r.persons, b.r.text = out, b.text.String()
}

func (b *builder) badges(in []BadgeData) {
	inOrder(b, len(in), "badges", "id", func(i int) BadgeID { return in[i].ID })
	out := make([]badge, 0, len(in))
	for _, i := range inOrder(b, len(in), "badges", "number", func(i int) string { return in[i].Number }) {
		p, w := &in[i], record{"badges", i}
		b.id(w, "id", string(p.ID))
		// The number itself stays out of the message (P12).
		if idProblem(p.Number) != "" {
			b.add(w, "number", "is no credential number: 1 to %d letters, digits, - _ .", maxID)
		}
		b.window(w, p.From, p.To)
		holder := int32(-1)
		if p.Person != "" {
			holder = b.person(w, "person", p.Person)
		}
		out = append(out, badge{
			from: p.From, to: p.To, id: b.put(string(p.ID)), number: b.put(p.Number), person: holder,
			state: word(b, w, "state", p.State, badgeStates),
		})
	}
	b.r.badges, b.r.text = out, b.text.String()
}

func (b *builder) fingers(in []FingerPage) {
	inOrder(b, len(in), "fingers", "page", func(i int) uint16 { return in[i].Page })
	out := make([]finger, 0, len(in))
	for i := range in {
		w := record{"fingers", i}
		if in[i].EnrolledAt <= 0 {
			b.add(w, "enrolled_at", "missing")
		}
		out = append(out, finger{in[i].EnrolledAt, b.person(w, "person", in[i].Person), in[i].Page})
	}
	slices.SortFunc(out, func(x, y finger) int {
		return cmp.Or(cmp.Compare(x.person, y.person), cmp.Compare(x.page, y.page))
	})
	b.r.fingers = out
}

func (b *builder) posts(in []PostData) {
	out := make([]post, 0, len(in))
	for _, i := range inOrder(b, len(in), "posts", "id", func(i int) PostID { return in[i].ID }) {
		p, w := &in[i], record{"posts", i}
		b.id(w, "id", string(p.ID))
		b.need(w, "ja", p.Ja)
		b.need(w, "en", p.En)
		out = append(out, post{b.put(string(p.ID)), b.put(p.Ja), b.put(p.En)})
	}
	b.r.posts, b.r.text = out, b.text.String()
}

func (b *builder) tenures(in []TenureData) {
	type numbered struct {
		tenure
		record
	}
	all := make([]numbered, 0, len(in))
	for i := range in {
		t, w := &in[i], record{"tenures", i}
		switch t.As {
		case "", "holder":
		case "acting", "deputy":
			b.add(w, "as", "%q is not built: only the holder of a post decides", t.As)
		default:
			b.add(w, "as", "%q is none of holder, acting, deputy", t.As)
		}
		if t.From <= 0 {
			b.add(w, "from", "missing")
		}
		b.window(w, t.From, t.To)
		all = append(all, numbered{tenure{t.From, t.To, b.person(w, "person", t.Person), b.post(w, t.Post)}, w})
	}
	slices.SortStableFunc(all, func(x, y numbered) int {
		return cmp.Or(cmp.Compare(x.post, y.post), cmp.Compare(x.from, y.from))
	})
	out := make([]tenure, len(all))
	for k := range all {
		out[k] = all[k].tenure
		if k > 0 && all[k].post == all[k-1].post && (all[k-1].to == 0 || all[k].from < all[k-1].to) {
			b.add(all[k].record, "from", "overlaps %s: a post has one holder at a time", all[k-1].path())
		}
	}
	b.r.tenures = out
}

func (b *builder) permits(in []PermitData) {
	places := make([]string, 0, 8)
	for i := range in {
		places = append(places, string(in[i].Place))
	}
	slices.Sort(places)
	b.r.places = slices.Clip(slices.Compact(places))
	out := make([]permit, 0, len(in))
	for _, i := range inOrder(b, len(in), "permits", "id", func(i int) PermitID { return in[i].ID }) {
		out = append(out, b.permit(record{"permits", i}, &in[i]))
	}
	slices.SortStableFunc(out, func(x, y permit) int {
		return cmp.Or(cmp.Compare(x.person, y.person), cmp.Compare(x.place, y.place), cmp.Compare(x.from, y.from))
	})
	b.r.permits, b.r.text = out, b.text.String()
}

func (b *builder) permit(w record, p *PermitData) permit {
	b.id(w, "id", string(p.ID))
	b.id(w, "place", string(p.Place))
	b.need(w, "purpose", p.Purpose)
	b.window(w, p.From, p.To)
	for _, m := range [...]struct {
		key string
		at  Stamp
	}{{"approved_at", p.ApprovedAt}, {"from", p.From}, {"to", p.To}} {
		if m.at <= 0 {
			b.add(w, m.key, "missing: a permit has a beginning, an end, and was approved")
		}
	}
	// 事前に (6-3-1): a permit that begins before it was approved would make an
	// entry lawful afterwards.
	if p.ApprovedAt > p.From {
		b.add(w, "approved_at", "%v is after from (%v): permission is given beforehand", p.ApprovedAt, p.From)
	}
	if p.RevokedAt < 0 {
		b.add(w, "revoked_at", "before 1970")
	}
	days, err := parseWeekdays(p.Days)
	if err != nil {
		b.add(w, "days", "%v", err)
	}
	window, err := parseHours(p.Hours)
	if err != nil {
		b.add(w, "hours", "%v", err)
	}
	place, _ := slices.BinarySearch(b.r.places, string(p.Place))
	return permit{
		approvedAt: p.ApprovedAt, from: p.From, to: p.To, revokedAt: p.RevokedAt,
		id: b.put(string(p.ID)), purpose: b.share(p.Purpose),
		person: b.person(w, "person", p.Person), approver: b.person(w, "approver", p.Approver),
		post: b.post(w, p.Post), place: int32(place),
		hours: window, days: days, holidays: p.Holidays,
	}
}
