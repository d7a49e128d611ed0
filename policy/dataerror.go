package policy

import (
	"fmt"
	"strconv"
	"strings"
)

// DataError is one thing wrong with a rulebook or a roster.
type DataError struct {
	// Path is the dotted key path in the data, with zero-based indices, for
	// example "places.1.entry.factors.0". It is "" for the data as a whole.
	Path string
	Msg  string
}

func (e *DataError) Error() string {
	if e.Path == "" {
		return e.Msg
	}
	return e.Path + ": " + e.Msg
}

// DataErrors is every problem that one check of the data found, in the order
// of the data. NewRulebook and NewRoster return it as their error.
type DataErrors []*DataError

func (es DataErrors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find a single *DataError.
func (es DataErrors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// maxDataErrors bounds a report: a file of another kind would otherwise answer
// with one error per line.
const maxDataErrors = 100

// complaints collects the problems of one check.
type complaints struct {
	list DataErrors
	more int
}

func (c *complaints) add(path, format string, args ...any) {
	if len(c.list) == maxDataErrors {
		c.more++
		return
	}
	c.list = append(c.list, &DataError{Path: path, Msg: fmt.Sprintf(format, args...)})
}

func (c *complaints) err() error {
	if len(c.list) == 0 {
		return nil
	}
	if c.more > 0 {
		return append(c.list, &DataError{Msg: "and " + strconv.Itoa(c.more) + " more errors"})
	}
	return c.list
}

// at joins a key path.
func at(path string, keys ...any) string {
	for _, k := range keys {
		if path != "" {
			path += "."
		}
		path += fmt.Sprint(k)
	}
	return path
}

// maxID bounds an identifier; identifiers become parts of topics and keys.
const maxID = 64

// idProblem says what is wrong with an identifier, or "". Identifiers are
// published in topics, so that the separators and wildcards of MQTT, spaces
// and anything that needs quoting are refused.
func idProblem(id string) string {
	switch {
	case id == "":
		return "missing"
	case len(id) > maxID:
		return fmt.Sprintf("longer than %d bytes", maxID)
	}
	for i := range len(id) {
		c := id[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '_' && c != '-' && c != '.') {
			return fmt.Sprintf("%q is not an identifier (letters, digits, then also _ - .)", id)
		}
	}
	return ""
}
