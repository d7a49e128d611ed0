package policy

import "time"

// The national holidays follow from 国民の祝日に関する法律 (昭和23年法律第178号)
// as in force since 2022; the two equinoxes are astronomical facts that the
// National Astronomical Observatory announces a year ahead, computed here by
// the usual approximation, which holds for 1980 to 2099. A law changed later
// is brought in as extra days of the rulebook.
const (
	holidaysFrom = 2022
	holidaysTo   = 2099
)

// Calendar says which days are no working days of the city besides the days of
// the week. The zero Calendar knows no holiday and no valid year.
type Calendar struct {
	// From and To are the first and the last year for which the calendar is
	// known. Outside them every day counts as a holiday: unknown is not fine.
	From, To int
	national bool
	yearEnd  bool    // 12-29 to 01-03 (年末年始)
	extra    []civil // sorted
}

// Holiday tells whether the day of t, in t's own location, is a holiday.
func (c *Calendar) Holiday(t time.Time) bool { return c.holiday(civilOf(t)) }

func (c *Calendar) holiday(d civil) bool {
	if d.year < c.From || d.year > c.To {
		return true
	}
	if c.yearEnd && yearEnd(d) {
		return true
	}
	for _, x := range c.extra {
		if x == d {
			return true
		}
	}
	return c.national && nationalHoliday(d)
}

// yearEnd is the closing time of Japanese local government offices, 29 December to
// 3 January (地方自治法第4条の2第2項第3号, by the city's ordinance).
func yearEnd(d civil) bool {
	return d.month == time.December && d.day >= 29 || d.month == time.January && d.day <= 3
}

// nationalHoliday covers Article 3 of the law: the days themselves (1), the
// substitute for one that falls on a Sunday (2), and a day between two (3).
func nationalHoliday(d civil) bool {
	if namedHoliday(d) {
		return true
	}
	// (2) The nearest following day that is not itself a named day. Walk back
	// over named days; if a Sunday is among them, this day replaces it.
	for p := d.plus(-1); namedHoliday(p); p = p.plus(-1) {
		if p.weekday() == time.Sunday {
			return true
		}
	}
	// (3) A day whose neighbours are both named days.
	return namedHoliday(d.plus(-1)) && namedHoliday(d.plus(1))
}

// namedHoliday covers Article 2 of the law.
func namedHoliday(d civil) bool {
	switch d.month {
	case time.January:
		return d.day == 1 || nthMonday(d, 2) // 元日, 成人の日
	case time.February:
		return d.day == 11 || d.day == 23 // 建国記念の日, 天皇誕生日
	case time.March:
		return d.day == vernalEquinox(d.year) // 春分の日
	case time.April:
		return d.day == 29 // 昭和の日
	case time.May:
		return d.day >= 3 && d.day <= 5 // 憲法記念日, みどりの日, こどもの日
	case time.July:
		return nthMonday(d, 3) // 海の日
	case time.August:
		return d.day == 11 // 山の日
	case time.September:
		return nthMonday(d, 3) || d.day == autumnalEquinox(d.year) // 敬老の日, 秋分の日
	case time.October:
		return nthMonday(d, 2) // スポーツの日
	case time.November:
		return d.day == 3 || d.day == 23 // 文化の日, 勤労感謝の日
	default:
		return false
	}
}

func nthMonday(d civil, n int) bool {
	return (d.day-1)/7 == n-1 && d.weekday() == time.Monday
}

// The equinoxes in Japan Standard Time: mean day of 1980 plus the drift of the
// tropical year less the leap days, in integers of 1e-6 day.
func vernalEquinox(year int) int   { return equinox(20_843_100, year) }
func autumnalEquinox(year int) int { return equinox(23_248_800, year) }

func equinox(base, year int) int {
	n := year - 1980
	return (base+242_194*n)/1_000_000 - n/4
}
