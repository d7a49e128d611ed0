package story

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Vocabulary is what a rig can observe: for each channel that it has, the words
// and the keys that can occur there. It keeps a misspelt "!" from holding for
// ever because nobody would ever say that word.
type Vocabulary map[Channel]Words

// Words of one channel. A nil list knows every word.
type Words struct {
	Words []string // signals, kinds
	Keys  []string // dotted paths; a key stands for all paths below it
}

// Check holds every expectation of a story against a vocabulary. Each fault is
// an [*Error]; they come joined.
func (s *Story) Check(v Vocabulary) error {
	var errs []error
	for _, l := range s.Lines {
		e, ok := l.Body.(Expect)
		if !ok {
			continue
		}
		if err := v.check(e); err != nil {
			errs = append(errs, &Error{s.File, l.Number, err.Error()})
		}
	}
	return errors.Join(errs...)
}

func (v Vocabulary) check(e Expect) error {
	words, ok := v[e.Channel]
	if !ok {
		return fmt.Errorf("nothing can be seen on the channel %s here", e.Channel)
	}
	if e.Word != "" && words.Words != nil && !slices.Contains(words.Words, e.Word) {
		return fmt.Errorf("%q is never seen on the channel %s", e.Word, e.Channel)
	}
	for _, f := range e.Fields {
		if words.Keys != nil && !slices.ContainsFunc(words.Keys, func(key string) bool {
			return f.Key == key || strings.HasPrefix(f.Key, key+".")
		}) {
			return fmt.Errorf("the key %q is never published on the channel %s", f.Key, e.Channel)
		}
	}
	return nil
}
