package story

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestPlayAgreesWithTheModel plays drawn expectations against drawn
// observations, and compares with a second, deliberately simple reading of the
// rules that knows the whole future and no clock.
func TestPlayAgreesWithTheModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seen := drawSeen(rt)
		lines := drawLines(rt)
		rig, text := &fakeRig{script: map[string][]string{}}, "> handle\n"
		for _, s := range seen {
			rig.script["handle"] = append(rig.script["handle"], fmt.Sprintf("%dms %s %s", s.ms, s.channel, s.word))
		}
		for _, l := range lines {
			text += l.String() + "\n"
		}
		s, err := Parse("drawn", []byte(head+text))
		if err != nil {
			rt.Fatal(err)
		}
		var got error
		synctest.Test(t, func(t *testing.T) { got = Play(t.Context(), s, rig, nil).Err })
		want := model(seen, lines)
		line := 0
		if f := (*Failure)(nil); errors.As(got, &f) {
			line = f.Line - 3
		}
		if line != want {
			rt.Fatalf("%s%v\nfails at its line %d (%v), the model at %d", text, seen, line, got, want)
		}
	})
}

type drawnSeen struct {
	ms            int
	channel, word string
}

type drawnLine struct {
	not           bool
	channel, word string
	ms            int
}

func (l drawnLine) String() string {
	mark := "<"
	if l.not {
		mark = "!"
	}
	return fmt.Sprintf("%s %s %s within %v", mark, l.channel, l.word, time.Duration(l.ms)*time.Millisecond)
}

// drawSeen draws observations at different instants of a few milliseconds, so
// that deadlines are often met exactly.
func drawSeen(t *rapid.T) []drawnSeen {
	var out []drawnSeen
	for ms := 1; ms <= 8; ms++ {
		if rapid.Bool().Draw(t, "is seen") {
			out = append(out, drawnSeen{ms, drawChannel(t), drawWord(t)})
		}
	}
	return out
}

func drawLines(t *rapid.T) []drawnLine {
	var out []drawnLine
	for range rapid.IntRange(1, 5).Draw(t, "lines") {
		out = append(out, drawnLine{rapid.Bool().Draw(t, "not"), drawChannel(t), drawWord(t), rapid.IntRange(1, 9).Draw(t, "within")})
	}
	return out
}

func drawChannel(t *rapid.T) string {
	return rapid.SampledFrom([]string{"event", "ledger"}).Draw(t, "channel")
}

func drawWord(t *rapid.T) string { return rapid.SampledFrom([]string{"a", "b"}).Draw(t, "word") }

// model gives the first line that does not hold, from 1, or 0.
func model(seen []drawnSeen, lines []drawnLine) int {
	cursor, taken := map[string]int{}, map[int]bool{}
	for n, l := range lines {
		ok := l.not
		for i, s := range seen {
			if s.channel != l.channel || s.word != l.word {
				continue
			}
			if l.not {
				if !taken[i] && s.ms <= l.ms {
					ok = false
				}
			} else if i >= cursor[l.channel] {
				if ok = s.ms <= l.ms; ok {
					taken[i], cursor[l.channel] = true, i+1
				}
				break
			}
		}
		if !ok {
			return n + 1
		}
	}
	return 0
}
