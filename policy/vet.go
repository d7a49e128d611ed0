package policy

import "time"

// Vet holds a roster against the rulebook and reports what is legal data but
// will not do what somebody may believe: a permit for a place that is not, by
// a post that does not manage it or a person who did not hold it, one that
// ends later than it may, and a place whose post is vacant at the given
// moment. Judge refuses by each of them. The error is a [DataErrors] whose
// paths follow [Roster.Data].
func (rb *Rulebook) Vet(ro *Roster, now Stamp) error {
	c := &complaints{}
	d := ro.Data()
	for i := range d.Permits {
		rb.vetPermit(c, ro, at("permits", i), &d.Permits[i])
	}
	for _, p := range rb.Places() {
		if _, held := ro.Holder(p.Post, now); !held {
			c.add("tenures", "nobody holds %s, which manages %s", p.Post, p.ID)
		}
	}
	return c.err()
}

func (rb *Rulebook) vetPermit(c *complaints, ro *Roster, path string, p *PermitData) {
	place, known := rb.Place(p.Place)
	switch {
	case !known:
		c.add(at(path, "place"), "permit %s: the rulebook covers no place %q", p.ID, p.Place)
		return
	case place.Entry.Permit != PermitPrior:
		c.add(at(path, "place"), "permit %s: %s asks for no prior permit", p.ID, p.Place)
	case place.Post != p.Post:
		c.add(at(path, "post"), "permit %s: %s is managed by %s, not by %s", p.ID, p.Place, place.Post, p.Post)
	}
	if holder, held := ro.Holder(p.Post, p.ApprovedAt); !held || holder != p.Approver {
		c.add(at(path, "approver"), "permit %s: %s did not hold %s at %s", p.ID, p.Approver, p.Post, p.ApprovedAt)
	}
	m := matter{rb: rb, ro: ro}
	if i := ro.personIndex(p.Person); i >= 0 {
		m.person = &ro.persons[i]
	}
	if end := m.permitEnd(&permit{from: p.From, to: p.To}); end < p.To {
		c.add(at(path, "to"), "permit %s: ends at %s at the latest", p.ID,
			end.Time().In(rb.Location()).Format(time.RFC3339))
	}
}
