package story

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const head = "door machine-room\nat 2026-11-24T09:00:00+09:00\n"

func parse(t *testing.T, text string) *Story {
	t.Helper()
	s, err := Parse("test.story", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseExampleOfTheForm(t *testing.T) {
	s := parse(t, `# 機械室: 事前許可のある職員が入って出る
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-001
< lock released
< event access_granted person=s-001 side=entry
> door open
< event access_taken person=s-001 side=entry
> door close
< lock secured
! lock released within 3s
`)
	if got := s.Title(); got != "機械室: 事前許可のある職員が入って出る" {
		t.Errorf("title %q", got)
	}
	if want := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC); !s.At.Equal(want) {
		t.Errorf("at %v, want %v", s.At, want)
	}
	door := "machine-room"
	want := []Line{
		{1, Comment(" 機械室: 事前許可のある職員が入って出る")},
		{2, DoorLine(door)},
		{3, AtLine(s.At)},
		{4, nil},
		{5, Act{Door: door, Verb: "badge", Args: []string{"entry", "10023"}}},
		{6, Expect{Door: door, Channel: Show, Side: "entry", Word: "finger"}},
		{7, Act{Door: door, Verb: "finger", Args: []string{"entry", "s-001"}}},
		{8, Expect{Door: door, Channel: Lock, Word: "released"}},
		{9, Expect{Door: door, Channel: Event, Word: "access_granted", Fields: []Field{{"person", "s-001"}, {"side", "entry"}}}},
		{10, Act{Door: door, Verb: "door", Args: []string{"open"}}},
		{11, Expect{Door: door, Channel: Event, Word: "access_taken", Fields: []Field{{"person", "s-001"}, {"side", "entry"}}}},
		{12, Act{Door: door, Verb: "door", Args: []string{"close"}}},
		{13, Expect{Door: door, Channel: Lock, Word: "secured"}},
		{14, Expect{Not: true, Door: door, Channel: Lock, Word: "released", Within: 3 * time.Second}},
	}
	for i, w := range want {
		if !reflect.DeepEqual(s.Lines[i], w) {
			t.Errorf("line %d: %#v, want %#v", i+1, s.Lines[i], w)
		}
	}
	if len(s.Lines) != len(want) {
		t.Errorf("%d lines, want %d", len(s.Lines), len(want))
	}
}

// everything uses every verb, channel and form of quoting.
const everything = `# all
door east
door west
at 2026-02-28T23:59:59.5+09:00

> east: badge entry 00AbF
> east: finger exit stranger
> west: finger entry smudged
> east: pin entry 1234
> east: door open
> east: door force
> east: handle
> east: key
> east: exit-button
> east: input bolt open
> east: input bolt normal
> east: fire on
> east: tamper exit off
> east: reader entry lies
> east: reader exit swap
> east: sensor exit swap
> broker stop
> east: daemon kill
> east: daemon kill-before release
> east: power cut box
> east: disk full
> east: clock +1h
> east: clock -10m
> east: clock untrusted
> east: manager joho_kacho permit
> east: manager joho_kacho refuse "not now" "then" x
> east: order lockdown
> east: order enroll s-030
> east: order import people.toml
> east: ledger copy
> east: ledger restore-database
> wait 1.5s
> east: repeat 3 badge entry 1 then badge exit 2
> repeat 2 every 1s wait 1s
< east: show entry finger
< west: lock secured
< east: event access_denied person=s-001 remarks.reason=PASSBACK badge= within 10s
< east: event detail="two words" x.y_z-0=a=b
< east: request
< east: request permission post=joho_kacho
< east: state door=closed
< east: ledger access_granted
< east: event door_forced side=entry times 250 within 20s
< west: lock released times 2
! east: show exit
! west: lock
! west: event
! west: ledger within 100ms
! east: state online=false
-- rulebook.toml --
a = 1
# not a comment of the story
-- door-east.toml --
-- people.toml --
> badge
`

func TestParsePrintsBack(t *testing.T) {
	s := parse(t, everything)
	if got := s.String(); got != everything {
		t.Errorf("printed back:\n%s", got)
	}
	if got := s.Files; len(got) != 3 || got[0].Data != "a = 1\n# not a comment of the story\n" || got[1].Data != "" {
		t.Errorf("attachments %q", got)
	}
	for _, l := range s.Lines {
		if a, ok := l.Body.(Act); ok && (a.Verb == VerbBroker || a.Verb == VerbWait) && a.Door != "" {
			t.Errorf("line %d: %s has door %q", l.Number, a.Verb, a.Door)
		}
	}
	// The table of verbs and this story must not drift apart.
	for _, v := range Verbs() {
		verb, _, _ := strings.Cut(v.Usage, " ")
		if !strings.Contains(everything, " "+verb) {
			t.Errorf("the verb %s is not in the example", verb)
		}
		if v.English == "" || v.Japanese == "" {
			t.Errorf("the verb %s has no help", verb)
		}
	}
}

func TestParseAcceptsOtherSpellings(t *testing.T) {
	s := parse(t, "door  machine-room \nat 2026-11-24T00:00:00Z\n#\n# \n>\tbadge   entry 1 \n< event \"detail=a b\"  within 1500ms\n< event `detail=a\"b`\n")
	want := "door machine-room\nat 2026-11-24T00:00:00Z\n#\n#\n> badge entry 1\n< event detail=\"a b\" within 1.5s\n< event detail=\"a\\\"b\"\n"
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "test.story:1: no door line"},
		{"door a\n", "test.story:1: no at line"},
		{"at 2026-11-24T09:00:00+09:00\n", "test.story:1: no door line"},
		{"> badge entry 1\n", "test.story:1: no door line before the first act"},
		{"door A\n", `test.story:1: a door is named by small letters, digits, - and _, not "A"`},
		{"door a\ndoor a\n", "test.story:2: door a is there already"},
		{"door a b\n", `not "a b"`},
		{head + "> handle\ndoor b\n", "test.story:4: a door line stands before the first act"},
		{head + "> handle\nat 2026-11-24T09:00:00+09:00\n", "test.story:4: the at line stands before the first act"},
		{head + head, "test.story:4: a second at line"},
		{"door a\nat tomorrow\n", "test.story:2: want a time from 2000 to 2199"},
		{"door a\nat 1999-11-24T09:00:00+09:00\n", "test.story:2: want a time from 2000 to 2199"},
		{"door a\nat 2026-11-24T09:00:00\n", "test.story:2: want a time"},
		{head + " > handle\n", "test.story:3: a line begins with"},
		{head + "handle\n", "test.story:3: a line begins with"},
		{head + ">handle\n", "test.story:3: a line begins with"},
		{head + "> handle\r\n", "test.story:3: a carriage return"},
		{"\ufeff" + head, "test.story:1: a byte order mark"},
		{head + "> handle\x00\n", "test.story:3: a control character (U+0000)"},
		{head + "# \xff\n", "test.story:3: not UTF-8 text"},
		{head + ">\n", "test.story:3: an act is missing"},
		{head + "> dance\n", `test.story:3: unknown act "dance"`},
		{head + "> badge entry\n", "test.story:3: NUMBER is missing (badge SIDE NUMBER)"},
		{head + "> badge front 1\n", `test.story:3: SIDE is entry or exit, not "front" (badge SIDE NUMBER)`},
		{head + "> badge entry 1 2\n", `test.story:3: "2" is too much (badge SIDE NUMBER)`},
		{head + "> badge entry 10O23\n", `NUMBER is a badge number of digits or hexadecimal digits, not "10O23"`},
		{head + "> door shut\n", `want open|close|force, not "shut" (door open|close|force)`},
		{head + "> daemon kill-before\n", "BOUNDARY is missing"},
		{head + "> order reset\n", "PERSON is missing (order reset|enroll|erase PERSON)"},
		{head + "> clock 1h\n", `STEP is a signed duration of at most ten years, not "1h"`},
		{head + "> clock +900000h\n", "STEP is a signed duration"},
		{head + "> pin entry 12a\n", "DIGITS is one to twelve digits"},
		{head + "> wait 61s\n", "DURATION is a duration from 1ms to 1m0s"},
		{head + "> wait 0s\n", "DURATION is a duration from 1ms to 1m0s"},
		{head + "> wait soon\n", "DURATION is a duration"},
		{head + "> badge entry \"1\n", "test.story:3: a quoted word that does not end"},
		{head + "> badge entry \"1\"2\n", `test.story:3: no space after "1"`},
		{head + "> badge entry 1\"2\"\n", "a quotation mark inside the word 1"},
		{head + "< event x=y=\"z\"\n", "a quotation mark inside the word x=y="},
		{head + "> badge entry\u30001\n", "a space that is not a plain one (U+3000)"},
		{head + "> repeat 1 handle\n", `COUNT is a number from 2 to 10000, not "1"`},
		{head + "> repeat 3\n", "test.story:3: repeat what? an act is missing"},
		{head + "> repeat 3 handle then\n", "test.story:3: repeat what? an act is missing"},
		{head + "> repeat 3 repeat 3 handle\n", "a repeat inside a repeat"},
		{head + "> repeat 3 every 0s handle\n", `want a duration from 1ms to 1m0s, not "0s"`},
		{head + "> repeat 2 every 1ms" + strings.Repeat(" handle then", 16) + " handle\n", "more than 16 acts in one repeat"},
		{head + "> repeat 3 dance\n", `unknown act "dance"`},
		{head + "> machine-room: handle\n", "there is only one door: do not name it"},
		{head + "> other: handle\n", `there is no door "other"`},
		{"door a\ndoor b\nat 2026-11-24T09:00:00Z\n> handle\n", "test.story:4: which door? begin with a: or b:"},
		{"door a\ndoor b\nat 2026-11-24T09:00:00Z\n< lock released\n", "which door? begin with a: or b:"},
		{"door a\ndoor b\nat 2026-11-24T09:00:00Z\n> a: broker stop\n", "broker acts on the whole site: name no door"},
		{"door a\ndoor b\nat 2026-11-24T09:00:00Z\n> a: repeat 2 broker stop then broker start\n", "repeat acts on the whole site: name no door"},
		{"door a\ndoor b\nat 2026-11-24T09:00:00Z\n> repeat 2 broker stop then handle\n", "which door?"},
		{head + "<\n", "a channel is missing"},
		{head + "< event a times\n", "times stands behind everything but within, with one number"},
		{head + "< event a within 2s times 3\n", "within stands last"},
		{head + "< event a times 3 x=y\n", "times stands behind"},
		{head + "< event a times 1\n", "want a number from 2 to 10000"},
		{head + "! event a times 3\n", "times is for what must be seen"},
		{head + "< state a=b times 3\n", "times is for what must be seen"},
		{head + "< event within within 2s\n", "within stands last"},
		{head + "< event \"within\"\n", `"within" is no word of the channel event`},
		{head + "< light on\n", `unknown channel "light"`},
		{head + "< show finger\n", "show which side? entry or exit"},
		{head + "< show entry\n", "show what? name a signal"},
		{head + "< lock\n", "the bolt is released or secured: say which"},
		{head + "< lock open\n", `the bolt is released or secured, not "open"`},
		{head + "< lock released x=y\n", "the bolt has no key=value"},
		{head + "< event\n", "which event? name a kind or key=value"},
		{head + "< ledger\n", "which ledger? name a kind or key=value"},
		{head + "< state\n", "which state? say key=value"},
		{head + "< state closed\n", `want key=value, not "closed"`},
		{head + "< event Access\n", `"Access" is no word of the channel event`},
		{head + "< event a b\n", `want key=value, not "b"`},
		{head + "< event a Key=b\n", `"Key" is no dotted path`},
		{head + "< event a x..y=b\n", `"x..y" is no dotted path`},
		{head + "< event a =b\n", `"" is no dotted path`},
		{head + "< event a within\n", "within stands last, with one duration"},
		{head + "< event a within 2s x=y\n", "within stands last, with one duration"},
		{head + "< event a within 2\n", `want a duration from 1ms to 1m0s, not "2"`},
		{head + "< event a within -2s\n", "want a duration"},
		{head + "> wait 40s\n> wait 21s\n", "test.story:4: the story waits 1m1s by here; it may wait 1m0s"},
		{head + "> wait 40s\n! lock within 21s\n", "test.story:4: the story waits 1m1s"},
		{head + "> wait 30s\n! lock within 20s\n> wait 11s\n", "test.story:5: the story waits 1m1s"},
		{head + "> repeat 601 handle\n", "test.story:3: the story waits 1m0.1s"},
		{head + "-- other.toml --\n", "test.story:3: the attachment other.toml is used by nothing"},
		{head + "-- ../x --\n", `test.story:3: an attachment has a plain file name, not "../x"`},
		{head + "-- roster.toml --\n-- roster.toml --\n", "test.story:4: the attachment roster.toml is there already"},
		{head + "> order import x.toml\n", "test.story:3: no attachment x.toml follows"},
		{head + "> repeat 2 order import x.toml\n", "test.story:3: no attachment x.toml follows"},
	}
	for _, tt := range tests {
		_, err := Parse("test.story", []byte(tt.text))
		if err == nil {
			t.Errorf("%q: no error, want %q", tt.text, tt.want)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q:\n got %v\nwant %s", tt.text, err, tt.want)
		}
		var e *Error
		if !errors.As(err, &e) || e.File != "test.story" || e.Line < 1 {
			t.Errorf("%q: error without file and line: %v", tt.text, err)
		}
	}
}

func TestParseAtTheLimits(t *testing.T) {
	parse(t, head+"> wait 40s\n! lock within 20s\n! event within 15s\n")
	parse(t, head+"> repeat 600 handle\n")
	if _, err := Parse("big", make([]byte, MaxFile+1)); err == nil {
		t.Error("a file over the limit was read")
	}
}

func TestParseReportsEveryFault(t *testing.T) {
	_, err := Parse("test.story", []byte(head+strings.Repeat("> dance\n", 30)))
	if n := strings.Count(fmt.Sprint(err), "unknown act"); n != maxErrors {
		t.Errorf("%d faults reported, want %d", n, maxErrors)
	}
}

func TestParseAct(t *testing.T) {
	a, err := ParseAct("badge entry 10023", "machine-room")
	if want := (Act{Door: "machine-room", Verb: VerbBadge, Args: []string{"entry", "10023"}}); err != nil || !reflect.DeepEqual(a, want) {
		t.Errorf("%+v, %v", a, err)
	}
	for _, text := range []string{"", "dance", "badge entry\n> handle", "\xff", "other: handle"} {
		if _, err := ParseAct(text, "machine-room"); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestCheckRefusesWhatNobodySays(t *testing.T) {
	v := Vocabulary{
		Event: {Words: []string{"access_denied"}, Keys: []string{"person", "remarks"}},
		Lock:  {},
	}
	s := parse(t, head+"! lock released\n! event access_denied remarks.reason=x person=\n! event acess_denied\n! event persn=x\n! show entry\n! event remarksx=y\n")
	err := s.Check(v)
	for _, want := range []string{
		`test.story:5: "acess_denied" is never seen on the channel event`,
		`test.story:6: the key "persn" is never published on the channel event`,
		`test.story:7: nothing can be seen on the channel show here`,
		`test.story:8: the key "remarksx"`,
	} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("missing %q in:\n%v", want, err)
		}
	}
	if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != 4 {
		t.Errorf("%d faults, want 4:\n%v", n, err)
	}
}
