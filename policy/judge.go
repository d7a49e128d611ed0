package policy

import "math/bits"

// Judge decides one attempt at one instant. It runs every check of [checks]
// that applies, in their order, and never stops early: any failed check
// refuses; otherwise the first check that lacks evidence asks for it; otherwise
// the passage is granted. A nil rulebook or roster is the zero one, and
// refuses.
//
// On the exit side only the checks of identity can refuse or ask; every other
// one that does not hold becomes a remark. Evidence that timed out (finger,
// permission) is passed in again as such, so that Judge stays the only decider.
func Judge(rb *Rulebook, ro *Roster, a *Attempt, t Instant) Verdict {
	m := consider(rb, ro, a, t)
	v := m.verdict()
	v.Identified = true
	missing := 0 // index of the first open check, plus one
	for i := range checks {
		c := &checks[i]
		if !c.appliesTo(m.place, a.Side) {
			continue
		}
		outcome := c.fn(m)
		if outcome == pass {
			continue
		}
		if c.identity {
			v.Identified = false
		}
		switch refuses := c.refuses(m.rb, m.place, a.Side); {
		case outcome == open && !refuses:
			// Evidence that could not refuse is not asked for.
		case outcome == open:
			if missing == 0 {
				missing = i + 1
			}
		case refuses:
			v.failed |= 1 << i
		default:
			v.remarks |= 1 << i
		}
	}
	v.decide(missing)
	return v
}

// decide draws the conclusion from what was collected.
func (v *Verdict) decide(missing int) {
	switch {
	case v.failed != 0:
		c := &checks[v.failed.first()]
		v.Decision, v.Primary, v.Article = Deny, c.reason, c.article
	case missing > 0:
		c := &checks[missing-1]
		v.Decision, v.Need, v.Article = Need, c.needs, c.article
	default:
		v.Decision = Grant
	}
}

// outcome of one check. The zero outcome fails.
type outcome uint8

const (
	fail outcome = iota
	open         // evidence is missing
	pass
)

func passIf(ok bool) outcome {
	if ok {
		return pass
	}
	return fail
}

// checkSet is a set of checks by index; there are fewer than 64, which a test
// holds.
type checkSet uint64

func (s checkSet) first() int { return bits.TrailingZeros64(uint64(s)) }

func (s checkSet) findings() []Finding {
	if s == 0 {
		return nil
	}
	out := make([]Finding, 0, bits.OnesCount64(uint64(s)))
	for ; s != 0; s &= s - 1 {
		c := &checks[s.first()]
		out = append(out, Finding{Check: c.n, Reason: c.reason, Article: c.article})
	}
	return out
}

// matter is one attempt with everything that the rulebook and the roster say
// about it, looked up once. Checks take it by value: a pointer handed to a
// function value would move it to the heap, and the judgement allocates
// nothing.
type matter struct {
	rb     *Rulebook // never nil
	ro     *Roster
	a      Attempt
	t      Instant // Wall in the rulebook's zone
	now    Stamp
	place  *Place // never nil
	known  bool   // the rulebook covers the place
	side   SideRule
	badge  *badge  // nil: unknown
	person *person // nil: unknown or unassigned badge
	permit *permit // the best of the person's permits for the place; nil: none
	faults permitFault
	finger bool // a finger is enrolled
}

var (
	noRules Rulebook
	noPlace Place
)

func consider(rb *Rulebook, ro *Roster, a *Attempt, t Instant) matter {
	if rb == nil {
		rb = &noRules
	}
	m := matter{rb: rb, ro: ro, a: *a, t: t, place: rb.place(a.Place)}
	m.t.Wall = t.Wall.In(rb.Location())
	m.now = Stamp(t.Wall.Unix())
	if m.known = m.place != nil; !m.known {
		m.place = &noPlace
	}
	m.side = m.place.Side(a.Side)
	b := ro.badgeIndex(a.Holder.Number)
	if b < 0 {
		return m
	}
	m.badge = &ro.badges[b]
	p := m.badge.person
	if p < 0 {
		return m
	}
	m.person = &ro.persons[p]
	m.finger = len(ro.fingersOf(p)) > 0
	if m.place.Entry.Permit == PermitPrior {
		m.permit, m.faults = m.bestPermit(ro.permitsOf(p))
	}
	return m
}

// verdict names who and what the matter is about.
func (m *matter) verdict() Verdict {
	v := Verdict{Post: m.place.Post}
	if m.badge != nil {
		v.Badge = BadgeID(m.ro.str(m.badge.id))
	}
	if m.person != nil {
		v.Person = PersonID(m.ro.str(m.person.id))
		v.Extended = m.person.extended
	}
	if m.permit != nil && m.faults == 0 {
		v.Permit = PermitID(m.ro.str(m.permit.id))
		v.SelfPermitted = m.permit.approver == m.permit.person
	}
	return v
}
