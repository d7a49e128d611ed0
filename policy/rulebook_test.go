package policy

import (
	"strings"
	"testing"
	"time"
)

func TestRulebookRefuses(t *testing.T) {
	cases := map[string]struct {
		edit func(*RulebookData)
		want []string
	}{
		"no title":               {func(d *RulebookData) { d.Regulation = "" }, []string{"regulation: missing"}},
		"nobody decided":         {func(d *RulebookData) { d.DecidedBy = "" }, []string{"decided_by: missing"}},
		"a zone nobody resolved": {func(d *RulebookData) { d.TimeZone = "Mars/Base" }, []string{"time_zone: "}},
		"no place":               {func(d *RulebookData) { d.Places = nil }, []string{"places: no place"}},
		"a place twice":          {func(d *RulebookData) { d.Places[1].ID = "machine_room" }, []string{`places.1.id: "machine_room" is already places.0`}},
		"a place id with a slash": {func(d *RulebookData) { d.Places[1].ID = "a/b" },
			[]string{`places.1.id: "a/b" is not an identifier`}},
		"no managing post": {func(d *RulebookData) { d.Places[2].Post = "" }, []string{"places.2.post: missing"}},
		"no English":       {func(d *RulebookData) { d.Places[2].En = "" }, []string{"places.2.en: missing"}},
		"no permit stated": {func(d *RulebookData) { d.Places[0].Entry.Permit = "" }, []string{"places.0.entry.permit: missing (one of prior, each-time, none)"}},
		"an unknown permit": {func(d *RulebookData) { d.Places[0].Entry.Permit = "later" },
			[]string{`places.0.entry.permit: "later" is none of`}},
		"a permission to leave": {func(d *RulebookData) { d.Places[0].Exit.Permit = "each-time" },
			[]string{"places.0.exit.permit: an exit never waits"}},
		"a factor not built": {func(d *RulebookData) { d.Places[0].Entry.Factors = []string{"badge", "pin", "finger"} },
			[]string{`places.0.entry.factors.1: the factor "pin" is not built`}},
		"no badge":            {func(d *RulebookData) { d.Places[0].Entry.Factors = []string{"finger"} }, []string{`places.0.entry.factors: "badge" is missing`}},
		"a factor twice":      {func(d *RulebookData) { d.Places[1].Entry.Factors = []string{"badge", "badge"} }, []string{"places.1.entry.factors.1: "}},
		"no finger to leave":  {func(d *RulebookData) { d.Places[0].Exit.Factors = []string{"badge"} }, []string{"places.0.exit.factors: "}},
		"a finger too many":   {func(d *RulebookData) { d.Readings["exit_auth"] = "card" }, []string{"places.0.exit.factors: "}},
		"no least wire":       {func(d *RulebookData) { d.Places[0].Entry.Wire = "" }, []string{"places.0.entry.wire: missing"}},
		"no least proof":      {func(d *RulebookData) { d.Places[0].Entry.Proof = "" }, []string{"places.0.entry.proof: missing"}},
		"an unknown passback": {func(d *RulebookData) { d.Places[0].AntiPassback = "firm" }, []string{"places.0.anti_passback: "}},
		"a release too short": {func(d *RulebookData) { d.Places[0].Timings.Release = Span(2 * time.Second) },
			[]string{"places.0.timings.release: 2s is outside 3s to 30s"}},
		"a warning after the alarm": {func(d *RulebookData) { d.Places[0].Timings.PreAlarm = Span(8 * time.Second) },
			[]string{"places.0.timings.pre_alarm: "}},
		"not taken before the release ends": {func(d *RulebookData) { d.Places[0].Timings.NotTaken = Span(5 * time.Second) },
			[]string{"places.0.timings.not_taken: 5s is shorter than extended_release"}},
		"less for extended persons": {func(d *RulebookData) { d.Places[0].Timings.ExtendedOpen = Span(4 * time.Second) },
			[]string{"places.0.timings.extended_open: "}},
		"two mismatches":       {func(d *RulebookData) { d.Lockout.Mismatches = 2 }, []string{"lockout.mismatches: 2 is outside 3 to 10"}},
		"a block of a second":  {func(d *RulebookData) { d.Lockout.Block = Span(time.Second) }, []string{"lockout.block: "}},
		"a clock rule unknown": {func(d *RulebookData) { d.Clock.Untrusted = "guess" }, []string{"clock.untrusted: "}},
		"a clock rule upside down": {func(d *RulebookData) { d.Clock.UntrustedAbove = Span(2 * time.Second) },
			[]string{"clock.untrusted_above: "}},
		"stale refuses after never": {func(d *RulebookData) { d.RosterStaleAfter, d.RosterStale = 0, "deny" },
			[]string{"roster_stale_after: missing"}},
		"holidays before the law": {func(d *RulebookData) { d.Holidays.From = 2019 }, []string{"holidays.from: the national holidays are known for 2022 to 2099"}},
		"holidays of no land":     {func(d *RulebookData) { d.Holidays.National = "" }, []string{"holidays.national: missing"}},
		"a holiday that is none": {func(d *RulebookData) { d.Holidays.Extra = []ExtraData{{"2026-02-29", "x"}} },
			[]string{`holidays.extra.0.date: "2026-02-29" is not a day`}},
		"a holiday twice": {func(d *RulebookData) { d.Holidays.Extra = []ExtraData{{"2026-02-27", "x"}, {"2026-02-27", "y"}} },
			[]string{"holidays.extra.1.date: 2026-02-27 is listed twice"}},
		"a permit of a decade": {func(d *RulebookData) { d.Permits.MaxDays = 4000 }, []string{"permits.max_days: "}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var d RulebookData
			decodeHino(t, "rulebook.toml", &d)
			c.edit(&d)
			rb, err := NewRulebook(d)
			if rb != nil {
				t.Error("a rulebook came with the error")
			}
			wants(t, err, c.want...)
		})
	}
	if _, err := NewRulebook(RulebookData{}); err == nil {
		t.Error("empty data make a rulebook")
	}
}

// TestReadings: every reading that is named and not built is refused by name.
func TestReadings(t *testing.T) {
	for i := range questions {
		q := &questions[i]
		if q.words.Ja == "" || q.words.En == "" || len(q.built) == 0 {
			t.Errorf("%s is incomplete", q.key)
		}
		for _, u := range append([]string{"no-such-reading"}, q.unbuilt...) {
			var d RulebookData
			decodeHino(t, "rulebook.toml", &d)
			d.Readings[q.key] = u
			_, err := NewRulebook(d)
			if err == nil || !strings.Contains(err.Error(), "readings."+q.key+": ") || !strings.Contains(err.Error(), u) {
				t.Errorf("%s = %s: %v", q.key, u, err)
			}
		}
	}
	rb := hinoRules(t)
	for _, o := range rb.OpenQuestions() {
		if o.Chosen == "" || o.Meaning == (Words{}) {
			t.Errorf("%s: no reading in force", o.Key)
		}
	}
	if rb.Reading("deputy") != "none" || rb.Reading("weather") != "" || (*Rulebook)(nil).Reading("deputy") != "" {
		t.Error("Reading does not tell the reading")
	}
	var d RulebookData
	decodeHino(t, "rulebook.toml", &d)
	d.Readings["weather"] = "fine"
	_, err := NewRulebook(d)
	wants(t, err, "readings.weather: is no open question")
}

func TestExitByBadgeAloneWhereTheCitySaysSo(t *testing.T) {
	rb := hinoRules(t, func(d *RulebookData) {
		d.Readings["exit_auth"] = "card"
		d.Places[0].Exit.Factors = []string{"badge"}
	})
	ro := hinoRoster(t)
	a := arrives(ro, "10038")
	a.Side, a.Holder.Finger = Exit, FactorMissing
	if v := Judge(rb, ro, a, trusted(jst(t, "2026-11-24 09:00"))); v.Decision != Grant {
		t.Errorf("refused: %s", codes(v.Failed()))
	}
}

// TestDefaultTimings holds the defaults that a real rulebook takes; the
// reference data's are short.
func TestDefaultTimings(t *testing.T) {
	want := Timings{
		Release: 5 * time.Second, ExtendedRelease: 10 * time.Second, NotTaken: 30 * time.Second,
		Open: 30 * time.Second, ExtendedOpen: time.Minute, PreAlarm: 10 * time.Second, BoltHome: 3 * time.Second,
		Finger: 10 * time.Second, ExtendedFinger: 20 * time.Second, Request: time.Minute,
	}
	rb := hinoRules(t, func(d *RulebookData) {
		for i := range d.Places {
			d.Places[i].Timings = TimingsData{}
		}
		d.Lockout, d.Finger, d.Clock, d.RosterStaleAfter = LockoutData{}, FingerData{}, ClockData{}, 0
	})
	for _, p := range rb.Places() {
		if p.Timings != want || p.Timings != DefaultTimings() {
			t.Errorf("%s: %+v", p.ID, p.Timings)
		}
	}
	if rb.Lockout() != (LockoutRule{5, 5 * time.Minute}) || rb.UnreadableCaptures() != 3 {
		t.Errorf("lockout %+v, unreadable %d", rb.Lockout(), rb.UnreadableCaptures())
	}
	if rb.Clock() != (ClockRule{UntrustedDenies, 5 * time.Second, time.Minute, 24 * time.Hour}) {
		t.Errorf("clock %+v", rb.Clock())
	}
	if age, denies := rb.RosterStaleAfter(); age != 0 || denies {
		t.Errorf("roster stale after %v, denies %v", age, denies)
	}
	for extended, want := range map[bool][3]time.Duration{
		false: {5 * time.Second, 30 * time.Second, 10 * time.Second},
		true:  {10 * time.Second, time.Minute, 20 * time.Second},
	} {
		release, open, finger := want[0], want[1], want[2]
		if r, o, f := DefaultTimings().For(extended); r != release || o != open || f != finger {
			t.Errorf("extended %v: %v %v %v", extended, r, o, f)
		}
	}
}

func TestRulebookHash(t *testing.T) {
	a, b := hinoRules(t), hinoRules(t)
	if a.Hash() != b.Hash() || len(a.Hash()) != 64 {
		t.Errorf("equal rules have hashes %s and %s", a.Hash(), b.Hash())
	}
	c := hinoRules(t, func(d *RulebookData) { d.Places[0].AntiPassback = "hard" })
	if c.Hash() == a.Hash() {
		t.Error("other rules have the same hash")
	}
	if (&Rulebook{}).Hash() != "" {
		t.Error("the zero rulebook has a hash")
	}
}

func TestPlacesAreCopies(t *testing.T) {
	rb := hinoRules(t)
	p := rb.Places()
	p[0].Entry = SideRule{}
	if q, _ := rb.Place("machine_room"); !q.Entry.Finger || !q.Entry.Badge {
		t.Error("a place can be changed from outside")
	}
	if !rb.Manages("nanao_shishocho") || rb.Manages("fuku_shicho") {
		t.Error("Manages does not tell who manages")
	}
}

func TestVetFindsWhatWillNotWork(t *testing.T) {
	rb := hinoRules(t)
	ro := hinoRoster(t, func(d *RosterData) {
		permitOf(d, "p-001").Place = "roof"
		permitOf(d, "p-003").Place = "terminal_nanao"
		permitOf(d, "p-004").Post = "shimin_madoguchi_kacho"
		permitOf(d, "p-005").Approver = "m-005"
		permitOf(d, "p-006").To += 86400
		d.Tenures[2].To = d.Tenures[2].From + 1
	})
	wants(t, rb.Vet(ro, StampOf(jst(t, "2026-11-24 09:00"))),
		`permits.0.place: permit p-001: the rulebook covers no place "roof"`,
		"permits.1.place: permit p-003: terminal_nanao asks for no prior permit",
		"permits.2.post: permit p-004: machine_room is managed by joho_system_kacho",
		"permits.2.approver: permit p-004: m-001 did not hold shimin_madoguchi_kacho",
		"permits.3.approver: permit p-005: m-005 did not hold joho_system_kacho",
		"permits.4.to: permit p-006: ends at 2027-04-01T00:00:00+09:00 at the latest",
		"tenures: nobody holds nanao_shishocho, which manages terminal_nanao")
}
