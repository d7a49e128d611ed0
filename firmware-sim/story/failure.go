package story

import (
	"fmt"
	"strings"
)

// Failure is a line that did not hold: an act that was not possible, something
// that was not seen, or something that must not have been.
type Failure struct {
	File string
	Line int
	Text string
	Seen []string // what was seen on the channel instead, oldest first
}

// Error is the text behind file and line, and under it what was seen instead.
func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s", f.File, f.Line, f.Text)
	for _, s := range f.Seen {
		b.WriteString("\n\t" + s)
	}
	return b.String()
}

// maxSeen is how many observations a failure shows.
const maxSeen = 12

// unmet is the failure of a "<" that was met only so often.
func (p *player) unmet(line int, e Expect, met int) *Failure {
	f := p.failure("expected", line, e)
	channel := strings.TrimSpace(e.Channel.String() + " " + e.Side)
	if met > 0 {
		f.Text += fmt.Sprintf(" met %d times of %d;", met, e.Times)
	}
	for _, s := range p.record.since(min(p.cursors[e.cursor()], p.block.begin)) {
		if (cursor{s.Door, s.Channel, s.Side}) == e.cursor() {
			f.Seen = append(f.Seen, p.line(s, e))
		}
	}
	if len(f.Seen) == 0 {
		f.Text += " nothing was seen on " + channel
		return f
	}
	f.Text += " seen on " + channel + ":"
	if n := len(f.Seen) - maxSeen; n > 0 {
		f.Seen = append([]string{fmt.Sprintf("… %d earlier", n)}, f.Seen[n:]...)
	}
	return f
}

// forbidden is the failure of a "!" by an observation.
func (p *player) forbidden(line int, e Expect, o *seen) *Failure {
	f := p.failure("must not be seen", line, e)
	f.Text += " but was:"
	f.Seen = []string{p.line(o, e)}
	return f
}

// failure begins one with what the line wanted.
func (p *player) failure(verb string, line int, e Expect) *Failure {
	since := "the start"
	if p.block.line > 0 {
		since = fmt.Sprintf("line %d", p.block.line)
	}
	said := e
	said.Within = 0 // told in words
	wanted := doorPrefix(e.Door, len(p.result.Story.Doors) > 1) + said.String()
	return &Failure{
		File: p.result.Story.File, Line: line,
		Text: fmt.Sprintf("%s within %v of %s: %s;", verb, e.within(), since, wanted),
	}
}

// line tells an observation, with its time from the end of the act.
func (p *player) line(s *seen, e Expect) string {
	text := fmt.Sprintf("%+.3fs %s", s.At.Sub(p.block.done).Seconds(), s.full(e.Fields))
	switch {
	case s.taken:
		text += " (already taken by a line above)"
	case !e.Not && e.matches(s):
		text += " (too late)"
	}
	return text
}
