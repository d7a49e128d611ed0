package policy

import (
	"fmt"
	"time"
)

// Stamp is a moment in whole seconds since 1970-01-01T00:00:00Z. Zero means
// "not given". As text it is RFC 3339 with an offset and without fractions
// (2026-11-24T09:00:00+09:00): a date alone, or a time without an offset, would
// mean another moment on a box in another zone and is refused.
type Stamp int64

// StampOf gives t's second, rounded down. The zero Time gives 0.
func StampOf(t time.Time) Stamp {
	if t.IsZero() {
		return 0
	}
	return Stamp(t.Unix())
}

// Time is the moment in UTC, or the zero Time.
func (s Stamp) Time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

func (s Stamp) String() string {
	if s == 0 {
		return ""
	}
	return s.Time().Format(time.RFC3339)
}

// MarshalText writes RFC 3339 in UTC, or nothing for 0.
func (s Stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads RFC 3339 with an offset; "" is 0.
func (s *Stamp) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*s = 0
		return nil
	}
	t, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return fmt.Errorf("%q is not a date and time with offset like 2026-11-24T09:00:00+09:00", b)
	}
	if t.Nanosecond() != 0 {
		return fmt.Errorf("%q has fractions of a second", b)
	}
	if t.Year() < 1971 || t.Year() > 9998 {
		return fmt.Errorf("%q is outside the years 1971 to 9998", b)
	}
	*s = Stamp(t.Unix())
	return nil
}

// Span is a length of time as the data writes it: "5s", "1m30s", "72h".
// Zero means "not given".
type Span time.Duration

func (d Span) String() string { return time.Duration(d).String() }

// MarshalText writes the form of time.Duration, or nothing for 0.
func (d Span) MarshalText() ([]byte, error) {
	if d == 0 {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads a positive length of time; "" is 0.
func (d *Span) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is not a positive length of time like 5s or 1m30s", b)
	}
	*d = Span(v)
	return nil
}

// civil is a calendar day in some zone.
type civil struct {
	year  int
	month time.Month
	day   int
}

func civilOf(t time.Time) civil {
	y, m, d := t.Date()
	return civil{y, m, d}
}

// plus is the day n days later. time.Date normalises across months, years and
// leap days.
func (c civil) plus(n int) civil {
	return civilOf(time.Date(c.year, c.month, c.day+n, 12, 0, 0, 0, time.UTC))
}

func (c civil) weekday() time.Weekday {
	return time.Date(c.year, c.month, c.day, 12, 0, 0, 0, time.UTC).Weekday()
}

// number orders days; it is no count of days.
func (c civil) number() int { return (c.year*100+int(c.month))*100 + c.day }

func (c civil) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", c.year, c.month, c.day)
}

// parseCivil reads 2026-11-24.
func parseCivil(s string) (civil, error) {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		return civil{}, fmt.Errorf("%q is not a day like 2026-11-24", s)
	}
	return civilOf(t), nil
}
