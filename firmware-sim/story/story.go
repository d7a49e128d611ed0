package story

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Story is one parsed file. It prints back as it was written, but for spacing,
// quoting and the spelling of durations.
type Story struct {
	File  string    // where it was read, for messages
	Doors []string  // at least one, in the order of the file
	At    time.Time // the wall clock at the start
	Lines []Line    // everything above the attachments
	Files []File    // the attachments
}

// Line is one line of a story. A blank line has no body.
type Line struct {
	Number int // 1-based
	Body   Body
}

// Body is what a line says: [Comment], [DoorLine], [AtLine], [Act] or [Expect].
type Body interface {
	// text prints the body. several is set in a story of several doors.
	text(several bool) string
}

// Comment is the text behind "#", without trailing space.
type Comment string

// DoorLine declares a door.
type DoorLine string

// AtLine sets the wall clock of the start.
type AtLine time.Time

// Act is something that a person does or that happens. Its words were checked
// against the pattern of its verb (see [Verbs]), so that a rig may index Args
// without looking.
type Act struct {
	Door string   // "" for an act on the whole site
	Verb string   // one of the Verb constants
	Args []string // the words behind the verb

	// Repeat: the acts are done in turn, Count times, with a pause of Every
	// after each. Verb is VerbRepeat and Args is empty. The player does this by
	// itself; no rig sees such an act.
	Count int
	Every time.Duration
	Acts  []Act
}

// Expect is something that must, or must not, be seen.
type Expect struct {
	Not     bool // "!"
	Door    string
	Channel Channel
	Side    string        // "entry" or "exit" on the channel Show, else ""
	Word    string        // signal, bolt position or kind; "" matches any
	Fields  []Field       // all must hold
	Times   int           // "<": this many matches, one after the other; 0: one
	Within  time.Duration // 0: DefaultWithin
}

// Field is one key=value of an expectation.
type Field struct{ Key, Value string }

// File is one attachment.
type File struct {
	Name string
	Data string // ends in a newline unless empty
}

// Time limits of the form.
const (
	DefaultWithin = 2 * time.Second
	DefaultEvery  = 100 * time.Millisecond // between the acts of a repeat
	MaxWait       = 60 * time.Second       // of one word and of a whole story
)

// Channel is where something is seen.
type Channel uint8

// The channels. The zero Channel is none.
const (
	Show Channel = iota + 1
	Lock
	Event
	Request
	State
	Ledger
)

var channelNames = [...]string{Show: "show", Lock: "lock", Event: "event", Request: "request", State: "state", Ledger: "ledger"}

func (c Channel) String() string {
	if int(c) < len(channelNames) && c != 0 {
		return channelNames[c]
	}
	return fmt.Sprintf("channel %d", uint8(c))
}

// Title is the story's first comment, or its file name.
func (s *Story) Title() string {
	for _, l := range s.Lines {
		if c, ok := l.Body.(Comment); ok && strings.TrimSpace(string(c)) != "" {
			return strings.TrimSpace(string(c))
		}
	}
	return s.File
}

// String prints the story so that Parse reads the same one again.
func (s *Story) String() string {
	var b strings.Builder
	for _, l := range s.Lines {
		if l.Body != nil {
			b.WriteString(l.Body.text(len(s.Doors) > 1))
		}
		b.WriteByte('\n')
	}
	for _, f := range s.Files {
		fmt.Fprintf(&b, "-- %s --\n%s", f.Name, f.Data)
	}
	return b.String()
}

func (c Comment) text(bool) string  { return "#" + string(c) }
func (d DoorLine) text(bool) string { return "door " + string(d) }
func (a AtLine) text(bool) string   { return "at " + time.Time(a).Format(time.RFC3339Nano) }

// String is the act as it stands in a story of one door, without the mark.
func (a Act) String() string {
	words := []string{a.Verb}
	if a.Verb != VerbRepeat {
		for _, arg := range a.Args {
			words = append(words, quoteWord(arg))
		}
		return strings.Join(words, " ")
	}
	words = append(words, fmt.Sprint(a.Count))
	if a.Every != DefaultEvery {
		words = append(words, "every", a.Every.String())
	}
	for i, inner := range a.Acts {
		if i > 0 {
			words = append(words, "then")
		}
		words = append(words, inner.String())
	}
	return strings.Join(words, " ")
}

func (a Act) text(several bool) string {
	return "> " + doorPrefix(a.Door, several) + a.String()
}

// String is the expectation as it stands in a story of one door, without the
// mark.
func (e Expect) String() string {
	words := []string{e.Channel.String()}
	for _, w := range []string{e.Side, e.Word} {
		if w != "" {
			words = append(words, w)
		}
	}
	for _, f := range e.Fields {
		words = append(words, f.String())
	}
	if e.Times != 0 {
		words = append(words, "times", strconv.Itoa(e.Times))
	}
	if e.Within != 0 {
		words = append(words, "within", e.Within.String())
	}
	return strings.Join(words, " ")
}

func (e Expect) text(several bool) string {
	mark := "< "
	if e.Not {
		mark = "! "
	}
	return mark + doorPrefix(e.Door, several) + e.String()
}

func (e Expect) within() time.Duration {
	if e.Within == 0 {
		return DefaultWithin
	}
	return e.Within
}

func (f Field) String() string {
	if f.Value == "" {
		return f.Key + "="
	}
	return f.Key + "=" + quoteValue(f.Value)
}

func doorPrefix(door string, several bool) string {
	if !several || door == "" {
		return ""
	}
	return door + ": "
}
