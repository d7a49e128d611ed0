package story

import "time"

// budget adds up how long a story waits at least: its waits, the pauses of its
// repeats, and after each act the longest "!".
type budget struct{ acts, window time.Duration }

func (b *budget) total() time.Duration { return b.acts + b.window }

// add counts one line; it reports whether the story is still within MaxWait.
func (b *budget) add(body Body) bool {
	switch body := body.(type) {
	case Act:
		b.acts += b.window + body.waits()
		b.window = 0
	case Expect:
		if body.Not {
			b.window = max(b.window, body.within())
		}
	}
	return b.total() <= MaxWait
}

// waits is how long the act itself lets time pass.
func (a Act) waits() time.Duration {
	if a.Verb == VerbWait {
		d, _ := parseWait(a.Args[0]) // checked by the pattern
		return d
	}
	var once time.Duration
	for _, inner := range a.Acts {
		once += inner.waits() + a.Every
	}
	return time.Duration(a.Count) * once // at most 10,000 times some minutes
}
