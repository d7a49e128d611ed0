package event

import (
	"fmt"
	"time"
)

// FiscalYear is the year (年度) that t belongs to in its own time zone: it
// begins on 1 April and bears the number of the calendar year in which it
// begins (Local Autonomy Act, Article 208).
func FiscalYear(t time.Time) int {
	if t.Month() < time.April {
		return t.Year() - 1
	}
	return t.Year()
}

// reiwa is the year before the era's first: Reiwa 1 began in 2019.
const reiwa = 2018

// RegisterNumber is the n-th number (整理番号) that a door gives in a fiscal
// year, for example "machine-room-R8-000123". A fiscal year before Reiwa, as
// an unset clock gives it, keeps its Western year.
func RegisterNumber(door string, fiscalYear int, n uint64) string {
	if fiscalYear > reiwa {
		return fmt.Sprintf("%s-R%d-%06d", door, fiscalYear-reiwa, n)
	}
	return fmt.Sprintf("%s-%d-%06d", door, fiscalYear, n)
}

// Numbered tells whether the ledger gives the event a number of the entry
// register (入退室管理簿): each entry that was really made has one line in it.
func (e *Event) Numbered() bool {
	return e.Kind == AccessTaken && e.Side == "entry"
}
