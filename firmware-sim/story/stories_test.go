package story

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// clause is how a story's first line names the clause that it shows: in the
// regulation's own words and in short, each followed by what happens.
var clause = regexp.MustCompile(`^第\d+条(第\d+項)?(第\d+号)?: \S.* / \d+(-\d+){0,2}: \S.*$`)

// TestStoriesOfTheRepository: every story parses, prints back, names its
// clause in both languages, expects something, and says what must not be seen
// or what must be.
func TestStoriesOfTheRepository(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/stories/*/*.story")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no stories found: %v", err)
	}
	titles := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(path, text)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := s.String(); got != string(text) {
			t.Errorf("%s is not in canonical form; want\n%s", path, got)
		}
		if c, ok := s.Lines[0].Body.(Comment); !ok || !clause.MatchString(strings.TrimSpace(string(c))) {
			t.Errorf("%s:1: want \"# 第N条…: 日本語 / N: English\", not %q", path, s.Title())
		}
		ja, en, _ := strings.Cut(s.Title(), " / ")
		if !strings.ContainsFunc(ja, isKana) || strings.ContainsFunc(en, isKana) {
			t.Errorf("%s:1: want Japanese, a slash, and English", path)
		}
		if other, twice := titles[s.Title()]; twice {
			t.Errorf("%s has the title of %s", path, other)
		}
		titles[s.Title()] = path
		expects := 0
		for _, l := range s.Lines {
			if _, ok := l.Body.(Expect); ok {
				expects++
			}
		}
		if expects < 2 {
			t.Errorf("%s expects next to nothing", path)
		}
	}
}

func isKana(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana) }
