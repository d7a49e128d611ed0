package ledger

import (
	"fmt"
	"strings"
)

// maxProblems bounds a report; the rest is counted.
const maxProblems = 200

// Report is what Verify found, and how far it proves anything.
type Report struct {
	Door       string
	Key        string // public key that checkpoints were checked with
	KeyGiven   bool   // it came from outside the ledger
	Events     uint64 // number of the newest event looked at
	Forgotten  uint64 // bodies up to here are gone by retention
	Own        int    // checkpoints in the ledger that agree with it
	OwnCovered uint64 // events up to here agree with one of these
	Elsewhere  int    // checkpoints from outside that agree with it
	Covered    uint64 // events up to here agree with one of these
	NoLog      bool   // no write-ahead log lay beside the database

	Problems []Problem // in the order they were met, at most 200
	More     int       // problems beyond these
	Unproven []string  // what this report does not prove, a sentence each
}

// OK tells whether nothing was found. What that is worth, Unproven says.
func (r *Report) OK() bool { return len(r.Problems) == 0 }

func (r *Report) problem(seq uint64, format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{seq, fmt.Sprintf(format, args...)})
}

// unproven says what the evidence leaves open.
func (r *Report) unproven() {
	say := func(format string, args ...any) { r.Unproven = append(r.Unproven, fmt.Sprintf(format, args...)) }
	switch {
	case r.Elsewhere == 0:
		say("No checkpoint kept elsewhere agrees with this ledger. Whoever had the box, and with it the key, could have rewritten all of it: that it agrees with itself does not exclude this.")
	case r.Covered < r.Events:
		say("Events %d to %d are newer than the newest checkpoint kept elsewhere that agrees.", r.Covered+1, r.Events)
	}
	if r.OwnCovered < r.Events && r.Covered < r.Events {
		say("Events %d to %d are covered by no signature yet: events removed from the very end would not be missed.", max(r.OwnCovered, r.Covered)+1, r.Events)
	}
	if !r.KeyGiven {
		say("Signatures were checked with the key that the ledger itself names; bring the key noted down when the box was commissioned.")
	}
	if r.Forgotten > 0 {
		say("The bodies of events 1 to %d are forgotten: that they stood there is proven, what they said is not.", r.Forgotten)
	}
	if r.NoLog {
		say("No write-ahead log lay beside the database. A copy of a running box that lacks it lacks the newest events.")
	}
	say("Cursors and the daemon's state rows are not covered by the tree; the daemon can fold its state from the events anew.")
}

// String is the report as text, for a terminal.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "door %s, %d events, %d forgotten\nkey %s\n", r.Door, r.Events, r.Forgotten, r.Key)
	fmt.Fprintf(&b, "checkpoints that agree: %d of its own up to event %d, %d kept elsewhere up to event %d\n",
		r.Own, r.OwnCovered, r.Elsewhere, r.Covered)
	if r.OK() {
		b.WriteString("no tampering found\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "FOUND  %s\n", p)
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "FOUND  %d more\n", r.More)
	}
	for _, s := range r.Unproven {
		fmt.Fprintf(&b, "not proven: %s\n", s)
	}
	return b.String()
}
