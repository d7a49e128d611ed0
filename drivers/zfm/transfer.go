package zfm

import (
	"errors"
	"fmt"
	"time"

	"sekimori/drivers"
)

var (
	errOccupied   = errors.New("the page holds another finger")
	errDifferent  = errors.New("what was read back is not what was stored")
	errNotListed  = errors.New("the index does not show the page")
	errStillThere = errors.New("the index still shows the page")
)

// checkPage refuses a page that the library does not have.
func (m *machine) checkPage(page uint16) error {
	if page >= m.parameters.capacity {
		return fmt.Errorf("page %d is beyond the capacity of %d", page, m.parameters.capacity)
	}
	return nil
}

// storing puts the template of buffer 1 on a page and proves that it is there:
// the page loads, its template matches the one in buffer 1, the index shows it.
type storing struct {
	m    *machine
	t    task
	page uint16
	then func(now time.Time, err error)
}

func (s *storing) store(now time.Time) {
	s.m.ask(now, s.t, func(now time.Time, a answer) {
		if err := a.failure(store); err != nil {
			s.then(now, err)
			return
		}
		s.compare(now, s.index)
	}, store, withPage(s.page, fresh)...)
}

// compare matches what the page holds with buffer 1; same is called only if
// they are of one finger.
func (s *storing) compare(now time.Time, same func(time.Time)) {
	matched := func(now time.Time, a answer) {
		switch {
		case a.err == nil && a.code == noMatch:
			s.then(now, errDifferent)
		case a.failure(match) != nil:
			s.then(now, a.failure(match))
		default:
			same(now)
		}
	}
	s.m.ask(now, s.t, func(now time.Time, a answer) {
		if err := a.failure(loadChar); err != nil {
			s.then(now, err)
			return
		}
		s.m.ask(now, s.t, matched, match)
	}, loadChar, withPage(s.page, stored)...)
}

func (s *storing) index(now time.Time) {
	s.m.listed(now, s.t, s.page, func(now time.Time, shown bool, err error) {
		if err == nil && !shown {
			err = errNotListed
		}
		s.then(now, err)
	})
}

// listed asks the index whether it shows page.
func (m *machine) listed(now time.Time, t task, page uint16, then func(now time.Time, shown bool, err error)) {
	m.ask(now, t, func(now time.Time, a answer) {
		if err := a.failure(readIndexTable); err != nil {
			then(now, false, err)
			return
		}
		var l library
		l.setTable(int(page/pagesPerTable), a.data)
		then(now, l.has(page), nil)
	}, readIndexTable, byte(page/pagesPerTable))
}

// keep stores a template that another sensor made (DownChar, Store).
type keep struct {
	m        *machine
	id       uint64
	page     uint16
	template drivers.Template
	writing  bool
}

func (k *keep) ident() uint64   { return k.id }
func (k *keep) committed() bool { return k.writing }
func (k *keep) repairs() bool   { return true }

func (k *keep) abandoned(why string) drivers.Body { return k.result(errors.New(why)) }

// result is the one way out, and wipes the template (P12). A DownChar that is
// still under way then carries zeros into a buffer, nothing into the library.
func (k *keep) result(err error) drivers.Body {
	k.template.Wipe()
	if err != nil {
		err = fmt.Errorf("cannot store template on page %d of %s: %w", k.page, k.m.o.Name, err)
	}
	return drivers.StoreResult{ID: k.id, Err: err}
}

func (k *keep) start(now time.Time) {
	err := k.m.checkPage(k.page)
	if n, want := k.template.Len(), k.m.templateSize(); err == nil && n != want {
		err = fmt.Errorf("template has %d bytes, this module's have %d", n, want)
	}
	if err != nil {
		k.m.finish(now, k.result(err))
		return
	}
	k.m.begin(now, &exchange{
		ins: downChar, content: request(downChar, fresh), upload: k.template.Bytes(), owner: k, then: k.loaded,
	})
}

// loaded: a page that is taken must hold this very finger (an earlier Store
// whose outcome was lost); it is never written over.
func (k *keep) loaded(now time.Time, a answer) {
	if err := a.failure(downChar); err != nil {
		k.m.finish(now, k.result(err))
		return
	}
	s := &storing{k.m, k, k.page, k.stored}
	if k.m.library.has(k.page) {
		s.compare(now, s.index)
		return
	}
	k.writing = true
	s.store(now)
}

func (k *keep) stored(now time.Time, err error) {
	switch {
	case err == nil:
		k.m.holds(k.page)
	case !k.writing && errors.Is(err, errDifferent):
		err = errOccupied
	case k.writing:
		k.m.undo(now, k, k.page, func(now time.Time) { k.m.finish(now, k.result(err)) })
		return
	}
	k.m.finish(now, k.result(err))
}

// undo takes a half-stored page away again. If that fails as well, the next
// comparison of the index finds it.
func (m *machine) undo(now time.Time, t task, page uint16, then func(time.Time)) {
	m.checkDue, m.libraryDue = now, now
	m.ask(now, t, func(now time.Time, _ answer) { then(now) }, deletChar, withPage(1, withPage(page)...)...)
}

// templateSize is the size of this module's templates, as it says or as its
// family's manual does (512 bytes, R503 1536).
func (m *machine) templateSize() int {
	switch {
	case m.product != nil && m.product.templateSize > 0:
		return m.product.templateSize
	case m.parameters.system == systemR503:
		return 1536
	}
	return 512
}

// erase takes a page away; the index decides whether it is gone.
type erase struct {
	m    *machine
	id   uint64
	page uint16
}

func (e *erase) ident() uint64   { return e.id }
func (e *erase) committed() bool { return true }
func (e *erase) repairs() bool   { return true }

func (e *erase) abandoned(why string) drivers.Body { return e.result(errors.New(why)) }

func (e *erase) result(err error) drivers.Body {
	if err != nil {
		err = fmt.Errorf("cannot erase page %d of %s: %w", e.page, e.m.o.Name, err)
	}
	return drivers.EraseResult{ID: e.id, Err: err}
}

func (e *erase) start(now time.Time) {
	if err := e.m.checkPage(e.page); err != nil {
		e.m.finish(now, e.result(err))
		return
	}
	e.m.ask(now, e, e.deleted, deletChar, withPage(1, withPage(e.page)...)...)
}

// deleted: whatever DeletChar answered (a page that is empty already is an
// error to some modules), only the index proves the outcome.
func (e *erase) deleted(now time.Time, a answer) {
	e.m.listed(now, e, e.page, func(now time.Time, shown bool, err error) {
		switch {
		case err == nil && shown && a.failure(deletChar) != nil:
			err = a.failure(deletChar)
		case err == nil && shown:
			err = errStillThere
		case err == nil:
			e.m.lacks(e.page)
		}
		e.m.finish(now, e.result(err))
	})
}
