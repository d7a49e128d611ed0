package policy

import (
	"fmt"
	"slices"
)

// Change lists what happened to one kind of record, by sorted key.
type Change struct{ Added, Removed, Changed []string }

// Empty tells whether nothing happened.
func (c Change) Empty() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// Diff is what differs between two rosters. Keys are ids; a finger's is
// "person/page", a tenure's "post/from". No name and no credential number
// stands in it, so that it may be recorded.
type Diff struct{ Persons, Badges, Fingers, Posts, Tenures, Permits Change }

// DiffRosters compares two rosters; a nil one knows nobody.
func DiffRosters(before, after *Roster) Diff {
	a, b := before.Data(), after.Data()
	return Diff{
		Persons: change(a.Persons, b.Persons, func(p PersonData) string { return string(p.ID) }),
		Badges:  change(a.Badges, b.Badges, func(p BadgeData) string { return string(p.ID) }),
		Fingers: change(a.Fingers, b.Fingers, func(p FingerPage) string { return fmt.Sprintf("%s/%d", p.Person, p.Page) }),
		Posts:   change(a.Posts, b.Posts, func(p PostData) string { return string(p.ID) }),
		Tenures: change(a.Tenures, b.Tenures, func(p TenureData) string { return fmt.Sprintf("%s/%s", p.Post, p.From) }),
		Permits: change(a.Permits, b.Permits, func(p PermitData) string { return string(p.ID) }),
	}
}

func change[T comparable](before, after []T, key func(T) string) Change {
	was := make(map[string]T, len(before))
	for _, r := range before {
		was[key(r)] = r
	}
	var c Change
	for _, r := range after {
		k := key(r)
		old, known := was[k]
		switch {
		case !known:
			c.Added = append(c.Added, k)
		case old != r:
			c.Changed = append(c.Changed, k)
		}
		delete(was, k)
	}
	if len(was) > 0 {
		c.Removed = sortedKeys(was)
	}
	slices.Sort(c.Added)
	slices.Sort(c.Changed)
	return c
}

// kinds pairs each kind of record with its name.
func (d *Diff) kinds() [6]struct {
	Name string
	Change
} {
	return [6]struct {
		Name string
		Change
	}{
		{"persons", d.Persons}, {"badges", d.Badges}, {"fingers", d.Fingers},
		{"posts", d.Posts}, {"tenures", d.Tenures}, {"permits", d.Permits},
	}
}

// Empty tells whether the rosters are equal.
func (d Diff) Empty() bool {
	for _, k := range d.kinds() {
		if !k.Empty() {
			return false
		}
	}
	return true
}

// Counts gives the number of records by kind and change, for example
// "badges_added"; zero counts are left out.
func (d Diff) Counts() map[string]int {
	out := make(map[string]int)
	for _, k := range d.kinds() {
		for change, n := range map[string]int{
			"added": len(k.Added), "removed": len(k.Removed), "changed": len(k.Changed),
		} {
			if n > 0 {
				out[k.Name+"_"+change] = n
			}
		}
	}
	return out
}
