package gpioline

import (
	"time"

	"periph.io/x/conn/v3/gpio"
)

// How these numbers hold together: a pulse of 401 ms or more must be seen
// (IEC 60839-11-1: inputs active for more than 400 ms are processed). In the
// worst case its first look comes blind after its start and the look that
// settles it comes another blind later; 2 × 200 ms < 401 ms. Whatever takes
// longer than that is reported as unknown. The same holds where no edge is
// ever told, for lookEvery + longestDebounce < blind.
const (
	// lookEvery is the longest time between two looks at an input at rest.
	lookEvery = 100 * time.Millisecond
	// blind is the time between two looks beyond which a pulse may have been
	// missed.
	blind = 200 * time.Millisecond
	// chatter is how long an input may go on without settling.
	chatter = 300 * time.Millisecond
)

// settle turns looks at an input into settled levels. It is pure: every method
// takes the time. The zero value with a debounce has seen nothing yet.
type settle struct {
	debounce time.Duration

	known bool // level was reported and nothing spoke against it since
	level gpio.Level

	moving    bool // a look or an edge contradicted level, and nothing settled yet
	candidate gpio.Level
	since     time.Time // candidate was seen without interruption
	from      time.Time // moving began
	suspect   bool      // a whole pulse may have been hidden

	last   time.Time // the look before this one
	looked bool
}

// settled is one report: a level, or that it is unknown.
type settled struct {
	known bool
	level gpio.Level
	at    time.Time // when this was first seen
}

// look takes one look: the level now, and whether the input had an edge since
// the look before. It returns at most two reports.
func (s *settle) look(now time.Time, level gpio.Level, edge bool) []settled {
	stalled := s.looked && now.Sub(s.last) > blind
	s.last, s.looked = now, true
	switch {
	case s.moving && (level != s.candidate || edge):
		s.candidate, s.since = level, now
		s.suspect = s.suspect || stalled
	case s.moving:
		// as before
	case !s.known || level != s.level || edge && stalled:
		s.moving, s.candidate, s.since, s.from = true, level, now, now
		s.suspect = stalled && edge
	default:
		return nil // at rest, or a glitch that is over
	}
	if now.Sub(s.since) >= s.debounce {
		return s.arrive()
	}
	if s.known && now.Sub(s.from) >= chatter {
		s.known = false
		return []settled{{at: now}}
	}
	return nil
}

// arrive ends a movement at its candidate.
func (s *settle) arrive() []settled {
	same := s.known && s.candidate == s.level
	hidden := same && s.suspect
	report := settled{known: true, level: s.candidate, at: s.from}
	if hidden || !s.known {
		report.at = s.since // after the unknown that it ends
	}
	from := s.from
	s.known, s.level, s.moving, s.suspect = true, s.candidate, false, false
	switch {
	case hidden:
		return []settled{{at: from}, report}
	case same:
		return nil
	}
	return []settled{report}
}

// fail says that the input cannot be read. It reports unknown once.
func (s *settle) fail(now time.Time) []settled {
	was := s.known || !s.looked
	debounce := s.debounce
	*s = settle{debounce: debounce, last: now, looked: true}
	if was {
		return []settled{{at: now}}
	}
	return nil
}

// next is how long to wait, at most, before the next look.
func (s *settle) next(now time.Time) time.Duration {
	if s.moving {
		return min(max(s.since.Add(s.debounce).Sub(now), 0), lookEvery)
	}
	return lookEvery
}
