package osdp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/card"
)

// Options describe one bus: a wire with one or more readers. A zero duration
// takes its default.
type Options struct {
	Port drivers.Port

	// Baud is the wire's speed, 9600 to 230400, default 9600. It only sets how
	// long answers may take; the port itself is opened at its own speed.
	Baud int

	// Poll is the time between two polls of one reader, 10 ms to 1 s, default
	// 50 ms. It bounds how long a badge waits to be noticed.
	Poll time.Duration

	// Silence is how long a reader may not answer before it is offline, 0.5 s
	// to 8 s (where OSDP v2.2 §5.7 lets the reader itself give up), default 2 s.
	Silence time.Duration

	// Probe is the longest time between two probes of a silent reader, 0.25 s
	// to 4 s, default 2 s. Service is back within this and a bring-up of about
	// twelve exchanges.
	Probe time.Duration

	// Gap is the silence inside a frame after which the rest is not expected
	// any more, 20 ms (OSDP v2.2 §5.7) to 200 ms, default 150 ms: USB adapters
	// and pseudo-terminals deliver in bursts.
	Gap time.Duration
}

// ReaderOptions describe one reader of a bus.
type ReaderOptions struct {
	Name    string // source of its events
	Address byte   // 0..7E
	Key     Key    // its own; no two readers share one

	// Pin is the identity that was adopted. A reader without one (zero) is
	// reported as drivers.NotAdopted, with the identity to be pinned, and never
	// comes into service.
	Pin Identity

	Format card.Format // of its badges
	Check  Check       // CRC unless the reader has checksum only

	// TolerateKeyNumber takes a reader that answers the handshake with the
	// number of the default key although it uses its own, as some do. It must
	// prove its own key all the same.
	TolerateKeyNumber bool
}

func (o Options) checked() (Options, error) {
	if o.Port == nil {
		return o, errors.New("no port")
	}
	if o.Baud == 0 {
		o.Baud = 9600
	}
	if o.Baud < 9600 || o.Baud > 230400 {
		return o, fmt.Errorf("baud %d is not between 9600 and 230400", o.Baud)
	}
	for _, d := range []struct {
		name           string
		value          *time.Duration
		least, most, d time.Duration
	}{
		{"poll", &o.Poll, 10 * time.Millisecond, time.Second, 50 * time.Millisecond},
		{"silence", &o.Silence, 500 * time.Millisecond, 8 * time.Second, 2 * time.Second},
		{"probe", &o.Probe, firstProbe, 4 * time.Second, 2 * time.Second},
		{"gap", &o.Gap, 20 * time.Millisecond, 200 * time.Millisecond, 150 * time.Millisecond},
	} {
		if *d.value == 0 {
			*d.value = d.d
		}
		if *d.value < d.least || *d.value > d.most {
			return o, fmt.Errorf("%s %v is not between %v and %v", d.name, *d.value, d.least, d.most)
		}
	}
	return o, nil
}

// checkReaders refuses readers that cannot be told apart, or whose keys are
// missing or shared: who has one reader then has them all.
func checkReaders(readers []ReaderOptions) error {
	if len(readers) == 0 {
		return errors.New("no readers")
	}
	for i, r := range readers {
		switch {
		case r.Name == "":
			return fmt.Errorf("reader %d has no name", i+1)
		case r.Address > MaxAddress:
			return fmt.Errorf("reader %s: address %d is above %d", r.Name, r.Address, MaxAddress)
		case r.Key.IsZero():
			return fmt.Errorf("reader %s has no key", r.Name)
		case weakness(r.Key.bytes()) != "":
			return fmt.Errorf("reader %s: weak key: %s", r.Name, weakness(r.Key.bytes()))
		case !r.Format.Valid():
			return fmt.Errorf("reader %s has no card format", r.Name)
		case r.Check > Checksum:
			return fmt.Errorf("reader %s: unknown kind of check value", r.Name)
		}
		for _, o := range readers[:i] {
			switch {
			case o.Name == r.Name:
				return fmt.Errorf("two readers are named %s", r.Name)
			case o.Address == r.Address:
				return fmt.Errorf("readers %s and %s share address %d", o.Name, r.Name, r.Address)
			case o.Key.Equal(r.Key):
				return fmt.Errorf("readers %s and %s share a key", o.Name, r.Name)
			}
		}
	}
	return nil
}

// randomNonce fills b from the system's random source.
func randomNonce(b []byte) { _, _ = rand.Read(b) } // never fails (crypto/rand)
