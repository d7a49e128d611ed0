package door

import (
	"fmt"
	"testing"
	"time"

	"sekimori/policy"
)

// The tests play at the door of a machine room with the default timings, which
// are the real ones, on the morning of Tuesday 24 November 2026.

var jst = time.FixedZone("JST", 9*60*60)

var morning = time.Date(2026, 11, 24, 9, 0, 0, 0, jst)

// cast is who plays. Badge numbers are unlike anything else in the tests, so
// that one that leaks is found (P12).
var cast = []struct {
	id, number string
	page       uint16
	permit     bool
	state      policy.BadgeState
	extended   bool
	visitor    bool
}{
	{id: "s-001", number: "880017001", page: 1, permit: true},
	{id: "s-002", number: "880017002", page: 2, permit: true},
	{id: "s-003", number: "880017003", page: 3}, // no permit
	{id: "s-004", number: "880017004", page: 4, permit: true, state: policy.BadgeLost},
	{id: "s-005", number: "880017005", page: 5, permit: true, extended: true},
	{id: "v-001", number: "880017061", page: 61, visitor: true},
}

const strange = "880017999" // on nobody's badge

func numberOf(person string) string {
	for _, c := range cast {
		if c.id == person {
			return c.number
		}
	}
	return strange
}

func stamp(t time.Time) policy.Stamp { return policy.StampOf(t) }

func rosterData() policy.RosterData {
	spring := time.Date(2026, 4, 1, 0, 0, 0, 0, jst)
	d := policy.RosterData{
		Persons: []policy.PersonData{{ID: "m-001", Name: "m-001", Category: policy.Employee, Standing: policy.Active}}, // no badge, no finger
		Posts:   []policy.PostData{{ID: "kacho", Ja: "課長", En: "head of section"}},
		Tenures: []policy.TenureData{{Post: "kacho", Person: "m-001", From: stamp(spring.AddDate(-1, 0, 0))}},
	}
	for _, c := range cast {
		category, state := policy.Employee, c.state
		if c.visitor {
			category = policy.NonEmployee
		}
		if state == "" {
			state = policy.BadgeActive
		}
		d.Persons = append(d.Persons, policy.PersonData{
			ID: policy.PersonID(c.id), Name: c.id, Category: category, Standing: policy.Active, Extended: c.extended,
		})
		d.Badges = append(d.Badges, policy.BadgeData{
			ID: policy.BadgeID("b-" + c.id), Number: c.number, Person: policy.PersonID(c.id), State: state,
		})
		d.Fingers = append(d.Fingers, policy.FingerPage{Person: policy.PersonID(c.id), Page: c.page, EnrolledAt: stamp(spring)})
		if c.permit {
			d.Permits = append(d.Permits, policy.PermitData{
				ID: policy.PermitID("p-" + c.id), Place: "machine_room", Person: policy.PersonID(c.id),
				Post: "kacho", Approver: "m-001", ApprovedAt: stamp(spring.AddDate(0, 0, -7)),
				From: stamp(spring), To: stamp(spring.AddDate(1, 0, 0)), Purpose: "通常業務", Holidays: true,
			})
		}
	}
	return d
}

func roster(t testing.TB, edits ...func(*policy.RosterData)) *policy.Roster {
	t.Helper()
	d := rosterData()
	for _, e := range edits {
		e(&d)
	}
	ro, err := policy.NewRoster(d)
	if err != nil {
		t.Fatal(err)
	}
	return ro
}

func rulebookData() policy.RulebookData {
	factors := []string{"badge", "finger"}
	return policy.RulebookData{
		Regulation: "test", RegulationVersion: "1", DecidedBy: "test",
		Holidays: policy.HolidayData{National: "japan", From: 2026, To: 2030},
		Places: []policy.PlaceData{
			{
				ID: "machine_room", Ja: "機械室", En: "machine room", Article: "6-2-1",
				Post: "kacho", PostJa: "課長", PostEn: "head of section",
				Entry: policy.SideData{Permit: "prior", Factors: factors, Wire: "secured", Proof: "clonable"},
				Exit:  policy.SideData{Factors: factors},
			},
			{
				ID: "terminal", Ja: "端末", En: "terminal", Article: "6-2-2",
				Post: "kacho", PostJa: "課長", PostEn: "head of section",
				Entry: policy.SideData{Permit: "each-time", Factors: factors[:1], Wire: "secured", Proof: "clonable"},
				Exit:  policy.SideData{Factors: factors[:1]},
			},
		},
	}
}

func rulebook(t testing.TB, edits ...func(*policy.RulebookData)) *policy.Rulebook {
	t.Helper()
	d := rulebookData()
	for _, e := range edits {
		e(&d)
	}
	rb, err := policy.NewRulebook(d)
	if err != nil {
		t.Fatal(err)
	}
	return rb
}

// fixture is a door's constant part and what it knows.
type fixture struct {
	cfg Config
	rb  *policy.Rulebook
	ro  *policy.Roster
}

func machineRoom(t testing.TB) fixture {
	n := 0
	return fixture{
		cfg: Config{
			Door: "machine-room", Place: "machine_room", Leaf: true, Bolt: true, Fire: true, Egress: EgressHandle,
			Readers:  map[policy.Side]string{policy.Entry: "reader-entry", policy.Exit: "reader-exit"},
			Sensors:  map[policy.Side]string{policy.Entry: "sensor-entry", policy.Exit: "sensor-exit"},
			MinScore: 50,
			NewID:    func() string { n++; return fmt.Sprintf("req%d", n) },
		},
		rb: rulebook(t), ro: roster(t),
	}
}

func terminal(t testing.TB) fixture {
	f := machineRoom(t)
	f.cfg.Door, f.cfg.Place, f.cfg.Sensors = "terminal", "terminal", nil
	return f
}
