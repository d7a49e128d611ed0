package uplink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sekimori/controller/event"
)

const prefix = "sekimori/v1/"

// Kinds of topic, the last level of its name.
const (
	topicEvents      = "events"
	topicState       = "state"
	topicRequests    = "requests"
	topicCheckpoints = "checkpoints"
	topicOrders      = "orders"
	topicAcks        = "acks"
	topicReplay      = "replay"
)

func topic(door, kind string) string { return prefix + door + "/" + kind }

// isTopicLevel allows an id that means itself in a topic of every broker: MQTT
// reserves '/', '+' and '#', NATS also '.', '*' and '>'.
func isTopicLevel(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// State is the retained message: what the door is now. It carries counts and
// levels, never an id of a person (P12).
type State struct {
	Door     string      `json:"door"`
	Online   bool        `json:"online"`
	At       *event.Time `json:"at,omitempty"`
	Seq      uint64      `json:"seq,omitempty"`  // the last event in the ledger
	Lock     string      `json:"lock,omitempty"` // secured, released, unknown
	Leaf     string      `json:"leaf,omitempty"` // open, closed, unknown
	Inside   int         `json:"inside"`         // persons inside, as the ledger has it
	Alarms   int         `json:"alarms"`         // alarms that stand
	Requests int         `json:"requests"`       // requests that wait for an answer
	Clock    event.Clock `json:"clock,omitempty"`
	Version  string      `json:"version,omitempty"`
}

// Request asks the post for a permission, or takes that back.
type Request struct {
	ID        string      `json:"id"`
	Door      string      `json:"door"`
	Place     string      `json:"place"`
	Side      event.Side  `json:"side,omitempty"`
	Person    string      `json:"person,omitempty"`
	Badge     string      `json:"badge,omitempty"`
	Post      string      `json:"post,omitempty"`
	Wire      string      `json:"wire,omitempty"`
	Proof     string      `json:"proof,omitempty"`
	At        *event.Time `json:"at,omitempty"`
	Expires   *event.Time `json:"expires,omitempty"`
	Withdrawn bool        `json:"withdrawn,omitempty"`
	Reason    string      `json:"reason,omitempty"` // why it was withdrawn
}

// forgotten stands for an event whose body is past retention: its number must
// still arrive, or no collector could ever be contiguous.
type forgotten struct {
	Seq       uint64 `json:"seq"`
	Forgotten bool   `json:"forgotten"`
}

// Ack is the payload of acks.
type Ack struct {
	Seq uint64 `json:"seq"`
}

// Replay is the payload of replay.
type Replay struct {
	From uint64 `json:"from"`
}

// maxNote bounds the payload of acks and replay: {"from":18446744073709551615}
// and some white space.
const maxNote = 64

var errNote = errors.New("not one JSON object with the one field expected")

// ParseAck reads the payload of acks.
func ParseAck(b []byte) (Ack, error) {
	n, err := parseNote(b, "seq")
	return Ack{Seq: n}, err
}

// ParseReplay reads the payload of replay; numbers start at 1.
func ParseReplay(b []byte) (Replay, error) {
	n, err := parseNote(b, "from")
	if err == nil && n == 0 {
		err = fmt.Errorf("cannot read replay: numbers start at 1")
	}
	return Replay{From: n}, err
}

// parseNote takes exactly one object with exactly one field of exactly this
// name. encoding/json alone would take a field twice, and in any case of
// letters.
func parseNote(b []byte, field string) (uint64, error) {
	if len(b) > maxNote {
		return 0, fmt.Errorf("cannot read %s: %d bytes, at most %d", field, len(b), maxNote)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var tokens []json.Token
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(tokens) == 4 {
			return 0, fmt.Errorf("cannot read %s: %w", field, errNote)
		}
		tokens = append(tokens, t)
	}
	if len(tokens) != 4 || tokens[0] != json.Delim('{') || tokens[1] != field || tokens[3] != json.Delim('}') {
		return 0, fmt.Errorf("cannot read %s: %w", field, errNote)
	}
	number, ok := tokens[2].(json.Number)
	if !ok {
		return 0, fmt.Errorf("cannot read %s: %w", field, errNote)
	}
	var n uint64
	if err := json.Unmarshal([]byte(number), &n); err != nil {
		return 0, fmt.Errorf("cannot read %s: %q is not a number from 0 to 2^64-1", field, number)
	}
	return n, nil
}
