package story

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxFile bounds a story with its attachments, in bytes.
const MaxFile = 1 << 20

// maxErrors is how many faults of one file are listed.
const maxErrors = 20

// maxActs bounds the acts of one repeat.
const maxActs = 16

// Error is one fault of a story file.
type Error struct {
	File string
	Line int // 1-based
	Text string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// Parse reads a story. file is the name that stands in messages. Nothing is
// guessed: a line that is not of the form is an error naming file and line, and
// all faults (up to twenty) are reported together, joined, each an [*Error].
func Parse(file string, text []byte) (*Story, error) {
	p := parser{story: &Story{File: file}}
	if len(text) > MaxFile {
		return nil, &Error{file, 1, fmt.Sprintf("the file is larger than %d bytes", MaxFile)}
	}
	body, first := p.attachments(string(text))
	if body != "" {
		for i, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
			p.number = i + 1
			p.line(line)
		}
	}
	p.number = max(p.number, 1)
	p.whole(first)
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return p.story, nil
}

// ParseAct reads one act as a person types it, without the mark. doors are the
// doors that there are; with several, the act names its door first.
func ParseAct(text string, doors ...string) (Act, error) {
	p := parser{story: &Story{Doors: doors}}
	if err := checkText(text); err != nil {
		return Act{}, err
	}
	return p.act(text)
}

type parser struct {
	story   *Story
	number  int // of the line in hand
	errs    []error
	dated   bool // an "at" line was seen
	started bool // an act or expectation was seen
	budget  budget
}

func (p *parser) fail(line int, format string, args ...any) {
	if len(p.errs) < maxErrors {
		p.errs = append(p.errs, &Error{p.story.File, line, fmt.Sprintf(format, args...)})
	}
}

// line parses one line and appends it to the story.
func (p *parser) line(text string) {
	body, err := p.body(text)
	if err != nil {
		p.fail(p.number, "%v", err)
		return
	}
	p.story.Lines = append(p.story.Lines, Line{p.number, body})
	if !p.budget.add(body) {
		p.fail(p.number, "the story waits %v by here; it may wait %v", p.budget.total(), MaxWait)
		p.budget = budget{}
	}
}

func (p *parser) body(text string) (Body, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	text = strings.TrimRight(text, " \t")
	if text == "" {
		return nil, nil
	}
	if text[0] == '#' {
		return Comment(text[1:]), nil
	}
	mark, rest := text, ""
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		mark, rest = text[:i], text[i+1:]
	}
	switch mark {
	case "door":
		return p.doorLine(rest)
	case "at":
		return p.atLine(rest)
	case ">", "<", "!":
		p.started = true
		if len(p.story.Doors) == 0 {
			return nil, errors.New("no door line before the first act")
		}
		if mark == ">" {
			return p.act(rest)
		}
		return p.expect(mark == "!", rest)
	}
	return nil, errors.New("a line begins with #, door, at, >, < or ! and a space")
}

// checkText refuses what an editor would not show.
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return errors.New("not UTF-8 text")
	}
	for _, r := range text {
		switch {
		case r == '\r':
			return errors.New("a carriage return: end lines with a newline alone")
		case r == '\ufeff':
			return errors.New("a byte order mark: save as plain UTF-8")
		case r < ' ' && r != '\t' || r == 0x7f:
			return fmt.Errorf("a control character (U+%04X)", r)
		}
	}
	return nil
}

func (p *parser) doorLine(rest string) (Body, error) {
	name := strings.Trim(rest, " \t")
	switch {
	case p.started:
		return nil, errors.New("a door line stands before the first act")
	case !isName(name):
		return nil, fmt.Errorf("a door is named by small letters, digits, - and _, not %q", name)
	case slices.Contains(p.story.Doors, name):
		return nil, fmt.Errorf("door %s is there already", name)
	}
	p.story.Doors = append(p.story.Doors, name)
	return DoorLine(name), nil
}

func (p *parser) atLine(rest string) (Body, error) {
	text := strings.Trim(rest, " \t")
	if p.started {
		return nil, errors.New("the at line stands before the first act")
	}
	if p.dated {
		return nil, errors.New("a second at line")
	}
	p.dated = true
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.Year() < 2000 || t.Year() > 2199 {
		return nil, fmt.Errorf("want a time from 2000 to 2199 as 2026-11-24T09:00:00+09:00, not %q", text)
	}
	_, offset := t.Zone() // never the machine's own zone
	p.story.At = t.In(time.FixedZone("", offset))
	return AtLine(p.story.At), nil
}

func (p *parser) act(text string) (Act, error) {
	words, err := splitWords(text)
	if err != nil {
		return Act{}, err
	}
	door, words, err := p.takeDoor(words)
	if err != nil {
		return Act{}, err
	}
	if len(words) == 0 {
		return Act{}, errors.New("an act is missing")
	}
	a, err := p.actOf(door, words)
	if err != nil {
		return Act{}, err
	}
	if a.Door == "" && door != "" && len(p.story.Doors) > 1 {
		return Act{}, fmt.Errorf("%s acts on the whole site: name no door", a.Verb)
	}
	return a, nil
}

// actOf reads the words of an act at a door. One on the whole site has none.
func (p *parser) actOf(door string, words []word) (Act, error) {
	v, err := findVerb(words)
	if err != nil {
		return Act{}, err
	}
	a := Act{Door: door, Verb: words[0].text}
	if a.Verb == VerbRepeat {
		return p.repeat(a, words[1:])
	}
	if v.Site {
		a.Door = ""
	} else if door == "" {
		return Act{}, fmt.Errorf("which door? %s", namesFirst(p.story.Doors))
	}
	for _, w := range words[1:] {
		a.Args = append(a.Args, w.text)
	}
	return a, nil
}

// repeat reads "COUNT [every DURATION] ACT [then ACT]...".
func (p *parser) repeat(a Act, words []word) (Act, error) {
	var err error
	if a.Count, err = parseCount(words[0].text); err != nil {
		return Act{}, err
	}
	words, a.Every = words[1:], DefaultEvery
	if len(words) >= 2 && words[0].is("every") {
		if a.Every, err = parseWait(words[1].text); err != nil {
			return Act{}, err
		}
		words = words[2:]
	}
	for {
		end := slices.IndexFunc(words, func(w word) bool { return w.is("then") })
		part := words
		if end >= 0 {
			part = words[:end]
		}
		if len(part) == 0 {
			return Act{}, errors.New("repeat what? an act is missing")
		}
		if part[0].text == VerbRepeat {
			return Act{}, errors.New("a repeat inside a repeat")
		}
		inner, err := p.actOf(a.Door, part)
		if err != nil {
			return Act{}, err
		}
		if a.Acts = append(a.Acts, inner); len(a.Acts) > maxActs {
			return Act{}, fmt.Errorf("more than %d acts in one repeat", maxActs)
		}
		if end < 0 {
			if !slices.ContainsFunc(a.Acts, func(inner Act) bool { return inner.Door != "" }) {
				a.Door = ""
			}
			return a, nil
		}
		words = words[end+1:]
	}
}

// takeDoor takes the leading "NAME:" of a story of several doors. In a story
// of one door that door is meant.
func (p *parser) takeDoor(words []word) (string, []word, error) {
	doors := p.story.Doors
	if len(words) == 0 || words[0].quoted || !strings.HasSuffix(words[0].text, ":") {
		if len(doors) == 1 {
			return doors[0], words, nil
		}
		return "", words, nil
	}
	name := strings.TrimSuffix(words[0].text, ":")
	switch {
	case !slices.Contains(doors, name):
		return "", nil, fmt.Errorf("there is no door %q", name)
	case len(doors) == 1:
		return "", nil, errors.New("there is only one door: do not name it")
	}
	return name, words[1:], nil
}

func namesFirst(doors []string) string {
	return "begin with " + strings.Join(doors, ": or ") + ":"
}

// whole checks what only the whole file shows. first is the line of each
// attachment's marker.
func (p *parser) whole(first map[string]int) {
	if len(p.story.Doors) == 0 && len(p.errs) == 0 {
		p.fail(p.number, "no door line")
	}
	if !p.dated && len(p.errs) == 0 {
		p.fail(p.number, "no at line")
	}
	wanted := map[string]bool{"rulebook.toml": true, "roster.toml": true}
	for _, d := range p.story.Doors {
		wanted["door-"+d+".toml"] = true
	}
	for _, l := range p.story.Lines {
		a, _ := l.Body.(Act)
		for _, one := range append([]Act{a}, a.Acts...) {
			if one.Verb != VerbOrder || one.Args[0] != "import" {
				continue
			}
			wanted[one.Args[1]] = true
			if _, ok := first[one.Args[1]]; !ok {
				p.fail(l.Number, "no attachment %s follows", one.Args[1])
			}
		}
	}
	for _, f := range p.story.Files {
		if !wanted[f.Name] {
			p.fail(first[f.Name], "the attachment %s is used by nothing", f.Name)
		}
	}
}
