package policy

import (
	"strings"
	"testing"
	"time"
)

func TestWeekdays(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "mon-fri": "mon,tue,wed,thu,fri", "fri-mon": "mon,fri,sat,sun", "mon,wed": "mon,wed", "sun, mon": "mon,sun",
		"mon-sun": "", "sat": "sat",
	} {
		w, err := parseWeekdays(in)
		if err != nil || w.String() != want {
			t.Errorf("%q is %q, %v; want %q", in, w, err, want)
		}
	}
	for _, bad := range []string{"Mon", "mon-", "-fri", "mon,,tue", ",", "funday", "mon-fri-sun"} {
		if w, err := parseWeekdays(bad); err == nil {
			t.Errorf("%q is %q", bad, w)
		}
	}
}

func TestHours(t *testing.T) {
	for _, good := range []string{"09:00-17:00", "22:00-06:00", "00:01-24:00", "17:00-00:00"} {
		if h, err := parseHours(good); err != nil || h.String() != good {
			t.Errorf("%q is %q, %v", good, h, err)
		}
	}
	for _, bad := range []string{"9:00-17:00", "09:00", "09:00-09:00", "24:00-06:00", "09:60-10:00", "09:00-24:01", "25:00-26:00", "09:00-17:00 ", "０９:00-17:00"} {
		if h, err := parseHours(bad); err == nil {
			t.Errorf("%q is %q", bad, h)
		}
	}
}

func TestStampText(t *testing.T) {
	var s Stamp
	if err := s.UnmarshalText([]byte("2026-11-24T09:00:00+09:00")); err != nil || s.String() != "2026-11-24T00:00:00Z" {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range []string{"2026-11-24", "2026-11-24T09:00:00", "2026-11-24 09:00:00+09:00", "2026-11-24T09:00:00.5+09:00",
		"1970-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2026-02-29T00:00:00Z", "now"} {
		if err := s.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, s)
		}
	}
	if StampOf(time.Time{}) != 0 || !Stamp(0).Time().IsZero() || Stamp(0).String() != "" {
		t.Error("the zero stamp is a moment")
	}
}

func TestSpanText(t *testing.T) {
	var d Span
	if err := d.UnmarshalText([]byte("1m30s")); err != nil || d != Span(90*time.Second) {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"0s", "-5s", "5", "five", "5 s"} {
		if err := d.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, d)
		}
	}
}

// FuzzStamp: what is read is written back as the same moment, and nothing
// without an offset is read.
func FuzzStamp(f *testing.F) {
	for _, s := range []string{"2026-11-24T09:00:00+09:00", "2026-11-24", "", "2028-02-29T23:59:59-11:30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var s, back Stamp
		if s.UnmarshalText([]byte(in)) != nil {
			return
		}
		if in != "" && s <= 0 {
			t.Fatalf("%q is %d", in, s)
		}
		if err := back.UnmarshalText([]byte(s.String())); err != nil || back != s {
			t.Fatalf("%q is %d, written %q, read %d: %v", in, s, s, back, err)
		}
		if n := strings.LastIndexAny(in, "Z+-"); in != "" && n < 19 {
			t.Fatalf("%q was read without an offset", in)
		}
	})
}

// FuzzSchedule: what is read is written back as the same schedule, and a
// window is open on no more minutes than it is long.
func FuzzSchedule(f *testing.F) {
	f.Add("mon-fri", "09:00-17:00")
	f.Add("", "")
	f.Add("fri-mon,wed", "22:00-06:00")
	f.Fuzz(func(t *testing.T, days, window string) {
		if w, err := parseWeekdays(days); err == nil {
			if back, err := parseWeekdays(w.String()); err != nil || back != w || w == 0 {
				t.Fatalf("%q is %07b, written %q, read %07b: %v", days, w, w, back, err)
			}
		}
		h, err := parseHours(window)
		if err != nil {
			return
		}
		if back, err := parseHours(h.String()); err != nil || back != h {
			t.Fatalf("%q is %v, read back %v: %v", window, h, back, err)
		}
		midnight, length := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), 0
		for m := range minutesPerDay {
			if _, open := h.startDay(midnight.Add(time.Duration(m) * time.Minute)); open {
				length++
			}
		}
		want := (int(h.to) - int(h.from) + minutesPerDay) % minutesPerDay
		if h == wholeDay {
			want = minutesPerDay
		}
		if length != want {
			t.Fatalf("%q is open for %d minutes, not %d", window, length, want)
		}
	})
}

// FuzzCivil: a day that is read is written back as the same day.
func FuzzCivil(f *testing.F) {
	f.Add("2026-11-24")
	f.Add("2026-02-29")
	f.Fuzz(func(t *testing.T, in string) {
		if d, err := parseCivil(in); err == nil && d.String() != in {
			t.Fatalf("%q is %v", in, d)
		}
	})
}
