package zfm

import (
	"encoding/binary"
	"fmt"
	"time"

	"sekimori/drivers"
)

const (
	// pollEvery is the pause between two looks for a finger.
	pollEvery = 200 * time.Millisecond
	// liftTime is how long the same finger must have rested before its next
	// image counts as a try of its own.
	liftTime = time.Second
	// touchTime bounds how old a touch may be when the module reports a match.
	touchTime = 3 * time.Second
)

// Character buffers: the fresh finger or template, and what it is compared with.
const (
	fresh  = 1
	stored = 2
)

// verify compares one finger with the pages of one holder: GenImg until a
// finger is there, Img2Tz, then LoadChar and Match for each page. The library
// is never searched, so the module cannot name a page that was not asked for.
type verify struct {
	m        *machine
	id       uint64
	pages    []uint16
	minScore uint16
	tries    int // images that may still be unreadable, this one included
	deadline time.Time

	heldUntil time.Time // an unreadable finger still rests; zero: lifted
	compared  int       // index in pages
	best      uint16    // highest score that was too low
	missed    error     // a page that could not be compared
}

func (v *verify) ident() uint64   { return v.id }
func (v *verify) committed() bool { return false }
func (v *verify) repairs() bool   { return false }

func (v *verify) abandoned(why string) drivers.Body {
	return drivers.FingerResult{ID: v.id, Outcome: drivers.FingerUnavailable, Detail: why}
}

func (v *verify) end(now time.Time, o drivers.FingerOutcome, detail string) {
	v.m.finish(now, drivers.FingerResult{ID: v.id, Outcome: o, Score: v.best, Detail: detail})
}

func (v *verify) start(now time.Time) {
	if len(v.pages) == 0 {
		v.end(now, drivers.FingerUnavailable, "no pages to compare with")
		return
	}
	v.look(now)
}

func (v *verify) look(now time.Time) {
	if !now.Before(v.deadline) {
		v.end(now, drivers.FingerTimeout, "no finger")
		return
	}
	v.m.ask(now, v, v.looked, genImg)
}

func (v *verify) looked(now time.Time, a answer) {
	switch {
	case a.err == nil && a.code == noFinger:
		v.heldUntil = time.Time{}
		v.m.wait(now, pollEvery, v.look)
	case a.err == nil && now.Before(v.heldUntil):
		v.m.wait(now, pollEvery, v.look)
	case a.err == nil && a.code == ok:
		v.m.ask(now, v, v.extracted, img2Tz, fresh)
	case a.err == nil && a.code.unreadable():
		v.unreadable(now, a.code)
	default:
		v.end(now, drivers.FingerUnavailable, a.failure(genImg).Error())
	}
}

func (v *verify) extracted(now time.Time, a answer) {
	switch {
	case a.err == nil && a.code == ok:
		v.load(now)
	case a.err == nil && a.code.unreadable():
		v.unreadable(now, a.code)
	default:
		v.end(now, drivers.FingerUnavailable, a.failure(img2Tz).Error())
	}
}

func (v *verify) unreadable(now time.Time, c code) {
	if v.tries--; v.tries <= 0 {
		v.end(now, drivers.FingerUnreadable, c.String())
		return
	}
	v.heldUntil = now.Add(liftTime)
	v.m.wait(now, pollEvery, v.look)
}

func (v *verify) load(now time.Time) {
	v.m.ask(now, v, v.loaded, loadChar, withPage(v.pages[v.compared], stored)...)
}

func (v *verify) loaded(now time.Time, a answer) {
	if err := a.failure(loadChar); err != nil {
		v.missed = fmt.Errorf("page %d: %w", v.pages[v.compared], err)
		v.another(now)
		return
	}
	v.m.ask(now, v, v.matched, match)
}

func (v *verify) matched(now time.Time, a answer) {
	switch {
	case a.err == nil && a.code == ok:
		score := binary.BigEndian.Uint16(a.data)
		if score >= v.minScore {
			v.hit(now, score)
			return
		}
		v.best = max(v.best, score)
	case a.err == nil && a.code == noMatch:
	default:
		v.missed = fmt.Errorf("page %d: %w", v.pages[v.compared], a.failure(match))
	}
	v.another(now)
}

// another goes on to the next page. A comparison that was not whole is not a
// mismatch: it must not count towards a lockout.
func (v *verify) another(now time.Time) {
	v.compared++
	switch {
	case v.compared < len(v.pages):
		v.load(now)
	case v.missed != nil:
		v.m.checkDue, v.m.libraryDue = now, now
		v.end(now, drivers.FingerUnavailable, v.missed.Error())
	default:
		v.end(now, drivers.FingerMismatch, "")
	}
}

// hit believes the module only if the touch line, where there is one, saw the
// finger too: a module that was replaced or injected with answers has none.
func (v *verify) hit(now time.Time, score uint16) {
	if touch := v.m.o.Touch; touch != nil {
		active, last := touch()
		if !active && now.Sub(last) > touchTime {
			v.m.emit(now, drivers.Fault{Code: drivers.NoTouch, Detail: fmt.Sprintf("match on page %d without a finger on the touch line", v.pages[v.compared])})
			v.end(now, drivers.FingerUnavailable, "match without a touch")
			return
		}
	}
	v.m.finish(now, drivers.FingerResult{
		ID: v.id, Outcome: drivers.FingerMatch, Page: v.pages[v.compared], Score: score,
	})
}
