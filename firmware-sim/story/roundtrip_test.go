package story

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// FuzzParse: parse never panics, and what parses prints back to the same story.
func FuzzParse(f *testing.F) {
	f.Add(everything)
	f.Add(head + "> badge entry 10023\n< event x a=\"\\xff\"\n")
	f.Add(head + "> manager a permit \"then\" \"\" `x`\n> repeat 2 manager a refuse \"then\" then handle\n-- roster.toml --\nx")
	f.Add("door a\nat 2026-11-24T09:00:00.000000001-23:59\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("fuzz", []byte(text))
		if (s == nil) == (err == nil) {
			t.Fatalf("story %v, error %v", s, err)
		}
		if err != nil {
			return
		}
		printed := s.String()
		again, err := Parse("fuzz", []byte(printed))
		if err != nil {
			t.Fatalf("%v in\n%s", err, printed)
		}
		if !reflect.DeepEqual(s, again) {
			t.Fatalf("another story:\n%s\nfrom:\n%s", again, text)
		}
		if third := again.String(); third != printed {
			t.Fatalf("printed differently:\n%s\nthen:\n%s", printed, third)
		}
	})
}

// TestDrawnStoriesPrintBack builds stories from the table of verbs rather than
// from text, so that every verb with every kind of word is reached.
func TestDrawnStoriesPrintBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		again, err := Parse(s.File, []byte(s.String()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, s)
		}
		if !reflect.DeepEqual(s, again) {
			t.Fatalf("another story:\n%s\nfrom:\n%s", again, s)
		}
	})
}

func drawStory(t *rapid.T) *Story {
	s := &Story{File: "drawn"}
	s.Doors = rapid.SliceOfNDistinct(drawName(), 1, 3, func(d string) string { return d }).Draw(t, "doors")
	add := func(b Body) { s.Lines = append(s.Lines, Line{len(s.Lines) + 1, b}) }
	for _, d := range s.Doors {
		add(DoorLine(d))
	}
	s.At = time.Unix(rapid.Int64Range(1e9, 7e9).Draw(t, "at"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).
		In(time.FixedZone("", 60*rapid.IntRange(-720, 840).Draw(t, "zone")))
	add(AtLine(s.At))
	for range rapid.IntRange(0, 20).Draw(t, "lines") {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			add(nil)
		case 1:
			add(Comment(rapid.StringMatching(`( [a-z機械室#>"]*[a-z室])?`).Draw(t, "comment")))
		case 2:
			if a := drawAct(t, s.Doors); a.waits() < 2*time.Second {
				add(a)
			}
		default:
			add(drawExpect(t, s.Doors))
		}
	}
	for _, name := range []string{"rulebook.toml", "f.toml"} { // f.toml is what drawn imports name
		data := rapid.StringMatching(`([a-z#> \n]*\n)?`).Draw(t, "data")
		if name == "rulebook.toml" || strings.Contains(s.String(), "order import") {
			s.Files = append(s.Files, File{name, data})
		}
	}
	return s
}

func drawName() *rapid.Generator[string] { return rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,8}`) }

var drawnWords = map[string]*rapid.Generator[string]{
	"SIDE":     rapid.SampledFrom([]string{"entry", "exit"}),
	"NUMBER":   rapid.StringMatching(`[0-9a-fA-F]{1,16}`),
	"FINGER":   drawName(),
	"DIGITS":   rapid.StringMatching(`[0-9]{1,12}`),
	"NAME":     drawName(),
	"BOUNDARY": drawName(),
	"STEP":     rapid.StringMatching(`[+-][1-9]{1,3}(h|m|s)`),
	"POST":     drawName(),
	"PERSON":   drawName(),
	"FILE":     rapid.Just("f.toml"),
	"DURATION": rapid.StringMatching(`[1-9]00ms`),
}

func drawAct(t *rapid.T, doors []string) Act {
	v := rapid.SampledFrom(verbs).Draw(t, "verb")
	pattern := strings.Fields(v.Usage)
	a := Act{Verb: pattern[0]}
	if !v.Site {
		a.Door = rapid.SampledFrom(doors).Draw(t, "door")
	}
	if a.Verb == VerbRepeat {
		a.Count = rapid.IntRange(2, 3).Draw(t, "count")
		a.Every = time.Duration(rapid.IntRange(1, 200).Draw(t, "every")) * time.Millisecond
		for len(a.Acts) < rapid.IntRange(1, 3).Draw(t, "acts") {
			if inner := drawAct(t, []string{a.Door}); inner.Verb != VerbRepeat {
				a.Acts = append(a.Acts, inner)
			}
		}
		if !slices.ContainsFunc(a.Acts, func(inner Act) bool { return inner.Door != "" }) {
			a.Door = ""
		}
		return a
	}
	for _, p := range pattern[1:] {
		switch g, ok := drawnWords[p]; {
		case ok:
			a.Args = append(a.Args, g.Draw(t, p))
		case p == "[WORD...]":
			a.Args = append(a.Args, rapid.SliceOfN(rapid.OneOf(rapid.String(), rapid.Just("then"), rapid.Just("every")), 0, 3).Draw(t, "words")...)
		default:
			a.Args = append(a.Args, rapid.SampledFrom(strings.Split(p, "|")).Draw(t, p))
		}
	}
	return a
}

func drawExpect(t *rapid.T, doors []string) Expect {
	e := Expect{
		Not:     rapid.Bool().Draw(t, "not"),
		Door:    rapid.SampledFrom(doors).Draw(t, "door"),
		Channel: Channel(rapid.IntRange(int(Show), int(Ledger)).Draw(t, "channel")),
		Within:  time.Duration(rapid.IntRange(0, 2000).Draw(t, "within")) * time.Millisecond,
	}
	if !e.Not && e.Channel != State && rapid.Bool().Draw(t, "several times") {
		e.Times = rapid.IntRange(2, 10000).Draw(t, "times")
	}
	switch e.Channel {
	case Show:
		e.Side = drawnWords["SIDE"].Draw(t, "side")
		e.Word = drawName().Draw(t, "signal")
	case Lock:
		e.Word = rapid.SampledFrom([]string{"released", "secured"}).Draw(t, "bolt")
		return e
	case Event, Request, Ledger:
		e.Word = drawName().Draw(t, "kind")
	}
	least := 0
	if e.Channel == State {
		least = 1
	}
	for i := range rapid.IntRange(least, 3).Draw(t, "fields") {
		e.Fields = append(e.Fields, Field{drawName().Draw(t, "key") + ".k" + strconv.Itoa(i), rapid.String().Draw(t, "value")})
	}
	return e
}
