package order

import (
	"fmt"
	"time"
)

// Role is the capacity in which a key signs.
type Role string

// The roles of pinned keys. Automation never permits, grants or appoints; of
// the acts here it may import a roster and lock down.
const (
	Administrator Role = "administrator"
	Automation    Role = "automation"
)

// Key is one pinned key.
type Key struct {
	Public PublicKey
	Holder string // who answers for it: a person or a machine, for the record
	Role   Role
	From   time.Time // inclusive
	To     time.Time // exclusive; zero: without end
}

// Keys are the keys that a door pinned. It never changes once made.
type Keys struct{ byID map[KeyID]Key }

// PinKeys checks and holds a list of keys.
func PinKeys(list []Key) (*Keys, error) {
	k := &Keys{byID: make(map[KeyID]Key, len(list))}
	for _, e := range list {
		id := e.Public.ID()
		if _, dup := k.byID[id]; dup {
			return nil, fmt.Errorf("cannot pin key of %s: the same key is listed twice", e.Holder)
		}
		if e.Role != Administrator && e.Role != Automation {
			return nil, fmt.Errorf("cannot pin key of %s: role %q is not known", e.Holder, string(e.Role))
		}
		if !e.To.IsZero() && !e.To.After(e.From) {
			return nil, fmt.Errorf("cannot pin key of %s: it ends before it begins", e.Holder)
		}
		k.byID[id] = e
	}
	return k, nil
}

// Find gives a pinned key.
func (k *Keys) Find(id KeyID) (Key, bool) {
	if k == nil {
		return Key{}, false
	}
	e, ok := k.byID[id]
	return e, ok
}
