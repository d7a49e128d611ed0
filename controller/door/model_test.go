package door

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sekimori/controller/event"
	"sekimori/policy"
)

// model watches a door from outside and knows only what went in and what came
// out. It is the deliberately simple second opinion: it has no attempts, no
// queue and no alarms, only what each promise needs. A violation is kept with
// the promise's name.
type model struct {
	w *world
	// only restricts the checks to one promise; "" is all.
	only  string
	found string

	asked   *Record // the record in flight
	askedAt time.Duration
	spoiled bool // something came after it was asked that must keep it from opening

	level    [lineCount]Level // as given to the door
	stuck    bool             // the lock could not be secured
	erasing  map[string]bool  // side and page of templates that must not be there any more
	online   map[string]bool
	tampered map[string]bool
	badges   int // in this run
	captures map[uint64]Capture
	matched  map[string]bool // whose finger matched at which side since his last grant there
	people   *policy.Roster  // in force, by what was recorded
	coming   map[string]*policy.Roster

	lockdown, resecure bool
	locked             map[policy.BadgeID]time.Duration
	wrong              map[policy.BadgeID]int
	grants             map[string]string // passage → how it ended, "" while open
	released           map[string]int
	until              time.Duration // end of the release that runs
	reads, outcomes    uint64
	openings, owned    int
}

func newModel(w *world) *model {
	m := &model{
		w: w, captures: map[uint64]Capture{}, people: w.f.ro, coming: map[string]*policy.Roster{},
		locked: map[policy.BadgeID]time.Duration{}, wrong: map[policy.BadgeID]int{},
		grants: map[string]string{}, released: map[string]int{}, erasing: map[string]bool{},
	}
	m.run()
	w.watch = append(w.watch, m.see)
	return m
}

// run begins a new run: what was merely seen is forgotten.
func (m *model) run() {
	m.asked, m.level, m.badges, m.until, m.stuck = nil, [lineCount]Level{}, 0, 0, false
	m.online, m.tampered, m.matched = map[string]bool{}, map[string]bool{}, map[string]bool{}
}

func (m *model) must(promise string, ok bool, format string, args ...any) {
	if ok || m.found != "" || m.only != "" && m.only != promise {
		return
	}
	m.found = promise + ": " + fmt.Sprintf(format, args...)
}

// see is called after each step.
func (m *model) see(in Input, out []Effect) {
	m.input(in)
	for _, e := range out {
		m.effect(in, e)
	}
	if r, ok := in.(Recorded); ok && m.asked != nil && m.asked.ID == r.ID {
		m.asked = nil
	}
	if r, ok := in.(RecordFailed); ok && m.asked != nil && m.asked.ID == r.ID {
		m.asked = nil
	}
	for _, e := range out {
		if r, ok := e.(Record); ok {
			m.must("P1", m.asked == nil, "a record was asked for while another was in flight")
			m.asked, m.askedAt, m.spoiled = &r, m.w.mono, false
		}
	}
}

func (m *model) input(in Input) {
	switch in := in.(type) {
	case Start:
		m.run()
		for b, l := range m.w.door.State().Lockouts { // what is left of it by a clock that can be trusted
			left := 5 * time.Minute
			if m.w.trusted {
				left = min(left, l.Until.Sub(m.w.now().Wall))
			}
			m.locked[b] = m.w.mono + left
		}
	case Badge:
		m.badges++
		m.reads++
	case Finger:
		m.fingered(in)
	case Line:
		if in.ID == LineLeaf && in.Level == Active && m.level[LineLeaf] == Inactive {
			m.openings++
		}
		m.level[in.ID] = in.Level
		m.spoiled = m.spoiled || in.ID == LineLeaf && (in.Level == Active || in.Level == Unknown && m.asksEntry()) ||
			in.ID == LineFire && in.Level == Active
	case Secured:
		m.stuck = in.Err != ""
		m.spoiled = m.spoiled || m.stuck && m.asksEntry()
	case Device:
		m.online[in.Name] = in.Online
	case DeviceTamper:
		m.tampered[in.Name] = in.Active
	case Act:
		if in.Roster != nil {
			m.coming[in.Order] = in.Roster
		}
		m.spoiled = m.spoiled || in.Roster != nil || in.Kind == ActLockdown
	case Stop:
		m.spoiled = true
	case Recorded:
		for _, ev := range in.Events {
			m.recorded(ev)
		}
	}
}

// asksEntry tells whether the record in flight would let somebody in.
func (m *model) asksEntry() bool {
	return m.asked != nil && slices.ContainsFunc(m.asked.Events, func(ev event.Event) bool {
		return ev.Kind == event.AccessGranted && ev.Side == "entry"
	})
}

func (m *model) fingered(in Finger) {
	c, ok := m.captures[in.ID]
	if !ok {
		return
	}
	delete(m.captures, in.ID)
	if in.Result != policy.FactorMatch || in.Score < c.MinScore || !slices.Contains(c.Pages, in.Page) {
		return
	}
	if p, ok := m.people.PageOwner(in.Page); ok {
		m.matched[c.Side.String()+string(p)] = true
	}
}

// recorded follows the ledger.
func (m *model) recorded(ev event.Event) {
	switch ev.Kind {
	case event.Lockdown:
		m.lockdown = true
	case event.LockdownReleased:
		m.lockdown = false
	case event.FireInput:
		m.resecure = true
	case event.EmergencyReset:
		m.resecure = false
	case event.RosterChanged:
		m.people = m.coming[ev.Order]
	case event.LockoutStart:
		m.locked[ev.Badge] = m.w.mono + 5*time.Minute
	case event.LockoutEnd:
		m.must("P5", ev.Order != "" || m.w.mono >= m.locked[ev.Badge] || m.locked[ev.Badge] == 0,
			"the lockout of %s ended early", ev.Badge)
		delete(m.locked, ev.Badge)
		delete(m.wrong, ev.Badge)
	case event.AccessGranted:
		_, twice := m.grants[ev.Passage]
		m.must("P6", !twice, "the passage %s was granted twice", ev.Passage)
		m.grants[ev.Passage] = ""
		if ev.Side == "entry" {
			delete(m.wrong, ev.Badge)
		}
	case event.AccessTaken, event.AccessNotTaken:
		m.ended(ev)
	case event.BiometricPending:
		m.erasing[fmt.Sprintf("%v %d", ev.Side, ev.Diff["page"])] = true
	case event.BiometricErased:
		delete(m.erasing, fmt.Sprintf("%v %d", ev.Side, ev.Diff["page"]))
	case event.OpeningAmbiguous:
		if ev.Person != "" {
			m.ended(ev)
		}
	}
	m.count(ev)
}

// ended: a grant ends once, in one way (an opening never has two owners).
func (m *model) ended(ev event.Event) {
	how, ok := m.grants[ev.Passage]
	m.must("P6", ok, "%s of passage %s, which was never granted", ev.Kind, ev.Passage)
	m.must("P6", how == "", "passage %s ended as %s and then as %s", ev.Passage, how, ev.Kind)
	m.grants[ev.Passage] = string(ev.Kind)
	m.must("P6", ev.Kind != event.AccessTaken || ev.Side == "exit" || m.released[ev.Passage] == 1,
		"passage %s was taken but never released", ev.Passage)
}

// count sums outcomes of reads and owners of openings.
func (m *model) count(ev event.Event) {
	n := max(ev.Count, 1)
	switch ev.Kind {
	case event.AccessGranted, event.AccessDenied, event.PermissionRequested:
		m.outcomes += n
	case event.FactorRead:
		if ev.Side != "" {
			m.outcomes += n
		}
	case event.DiskRestored:
		for _, k := range []event.Kind{event.AccessDenied, event.FactorRead} {
			m.outcomes += uint64(ev.Diff[string(k)])
		}
	case event.AccessTaken, event.ExitUnidentified, event.OpeningAmbiguous,
		event.DoorForced, event.DoorOpenedByKey, event.DoorFoundOpen:
		m.owned++
	}
	if ev.Kind == event.AccessDenied && ev.Side == "entry" && ev.Badge != "" {
		for _, f := range ev.Failed {
			if f.Reason == policy.IncorrectFactor {
				m.wrong[ev.Badge]++
				m.must("P5", m.wrong[ev.Badge] <= 5, "%s had a sixth mismatch in a row", ev.Badge)
			}
		}
	}
}

func (m *model) effect(in Input, e Effect) {
	b, err := json.Marshal(e)
	m.must("P12", err == nil && !strings.Contains(string(b), "880017"), "a credential number left the door: %s", b)
	fire := m.level[LineFire] == Active
	switch e := e.(type) {
	case Capture:
		m.captures[e.ID] = e
		owner := policy.PersonID("")
		for _, p := range e.Pages {
			o, _ := m.people.PageOwner(p)
			m.must("P5", owner == "" || owner == o, "a capture for two people: pages %v", e.Pages)
			owner = o
			m.must("P5", !m.erasing[fmt.Sprintf("%v %d", e.Side, p)], "a capture that compares page %d, which is to be erased at the %v side", p, e.Side)
		}
		m.must("P5", e.MinScore >= m.w.f.cfg.MinScore && len(e.Pages) > 0, "a capture that asks for nothing: %+v", e)
	case Release:
		m.opened(in, e)
		m.must("P4", !fire, "a release while fire is active")
	case Secure:
		m.until = 0
		m.must("P4", !fire, "a secure while fire is active")
	case Record:
		for _, ev := range e.Events {
			m.must("P4", !(ev.Side == "exit" && ev.Kind == event.AccessDenied) || identity(ev),
				"egress was refused by %s, which is not identity", codes(ev.Failed))
		}
	}
}

func identity(ev event.Event) bool {
	switch ev.Reason {
	case policy.UnknownCredential, policy.Unassigned, policy.IncorrectFactor, policy.FactorTimedOut,
		policy.FactorError, policy.AuthUnavailable, policy.RenewalNeeded:
		return true
	default:
		return false
	}
}

// opened checks one release from every side.
func (m *model) opened(in Input, e Release) {
	r, ok := in.(Recorded)
	m.must("P1", ok, "a release in answer to %T", in)
	m.must("P1", m.asked != nil && m.asked.ID == r.ID, "a release in answer to a stale record")
	m.must("P1", m.w.mono-m.askedAt <= 2*time.Second, "a release %v after its record was asked for", m.w.mono-m.askedAt)
	m.must("P1", !m.spoiled, "a release although something came in between")
	m.must("P2", m.badges > 0, "a release in a run in which nobody showed a badge")
	m.must("P3", m.until == 0 || m.w.mono >= m.until, "a release while another runs")
	m.until = m.w.mono + e.For

	i := slices.IndexFunc(r.Events, func(ev event.Event) bool { return ev.Kind == event.AccessGranted })
	if m.must("P1", i >= 0, "a release whose record holds no grant: %v", r.Events); i < 0 {
		return
	}
	ev := r.Events[i]
	m.released[ev.Passage]++
	m.must("P1", ev.Seq > 0, "a release by a grant without a number")
	m.must("P6", m.released[ev.Passage] == 1, "a second release by one grant")
	person, known := m.people.Person(ev.Person)
	bound := 5 * time.Second
	if person.Extended {
		bound = 10 * time.Second
	}
	m.must("P3", e.For == bound, "a release of %v for a person who has %v", e.For, bound)
	finger := string(ev.Side) + string(ev.Person)
	m.must("P5", known && m.matched[finger], "a release for %s, whose finger did not match", ev.Person)
	delete(m.matched, finger)
	if ev.Side == "entry" {
		m.mayEnter(ev)
	}
	cut := ev.Side == "exit" && m.level[LineBolt] == Active // the bolt is home: the leaf's loop is cut
	m.must("P11", m.level[LineLeaf] != Active || cut, "a release while the leaf is open")
	m.must("P11", m.online[m.w.f.cfg.Readers[ev.Side.Policy()]], "a release by a reader that is not in service")
}

// mayEnter is Article 6-3-1 and the state of the place, in the plainest way.
func (m *model) mayEnter(ev event.Event) {
	_, stopped := m.locked[ev.Badge]
	permit := slices.ContainsFunc(m.people.Data().Permits, func(p policy.PermitData) bool { return p.Person == ev.Person })
	m.must("P5", permit, "%s entered without a permit", ev.Person)
	m.must("P5", ev.Person != "s-004" && ev.Person != "v-001", "%s entered", ev.Person)
	m.must("P5", !m.lockdown, "an entry in a lockdown")
	m.must("P5", !m.resecure && m.level[LineFire] != Active, "an entry before the place was re-secured")
	m.must("P5", !stopped, "an entry with a blocked credential")
	m.must("P11", !m.stuck, "an entry while the lock cannot be secured")
	m.must("P11", m.w.trusted, "an entry at an untrusted time")
	m.must("P11", m.level[LineLeaf] == Inactive, "an entry with the leaf at level %d", m.level[LineLeaf])
	m.must("P11", m.level[LineFire] == Inactive, "an entry with the fire contact at level %d", m.level[LineFire])
	m.must("P11", !m.tampered[m.w.f.cfg.Readers[policy.Entry]], "an entry by a reader that is open")
}
