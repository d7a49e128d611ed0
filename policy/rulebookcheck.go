package policy

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// NewRulebook checks a rulebook as a whole. The error is a [DataErrors] with
// everything that was found; no rulebook is returned with it.
func NewRulebook(d RulebookData) (*Rulebook, error) {
	c := &complaints{}
	rb := &Rulebook{
		regulation: text(c, "regulation", d.Regulation),
		version:    text(c, "regulation_version", d.RegulationVersion),
		decidedBy:  text(c, "decided_by", d.DecidedBy),
	}
	rb.location = checkLocation(c, &d)
	checkRoster(c, rb, &d)
	rb.clock = checkClock(c, &d.Clock)
	rb.lockout = LockoutRule{
		Mismatches: count(c, "lockout.mismatches", d.Lockout.Mismatches, 5, 3, 10),
		Block:      span(c, "lockout.block", d.Lockout.Block, 5*time.Minute, 10*time.Second, 24*time.Hour),
	}
	rb.unreadable = count(c, "finger.unreadable", d.Finger.Unreadable, 3, 1, 10)
	rb.fiscalYear = d.Permits.FiscalYearEnd == nil || *d.Permits.FiscalYearEnd
	rb.maxDays = count(c, "permits.max_days", d.Permits.MaxDays, 0, 0, 3660)
	rb.calendar = checkHolidays(c, &d.Holidays)
	rb.readings = checkReadings(c, d.Readings)
	rb.places = checkPlaces(c, &d, rb.Reading("exit_auth"))
	if err := c.err(); err != nil {
		return nil, err
	}
	rb.hash = hashRulebook(&d)
	return rb, nil
}

// text demands a line of words.
func text(c *complaints, path, s string) string {
	if p := textProblem(s); p != "" {
		c.add(path, "%s", p)
	} else if s == "" {
		c.add(path, "missing")
	}
	return s
}

// maxText bounds a name or a line of words, in bytes.
const maxText = 400

func textProblem(s string) string {
	if len(s) > maxText {
		return "longer than 400 bytes"
	}
	if !utf8.ValidString(s) {
		return "not valid UTF-8"
	}
	// C0, DEL and C1: a terminal or a log that shows the name would obey them.
	if strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
		return "contains a control character"
	}
	return ""
}

func count(c *complaints, path string, v, def, least, most int) int {
	if v == 0 {
		v = def
	}
	if v < least || v > most {
		c.add(path, "%d is outside %d to %d", v, least, most)
	}
	return v
}

func span(c *complaints, path string, s Span, def, least, most time.Duration) time.Duration {
	v := time.Duration(s)
	if v == 0 {
		v = def
	}
	if v < least || v > most {
		c.add(path, "%v is outside %v to %v", v, least, most)
	}
	return v
}

// choose reads one word of a closed set.
func choose[T any](c *complaints, path, word string, names []string, values []T) T {
	if i := slices.Index(names, word); i >= 0 {
		return values[i]
	}
	if word == "" {
		c.add(path, "missing (one of %s)", strings.Join(names, ", "))
	} else {
		c.add(path, "%q is none of %s", word, strings.Join(names, ", "))
	}
	var none T
	return none
}

func orElse(word, def string) string {
	if word == "" {
		return def
	}
	return word
}

// Japan Standard Time has had no daylight saving since 1951, so that it needs
// no zone database on the box.
var japan = time.FixedZone("JST", 9*60*60)

func checkLocation(c *complaints, d *RulebookData) *time.Location {
	switch {
	case d.Location != nil:
		return d.Location
	case d.TimeZone == "" || d.TimeZone == "Asia/Tokyo":
		return japan
	default:
		c.add("time_zone", "the zone %q is not known on this machine", d.TimeZone)
		return nil
	}
}

func checkRoster(c *complaints, rb *Rulebook, d *RulebookData) {
	const day = 24 * time.Hour
	rb.staleDenies = choose(c, "roster_stale", orElse(d.RosterStale, "warn"), []string{"warn", "deny"}, []bool{false, true})
	if d.RosterStaleAfter != 0 {
		rb.staleAfter = span(c, "roster_stale_after", d.RosterStaleAfter, 0, time.Hour, 366*day)
	} else if rb.staleDenies {
		c.add("roster_stale_after", "missing: a stale roster can refuse only after a stated time")
	}
}

func checkClock(c *complaints, d *ClockData) ClockRule {
	const day = 24 * time.Hour
	r := ClockRule{
		Untrusted: choose(c, "clock.untrusted", orElse(d.Untrusted, "deny"),
			[]string{"deny", "standing"}, []UntrustedClock{UntrustedDenies, UntrustedStanding}),
		OffsetAlarm:    span(c, "clock.offset_alarm", d.OffsetAlarm, 5*time.Second, time.Second, time.Minute),
		UntrustedAbove: span(c, "clock.untrusted_above", d.UntrustedAbove, time.Minute, time.Second, 10*time.Minute),
		SyncWithin:     span(c, "clock.sync_within", d.SyncWithin, day, time.Minute, 30*day),
	}
	if r.UntrustedAbove < r.OffsetAlarm {
		c.add("clock.untrusted_above", "%v is below offset_alarm (%v)", r.UntrustedAbove, r.OffsetAlarm)
	}
	return r
}

func checkHolidays(c *complaints, d *HolidayData) Calendar {
	cal := Calendar{From: d.From, To: d.To, yearEnd: d.YearEnd}
	cal.national = choose(c, "holidays.national", d.National, []string{"japan", "none"}, []bool{true, false})
	if d.From > d.To || d.From == 0 {
		c.add("holidays.from", "the years %d to %d are no range", d.From, d.To)
	} else if cal.national && (d.From < holidaysFrom || d.To > holidaysTo) {
		c.add("holidays.from", "the national holidays are known for %d to %d, not for %d to %d",
			holidaysFrom, holidaysTo, d.From, d.To)
	}
	for i, x := range d.Extra {
		path := at("holidays.extra", i)
		text(c, at(path, "name"), x.Name)
		day, err := parseCivil(x.Date)
		switch {
		case err != nil:
			c.add(at(path, "date"), "%v", err)
		case day.year < d.From || day.year > d.To:
			c.add(at(path, "date"), "%v is outside the calendar's years", day)
		case slices.Contains(cal.extra, day):
			c.add(at(path, "date"), "%v is listed twice", day)
		default:
			cal.extra = append(cal.extra, day)
		}
	}
	slices.SortFunc(cal.extra, func(a, b civil) int { return a.number() - b.number() })
	return cal
}

func checkPlaces(c *complaints, d *RulebookData, exitAuth string) []Place {
	if len(d.Places) == 0 {
		c.add("places", "no place: this rulebook would refuse everyone")
	}
	var out []Place
	seen := make(map[PlaceID]int)
	for i := range d.Places {
		p := &d.Places[i]
		path := at("places", i)
		if j, dup := seen[p.ID]; dup {
			c.add(at(path, "id"), "%q is already places.%d", p.ID, j)
		}
		seen[p.ID] = i
		out = append(out, checkPlace(c, path, p, exitAuth))
	}
	slices.SortFunc(out, func(a, b Place) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

func checkPlace(c *complaints, path string, d *PlaceData, exitAuth string) Place {
	if p := idProblem(string(d.ID)); p != "" {
		c.add(at(path, "id"), "%s", p)
	}
	if p := idProblem(string(d.Post)); p != "" {
		c.add(at(path, "post"), "%s", p)
	}
	p := Place{
		ID: d.ID, Post: d.Post,
		Words:     Words{text(c, at(path, "ja"), d.Ja), text(c, at(path, "en"), d.En)},
		Article:   text(c, at(path, "article"), d.Article),
		PostWords: Words{text(c, at(path, "post_ja"), d.PostJa), text(c, at(path, "post_en"), d.PostEn)},
		AntiPassback: choose(c, at(path, "anti_passback"), orElse(d.AntiPassback, "soft"),
			[]string{"off", "soft", "hard"}, []AntiPassback{PassbackOff, PassbackSoft, PassbackHard}),
		Entry:   checkSide(c, at(path, "entry"), &d.Entry),
		Timings: checkTimings(c, at(path, "timings"), &d.Timings),
	}
	p.Exit = checkExit(c, at(path, "exit"), &d.Exit, p.Entry, exitAuth)
	return p
}

func checkSide(c *complaints, path string, d *SideData) SideRule {
	badge, finger := checkFactors(c, at(path, "factors"), d.Factors)
	return SideRule{
		Badge: badge, Finger: finger,
		Permit: choose(c, at(path, "permit"), d.Permit,
			[]string{"prior", "each-time", "none"}, []PermitKind{PermitPrior, PermitEach, PermitNone}),
		Wire: choose(c, at(path, "wire"), d.Wire,
			[]string{"open", "secured"}, []Wire{WireOpen, WireSecured}),
		Proof: choose(c, at(path, "proof"), d.Proof,
			[]string{"clonable", "reader_asserted", "authenticated"},
			[]Proof{ProofClonable, ProofReaderAsserted, ProofAuthenticated}),
	}
}

// checkExit: nobody is refused egress, so that an exit may name no permission,
// and its evidence minima only say what is worth a remark.
func checkExit(c *complaints, path string, d *SideData, entry SideRule, exitAuth string) SideRule {
	side := *d
	if side.Permit != "" && side.Permit != "none" {
		c.add(at(path, "permit"), "an exit never waits for a permission (exit_permission = \"round_trip\")")
	}
	side.Permit, side.Wire, side.Proof = "none", orElse(d.Wire, "open"), orElse(d.Proof, "clonable")
	r := checkSide(c, path, &side)
	switch {
	case entry.Finger && exitAuth == "biometric_expected" && !r.Finger:
		c.add(at(path, "factors"), "exit_auth = %q asks for the finger on the way out too", exitAuth)
	case exitAuth == "card" && r.Finger:
		c.add(at(path, "factors"), "exit_auth = %q asks for no finger on the way out", exitAuth)
	}
	return r
}

func checkFactors(c *complaints, path string, factors []string) (badge, finger bool) {
	if badge = slices.Contains(factors, "badge"); !badge {
		c.add(path, "\"badge\" is missing: the badge names the person")
	}
	for i, f := range factors {
		switch {
		case slices.Contains(factors[:i], f):
			c.add(at(path, i), "%q is listed twice", f)
		case f == "finger":
			finger = true
		case f != "badge":
			c.add(at(path, i), "the factor %q is not built (built: badge, finger)", f)
		}
	}
	return badge, finger
}
