package policy

import (
	"testing"
	"time"
	_ "time/tzdata" // zones with daylight saving, whatever the machine has
)

// zoneRules is a rulebook of another zone, to try what Japan does not have.
func zoneRules(t *testing.T, zone string) *Rulebook {
	t.Helper()
	return hinoRules(t, func(d *RulebookData) {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		d.TimeZone, d.Location = zone, loc
		d.Holidays = HolidayData{National: "none", From: 2000, To: 2100}
	})
}

// moments judges one permit of s-001 at moments given in RFC 3339.
func moments(t *testing.T, rb *Rulebook, edit func(*PermitData), want map[string]string) {
	t.Helper()
	ro := hinoRoster(t, func(d *RosterData) {
		p := permitOf(d, "p-001")
		edit(p)
		b := badgeOf(d, "b-001")
		b.From, b.To = 0, 0
		for i := range d.Tenures {
			d.Tenures[i].From = 1
		}
	})
	for at, says := range want {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		v := Judge(rb, ro, arrives(ro, "10023"), trusted(now))
		if got := summary(&v); got != says {
			t.Errorf("%s: %s, want %s", at, got, says)
		}
	}
}

func stamp(t *testing.T, s string) (out Stamp) {
	t.Helper()
	if err := out.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return out
}

func valid(t *testing.T, from, to, hours, days string) func(*PermitData) {
	return func(p *PermitData) {
		p.From, p.To, p.Hours, p.Days = stamp(t, from), stamp(t, to), hours, days
		p.ApprovedAt, p.Holidays = p.From-3600, true
	}
}

func TestFiscalYearEndsOn31March(t *testing.T) {
	rb := hinoRules(t)
	// A permit written for two years ends with the first fiscal year.
	moments(t, rb, valid(t, "2026-10-01T00:00:00+09:00", "2028-10-01T00:00:00+09:00", "", ""), map[string]string{
		"2026-09-30T23:59:59+09:00": "NOT_YET_ACTIVE",
		"2026-10-01T00:00:00+09:00": "grant",
		"2027-03-31T23:59:59+09:00": "grant",
		"2027-03-31T14:59:59Z":      "grant", // the same moment
		"2027-04-01T00:00:00+09:00": "EXPIRED",
		"2027-03-31T15:00:00Z":      "EXPIRED",
		"2027-10-01T00:00:00+09:00": "EXPIRED",
	})
	// One that begins in the last second of March ends with it, and one of
	// 1 April lives for the new year.
	moments(t, rb, valid(t, "2027-03-31T23:59:59+09:00", "2027-06-01T00:00:00+09:00", "", ""), map[string]string{
		"2027-03-31T23:59:59+09:00": "grant",
		"2027-04-01T00:00:00+09:00": "EXPIRED",
	})
	moments(t, rb, valid(t, "2027-04-01T00:00:00+09:00", "2029-01-01T00:00:00+09:00", "", ""), map[string]string{
		"2027-04-01T00:00:00+09:00": "grant",
		"2028-02-29T12:00:00+09:00": "grant", // the leap day belongs to it
		"2028-03-31T23:59:59+09:00": "grant",
		"2028-04-01T00:00:00+09:00": "EXPIRED",
	})
	// Another city may decide otherwise, and bound the length instead.
	no := false
	moments(t, hinoRules(t, func(d *RulebookData) { d.Permits = PermitLimitData{FiscalYearEnd: &no, MaxDays: 30} }),
		valid(t, "2027-03-20T00:00:00+09:00", "2028-10-01T00:00:00+09:00", "", ""), map[string]string{
			"2027-04-18T23:59:59+09:00": "grant",
			"2027-04-19T00:00:00+09:00": "EXPIRED",
		})
}

func TestLeapDay(t *testing.T) {
	rb := hinoRules(t)
	moments(t, rb, valid(t, "2028-02-29T00:00:00+09:00", "2028-03-01T00:00:00+09:00", "", ""), map[string]string{
		"2028-02-28T23:59:59+09:00": "NOT_YET_ACTIVE",
		"2028-02-29T00:00:00+09:00": "grant",
		"2028-02-29T23:59:59+09:00": "grant",
		"2028-03-01T00:00:00+09:00": "EXPIRED",
	})
	// A night shift from the leap day, a Tuesday, into March.
	moments(t, rb, valid(t, "2028-02-01T00:00:00+09:00", "2028-03-31T00:00:00+09:00", "22:00-06:00", "tue"), map[string]string{
		"2028-02-29T21:59:59+09:00": "OUT_OF_TIME_RANGE",
		"2028-02-29T22:00:00+09:00": "grant",
		"2028-03-01T05:59:59+09:00": "grant",
		"2028-03-01T06:00:00+09:00": "OUT_OF_TIME_RANGE",
		"2028-03-01T22:00:00+09:00": "OUT_OF_TIME_RANGE",
	})
}

func TestMidnight(t *testing.T) {
	rb := hinoRules(t)
	shift := func(p *PermitData) {
		valid(t, "2026-04-01T00:00:00+09:00", "2027-04-01T00:00:00+09:00", "22:00-06:00", "sun")(p)
		p.Holidays = false
	}
	// The window belongs to the day on which it began: Sunday 22 November runs
	// into the holiday of the 23rd, whose own evening does not count.
	moments(t, rb, shift, map[string]string{
		"2026-11-22T05:00:00+09:00": "OUT_OF_TIME_RANGE", // Saturday's window
		"2026-11-22T23:59:59+09:00": "grant",
		"2026-11-23T00:00:00+09:00": "grant",
		"2026-11-23T05:59:59+09:00": "grant",
		"2026-11-23T06:00:00+09:00": "OUT_OF_TIME_RANGE",
		"2026-11-23T22:00:00+09:00": "OUT_OF_TIME_RANGE",
	})
	moments(t, rb, valid(t, "2026-11-24T00:00:00+09:00", "2026-11-25T00:00:00+09:00", "00:00-24:00", ""), map[string]string{
		"2026-11-24T00:00:00+09:00": "grant",
		"2026-11-24T23:59:59+09:00": "grant",
	})
}

// Japan has no daylight saving, but the rulebook is for other cities too. In
// New York the clock goes 01:59 EST → 03:00 EDT on 14 March 2027, and 01:59
// EDT → 01:00 EST on 1 November 2026.
func TestDaylightSaving(t *testing.T) {
	rb := zoneRules(t, "America/New_York")
	early := valid(t, "2026-04-01T00:00:00-04:00", "2027-04-01T00:00:00-04:00", "01:30-02:30", "")
	moments(t, rb, early, map[string]string{
		"2026-11-01T01:29:59-04:00": "OUT_OF_TIME_RANGE",
		"2026-11-01T01:30:00-04:00": "grant",             // the first 01:30
		"2026-11-01T01:00:00-05:00": "OUT_OF_TIME_RANGE", // 01:00 again
		"2026-11-01T01:30:00-05:00": "grant",             // the second 01:30
		"2026-11-01T02:29:59-05:00": "grant",
		"2027-03-14T01:59:59-05:00": "grant",
		"2027-03-14T03:00:00-04:00": "OUT_OF_TIME_RANGE", // 02:00 never was
	})
	// A window that begins in the hour that never was opens nothing before it.
	moments(t, rb, valid(t, "2026-04-01T00:00:00-04:00", "2027-04-01T00:00:00-04:00", "02:30-03:30", ""), map[string]string{
		"2027-03-14T01:59:59-05:00": "OUT_OF_TIME_RANGE",
		"2027-03-14T03:00:00-04:00": "grant",
		"2027-03-14T03:30:00-04:00": "OUT_OF_TIME_RANGE",
	})
	// From and to are moments, whatever the wall clock shows.
	moments(t, rb, valid(t, "2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00", "", ""), map[string]string{
		"2026-11-01T01:29:59-04:00": "NOT_YET_ACTIVE",
		"2026-11-01T01:59:59-04:00": "grant",
		"2026-11-01T01:29:59-05:00": "grant",
		"2026-11-01T01:30:00-05:00": "EXPIRED",
	})
	// The fiscal year ends at local midnight on either side of the change.
	moments(t, rb, valid(t, "2026-12-01T00:00:00-05:00", "2028-01-01T00:00:00-05:00", "", ""), map[string]string{
		"2027-03-31T23:59:59-04:00": "grant",
		"2027-04-01T00:00:00-04:00": "EXPIRED",
	})
	// Where midnight itself is skipped (Beirut, 28 March 2027) days still follow.
	moments(t, zoneRules(t, "Asia/Beirut"), valid(t, "2026-04-01T00:00:00+03:00", "2027-04-01T00:00:00+03:00", "22:00-06:00", "sat"), map[string]string{
		"2027-03-27T23:59:59+02:00": "grant",
		"2027-03-28T01:00:00+03:00": "grant",
		"2027-03-28T22:30:00+03:00": "OUT_OF_TIME_RANGE",
	})
}

// TestZoneOfTheBoxDoesNotMatter: the same moment in any location is judged in
// the rulebook's zone.
func TestZoneOfTheBoxDoesNotMatter(t *testing.T) {
	rb, ro := hinoRules(t), hinoRoster(t)
	for _, zone := range []string{"UTC", "America/New_York", "Pacific/Kiritimati"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		v := Judge(rb, ro, arrives(ro, "10028"), trusted(jst(t, "2026-11-24 16:59:59").In(loc)))
		w := Judge(rb, ro, arrives(ro, "10028"), trusted(jst(t, "2026-11-24 17:00").In(loc)))
		if v.Decision != Grant || w.Primary != OutOfTimeRange {
			t.Errorf("%s: %v and %s", zone, v.Decision, w.Primary)
		}
	}
}
