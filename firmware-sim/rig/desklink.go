package rig

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
)

// The link carries the box's pins and clock between the desk's process and the
// daemon's: lines of JSON over a socket pair. The daemon's process asks, one
// [ask] a line; the desk's answers each with a [word] of the same number, in
// order, and tells of edges and of the clock with words of the number 0.

// maxLine bounds a line of the link, in bytes.
const maxLine = 4096

// ask is what the daemon's process wants of a pin.
type ask struct {
	ID   uint64 `json:"id"` // from 1
	Verb string `json:"verb"`
	Pin  string `json:"pin"`
	// Output goes with claim; Level with claim (the safe level) and with out.
	Output bool       `json:"output,omitempty"`
	Level  gpio.Level `json:"level,omitempty"`
	// Pull and Edge go with in.
	Pull gpio.Pull `json:"pull,omitempty"`
	Edge gpio.Edge `json:"edge,omitempty"`
}

// Verbs of an ask.
const (
	verbClaim = "claim" // an output is driven to its safe level in the same act
	verbIn    = "in"    // set up an input
	verbRead  = "read"
	verbOut   = "out"
	verbFree  = "free"
)

// word is what the desk's process says.
type word struct {
	ID    uint64     `json:"id,omitempty"`
	Err   string     `json:"err,omitempty"`
	Level gpio.Level `json:"level,omitempty"` // answers read
	Edge  string     `json:"edge,omitempty"`  // this input had an edge
	Clock *face      `json:"clock,omitempty"` // the box's clock from now on
}

// face is what the box's clock shows: so much more than the machine's, and
// whether the operating system vouches for it.
type face struct {
	Ahead  time.Duration `json:"ahead"`
	Synced bool          `json:"synced"`
}

// now reads the clock.
func (f face) now() (time.Time, bool) { return time.Now().Add(f.Ahead), f.Synced }

// speaker writes lines; its methods may be called from any goroutine.
type speaker struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *speaker) say(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cannot write link: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("cannot write link: %w", err)
	}
	return nil
}

// listen hands on every line until the link ends (nil), or a line is none of
// the link's (error).
func listen[T any](r io.Reader, hear func(T) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	for lines.Scan() {
		var v T
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return fmt.Errorf("cannot read link: %w", err)
		}
		if err := hear(v); err != nil {
			return err
		}
	}
	// A killed process's end may also read as a reset; either way it is gone.
	if err := lines.Err(); err == bufio.ErrTooLong {
		return fmt.Errorf("cannot read link: %w", err)
	}
	return nil
}
