package policy

import (
	"fmt"
	"strings"
	"time"
)

// weekdays is a set of days of the week, bit 0 = Sunday. The zero set is
// empty; "every day" is written out as 0x7f.
type weekdays uint8

const everyDay weekdays = 0x7f

func (w weekdays) has(d time.Weekday) bool { return w&(1<<d) != 0 }

var weekdayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseWeekdays reads "mon-fri", "mon,wed,fri" or "fri-mon,wed". "" is every
// day.
func parseWeekdays(s string) (weekdays, error) {
	if s == "" {
		return everyDay, nil
	}
	var w weekdays
	for part := range strings.SplitSeq(s, ",") {
		from, to, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			to = from
		}
		a, okA := weekdayNamed(from)
		b, okB := weekdayNamed(to)
		if !okA || !okB {
			return 0, fmt.Errorf("%q is not a list of days like mon-fri or mon,wed,fri", s)
		}
		for d := a; ; d = (d + 1) % 7 {
			w |= 1 << d
			if d == b {
				break
			}
		}
	}
	return w, nil
}

func weekdayNamed(s string) (int, bool) {
	for i, n := range weekdayNames {
		if n == s {
			return i, true
		}
	}
	return 0, false
}

// String writes the set as a list from Monday; every day is "".
func (w weekdays) String() string {
	if w == everyDay {
		return ""
	}
	var names []string
	for i := range 7 {
		if d := (i + 1) % 7; w.has(time.Weekday(d)) {
			names = append(names, weekdayNames[d])
		}
	}
	return strings.Join(names, ",")
}

// hours is a daily window in minutes since local midnight, from inclusive, to
// exclusive. to <= from means that it crosses midnight. The zero value with
// to = 24 h is the whole day.
type hours struct{ from, to uint16 }

const minutesPerDay = 24 * 60

var wholeDay = hours{0, minutesPerDay}

// parseHours reads "09:00-17:00", "22:00-06:00" or "00:00-24:00". "" is the
// whole day.
func parseHours(s string) (hours, error) {
	if s == "" {
		return wholeDay, nil
	}
	a, b, ok := strings.Cut(s, "-")
	from, okA := parseClock(a)
	to, okB := parseClock(b)
	if !ok || !okA || !okB || from == minutesPerDay || from == to {
		return hours{}, fmt.Errorf("%q is not a window of hours like 09:00-17:00 or 22:00-06:00", s)
	}
	return hours{from, to}, nil
}

func parseClock(s string) (uint16, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	var n [4]uint16
	for i, at := range [...]int{0, 1, 3, 4} {
		if s[at] < '0' || s[at] > '9' {
			return 0, false
		}
		n[i] = uint16(s[at] - '0')
	}
	h, m := n[0]*10+n[1], n[2]*10+n[3]
	if m > 59 || h > 24 || h == 24 && m != 0 {
		return 0, false
	}
	return h*60 + m, true
}

func (h hours) String() string {
	if h == wholeDay {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.from/60, h.from%60, h.to/60, h.to%60)
}

// startDay tells whether the window is open at this local time, and on which
// day it opened: a window that crosses midnight belongs to the day on which it
// began, also for weekday and holiday.
func (h hours) startDay(local time.Time) (civil, bool) {
	hh, mm, _ := local.Clock()
	now := uint16(hh*60 + mm)
	today := civilOf(local)
	switch {
	case h.from < h.to:
		return today, h.from <= now && now < h.to
	case now >= h.from:
		return today, true
	case now < h.to:
		return today.plus(-1), true
	default:
		return today, false
	}
}
