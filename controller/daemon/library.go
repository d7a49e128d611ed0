package daemon

import (
	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/drivers/zfm"
	"sekimori/policy"
)

// library tells each sensor which templates it must hold: those of the roster.
// Any other content is an alarm and disables the sensor.
//
// While a template is still to be erased from a sensor, nobody knows whether it
// is there: the power may have failed between the sensor's act and its record.
// Until it is known the sensor keeps the set that it was told last or, at a
// start, takes the first index that it reads. Otherwise the very template that
// must go would disable the sensor that must erase it (P12). Nothing opens by
// it: a finger is only ever compared with its holder's own pages.
//
// It belongs to the loop's goroutine. A nil library does nothing: without a
// ledger there is no roster to hold a sensor against.
type library struct {
	modules map[policy.Side]*zfm.Sensor
	roster  *policy.Roster
	unfinished
	stale bool // the sensors were not told yet
}

func newLibrary(modules map[policy.Side]*zfm.Sensor, ro *policy.Roster, st door.State) *library {
	l := &library{modules: modules, roster: ro, unfinished: newUnfinished(st), stale: true}
	l.settle()
	return l
}

// replace takes the roster that is in force now.
func (l *library) replace(ro *policy.Roster) {
	if l != nil {
		l.roster, l.stale = ro, true
	}
}

// recorded follows the events that say what is on the sensors.
func (l *library) recorded(ev event.Event) {
	if l == nil {
		return
	}
	if l.follow(ev) {
		l.stale = true
	}
}

// settle tells the sensors, once all events of a record have been followed: a
// roster without a finger and the erasure of that finger stand in one record.
func (l *library) settle() {
	if l == nil || !l.stale {
		return
	}
	l.stale = false
	var pages []uint16
	for _, f := range l.roster.Data().Fingers {
		pages = append(pages, f.Page)
	}
	for side, m := range l.modules {
		if !l.at(event.SideOf(side)) {
			// The only error is a page that no module has; the roster refused it.
			_ = m.SetExpected(pages)
		}
	}
}
