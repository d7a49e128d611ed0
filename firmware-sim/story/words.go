package story

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of a line. A quoted word is never a keyword (then, every,
// within).
type word struct {
	text   string
	quoted bool
}

func (w word) is(keyword string) bool { return !w.quoted && w.text == keyword }

// splitWords splits a line at spaces and tabs. A word that begins with a
// quotation mark is a Go string; behind "key=" the value may be one.
func splitWords(line string) ([]word, error) {
	var words []word
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return words, nil
		}
		w, rest, err := firstWord(line)
		if err != nil {
			return nil, err
		}
		if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
			return nil, fmt.Errorf("no space after %s", line[:len(line)-len(rest)])
		}
		words = append(words, w)
		line = rest
	}
}

func firstWord(line string) (w word, rest string, err error) {
	if isQuote(line[0]) {
		text, rest, err := goString(line)
		return word{text, true}, rest, err
	}
	end := strings.IndexAny(line, " \t\"`")
	if end < 0 {
		end = len(line)
	}
	bare := line[:end]
	if err := plain(bare); err != nil {
		return word{}, "", err
	}
	if end == len(line) || !isQuote(line[end]) {
		return word{bare, false}, line[end:], nil
	}
	if !strings.HasSuffix(bare, "=") || strings.Count(bare, "=") != 1 {
		return word{}, "", fmt.Errorf("a quotation mark inside the word %s: quote the whole word", bare)
	}
	value, rest, err := goString(line[end:])
	return word{bare + value, true}, rest, err
}

func isQuote(c byte) bool { return c == '"' || c == '`' }

func goString(s string) (text, rest string, err error) {
	prefix, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", errors.New("a quoted word that does not end, or is no Go string")
	}
	text, err = strconv.Unquote(prefix)
	return text, s[len(prefix):], err
}

// plain refuses spaces that look like a space and split nothing; a full-width
// space is one key away on a Japanese keyboard.
func plain(bare string) error {
	for _, r := range bare {
		if unicode.IsSpace(r) {
			return fmt.Errorf("a space that is not a plain one (U+%04X): use a plain space, or quote the word", r)
		}
	}
	return nil
}

func needsQuotes(s string) bool {
	if !utf8.ValidString(s) {
		return true
	}
	return strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '`' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

func quoteValue(s string) string {
	if needsQuotes(s) {
		return strconv.Quote(s)
	}
	return s
}

func quoteWord(s string) string {
	if s == "" || s == "then" || needsQuotes(s) {
		return strconv.Quote(s)
	}
	return s
}

// isName holds for what doors, persons, posts, kinds and signals are called.
func isName(s string) bool {
	if s == "" || len(s) > 64 || strings.IndexByte("-_.", s[0]) >= 0 {
		return false
	}
	return onlyOf(s, func(c byte) bool { return isLower(c) || isDigit(c) || c == '-' || c == '_' })
}

// isPath holds for a dotted path in a JSON document.
func isPath(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !isName(part) {
			return false
		}
	}
	return true
}

// isFileName holds for a base name: no folder, no dot file, no way upwards.
func isFileName(s string) bool {
	if s == "" || len(s) > 64 || strings.IndexByte("-.", s[0]) >= 0 {
		return false
	}
	return onlyOf(s, func(c byte) bool {
		return isLower(c) || isDigit(c) || 'A' <= c && c <= 'Z' || c == '-' || c == '_' || c == '.'
	})
}

func onlyOf(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
