package zfm

import (
	"fmt"
	"math/bits"
)

// maxPages is what ReadIndexTable can describe: four tables of 256 pages (R503
// user manual, "read valid template index table").
const maxPages = 4 * pagesPerTable

const (
	pagesPerTable = 256
	tableSize     = pagesPerTable / 8
)

// library is a set of pages: bit b of byte k in table p is page 256p + 8k + b.
type library [maxPages / 8]byte

func (l *library) has(page uint16) bool {
	return int(page) < maxPages && l[page/8]&(1<<(page%8)) != 0
}

func (l *library) add(page uint16)    { l[page/8] |= 1 << (page % 8) }
func (l *library) remove(page uint16) { l[page/8] &^= 1 << (page % 8) }

func (l *library) count() (n int) {
	for _, b := range l {
		n += bits.OnesCount8(b)
	}
	return n
}

// setTable takes one answer to ReadIndexTable.
func (l *library) setTable(table int, b []byte) {
	copy(l[table*tableSize:(table+1)*tableSize], b)
}

// difference says in words how found differs from l, "" if it does not. Page
// numbers are no secret; more than a few are counted.
func (l *library) difference(found *library) string {
	missing, added := "", ""
	nMissing, nAdded := 0, 0
	for page := range uint16(maxPages) {
		switch {
		case l.has(page) && !found.has(page):
			missing, nMissing = listed(missing, nMissing, page), nMissing+1
		case !l.has(page) && found.has(page):
			added, nAdded = listed(added, nAdded, page), nAdded+1
		}
	}
	if nMissing+nAdded == 0 {
		return ""
	}
	return fmt.Sprintf("%d missing%s, %d not expected%s", nMissing, missing, nAdded, added)
}

// listed appends page to a list that shows eight at most.
func listed(list string, n int, page uint16) string {
	switch {
	case n < 8:
		return fmt.Sprintf("%s %d", list, page)
	case n == 8:
		return list + " …"
	}
	return list
}
