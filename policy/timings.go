package policy

import "time"

// Timings are the time limits of one place. None is in the regulation; each is
// the city's setting. Every value lies within the bounds of timingBounds.
type Timings struct {
	Release         time.Duration // the lock is released this long at most; 5 s, floor 3 s
	ExtendedRelease time.Duration // the same for an extended person; 10 s
	NotTaken        time.Duration // a grant that opened no door in this time was not taken; 30 s
	Open            time.Duration // the leaf may stand open this long; 30 s
	ExtendedOpen    time.Duration // the same after an extended person; 60 s
	PreAlarm        time.Duration // the warning comes this long before Open ends; 10 s
	BoltHome        time.Duration // leaf closed and relay inactive: the bolt must be home; 3 s
	Finger          time.Duration // a finger must be down; 10 s
	ExtendedFinger  time.Duration // the same for an extended person; 20 s
	Request         time.Duration // the entry manager must answer; 60 s
}

// For gives the release, open and finger times of a person.
func (t Timings) For(extended bool) (release, open, finger time.Duration) {
	if extended {
		return t.ExtendedRelease, t.ExtendedOpen, t.ExtendedFinger
	}
	return t.Release, t.Open, t.Finger
}

// TimingsData is Timings as the rulebook writes it. A value that is not given
// takes the default of Timings' comments.
type TimingsData struct {
	Release         Span `toml:"release" json:"release,omitzero"`
	ExtendedRelease Span `toml:"extended_release" json:"extended_release,omitzero"`
	NotTaken        Span `toml:"not_taken" json:"not_taken,omitzero"`
	Open            Span `toml:"open" json:"open,omitzero"`
	ExtendedOpen    Span `toml:"extended_open" json:"extended_open,omitzero"`
	PreAlarm        Span `toml:"pre_alarm" json:"pre_alarm,omitzero"`
	BoltHome        Span `toml:"bolt_home" json:"bolt_home,omitzero"`
	Finger          Span `toml:"finger" json:"finger,omitzero"`
	ExtendedFinger  Span `toml:"extended_finger" json:"extended_finger,omitzero"`
	Request         Span `toml:"request" json:"request,omitzero"`
}

type timingBound struct {
	key           string
	data          func(*TimingsData) Span
	value         func(*Timings) *time.Duration
	def, min, max time.Duration
}

// timingBounds is the one place that knows keys, defaults and bounds. The
// floor of the release is 3 s because a person with a stick or a trolley needs
// that much to reach the leaf; ceilings keep a typing error from leaving a
// door released or silent for hours (P3).
var timingBounds = [...]timingBound{
	{"release", func(d *TimingsData) Span { return d.Release },
		func(t *Timings) *time.Duration { return &t.Release }, 5 * time.Second, 3 * time.Second, 30 * time.Second},
	{"extended_release", func(d *TimingsData) Span { return d.ExtendedRelease },
		func(t *Timings) *time.Duration { return &t.ExtendedRelease }, 10 * time.Second, 3 * time.Second, time.Minute},
	{"not_taken", func(d *TimingsData) Span { return d.NotTaken },
		func(t *Timings) *time.Duration { return &t.NotTaken }, 30 * time.Second, 3 * time.Second, 5 * time.Minute},
	{"open", func(d *TimingsData) Span { return d.Open },
		func(t *Timings) *time.Duration { return &t.Open }, 30 * time.Second, 3 * time.Second, 10 * time.Minute},
	{"extended_open", func(d *TimingsData) Span { return d.ExtendedOpen },
		func(t *Timings) *time.Duration { return &t.ExtendedOpen }, time.Minute, 3 * time.Second, 20 * time.Minute},
	{"pre_alarm", func(d *TimingsData) Span { return d.PreAlarm },
		func(t *Timings) *time.Duration { return &t.PreAlarm }, 10 * time.Second, time.Second, 5 * time.Minute},
	{"bolt_home", func(d *TimingsData) Span { return d.BoltHome },
		func(t *Timings) *time.Duration { return &t.BoltHome }, 3 * time.Second, time.Second, 30 * time.Second},
	{"finger", func(d *TimingsData) Span { return d.Finger },
		func(t *Timings) *time.Duration { return &t.Finger }, 10 * time.Second, 3 * time.Second, time.Minute},
	{"extended_finger", func(d *TimingsData) Span { return d.ExtendedFinger },
		func(t *Timings) *time.Duration { return &t.ExtendedFinger }, 20 * time.Second, 3 * time.Second, 2 * time.Minute},
	{"request", func(d *TimingsData) Span { return d.Request },
		func(t *Timings) *time.Duration { return &t.Request }, time.Minute, 5 * time.Second, 10 * time.Minute},
}

// DefaultTimings are the limits of a place that sets none.
func DefaultTimings() Timings {
	var t Timings
	for _, b := range timingBounds {
		*b.value(&t) = b.def
	}
	return t
}

func checkTimings(c *complaints, path string, d *TimingsData) Timings {
	var t Timings
	for _, b := range timingBounds {
		v := time.Duration(b.data(d))
		if v == 0 {
			v = b.def
		}
		if v < b.min || v > b.max {
			c.add(at(path, b.key), "%v is outside %v to %v", v, b.min, b.max)
		}
		*b.value(&t) = v
	}
	if t.PreAlarm >= t.Open {
		c.add(at(path, "pre_alarm"), "%v is not shorter than open (%v)", t.PreAlarm, t.Open)
	}
	if t.NotTaken < t.Release {
		c.add(at(path, "not_taken"), "%v is shorter than release (%v)", t.NotTaken, t.Release)
	}
	if t.NotTaken < t.ExtendedRelease {
		c.add(at(path, "not_taken"), "%v is shorter than extended_release (%v)", t.NotTaken, t.ExtendedRelease)
	}
	for _, p := range [...]struct {
		key         string
		long, short time.Duration
	}{
		{"extended_release", t.ExtendedRelease, t.Release},
		{"extended_open", t.ExtendedOpen, t.Open},
		{"extended_finger", t.ExtendedFinger, t.Finger},
	} {
		if p.long < p.short {
			c.add(at(path, p.key), "%v is shorter than the ordinary %v", p.long, p.short)
		}
	}
	return t
}
