package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sekimori/controller/event"
)

// Filter chooses events to show. The zero Filter chooses all.
type Filter struct {
	From, To     uint64    // numbers, both included; To 0 is the end
	Kind         string    // exactly
	Person       string    // exactly
	Since, Until time.Time // wall clock: from Since, before Until; zero is open
}

// Day narrows the filter to one calendar day, in the day's own time zone.
func (f Filter) Day(day time.Time) Filter {
	y, m, d := day.Date()
	f.Since = time.Date(y, m, d, 0, 0, 0, 0, day.Location())
	f.Until = time.Date(y, m, d+1, 0, 0, 0, 0, day.Location())
	return f
}

// Show gives the events that a filter chooses, in order, one at a time; what
// it holds in memory does not grow with the ledger. Forgotten events, whose
// body is nil, are shown only if nothing but numbers is asked for. It ends
// with the first error of f.
func (r *Reader) Show(ctx context.Context, by Filter, f func(Stored) error) error {
	for s, err := range r.All(ctx, by.From) {
		if err != nil {
			return err
		}
		if by.To != 0 && s.Seq > by.To {
			return nil
		}
		ok, err := by.match(s)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

// match looks at the body itself: columns beside it would not be covered by
// the tree, and whoever altered them could hide an event from every search.
func (f *Filter) match(s Stored) (bool, error) {
	if f.Kind == "" && f.Person == "" && f.Since.IsZero() && f.Until.IsZero() {
		return true, nil
	}
	if s.Body == nil || !mentions(s.Body, f.Kind) || !mentions(s.Body, f.Person) {
		return false, nil
	}
	var ev event.Event
	if err := json.Unmarshal(s.Body, &ev); err != nil {
		return false, fmt.Errorf("%w: event %d cannot be read: %v", ErrCorrupt, s.Seq, err)
	}
	switch {
	case f.Kind != "" && string(ev.Kind) != f.Kind:
		return false, nil
	case f.Person != "" && string(ev.Person) != f.Person:
		return false, nil
	case !f.Since.IsZero() && ev.Time.Before(f.Since):
		return false, nil
	case !f.Until.IsZero() && !ev.Time.Before(f.Until):
		return false, nil
	}
	return true, nil
}

// mentions spares most bodies the parser. Words with characters that JSON
// escapes are left to it.
func mentions(body []byte, word string) bool {
	for _, c := range []byte(word) {
		if c < 0x20 || c >= 0x7f || bytes.IndexByte([]byte(`"\<>&`), c) >= 0 {
			return true
		}
	}
	return bytes.Contains(body, []byte(word))
}

// Show opens a ledger, live or copied, and shows what a filter chooses.
func Show(ctx context.Context, path string, by Filter, f func(Stored) error) error {
	r, err := OpenReader(ctx, path)
	if err != nil {
		return err
	}
	defer r.Close()
	return r.Show(ctx, by, f)
}
