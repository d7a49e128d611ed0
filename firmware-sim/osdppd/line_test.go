package osdppd_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/card"
	"sekimori/drivers/osdp"
	"sekimori/firmware-sim/osdppd"
)

// Eight readers share a line at 9600 baud; seven of them die. The last one's
// badge is still read in time, and all come back.
func TestDeadReadersDoNotStarveTheLine(t *testing.T) {
	var readers []reader
	for i := range 8 {
		readers = append(readers, newReader(fmt.Sprintf("r%d", i), byte(i)))
	}
	bubble(t, osdp.Options{Baud: 9600, Poll: 200 * time.Millisecond}, readers, func(r *rig) {
		r.pass(10 * time.Second)
		for i, p := range r.pds {
			if !p.Established() {
				t.Fatalf("reader %d has no session", i)
			}
		}
		for _, p := range r.pds[1:] {
			p.Unplug(true)
		}
		r.pass(10 * time.Second)
		for range 10 {
			r.badge("10023")
			if d := r.want(2*time.Second, "r0 card H10301 10023"); d > 600*time.Millisecond {
				t.Errorf("badge read after %v", d)
			}
			r.none(r.pass(time.Second), "r0")
		}
		for _, p := range r.pds[1:] {
			p.Unplug(false)
		}
		r.pass(6 * time.Second)
		for i, p := range r.pds {
			if !p.Established() {
				t.Errorf("reader %d did not come back", i)
			}
		}
	})
}

// Cards come from the reader at which they were presented.
func TestTwoReaders(t *testing.T) {
	bubble(t, osdp.Options{}, []reader{newReader("entry", 0), newReader("exit", 126)}, func(r *rig) {
		r.pass(3 * time.Second)
		if err := r.pds[1].PresentCard(card.H10301, "7"); err != nil {
			t.Fatal(err)
		}
		r.want(time.Second, "exit card H10301 7")
		r.none(r.pass(time.Second), "entry")
		r.served(time.Second)
	})
}

// A reader that only knows checksums, and every card format.
func TestChecksumAndFormats(t *testing.T) {
	for _, name := range card.Names() {
		format, _ := card.Parse(name)
		one := newReader("entry", 5)
		one.acu.Check, one.acu.Format = osdp.Checksum, format
		bubble(t, osdp.Options{Baud: 9600}, []reader{one}, func(r *rig) {
			r.want(5*time.Second, "entry online")
			if err := r.pds[0].PresentCard(format, "10023"); err != nil {
				t.Fatal(err)
			}
			r.want(time.Second, "entry card "+name+" 10023")
		})
	}
}

// A reader that answers with the default key's number is taken where that is
// configured, and only with its own key.
func TestToleratedKeyNumber(t *testing.T) {
	one := newReader("entry", 1)
	one.acu.TolerateKeyNumber = true
	bubble(t, osdp.Options{}, []reader{one}, func(r *rig) {
		r.pds[0].Faults(func(f *osdppd.Faults) { f.KeyNumberZero = true })
		r.want(5*time.Second, "entry online")
		r.pds[0].Faults(func(f *osdppd.Faults) { f.KeyNumberZero, f.DefaultKey = false, true })
		r.pds[0].PowerCycle()
		r.want(5*time.Second, "entry fault bad_key disabled=true")
	})
}

// Signals arrive complete, once, in order, on readers with and without a
// display, and a steady one is back after the reader lost power.
func TestSignals(t *testing.T) {
	idle := drivers.Signal{Name: "idle", LED: drivers.Pattern{OnColour: drivers.Red}, Text: "ready"}
	finger := drivers.Signal{Name: "finger", LED: drivers.Pattern{OnColour: drivers.Amber, On: 300 * time.Millisecond, Off: 200 * time.Millisecond},
		Tone: drivers.Tone{On: 100 * time.Millisecond, Off: 50 * time.Millisecond, Count: 2}, Text: "finger please, and hurry"}
	granted := drivers.Signal{Name: "granted", LED: drivers.Pattern{OnColour: drivers.Green},
		Tone: drivers.Tone{On: 500 * time.Millisecond, Count: 1}, Text: "enter", Until: 3 * time.Second}
	off := drivers.Signal{Name: "off"}
	for _, capabilities := range [][]byte{osdppd.DefaultCapabilities(), osdppd.DisplayCapabilities()} {
		var shown []osdppd.Shown
		one := newReader("entry", 1)
		one.pd.Capabilities = capabilities
		one.pd.OnShow = func(s osdppd.Shown) { shown = append(shown, s) }
		one.acu.Pin = one.pd.Identity()
		bubble(t, osdp.Options{}, []reader{one}, func(r *rig) {
			show := func(signals ...drivers.Signal) {
				for _, s := range signals {
					r.bus.Reader("entry").Show(s)
				}
			}
			expect := func(what string, signals ...drivers.Signal) {
				t.Helper()
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				if len(shown) != len(signals) {
					t.Fatalf("%s: shown %+v, want %d signals", what, shown, len(signals))
				}
				for i, s := range signals {
					if shown[i] != r.pds[0].Expect(s) {
						t.Errorf("%s: shown %+v, want %+v", what, shown[i], r.pds[0].Expect(s))
					}
				}
				shown = nil
			}
			show(granted) // long over when the reader comes into service
			r.pds[0].Faults(func(f *osdppd.Faults) { f.Deaf = true })
			r.pass(4 * time.Second)
			show(idle)
			r.pds[0].Faults(func(f *osdppd.Faults) { f.Deaf = false })
			r.want(5*time.Second, "entry online")
			expect("after start", idle)
			show(finger)
			expect("steady", finger)
			show(granted)
			expect("brief", granted)
			show(idle, granted, off, finger)
			expect("the last wins", finger)
			r.pds[0].Faults(func(f *osdppd.Faults) { f.Drop = 2 })
			show(granted)
			time.Sleep(500 * time.Millisecond)
			expect("lost answers", granted)
			show(off)
			expect("off", off)
			show(idle)
			expect("idle", idle)
			r.pds[0].PowerCycle()
			time.Sleep(2 * time.Second)
			expect("after a power cycle", idle)
		})
	}
}

// Show never blocks, also when nobody runs the bus.
func TestShowNeverBlocks(t *testing.T) {
	bus, err := osdp.New(osdp.Options{Port: port{}}, []osdp.ReaderOptions{newReader("entry", 1).acu})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		bus.Reader("entry").Show(drivers.Signal{Name: "idle"})
	}
	if bus.Reader("exit") != nil {
		t.Error("a reader that does not exist is found")
	}
}
