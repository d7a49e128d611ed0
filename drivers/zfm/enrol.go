package zfm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"sekimori/drivers"
)

// liftShown is how long the sign to lift the finger stands at least: a reader
// shows it a poll later, and a person must have seen it.
const liftShown = 500 * time.Millisecond

// ErrDuplicate is the error of an enrolment whose finger is stored already.
var ErrDuplicate = errors.New("the finger is stored already")

var (
	errNoFinger     = errors.New("no finger in time")
	errOtherFinger  = errors.New("the views are not of one finger")
	errBadTemplate  = errors.New("the uploaded template has not the module's template size")
	errNotEnough    = errors.New("the module has too few character buffers")
	errSearchFailed = errors.New("cannot search for a duplicate")
)

// enrol takes views of a new finger, one buffer each, merges them, and stores
// the template. The library is searched twice: with the first view, so that
// nobody gives six views in vain, and with the merged template, which finds
// what a poor view missed.
type enrol struct {
	m        *machine
	id       uint64
	page     uint16
	deadline time.Time

	view, views int
	template    []byte
	writing     bool
}

func (e *enrol) ident() uint64   { return e.id }
func (e *enrol) committed() bool { return e.writing }
func (e *enrol) repairs() bool   { return false }

func (e *enrol) abandoned(why string) drivers.Body { return e.failed(errors.New(why)) }

func (e *enrol) failed(err error) drivers.EnrolResult {
	clear(e.template)
	return drivers.EnrolResult{
		ID: e.id, Err: fmt.Errorf("cannot enrol finger on page %d of %s: %w", e.page, e.m.o.Name, err),
	}
}

func (e *enrol) fail(now time.Time, err error) { e.m.finish(now, e.failed(err)) }

func (e *enrol) start(now time.Time) {
	e.views = e.m.views()
	switch err := e.m.checkPage(e.page); {
	case err != nil:
		e.fail(now, err)
	case e.m.library.has(e.page):
		e.fail(now, errors.New("the page is occupied"))
	case e.views < 2:
		e.fail(now, errNotEnough)
	default:
		e.want(now)
	}
}

// views is how many views an enrolment takes: as configured, at most one for
// each buffer; without a configuration four of six or both of two.
func (m *machine) views() int {
	n := m.o.Views
	if n == 0 {
		n = 4
	}
	return min(n, m.parameters.buffers())
}

func (e *enrol) step(now time.Time, place bool) {
	e.m.emit(now, drivers.EnrolStep{ID: e.id, View: e.view + 1, Of: e.views, Place: place})
}

// want asks for the next view.
func (e *enrol) want(now time.Time) {
	e.step(now, true)
	e.poll(now)
}

// late ends the enrolment when the person has used up the time.
func (e *enrol) late(now time.Time) bool {
	if now.Before(e.deadline) {
		return false
	}
	e.fail(now, errNoFinger)
	return true
}

func (e *enrol) poll(now time.Time) {
	if !e.late(now) {
		e.m.ask(now, e, e.polled, genImg)
	}
}

func (e *enrol) polled(now time.Time, a answer) {
	switch {
	case a.err == nil && a.code == noFinger:
		e.m.wait(now, pollEvery, e.poll)
	case a.err == nil && a.code == ok:
		e.m.ask(now, e, e.extracted, img2Tz, byte(e.view+1))
	case a.err == nil && a.code.unreadable():
		e.lift(now)
	default:
		e.fail(now, a.failure(genImg))
	}
}

func (e *enrol) extracted(now time.Time, a answer) {
	switch {
	case a.err == nil && a.code.unreadable(): // the same view once more
		e.lift(now)
	case a.failure(img2Tz) != nil:
		e.fail(now, a.failure(img2Tz))
	case e.view == 0:
		e.search(now, e.taken)
	default:
		e.taken(now)
	}
}

// taken: one more view is there.
func (e *enrol) taken(now time.Time) {
	e.view++
	if e.view < e.views {
		e.lift(now)
		return
	}
	e.m.ask(now, e, e.merged, regModel)
}

// lift waits for the finger to go, so that the next view is another one.
func (e *enrol) lift(now time.Time) {
	e.step(now, false)
	e.m.wait(now, liftShown, e.gone)
}

func (e *enrol) gone(now time.Time) {
	if e.late(now) {
		return
	}
	e.m.ask(now, e, func(now time.Time, a answer) {
		switch {
		case a.err != nil:
			e.fail(now, a.failure(genImg))
		case a.code == noFinger:
			e.want(now)
		default:
			e.m.wait(now, pollEvery, e.gone)
		}
	}, genImg)
}

// search goes on with fresh only if the library does not know the finger of
// buffer 1.
func (e *enrol) search(now time.Time, unknown func(time.Time)) {
	params := binary.BigEndian.AppendUint16(withPage(0, fresh), e.m.parameters.capacity)
	e.m.ask(now, e, func(now time.Time, a answer) {
		switch {
		case a.err == nil && a.code == ok:
			r := e.failed(ErrDuplicate)
			r.Duplicate, r.Of = true, binary.BigEndian.Uint16(a.data)
			e.m.finish(now, r)
		case a.err == nil && (a.code == notFound || a.code == emptyLibrary):
			unknown(now)
		default:
			e.fail(now, fmt.Errorf("%w: %w", errSearchFailed, a.failure(search)))
		}
	}, search, params...)
}

func (e *enrol) merged(now time.Time, a answer) {
	switch {
	case a.err == nil && a.code == mergeFailed:
		e.fail(now, errOtherFinger)
	case a.failure(regModel) != nil:
		e.fail(now, a.failure(regModel))
	default:
		e.search(now, e.export)
	}
}

// export takes the template into memory before anything is stored, so that a
// finger is never on one side only because it could not be read out.
func (e *enrol) export(now time.Time) {
	e.m.begin(now, &exchange{
		ins: upChar, content: request(upChar, fresh), collect: true, owner: e, then: e.exported,
	})
}

func (e *enrol) exported(now time.Time, a answer) {
	if err := a.failure(upChar); err != nil {
		e.fail(now, err)
		return
	}
	e.template = a.data
	if len(e.template) != e.m.templateSize() {
		e.fail(now, errBadTemplate)
		return
	}
	e.writing = true
	(&storing{e.m, e, e.page, e.stored}).store(now)
}

func (e *enrol) stored(now time.Time, err error) {
	if err != nil {
		e.m.undo(now, e, e.page, func(now time.Time) { e.fail(now, err) })
		return
	}
	e.m.holds(e.page)
	e.m.finish(now, drivers.EnrolResult{ID: e.id, Template: drivers.NewTemplate(e.template)})
}
