package event

import (
	"maps"
	"slices"

	"sekimori/policy"
)

// Zone is where the events last saw each person relative to one place: a fold
// over the event stream and nothing else, so that the door, the console and an
// auditor who replays the ledger come to the same answer. It is a plain value
// for JSON; the zero Zone of a place is an empty ledger. It is not safe for
// concurrent use.
//
// It never claims more than the events say (P11): an opening that no
// identified person accounts for leaves everybody who was inside in doubt, and
// only an identified passage or a reset ends a person's doubt.
type Zone struct {
	Place  policy.PlaceID               `json:"place"`
	People map[policy.PersonID]Standing `json:"people,omitempty"`
}

// Standing is one person's place in a Zone.
type Standing struct {
	Where Where  `json:"where"`
	Entry uint64 `json:"entry,omitempty"` // seq of the entry that still stands open
	Since Time   `json:"since"`           // wall clock of the event that set Where
}

// Where is a policy.Presence in text. An absent or unknown word is
// policy.PresenceUnknown.
type Where string

// The words of Where.
const (
	Inside       Where = "inside"
	Outside      Where = "outside"
	Unidentified Where = "unidentified"
)

// Presence converts to the judgement's value.
func (w Where) Presence() policy.Presence {
	switch w {
	case Inside:
		return policy.PresenceInside
	case Outside:
		return policy.PresenceOutside
	case Unidentified:
		return policy.PresenceUnidentified
	default:
		return policy.PresenceUnknown
	}
}

// NewZone is the presence of a place about which nothing is recorded yet.
func NewZone(place policy.PlaceID) Zone { return Zone{Place: place} }

// Presence of a person; policy.PresenceUnknown if the events never placed him.
func (z *Zone) Presence(p policy.PersonID) policy.Presence {
	return z.People[p].Where.Presence()
}

// Apply folds one recorded event. Events of other places and kinds that say
// nothing about presence change nothing.
//
//   - access_taken sets its person inside or outside.
//   - exit_unidentified puts its claimed person in doubt; if it names nobody,
//     everybody inside.
//   - opening_ambiguous puts its person in doubt (he may have walked in, or
//     watched somebody else walk out) and everybody inside.
//   - door_forced, door_opened_by_key, door_found_open and emergency_release
//     are openings without an owner: everybody inside is in doubt.
//   - passback_reset forgets its person.
func (z *Zone) Apply(ev Event) {
	if ev.Place != z.Place {
		return
	}
	switch ev.Kind {
	case AccessTaken:
		z.taken(ev)
	case ExitUnidentified:
		if ev.Person != "" {
			z.doubt(ev.Person, ev)
			return
		}
		z.doubtAll(ev)
	case OpeningAmbiguous:
		z.doubtAll(ev)
		if ev.Person != "" {
			z.doubt(ev.Person, ev)
		}
	case DoorForced, DoorOpenedByKey, DoorFoundOpen, EmergencyRelease:
		z.doubtAll(ev)
	case PassbackReset:
		delete(z.People, ev.Person)
	}
}

func (z *Zone) taken(ev Event) {
	switch side := ev.Side.Policy(); {
	case side == policy.Entry && ev.Person != "":
		z.set(ev.Person, Standing{Where: Inside, Entry: ev.Seq, Since: ev.Time})
	case side == policy.Exit && ev.Person != "":
		z.set(ev.Person, Standing{Where: Outside, Since: ev.Time})
	case side == policy.Exit:
		z.doubtAll(ev) // somebody left, and nobody says who
	}
}

// doubt marks one person as perhaps inside. His open entry stays known, so
// that the register can close it once it is explained.
func (z *Zone) doubt(p policy.PersonID, ev Event) {
	z.set(p, Standing{Where: Unidentified, Entry: z.People[p].Entry, Since: ev.Time})
}

func (z *Zone) doubtAll(ev Event) {
	for p, s := range z.People {
		if s.Where == Inside {
			z.doubt(p, ev)
		}
	}
}

func (z *Zone) set(p policy.PersonID, s Standing) {
	if z.People == nil {
		z.People = make(map[policy.PersonID]Standing)
	}
	z.People[p] = s
}

// Persons lists who stands at w, in order of id. For a muster list take
// Inside and Unidentified together: the second may still be in there.
func (z *Zone) Persons(w Where) []policy.PersonID {
	var out []policy.PersonID
	for p, s := range z.People {
		if s.Where == w {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// Clone is a copy that shares nothing with z.
func (z *Zone) Clone() Zone {
	return Zone{Place: z.Place, People: maps.Clone(z.People)}
}
