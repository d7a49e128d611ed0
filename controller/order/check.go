package order

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shape is what an act needs and who may order it. This table is the only
// place that says so.
type shape struct {
	roles    []Role
	many     bool // restrictive: may name a list of doors; an opening act names one
	anyClock bool // restrictive enough to hold while the clock is not trusted
	person   bool
	payload  bool
	page     bool // may name a page
	scope    bool
	reason   bool // must say why
}

var shapes = map[Act]shape{
	Enroll:   {roles: []Role{Administrator}, person: true, page: true},
	Erase:    {roles: []Role{Administrator}, person: true},
	Import:   {roles: []Role{Administrator, Automation}, payload: true},
	Reset:    {roles: []Role{Administrator}, person: true, scope: true, reason: true},
	Resecure: {roles: []Role{Administrator}, anyClock: true, reason: true},
	Lockdown: {roles: []Role{Administrator, Automation}, many: true, anyClock: true, reason: true},
	Release:  {roles: []Role{Administrator}, reason: true},
}

// Acts lists the acts that this version knows, in order of their names.
func Acts() []Act {
	var out []Act
	for a := range shapes {
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// MaySign tells whether a key of this role may order this act.
func MaySign(r Role, a Act) bool { return slices.Contains(shapes[a].roles, r) }

// check holds a document against the form. Errors are [Refusal].
func (d *Document) check() error {
	s, ok := shapes[d.Act]
	if !ok {
		return refuse(UnknownAct, "act %.40q is not known", string(d.Act))
	}
	for _, f := range []func(shape) error{d.checkNames, d.checkKeys, d.checkWindow, d.checkSubject} {
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) checkNames(s shape) error {
	if d.ID == (ID{}) {
		return refuse(BadField, "the id is zero")
	}
	if !isName(string(d.Place)) {
		return refuse(BadField, "place %.80q is not a name", string(d.Place))
	}
	switch n := len(d.Doors); {
	case n == 0:
		return refuse(BadField, "no door is named")
	case n > 1 && !s.many:
		return refuse(BadField, "%s names %d doors, but may name one only", d.Act, n)
	case n > MaxDoors:
		return refuse(BadField, "%d doors are named, at most %d", n, MaxDoors)
	}
	for _, door := range d.Doors {
		if !isName(door) {
			return refuse(BadField, "door %.80q is not a name", door)
		}
	}
	if !ascending(d.Doors, strings.Compare) {
		return refuse(NotCanonical, "the doors are not in ascending order")
	}
	return nil
}

func (d *Document) checkKeys(shape) error {
	if !isName(string(d.Capacity)) {
		return refuse(BadField, "capacity %.80q is not a name", string(d.Capacity))
	}
	if n := len(d.Keys); n == 0 || n > MaxKeys {
		return refuse(BadField, "%d keys are named, not 1 to %d", n, MaxKeys)
	}
	if !ascending(d.Keys, func(a, b KeyID) int { return bytes.Compare(a[:], b[:]) }) {
		return refuse(NotCanonical, "the keys are not in ascending order")
	}
	return nil
}

func (d *Document) checkWindow(shape) error {
	from, to := d.NotBefore.Unix(), d.NotAfter.Unix()
	switch {
	case from <= 0 || to > maxUnix:
		return refuse(BadField, "the window does not lie between 1970 and 9999")
	case to <= from:
		return refuse(BadField, "the window is empty")
	case to-from > int64(MaxWindow.Seconds()):
		return refuse(BadField, "the window is longer than %v", MaxWindow)
	}
	return nil
}

// checkSubject refuses a field that the act does not use as much as one that
// it misses: nobody shall sign what has no meaning.
func (d *Document) checkSubject(s shape) error {
	switch {
	case s.person && !isName(string(d.Person)):
		return refuse(BadField, "%s names no person, or %.80q is not a name", d.Act, string(d.Person))
	case !s.person && d.Person != "":
		return refuse(BadField, "%s takes no person", d.Act)
	case s.payload != (d.Payload != nil):
		return refuse(BadField, "%s and its payload do not go together", d.Act)
	case d.Payload != nil && (d.Payload.Length == 0 || d.Payload.Length > MaxPayload):
		return refuse(TooLarge, "the payload has %d bytes, not 1 to %d", d.Payload.Length, MaxPayload)
	case !s.page && d.Page != nil:
		return refuse(BadField, "%s takes no page", d.Act)
	case s.scope != (len(d.Scope) > 0):
		return refuse(BadField, "%s and its scope do not go together", d.Act)
	case !ascending(d.Scope, strings.Compare):
		return refuse(NotCanonical, "the scope is not in ascending order")
	case s.reason && d.Reason == "":
		return refuse(BadField, "%s says no reason", d.Act)
	case !isText(d.Reason):
		return refuse(BadField, "the reason is longer than %d bytes or not printable", MaxReason)
	}
	for _, sc := range d.Scope {
		if sc != ScopeLockout && sc != ScopePassback {
			return refuse(BadField, "scope %.40q is not known", sc)
		}
	}
	return nil
}

// isName allows what is safe as a topic level, a file name and a log field:
// letters, digits, '_' and '-', at most [MaxName] bytes.
func isName(s string) bool {
	if s == "" || len(s) > MaxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// isText refuses control characters, and with them the marks that turn the
// direction of writing: what is read back to a person must be what it seems.
func isText(s string) bool {
	if len(s) > MaxReason || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) && r != '\u3000' { // the ideographic space is a space in Japanese
			return false
		}
	}
	return true
}

func ascending[T any](s []T, cmp func(a, b T) int) bool {
	for i := 1; i < len(s); i++ {
		if cmp(s[i-1], s[i]) >= 0 {
			return false
		}
	}
	return true
}
