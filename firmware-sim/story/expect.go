package story

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// expect reads "CHANNEL [SIDE] [WORD] [KEY=VALUE...] [times N] [within DURATION]".
func (p *parser) expect(not bool, text string) (Expect, error) {
	e := Expect{Not: not}
	words, err := splitWords(text)
	if err != nil {
		return e, err
	}
	if e.Door, words, err = p.takeDoor(words); err != nil {
		return e, err
	}
	if e.Door == "" {
		return e, fmt.Errorf("which door? %s", namesFirst(p.story.Doors))
	}
	if len(words) == 0 {
		return e, errors.New("a channel is missing: show, lock, event, request, state or ledger")
	}
	i := slices.Index(channelNames[:], words[0].text)
	if i < 1 {
		return e, fmt.Errorf("unknown channel %q: want show, lock, event, request, state or ledger", words[0].text)
	}
	e.Channel = Channel(i)
	if words, err = e.takeWithin(words[1:]); err != nil {
		return e, err
	}
	if words, err = e.takeTimes(words); err != nil {
		return e, err
	}
	if words, err = e.takeWords(words); err != nil {
		return e, err
	}
	if err := e.takeFields(words); err != nil {
		return e, err
	}
	return e, e.check()
}

func (e *Expect) takeWithin(words []word) ([]word, error) {
	i := slices.IndexFunc(words, func(w word) bool { return w.is("within") })
	if i < 0 {
		return words, nil
	}
	if i != len(words)-2 {
		return nil, errors.New("within stands last, with one duration")
	}
	var err error
	e.Within, err = parseWait(words[i+1].text)
	return words[:i], err
}

func (e *Expect) takeTimes(words []word) ([]word, error) {
	i := slices.IndexFunc(words, func(w word) bool { return w.is("times") })
	switch {
	case i < 0:
		return words, nil
	case i != len(words)-2:
		return nil, errors.New("times stands behind everything but within, with one number")
	case e.Not || e.Channel == State:
		return nil, errors.New("times is for what must be seen, and for no state")
	}
	var err error
	e.Times, err = parseCount(words[i+1].text)
	return words[:i], err
}

// takeWords takes the side and the word.
func (e *Expect) takeWords(words []word) ([]word, error) {
	if e.Channel == Show {
		if len(words) == 0 || !isSide(words[0].text) {
			return nil, errors.New("show which side? entry or exit")
		}
		e.Side, words = words[0].text, words[1:]
	}
	if len(words) == 0 || strings.Contains(words[0].text, "=") || e.Channel == State {
		return words, nil
	}
	e.Word = words[0].text
	if !isName(e.Word) || e.Word == "within" || e.Word == "times" {
		return nil, fmt.Errorf("%q is no word of the channel %s", e.Word, e.Channel)
	}
	if e.Channel == Lock && e.Word != "released" && e.Word != "secured" {
		return nil, fmt.Errorf("the bolt is released or secured, not %q", e.Word)
	}
	return words[1:], nil
}

func (e *Expect) takeFields(words []word) error {
	for _, w := range words {
		key, value, ok := strings.Cut(w.text, "=")
		if !ok {
			return fmt.Errorf("want key=value, not %q", w.text)
		}
		if !isPath(key) {
			return fmt.Errorf("%q is no dotted path of small letters, digits, - and _", key)
		}
		e.Fields = append(e.Fields, Field{key, value})
	}
	return nil
}

// check refuses an expectation that would say nothing.
func (e *Expect) check() error {
	switch {
	case e.Channel == State && len(e.Fields) == 0:
		return errors.New("which state? say key=value")
	case e.Channel == Lock && len(e.Fields) > 0:
		return errors.New("the bolt has no key=value")
	case e.Not || e.Channel == Request || e.Word != "" || len(e.Fields) > 0:
		return nil
	case e.Channel == Show:
		return errors.New("show what? name a signal")
	case e.Channel == Lock:
		return errors.New("the bolt is released or secured: say which")
	default:
		return fmt.Errorf("which %s? name a kind or key=value", e.Channel)
	}
}
