package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"sekimori/policy"
)

// MaxFile bounds a file, in bytes: a roster of 50,000 persons is some 20 MB.
const MaxFile = 64 << 20

// Error is one thing that is wrong in a file, and where. Line and Column count
// from 1; both are 0 when the fault is of the file as a whole.
type Error struct {
	File         string
	Line, Column int
	Key          string // dotted path; the tables of an array count from 0, for example readers.1.key
	Msg          string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Msg)
	return b.String()
}

// Errors lists everything that is wrong in one file, in the file's order.
type Errors []*Error

func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Duration is a time span written as text, for example "5s" or "300ms".
type Duration time.Duration

// UnmarshalText reads Go's notation of a time span.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a time span such as \"5s\" or \"300ms\"", b)
	}
	*d = Duration(v)
	return nil
}

// source is one file's text and where each key of it stands.
type source struct {
	name string
	text []byte
	at   map[string]unstable.Position
	errs Errors
}

func read(path string) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	if info.Size() > MaxFile {
		return nil, &Error{File: path, Msg: fmt.Sprintf("%d bytes: larger than %d", info.Size(), MaxFile)}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return &source{name: path, text: b}, nil
}

// decode fills v strictly. An unknown key is noted and the rest is still
// checked, so that one reading of the errors is enough; anything that keeps the
// file from being understood ends it.
func (s *source) decode(v any) error {
	dec := toml.NewDecoder(bytes.NewReader(s.text))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	var missing *toml.StrictMissingError
	var one *toml.DecodeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &missing):
		for i := range missing.Errors {
			e := &missing.Errors[i]
			row, col := e.Position()
			s.errs = append(s.errs, &Error{s.name, row, col, strings.Join(e.Key(), "."), "unknown key"})
		}
		return nil
	case errors.As(err, &one):
		row, col := one.Position()
		msg := strings.TrimPrefix(one.Error(), "toml: ")
		s.errs = append(s.errs, &Error{s.name, row, col, strings.Join(one.Key(), "."), plain(msg)})
	default:
		s.errs = append(s.errs, &Error{File: s.name, Msg: plain(strings.TrimPrefix(err.Error(), "toml: "))})
	}
	return s.errs
}

// plain drops the Go type names that the decoder's messages end in: whoever
// edits the file has never seen them.
func plain(msg string) string {
	if i := strings.Index(msg, " into a Go "); i >= 0 {
		return msg[:i] + ": wrong kind of value for this key"
	}
	if i := strings.Index(msg, " cannot be stored in "); i >= 0 {
		return msg[:i] + ": wrong kind of value for this key"
	}
	return msg
}

// index finds where every key of the file stands. It is only built when there
// is something to report.
func (s *source) index() {
	if s.at != nil {
		return
	}
	s.at = map[string]unstable.Position{}
	counts := map[string]int{}
	var p unstable.Parser
	p.Reset(s.text)
	prefix := ""
	for p.NextExpression() {
		e := p.Expression()
		path, pos := s.key(&p, e)
		switch e.Kind {
		case unstable.Table:
			prefix = current(path, counts)
			s.at[prefix] = pos
		case unstable.ArrayTable:
			base := current(parent(path), counts)
			full := join(base, last(path))
			n := counts[full]
			counts[full] = n + 1
			prefix = full + "." + strconv.Itoa(n)
			s.at[prefix] = pos
		case unstable.KeyValue:
			s.keyValue(&p, e, prefix)
		}
	}
}

func (s *source) keyValue(p *unstable.Parser, e *unstable.Node, prefix string) {
	path, pos := s.key(p, e)
	full := join(prefix, path)
	s.at[full] = pos
	if v := e.Value(); v != nil && v.Kind == unstable.InlineTable {
		for it := v.Children(); it.Next(); {
			s.keyValue(p, it.Node(), full)
		}
	}
}

func (s *source) key(p *unstable.Parser, e *unstable.Node) (string, unstable.Position) {
	var parts []string
	var pos unstable.Position
	for it := e.Key(); it.Next(); {
		n := it.Node()
		if len(parts) == 0 {
			pos = p.Shape(n.Raw).Start
		}
		parts = append(parts, string(n.Data))
	}
	return strings.Join(parts, "."), pos
}

// current gives a table's path with the index of the array element that it
// extends: [[a]] then [a.b] is a.0.b.
func current(path string, counts map[string]int) string {
	out := ""
	for _, part := range strings.Split(path, ".") {
		if part == "" {
			continue
		}
		out = join(out, part)
		if n := counts[out]; n > 0 {
			out += "." + strconv.Itoa(n-1)
		}
	}
	return out
}

func join(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	default:
		return a + "." + b
	}
}

func parent(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i]
	}
	return ""
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// fault notes that the value at a key is wrong. A key that the file does not
// hold is reported at the nearest table above it.
func (s *source) fault(key, format string, args ...any) {
	s.index()
	e := &Error{File: s.name, Key: key, Msg: fmt.Sprintf(format, args...)}
	for at := key; at != ""; at = parent(at) {
		if pos, ok := s.at[at]; ok {
			e.Line, e.Column = pos.Line, pos.Column
			break
		}
	}
	s.errs = append(s.errs, e)
}

// err gives everything noted, in the file's order, or nil.
func (s *source) err() error {
	if len(s.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(s.errs, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return s.errs
}

// data maps the policy's own complaints, which know keys but no lines.
func (s *source) data(err error) error {
	var list policy.DataErrors
	var one *policy.DataError
	switch {
	case errors.As(err, &list):
		for _, e := range list {
			s.fault(e.Path, "%s", e.Msg)
		}
	case errors.As(err, &one):
		s.fault(one.Path, "%s", one.Msg)
	default:
		s.fault("", "%v", err)
	}
	return s.err()
}
