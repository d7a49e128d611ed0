package event

import (
	"encoding/json"
	"fmt"
	"time"

	"sekimori/policy"
)

// Event is one line of the ledger and one message on the wire: the same JSON
// in both (P9). Fields that do not apply are absent. It carries ids, never
// names, and never a credential number, template, PIN or key (P12).
type Event struct {
	Seq      uint64          `json:"seq"` // given by the ledger, from 1, without gaps
	Kind     Kind            `json:"kind"`
	Severity Severity        `json:"severity"` // of Kind, set by New
	Time     Time            `json:"time"`     // wall clock of the door
	Clock    Clock           `json:"clock"`    // whether that clock was trusted
	Door     string          `json:"door"`
	Place    policy.PlaceID  `json:"place"`
	Side     Side            `json:"side,omitempty"`
	Passage  string          `json:"passage,omitempty"` // shared by all events of one attempt or opening
	Person   policy.PersonID `json:"person,omitempty"`
	Badge    policy.BadgeID  `json:"badge,omitempty"`
	Tag      string          `json:"tag,omitempty"` // keyed short digest of an unknown credential
	Post     policy.PostID   `json:"post,omitempty"`
	Permit   policy.PermitID `json:"permit,omitempty"`
	Reason   policy.Reason   `json:"reason,omitempty"`
	Article  string          `json:"article,omitempty"`
	Failed   []Finding       `json:"failed,omitempty"`
	Remarks  []Finding       `json:"remarks,omitempty"`
	Wire     string          `json:"wire,omitempty"`  // open, secured
	Proof    string          `json:"proof,omitempty"` // clonable, reader_asserted, authenticated
	Score    uint16          `json:"score,omitempty"`
	Device   string          `json:"device,omitempty"` // reader, sensor, input or lock by its configured name
	Detail   string          `json:"detail,omitempty"`
	Count    uint64          `json:"count,omitempty"` // more than one: so many alike were coalesced
	Until    *Time           `json:"until,omitempty"` // of a lockout, permit or lease
	Of       uint64          `json:"of,omitempty"`    // the seq of the event that this one ends, restores or answers
	Order    string          `json:"order,omitempty"` // the order that caused it
	// OrderHash is the SHA-256 of that order's bytes in hex, given by the ledger
	// where it keeps them, so that the Merkle tree covers them too.
	OrderHash string         `json:"order_hash,omitempty"`
	Ledger    string         `json:"ledger_no,omitempty"`
	Before    string         `json:"before,omitempty"` // hash before a change
	After     string         `json:"after,omitempty"`  // hash after it
	Diff      map[string]int `json:"diff,omitempty"`   // counts of a roster change
	// Rows are the SHA-256 in hex of the ledger's state rows by name, as they
	// stand after this event: so the Merkle tree covers them too.
	Rows map[string]string `json:"rows,omitempty"`
}

// Finding is one check that did not pass, as the event shows it.
type Finding struct {
	Reason  policy.Reason `json:"reason"`
	Article string        `json:"article,omitempty"`
}

// Findings converts a verdict's list.
func Findings(in []policy.Finding) []Finding {
	if len(in) == 0 {
		return nil
	}
	out := make([]Finding, len(in))
	for i, f := range in {
		out[i] = Finding{Reason: f.Reason, Article: f.Article}
	}
	return out
}

// New starts an event of a kind, with its severity.
func New(k Kind) Event { return Event{Kind: k, Severity: k.Severity()} }

// Clock tells whether the daemon vouched for the wall clock.
type Clock string

// The two states of the clock.
const (
	Trusted   Clock = "trusted"
	Untrusted Clock = "untrusted"
)

// Side is a side in text.
type Side string

// SideOf converts; an unknown side is absent from the event.
func SideOf(s policy.Side) Side {
	if s == policy.Entry || s == policy.Exit {
		return Side(s.String())
	}
	return ""
}

// Policy converts back; an absent or unknown side is the zero policy.Side.
func (s Side) Policy() policy.Side {
	switch s {
	case "entry":
		return policy.Entry
	case "exit":
		return policy.Exit
	default:
		return 0
	}
}

// layout keeps milliseconds and the offset, so that every reader sees the same
// instant and the local time of day (RFC 3339).
const layout = "2006-01-02T15:04:05.000Z07:00"

// Time is a wall-clock instant with millisecond resolution.
type Time struct{ time.Time }

// At rounds down to the resolution that the ledger keeps.
func At(t time.Time) Time { return Time{t.Round(0).Truncate(time.Millisecond)} }

// MarshalJSON writes RFC 3339 with milliseconds and offset.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(layout)+2)
	b = append(b, '"')
	b = t.AppendFormat(b, layout)
	return append(b, '"'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("event time: %w", err)
	}
	p, err := time.Parse(layout, s)
	if err != nil {
		return fmt.Errorf("event time %q is not %s", s, layout)
	}
	t.Time = p
	return nil
}
