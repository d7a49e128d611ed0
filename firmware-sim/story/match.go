package story

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Observation is one thing that was seen at a door.
type Observation struct {
	Door    string
	Channel Channel
	Side    string    // "entry" or "exit" on the channel Show
	Word    string    // the signal, "released" or "secured", or the kind
	JSON    []byte    // the published document, on the channels that have one
	At      time.Time // when it happened, by the clock that the player sleeps on
}

// matches holds an expectation against one observation, apart from time.
func (e *Expect) matches(o *seen) bool {
	if o.Door != e.Door || o.Channel != e.Channel || o.Side != e.Side {
		return false
	}
	if e.Word != "" && e.Word != o.Word {
		return false
	}
	for _, f := range e.Fields {
		if !f.matches(o.document) {
			return false
		}
	}
	return true
}

func (f Field) matches(document any) bool {
	values := lookUp(document, strings.Split(f.Key, "."), nil)
	if f.Value == "" {
		return len(values) == 0
	}
	for _, v := range values {
		if v == f.Value {
			return true
		}
	}
	return false
}

// lookUp appends the texts that stand at a path. A list stands for each of its
// elements. Null, "" and an object have no text.
func lookUp(v any, path []string, out []string) []string {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			out = lookUp(element, path, out)
		}
	case map[string]any:
		if len(path) > 0 {
			if inner, ok := v[path[0]]; ok {
				return lookUp(inner, path[1:], out)
			}
		} else if len(v) > 0 {
			return append(out, "{…}") // it is there, though it has no text
		}
	default:
		if s := scalar(v); len(path) == 0 && s != "" {
			out = append(out, s)
		}
	}
	return out
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return ""
	}
}

// seen is an observation with its document read once.
type seen struct {
	Observation
	document any
	broken   bool // the document is no JSON
	index    int
	taken    bool // by a "<"
}

func read(o Observation) *seen {
	s := &seen{Observation: o}
	if len(o.JSON) == 0 {
		return s
	}
	d := json.NewDecoder(bytes.NewReader(o.JSON))
	d.UseNumber()
	if err := d.Decode(&s.document); err != nil || d.More() {
		s.document, s.broken = nil, true
	}
	return s
}

// What is shown of a document, in this order: in a transcript, where people
// watch, and in a failure, where somebody wants to know.
var (
	briefKeys = []string{"person", "side", "reason", "remarks.reason", "count"}
	fullKeys  = append(briefKeys, "badge", "device", "post", "withdrawn", "detail")
)

// brief tells an observation for a transcript.
func (s *seen) brief() string {
	keys := briefKeys
	if len(lookUp(s.document, []string{"person"}, nil)) == 0 {
		keys = append(slices.Clone(keys), "device")
	}
	return s.summary(nil, keys)
}

// full tells an observation for a failure. The keys that an expectation asked
// for stand first.
func (s *seen) full(asked []Field) string { return s.summary(asked, fullKeys) }

func (s *seen) summary(asked []Field, known []string) string {
	words := []string{}
	if s.Side != "" {
		words = append(words, s.Side)
	}
	if s.Word != "" {
		words = append(words, s.Word)
	}
	if s.broken {
		return strings.Join(append(words, "(not JSON)"), " ")
	}
	keys := []string{}
	for _, f := range asked {
		keys = append(keys, f.Key)
	}
	done := map[string]bool{}
	if s.Channel == State {
		known = s.keys()
	}
	for i, key := range append(keys, known...) {
		if done[key] {
			continue
		}
		done[key] = true
		values := lookUp(s.document, strings.Split(key, "."), nil)
		switch {
		case len(values) > 0:
			words = append(words, Field{key, strings.Join(values, ",")}.String())
		case i < len(keys):
			words = append(words, key+"=")
		}
	}
	return strings.Join(words, " ")
}

// keys are all at the top of a state: they are few, and the whole message.
func (s *seen) keys() []string {
	keys := []string{}
	top, _ := s.document.(map[string]any)
	for key := range top {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
