package door

import "sekimori/controller/event"

// Status is what can be said of the doorway in public: levels and counts,
// never who (P12). It compares with ==.
type Status struct {
	Seq      uint64 // of the last event
	Leaf     string // open, closed, unknown
	Lock     string // secured, released, unknown: by the bolt, else by what was asked of it
	Inside   int    // persons known to be inside
	Alarms   int    // that stand
	Requests int    // that wait for an answer
}

// Status tells how things are after the last step.
func (d *Door) Status() Status {
	s := Status{
		Seq: d.state.Seq, Leaf: "unknown", Lock: "unknown",
		Inside: len(d.state.Zone.Persons(event.Inside)), Alarms: len(d.state.Alarms), Requests: len(d.requests),
	}
	switch d.leaf() {
	case Active:
		s.Leaf = "open"
	case Inactive:
		s.Leaf = "closed"
	}
	switch {
	case d.cfg.Bolt && d.lines[LineBolt].level == Active:
		s.Lock = "secured"
	case d.cfg.Bolt && d.lines[LineBolt].level == Inactive, d.releasing():
		s.Lock = "released"
	}
	return s
}
