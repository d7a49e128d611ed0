package osdppd_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/card"
	"sekimori/drivers/drivertest"
	"sekimori/drivers/osdp"
	"sekimori/firmware-sim/osdppd"
)

// port keeps a cable's driver side open.
type port struct{ cable *drivertest.Cable }

func (p port) String() string { return "test cable" }

func (p port) Keep(ctx context.Context, body func(context.Context, drivers.Wire) error, lost func(error)) error {
	for ctx.Err() == nil {
		w, err := p.cable.Open(ctx)
		if err == nil {
			err = body(ctx, w)
			w.Close()
		}
		if ctx.Err() != nil {
			return nil
		}
		lost(err)
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}

// reader is what one reader of the rig is made of.
type reader struct {
	pd  osdppd.Options
	acu osdp.ReaderOptions
}

// newReader gives a reader and its adopted counterpart.
func newReader(name string, address byte) reader {
	key := [16]byte{0x9a, 0x41, 0x07, 0xe3, 0x5d, 0xb8, 0x26, 0xcc, 0x70, 0x13, 0xfa, 0x88, 0x4e, 0x95, 0x2b, address}
	o := osdppd.Options{
		Address: address,
		Key:     key,
		PDID:    [12]byte{0x0a, 0x00, 0x17, 0x03, 0x01, address, 0xfe, 0xde, 0xed, 0x01, 0x50, 0x02},
		CUID:    [8]byte{0x0a, 0x00, 0x17, 0x03, 0x01, address, 0xfe, 0xde},
	}
	k, err := osdp.ParseKey(fmt.Appendf(nil, "%x", key))
	if err != nil {
		panic(err)
	}
	return reader{o, osdp.ReaderOptions{Name: name, Address: address, Key: k, Pin: o.Identity(), Format: card.H10301}}
}

// rig is a bus and its readers in a bubble.
type rig struct {
	t     *testing.T
	cable *drivertest.Cable
	bus   *osdp.Bus
	pds   []*osdppd.PD

	mu     sync.Mutex
	events []drivers.Event
}

// bubble runs body with a rig of these readers in virtual time.
func bubble(t *testing.T, opt osdp.Options, readers []reader, body func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, cable: drivertest.NewCable(nil)}
		opt.Port = port{r.cable}
		if opt.Baud == 0 {
			opt.Baud = 38400
		}
		var acu []osdp.ReaderOptions
		for _, one := range readers {
			acu = append(acu, one.acu)
			r.pds = append(r.pds, osdppd.New(one.pd))
		}
		var err error
		if r.bus, err = osdp.New(opt, acu); err != nil {
			t.Fatal(err)
		}
		line := osdppd.NewLine(osdppd.FromWire(r.cable.Device()), opt.Baud, r.pds...)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := r.bus.Run(ctx, r.emit); err != nil {
				t.Errorf("bus: %v", err)
			}
		})
		wg.Go(func() {
			if err := line.Run(ctx); err != nil {
				t.Errorf("line: %v", err)
			}
		})
		defer func() { cancel(); wg.Wait() }()
		body(r)
	})
}

// one is a bubble with a single adopted reader that has come into service.
func one(t *testing.T, body func(*rig)) {
	t.Helper()
	bubble(t, osdp.Options{}, []reader{newReader("entry", 1)}, func(r *rig) {
		r.want(3*time.Second, "entry online")
		body(r)
	})
}

func (r *rig) emit(e drivers.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// word puts an event into a line of text.
func word(e drivers.Event) string {
	switch b := e.Body.(type) {
	case drivers.Card:
		return fmt.Sprintf("%s card %s %s secured=%v proof=%d", e.Source, b.Layout, b.Number, b.Secured, b.Proof)
	case drivers.Online:
		return e.Source + " online"
	case drivers.Offline:
		return fmt.Sprintf("%s offline unplugged=%v", e.Source, b.Unplugged)
	case drivers.Fault:
		return fmt.Sprintf("%s fault %s disabled=%v", e.Source, b.Code, b.Disabled)
	case drivers.Tamper:
		return fmt.Sprintf("%s tamper %v", e.Source, b.Active)
	case drivers.Power:
		return fmt.Sprintf("%s power failed %v", e.Source, b.Failed)
	}
	return fmt.Sprintf("%s %T", e.Source, e.Body)
}

// seen gives the events up to now, and forgets them.
func (r *rig) seen() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	var words []string
	for _, e := range r.events {
		words = append(words, word(e))
	}
	r.events = nil
	return words
}

// want lets time pass until an event with this beginning is seen, forgets it
// and those before it, and gives the time that it took.
func (r *rig) want(within time.Duration, prefix string) time.Duration {
	r.t.Helper()
	began := time.Now()
	var passed []string
	for {
		synctest.Wait()
		r.mu.Lock()
		for i, e := range r.events {
			passed = append(passed, word(e))
			if strings.HasPrefix(word(e), prefix) {
				r.events = r.events[i+1:]
				r.mu.Unlock()
				return e.At.Sub(began)
			}
		}
		r.events = nil
		r.mu.Unlock()
		if time.Since(began) > within {
			r.t.Fatalf("no %q within %v; seen: %q", prefix, within, passed)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// pass lets time pass and gives what was seen.
func (r *rig) pass(d time.Duration) []string {
	time.Sleep(d)
	return r.seen()
}

// none fails if one of the events has this beginning.
func (r *rig) none(events []string, prefix string) {
	r.t.Helper()
	for _, e := range events {
		if strings.HasPrefix(e, prefix) {
			r.t.Fatalf("unwanted %q among %q", e, events)
		}
	}
}

// badge presents a badge at the first reader.
func (r *rig) badge(number string) {
	r.t.Helper()
	if err := r.pds[0].PresentCard(card.H10301, number); err != nil {
		r.t.Fatal(err)
	}
}

// served checks that a badge is read now, once.
func (r *rig) served(within time.Duration) {
	r.t.Helper()
	r.badge("10023")
	r.want(within, "entry card H10301 10023 secured=true proof=0")
	r.none(r.pass(time.Second), "entry card")
}
