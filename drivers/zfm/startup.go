package zfm

import (
	"encoding/binary"
	"fmt"
	"time"

	"sekimori/drivers"
)

// startup is the start sequence: password, parameters, identity, library. It
// alone makes a sensor ready, after every new wire, silence and restart.
type startup struct {
	m     *machine
	found parameters
	prod  *product
	fw    string
}

func (s *startup) start(now time.Time) {
	p := s.m.o.Password.bytes()
	s.m.ask(now, s, s.verified, vfyPwd, p[:]...)
}

func (s *startup) verified(now time.Time, a answer) {
	switch {
	case a.err == nil && a.code == wrongPassword:
		s.m.refuse(now, drivers.BadPassword, "the sensor does not know the configured password")
	case a.failure(vfyPwd) != nil:
		s.m.quit(now, a.failure(vfyPwd).Error())
	default:
		s.m.ask(now, s, s.told, readSysPara)
	}
}

func (s *startup) told(now time.Time, a answer) {
	if err := a.failure(readSysPara); err != nil {
		s.m.quit(now, err.Error())
		return
	}
	p, err := parseParameters(a.data)
	if err != nil {
		s.m.refuse(now, drivers.CapabilityChanged, err.Error())
		return
	}
	s.found = p
	s.m.ask(now, s, s.produced, readProdInfo)
}

// produced: not every module has product information or a firmware version;
// they say so with various codes, or nothing. Both then stand as "-" in the
// identity, so that a module that no longer tells them has another one.
func (s *startup) produced(now time.Time, a answer) {
	if a.failure(readProdInfo) == nil {
		prod, err := parseProduct(a.data)
		if err != nil {
			s.m.refuse(now, drivers.CapabilityChanged, err.Error())
			return
		}
		s.prod = &prod
	}
	s.m.ask(now, s, s.versioned, getFwVer)
}

func (s *startup) versioned(now time.Time, a answer) {
	if a.failure(getFwVer) == nil {
		s.fw = text(a.data)
	}
	m := s.m
	m.parameters, m.product, m.firmware = s.found, s.prod, s.fw
	m.identity = identity(s.found, s.prod, s.fw)
	switch m.o.Identity {
	case m.identity:
		m.readLibrary(now, s, s.read)
	case "":
		m.refuse(now, drivers.NotAdopted, m.identity)
	default:
		m.refuse(now, drivers.IdentityChanged, m.identity)
	}
}

func (s *startup) read(now time.Time) { s.m.serve(now) }

// check asks an idle sensor whether it is still the same, and now and then
// whether its library is.
type check struct{ m *machine }

func (c *check) start(now time.Time) { c.m.ask(now, c, c.told, readSysPara) }

func (c *check) told(now time.Time, a answer) {
	m := c.m
	if err := a.failure(readSysPara); err != nil {
		m.quit(now, err.Error())
		return
	}
	p, err := parseParameters(a.data)
	if err != nil || p != m.parameters {
		m.lost(now, "system parameters changed")
		return
	}
	if m.product == nil {
		c.same(now)
		return
	}
	m.ask(now, c, c.produced, readProdInfo)
}

// produced compares the serial number each time: a module can be swapped
// within one interval, and one without a password says nothing about it.
func (c *check) produced(now time.Time, a answer) {
	if err := a.failure(readProdInfo); err != nil {
		c.m.quit(now, err.Error())
		return
	}
	prod, err := parseProduct(a.data)
	if found := identity(c.m.parameters, &prod, c.m.firmware); err != nil || found != c.m.identity {
		c.m.refuse(now, drivers.IdentityChanged, found)
		return
	}
	c.same(now)
}

func (c *check) same(now time.Time) {
	m := c.m
	m.checkDue = now.Add(checkEvery)
	if now.Before(m.libraryDue) {
		m.rest(now)
		return
	}
	m.readLibrary(now, c, func(now time.Time) {
		m.libraryDue = now.Add(libraryEvery)
		m.rest(now)
	})
}

// readLibrary reads the whole index for t, compares it with what is expected
// and goes on with then only if it fits.
func (m *machine) readLibrary(now time.Time, t task, then func(time.Time)) {
	var found library
	templates, table := 0, 0
	tables := (int(m.parameters.capacity) + pagesPerTable - 1) / pagesPerTable
	var indexed func(time.Time, answer)
	indexed = func(now time.Time, a answer) {
		if err := a.failure(readIndexTable); err != nil {
			m.unreadableIndex(now, a, err)
			return
		}
		found.setTable(table, a.data)
		if table++; table < tables {
			m.ask(now, t, indexed, readIndexTable, byte(table))
			return
		}
		if m.compareLibrary(now, templates, &found) {
			then(now)
		}
	}
	m.ask(now, t, func(now time.Time, a answer) {
		if err := a.failure(templateNum); err != nil {
			m.unreadableIndex(now, a, err)
			return
		}
		templates = int(binary.BigEndian.Uint16(a.data))
		m.ask(now, t, indexed, readIndexTable, 0)
	}, templateNum)
}

// unreadableIndex: silence is a lost sensor, a refusal is one that cannot be
// checked and therefore not used (P11).
func (m *machine) unreadableIndex(now time.Time, a answer, err error) {
	if a.err != nil {
		m.quit(now, err.Error())
		return
	}
	m.refuse(now, drivers.CapabilityChanged, err.Error())
}

// compareLibrary takes a read index. Without an expected set the first one read
// is it: what changes behind the driver's back is still found.
func (m *machine) compareLibrary(now time.Time, templates int, found *library) bool {
	m.library = *found
	if n := found.count(); n != templates {
		m.refuse(now, drivers.LibraryChanged, fmt.Sprintf("the sensor counts %d templates, its index shows %d", templates, n))
		return false
	}
	if m.expected == nil {
		first := *found
		m.expected = &first
	}
	if d := m.expected.difference(found); d != "" {
		m.refuse(now, drivers.LibraryChanged, d)
		return false
	}
	return true
}

// expect takes the set of pages that the library must hold from now on.
func (m *machine) expect(now time.Time, pages library) {
	m.expected = &pages
	_, busy := m.task.(operation)
	switch {
	case m.phase == ready: // compared after an operation that runs, its own change included
		m.libraryDue, m.checkDue = now, now
		if m.task == nil {
			m.timer = timer{}
			m.proceed(now)
		}
	case m.phase == refused && m.fault.Code == drivers.LibraryChanged && !busy:
		m.begins(now)
	}
}

// holds and lacks note a change that this driver made and read back.
func (m *machine) holds(page uint16) {
	m.library.add(page)
	if m.expected != nil {
		m.expected.add(page)
	}
}

func (m *machine) lacks(page uint16) {
	m.library.remove(page)
	if m.expected != nil {
		m.expected.remove(page)
	}
}
