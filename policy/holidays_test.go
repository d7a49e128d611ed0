package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// published are the national holidays and substitute holidays of the Cabinet
// Office's list (内閣府「国民の祝日について」), by year. The years from 2028 on are
// not announced yet; their equinoxes are those of the National Astronomical
// Observatory's advance calculation.
var published = map[int]string{
	2024: "01-01 01-08 02-11 02-12 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-15 08-11 08-12 09-16 09-22 09-23 10-14 11-03 11-04 11-23",
	2025: "01-01 01-13 02-11 02-23 02-24 03-20 04-29 05-03 05-04 05-05 05-06 07-21 08-11 09-15 09-23 10-13 11-03 11-23 11-24",
	2026: "01-01 01-12 02-11 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23",
	2027: "01-01 01-11 02-11 02-23 03-21 03-22 04-29 05-03 05-04 05-05 07-19 08-11 09-20 09-23 10-11 11-03 11-23",
	2028: "01-01 01-10 02-11 02-23 03-20 04-29 05-03 05-04 05-05 07-17 08-11 09-18 09-22 10-09 11-03 11-23",
	2029: "01-01 01-08 02-11 02-12 02-23 03-20 04-29 04-30 05-03 05-04 05-05 07-16 08-11 09-17 09-23 09-24 10-08 11-03 11-23",
	2030: "01-01 01-14 02-11 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-15 08-11 08-12 09-16 09-23 10-14 11-03 11-04 11-23",
}

func eachDay(year int, do func(civil)) {
	for d := (civil{year, time.January, 1}); d.year == year; d = d.plus(1) {
		do(d)
	}
}

func TestNationalHolidaysAsPublished(t *testing.T) {
	cal := Calendar{From: 2024, To: 2030, national: true}
	for year, list := range published {
		var got []string
		eachDay(year, func(d civil) {
			if cal.holiday(d) {
				got = append(got, fmt.Sprintf("%02d-%02d", d.month, d.day))
			}
		})
		if want := strings.Fields(list); !slices.Equal(got, want) {
			t.Errorf("%d:\n got %v\nwant %v", year, got, want)
		}
	}
}

func TestEquinoxes(t *testing.T) {
	for year, days := range map[int][2]int{
		1980: {20, 23}, 2000: {20, 23}, 2012: {20, 22}, 2016: {20, 22}, 2023: {21, 23}, 2044: {20, 22}, 2092: {19, 22},
	} {
		if v, a := vernalEquinox(year), autumnalEquinox(year); v != days[0] || a != days[1] {
			t.Errorf("%d: equinoxes on %d March and %d September, want %v", year, v, a, days)
		}
	}
}

func TestYearEndAndExtraDays(t *testing.T) {
	rb := hinoRules(t, func(d *RulebookData) {
		d.Holidays.Extra = []ExtraData{{Date: "2026-12-28", Name: "臨時閉庁"}, {Date: "2026-02-20", Name: "臨時閉庁"}}
	})
	for day, want := range map[string]bool{
		"2026-12-27": false, "2026-12-28": true, "2026-12-29": true, "2026-12-31": true, "2027-01-01": true,
		"2027-01-03": true, "2027-01-04": false, "2026-02-20": true, "2026-02-28": false, "2028-02-29": false,
		"2023-06-01": true, "2036-06-01": true, // outside the calendar's years
	} {
		d, err := time.ParseInLocation("2006-01-02", day, japan)
		if err != nil {
			t.Fatal(err)
		}
		if got := rb.Calendar().Holiday(d.Add(23 * time.Hour)); got != want {
			t.Errorf("%s: holiday %v, want %v", day, got, want)
		}
	}
}

// TestHolidayLawHolds recomputes Article 3 of the law for any year: a Sunday
// holiday is made up for, and a day between two holidays is one.
func TestHolidayLawHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		year := rapid.IntRange(holidaysFrom, holidaysTo-1).Draw(t, "year")
		named, substitutes := 0, 0
		eachDay(year, func(d civil) {
			if !namedHoliday(d) {
				return
			}
			named++
			next := d
			for namedHoliday(next) {
				next = next.plus(1)
			}
			if d.weekday() == time.Sunday {
				substitutes++
				if !nationalHoliday(next) {
					t.Fatalf("%v is a Sunday, but %v makes up for nothing", d, next)
				}
			}
			if namedHoliday(d.plus(2)) && !nationalHoliday(d.plus(1)) {
				t.Fatalf("%v lies between two holidays and is none", d.plus(1))
			}
		})
		if named != 16 {
			t.Fatalf("%d has %d named holidays, the law has 16", year, named)
		}
		all := 0
		eachDay(year, func(d civil) {
			if nationalHoliday(d) {
				all++
			}
		})
		if all < named+substitutes || all > named+substitutes+2 {
			t.Fatalf("%d: %d holidays of %d named and %d on Sundays", year, all, named, substitutes)
		}
	})
}
