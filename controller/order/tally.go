package order

import "time"

// tally coalesces refusals: the first of a kind is told at once, repeats are
// counted and told once a while. Kinds are the codes, so it is bounded.
type tally struct{ kinds map[Code]*kind }

type kind struct {
	told  time.Time // when the last line of this kind was given out
	count uint64    // since then
	last  *Refusal
}

func (t *tally) of(c Code) *kind {
	if t.kinds == nil {
		t.kinds = map[Code]*kind{}
	}
	k, ok := t.kinds[c]
	if !ok {
		k = &kind{}
		t.kinds[c] = k
	}
	return k
}

// count adds one that nobody waits for; [tally.due] tells it in time.
func (t *tally) count(r *Refusal) {
	k := t.of(r.Code)
	k.count++
	k.last = r
}

// add is count for one that can be told at once: it reports true if so, and
// then has not counted it.
func (t *tally) add(r *Refusal, now time.Time, quiet time.Duration) bool {
	k := t.of(r.Code)
	if k.count == 0 && k.open(now, quiet) {
		k.told = now
		return true
	}
	t.count(r)
	return false
}

// due gives a kind whose count may be told now.
func (t *tally) due(now time.Time, quiet time.Duration) (*Refusal, uint64, bool) {
	for _, k := range t.kinds {
		if k.count > 0 && k.open(now, quiet) {
			n, r := k.count, k.last
			k.count, k.told = 0, now
			return r, n, true
		}
	}
	return nil, 0, false
}

// putBack returns what could not be recorded.
func (t *tally) putBack(r *Refusal, n uint64) {
	k := t.of(r.Code)
	k.count += n
	if k.last == nil {
		k.last = r
	}
}

func (k *kind) open(now time.Time, quiet time.Duration) bool {
	return k.told.IsZero() || now.Sub(k.told) >= quiet
}
