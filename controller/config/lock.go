package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// LockOutput is all that must be known to drive the lock's output inactive.
type LockOutput struct {
	Pin       Pin
	ActiveLow bool
}

// LoadLock reads only lock.pin and lock.active_low of a door file, whatever
// else in it is missing or wrong: a box whose door file was spoilt while its
// lock was released must still be able to secure the lock. A file that is no
// TOML at all may still have a sound [lock] table. Nothing is guessed: an
// unknown key in that table may be a misspelt active_low, and the wrong level
// would release.
func LoadLock(path string) (LockOutput, error) {
	s, err := read(path)
	if err != nil {
		return LockOutput{}, err
	}
	var raw struct {
		Lock rawLock `toml:"lock"`
	}
	if err := strictLock(s.text, &raw); err != nil {
		table := lockTable(s.text)
		if table == nil {
			return LockOutput{}, fmt.Errorf("cannot read [lock] in %s: %s", path, plain(err.Error()))
		}
		raw.Lock = rawLock{}
		if err := strictLock(table, &raw); err != nil {
			return LockOutput{}, fmt.Errorf("cannot read [lock] in %s: %s", path, plain(err.Error()))
		}
	}
	c := doorChecker{source: s}
	out := LockOutput{Pin: c.pin("lock.pin", raw.Lock.Pin), ActiveLow: raw.Lock.ActiveLow}
	return out, s.err()
}

// strictLock decodes the table [lock] strictly, and looks at nothing else.
func strictLock(text []byte, v any) error {
	dec := toml.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	var missing *toml.StrictMissingError
	if !errors.As(err, &missing) {
		return err
	}
	for i := range missing.Errors {
		if k := missing.Errors[i].Key(); len(k) > 0 && k[0] == "lock" {
			return fmt.Errorf("unknown key %s", strings.Join(k, "."))
		}
	}
	return nil
}

var (
	lockHeader = regexp.MustCompile(`(?m)^[ \t]*\[[ \t]*lock[ \t]*\][ \t]*(#.*)?\r?$`)
	anyHeader  = regexp.MustCompile(`(?m)^[ \t]*\[`)
)

// lockTable cuts the one [lock] table out of a text, up to the next table; nil
// if there is none, or more than one.
func lockTable(text []byte) []byte {
	found := lockHeader.FindAllIndex(text, 2)
	if len(found) != 1 {
		return nil
	}
	rest := text[found[0][1]:]
	if next := anyHeader.FindIndex(rest); next != nil {
		rest = rest[:next[0]]
	}
	return bytes.Join([][]byte{[]byte("[lock]"), rest}, []byte("\n"))
}
