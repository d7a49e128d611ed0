package door

import (
	"maps"
	"slices"
	"strconv"

	"sekimori/controller/event"
	"sekimori/policy"
)

// State is what survives a restart: presence, lockouts, mismatches counted,
// lockdown, emergency release, erasures not yet done, open grants, standing
// alarms. It changes only in Apply.
type State struct {
	Seq        uint64                     `json:"seq"` // the last event folded
	Zone       event.Zone                 `json:"zone"`
	Mismatches map[policy.BadgeID]int     `json:"mismatches,omitempty"` // in a row, entry side
	Lockouts   map[policy.BadgeID]Lockout `json:"lockouts,omitempty"`
	Rules      string                     `json:"rules,omitempty"`    // hash of the rulebook last recorded
	Lockdown   uint64                     `json:"lockdown,omitempty"` // seq of the event that began it; 0: none
	Resecure   uint64                     `json:"resecure,omitempty"` // seq of the fire that nobody re-secured yet
	Grants     []OpenGrant                `json:"grants,omitempty"`
	Requests   []OpenGrant                `json:"requests,omitempty"` // permissions asked for and not answered
	Erasures   []Erasure                  `json:"erasures,omitempty"`
	Enrolment  *Enrolment                 `json:"enrolment,omitempty"`
	Alarms     []Alarm                    `json:"alarms,omitempty"`
}

// Lockout is a credential's block, on the wall clock.
type Lockout struct {
	Seq    uint64          `json:"seq"`
	Person policy.PersonID `json:"person,omitempty"`
	From   event.Time      `json:"from"`
	Until  event.Time      `json:"until"`
}

// OpenGrant is a grant that neither was taken nor ended otherwise, or a
// request that was not answered.
type OpenGrant struct {
	Seq     uint64          `json:"seq"`
	Passage string          `json:"passage"`
	Side    event.Side      `json:"side"`
	Person  policy.PersonID `json:"person,omitempty"`
	Badge   policy.BadgeID  `json:"badge,omitempty"`
	Permit  policy.PermitID `json:"permit,omitempty"`
}

// Erasure is a template that is still on a sensor and must not be.
type Erasure struct {
	Seq    uint64          `json:"seq"`
	Side   event.Side      `json:"side"`
	Page   uint16          `json:"page"`
	Person policy.PersonID `json:"person,omitempty"`
}

// Enrolment is one that was begun and has no outcome yet.
type Enrolment struct {
	Seq    uint64          `json:"seq"`
	Order  string          `json:"order"`
	Person policy.PersonID `json:"person"`
	Page   uint16          `json:"page"`
	Sides  []event.Side    `json:"sides"`
}

// Alarm is one that stands.
type Alarm struct {
	Seq     uint64     `json:"seq"`
	Kind    event.Kind `json:"kind"`
	Device  string     `json:"device,omitempty"`
	Passage string     `json:"passage,omitempty"`
}

// Apply folds one recorded event into the state.
func (s *State) Apply(ev event.Event) {
	s.Seq = max(s.Seq, ev.Seq)
	if s.Zone.Place == "" {
		s.Zone = event.NewZone(ev.Place)
	}
	s.Zone.Apply(ev)
	s.applyAlarm(ev)
	switch ev.Kind {
	case event.AccessGranted:
		s.Grants = append(s.Grants, openGrantOf(ev))
		s.closeRequest(ev)
		if ev.Side.Policy() == policy.Entry {
			delete(s.Mismatches, ev.Badge)
		}
	case event.AccessTaken, event.AccessNotTaken, event.OpeningAmbiguous:
		s.Grants = slices.DeleteFunc(s.Grants, func(g OpenGrant) bool { return g.Passage == ev.Passage })
	case event.AccessDenied:
		s.closeRequest(ev)
		s.countMismatch(ev)
	case event.PermissionRequested:
		s.Requests = append(s.Requests, openGrantOf(ev))
	case event.PermissionTimeout:
		s.closeRequest(ev)
	case event.LockoutStart:
		s.lockOut(ev)
	case event.LockoutEnd:
		delete(s.Lockouts, ev.Badge)
		delete(s.Mismatches, ev.Badge)
	case event.ConfigChanged:
		s.Rules = ev.After
	case event.Lockdown:
		s.Lockdown = ev.Seq
	case event.LockdownReleased:
		s.Lockdown = 0
	case event.FireInput, event.EmergencyRelease:
		if s.Resecure == 0 {
			s.Resecure = ev.Seq
		}
	case event.EmergencyReset:
		s.Resecure = 0
	default:
		s.applyBiometric(ev)
	}
}

func (s *State) closeRequest(ev event.Event) {
	s.Requests = slices.DeleteFunc(s.Requests, func(r OpenGrant) bool { return r.Passage == ev.Passage })
}

// mismatched tells that Judge found the finger of somebody else.
func mismatched(ev event.Event) bool {
	return ev.Side.Policy() == policy.Entry && ev.Badge != "" &&
		slices.ContainsFunc(ev.Failed, func(f event.Finding) bool { return f.Reason == policy.IncorrectFactor })
}

// countMismatch counts what Judge found to be a finger of somebody else.
func (s *State) countMismatch(ev event.Event) {
	if !mismatched(ev) {
		return
	}
	if s.Mismatches == nil {
		s.Mismatches = map[policy.BadgeID]int{}
	}
	s.Mismatches[ev.Badge]++
}

func (s *State) lockOut(ev event.Event) {
	if s.Lockouts == nil {
		s.Lockouts = map[policy.BadgeID]Lockout{}
	}
	l := Lockout{Seq: ev.Seq, Person: ev.Person, From: ev.Time, Until: ev.Time}
	if ev.Until != nil {
		l.Until = *ev.Until
	}
	s.Lockouts[ev.Badge] = l
}

// locked lists the blocked credentials in a fixed order.
func (s *State) locked() []policy.BadgeID { return slices.Sorted(maps.Keys(s.Lockouts)) }

// applyAlarm keeps the alarms that stand. The fault of a device (as against a
// line's) names its side and is a moment, no state.
func (s *State) applyAlarm(ev event.Event) {
	if _, stands := endsWith[ev.Kind]; stands && !(ev.Kind == event.InputFault && (ev.Side != "" || ev.Device == "")) {
		k := alarmKey{ev.Kind, ev.Device}
		if _, ok := s.find(k); !ok {
			s.Alarms = append(s.Alarms, Alarm{Seq: ev.Seq, Kind: ev.Kind, Device: ev.Device, Passage: ev.Passage})
		}
		return
	}
	s.Alarms = slices.DeleteFunc(s.Alarms, func(a Alarm) bool {
		if endsWith[a.Kind] != ev.Kind {
			return false
		}
		return a.Kind == event.RosterStale || a.Kind == event.EmergencyRelease ||
			ev.Of == a.Seq || ev.Of == 0 && ev.Device == a.Device
	})
}

func (s *State) find(k alarmKey) (Alarm, bool) {
	for _, a := range s.Alarms {
		if a.Kind == k.kind && a.Device == k.device {
			return a, true
		}
	}
	return Alarm{}, false
}

// alarm is the seq of a standing alarm, 0 if it does not stand.
func (s *State) alarm(k event.Kind, device string) uint64 {
	a, _ := s.find(alarmKey{k, device})
	return a.Seq
}

func (s *State) standing() map[alarmKey]bool {
	out := make(map[alarmKey]bool, len(s.Alarms))
	for _, a := range s.Alarms {
		out[alarmKey{a.Kind, a.Device}] = true
	}
	return out
}

// applyBiometric keeps what is on the sensors and should not be.
func (s *State) applyBiometric(ev event.Event) {
	page := uint16(ev.Diff[diffPage])
	switch ev.Kind {
	case event.OrderAccepted:
		if _, ok := ev.Diff[diffPage]; ok {
			s.Enrolment = &Enrolment{Seq: ev.Seq, Order: ev.Order, Person: ev.Person, Page: page, Sides: sidesIn(ev.Diff)}
		}
	case event.BiometricEnrolled:
		s.Enrolment = nil
	case event.EnrolmentFailed:
		if e := s.Enrolment; e != nil && e.Order == ev.Order {
			for _, side := range e.Sides {
				s.addErasure(Erasure{Seq: ev.Seq, Side: side, Page: e.Page, Person: e.Person})
			}
			s.Enrolment = nil
		}
	case event.BiometricPending:
		s.addErasure(Erasure{Seq: ev.Seq, Side: ev.Side, Page: page, Person: ev.Person})
	case event.BiometricErased:
		s.Erasures = slices.DeleteFunc(s.Erasures, func(e Erasure) bool { return e.Side == ev.Side && e.Page == page })
	}
}

func sidesIn(diff map[string]int) []event.Side {
	var out []event.Side
	for _, side := range []policy.Side{policy.Entry, policy.Exit} {
		if diff[side.String()] != 0 {
			out = append(out, event.SideOf(side))
		}
	}
	return out
}

func (s *State) addErasure(e Erasure) {
	if !slices.ContainsFunc(s.Erasures, func(o Erasure) bool { return o.Side == e.Side && o.Page == e.Page }) {
		s.Erasures = append(s.Erasures, e)
	}
}

// erasingAt tells whether a page is still to be erased on one side.
func (s *State) erasingAt(side policy.Side, page uint16) bool {
	return slices.ContainsFunc(s.Erasures, func(e Erasure) bool { return e.Side.Policy() == side && e.Page == page })
}

// clone shares nothing with s.
func (s *State) clone() State {
	c := *s
	c.Zone = s.Zone.Clone()
	c.Mismatches, c.Lockouts = maps.Clone(s.Mismatches), maps.Clone(s.Lockouts)
	c.Grants, c.Requests = slices.Clone(s.Grants), slices.Clone(s.Requests)
	c.Erasures, c.Alarms = slices.Clone(s.Erasures), slices.Clone(s.Alarms)
	if s.Enrolment != nil {
		e := *s.Enrolment
		e.Sides = slices.Clone(e.Sides)
		c.Enrolment = &e
	}
	return c
}

func openGrantOf(ev event.Event) OpenGrant {
	return OpenGrant{Seq: ev.Seq, Passage: ev.Passage, Side: ev.Side, Person: ev.Person, Badge: ev.Badge, Permit: ev.Permit}
}

func openGrant(g *grant) OpenGrant {
	return OpenGrant{
		Seq: g.seq, Passage: g.passage, Side: event.SideOf(g.side), Person: g.person, Badge: g.badge, Permit: g.permit,
	}
}

// describe names the passage in an event that ends it.
func (g OpenGrant) describe(ev *event.Event) {
	ev.Passage, ev.Side, ev.Person, ev.Badge, ev.Permit = g.Passage, g.Side, g.Person, g.Badge, g.Permit
}

// passageID makes the next id of a run: the run's base, then a count.
func passageID(base uint64, n *uint64) string {
	*n++
	return strconv.FormatUint(base, 10) + "-" + strconv.FormatUint(*n, 10)
}
