package zfm_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sekimori/drivers"
	driver "sekimori/drivers/zfm"
	"sekimori/firmware-sim/zfm"
)

// enrol plays the person: finger down and up as the steps ask.
func (b *bench) enrol(id uint64, page uint16, persons ...string) drivers.EnrolResult {
	b.t.Helper()
	b.sensor.Enrol(id, page, time.Minute)
	for {
		select {
		case e := <-b.events:
			switch body := e.Body.(type) {
			case drivers.EnrolStep:
				if !body.Place {
					b.module.Lift()
					break
				}
				b.module.PlaceFinger(persons[min(body.View, len(persons))-1])
			case drivers.EnrolResult:
				b.module.Lift()
				return body
			default:
				b.t.Fatalf("event %T %+v during enrolment", body, body)
			}
		case <-time.After(2 * time.Minute):
			b.t.Fatal("enrolment never ended")
		}
	}
}

func TestEnrolCopyErase(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.sensor.SetExpected(nil)
		b.online()
		r := b.enrol(1, 7, "s-001")
		if r.Err != nil || r.Template.Len() != 1536 || !b.module.Holds(7, "s-001") {
			t.Fatalf("enrolled %+v, library %v", r, b.module.Library())
		}
		b.module.PlaceFinger("s-001")
		b.verify(2, 7)
		b.outcome(2, drivers.FingerMatch, 2*time.Second)
		b.module.Lift()

		// The same blob on another page stands for the other side's sensor.
		again := drivers.NewTemplate(bytes.Clone(r.Template.Bytes()))
		b.sensor.Store(3, 8, r.Template)
		if got := next[drivers.StoreResult](b, 5*time.Second); got.Err != nil || got.ID != 3 {
			t.Fatalf("store: %+v", got)
		}
		if !b.module.Holds(8, "s-001") {
			t.Fatal("the copied template is not whole")
		}
		if slices.ContainsFunc(r.Template.Bytes(), func(c byte) bool { return c != 0 }) {
			t.Fatal("the template is still in memory")
		}
		b.sensor.Store(4, 8, again) // its outcome was lost: asked again
		if got := next[drivers.StoreResult](b, 5*time.Second); got.Err != nil {
			t.Fatalf("second store: %v", got.Err)
		}
		b.sensor.Erase(5, 7)
		if got := next[drivers.EraseResult](b, 5*time.Second); got.Err != nil || got.ID != 5 {
			t.Fatalf("erase: %+v", got)
		}
		b.sensor.Erase(6, 7) // gone already
		if got := next[drivers.EraseResult](b, 5*time.Second); got.Err != nil {
			t.Fatalf("second erase: %v", got.Err)
		}
		if got := b.module.Library(); !slices.Equal(got, []uint16{8}) {
			t.Fatalf("library %v, want [8]", got)
		}
		b.quiet(time.Hour) // its own changes are no changed library
	})
}

func TestTwoModulesShareATemplate(t *testing.T) {
	var template []byte
	onBench(t, factory(), adopted, func(b *bench) {
		b.online()
		r := b.enrol(1, 0, "s-001")
		template = bytes.Clone(r.Template.Bytes())
	})
	o := factory()
	o.Serial, o.Seed = "B7654321", 99
	onBench(t, o, driver.Options{Name: "finger-in", Identity: "0009/R503/4237363534333231/sim-1.0"}, func(b *bench) {
		next[drivers.Online](b, 2*time.Second)
		b.sensor.Store(1, 199, drivers.NewTemplate(template))
		if got := next[drivers.StoreResult](b, 5*time.Second); got.Err != nil {
			t.Fatal(got.Err)
		}
		b.module.PlaceFinger("s-001")
		b.verify(2, 199)
		b.outcome(2, drivers.FingerMatch, 2*time.Second)
	})
}

func TestEnrolRefusals(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(3, "s-003")
		b.online()
		if r := b.enrol(1, 7, "s-003"); !r.Duplicate || r.Of != 3 || !errors.Is(r.Err, driver.ErrDuplicate) {
			t.Fatalf("duplicate: %+v", r)
		}
		if r := b.enrol(2, 3, "s-001"); !strings.Contains(words(r.Err), "occupied") {
			t.Fatalf("occupied: %+v", r)
		}
		if r := b.enrol(3, 200, "s-001"); !strings.Contains(words(r.Err), "capacity of 200") {
			t.Fatalf("beyond capacity: %+v", r)
		}
		if r := b.enrol(4, 7, "s-001", "s-002"); !strings.Contains(words(r.Err), "not of one finger") {
			t.Fatalf("two fingers: %+v", r)
		}
		b.sensor.Enrol(5, 7, 20*time.Second)
		if s := next[drivers.EnrolStep](b, time.Second); s != (drivers.EnrolStep{ID: 5, View: 1, Of: 4, Place: true}) {
			t.Fatalf("step %+v", s)
		}
		if r := next[drivers.EnrolResult](b, 21*time.Second); !strings.Contains(words(r.Err), "no finger in time") {
			t.Fatalf("timeout: %+v", r)
		}
		b.sensor.Enrol(6, 7, 20*time.Second)
		next[drivers.EnrolStep](b, time.Second)
		b.sensor.Cancel(6)
		if r := next[drivers.EnrolResult](b, time.Second); !strings.Contains(words(r.Err), "cancelled") {
			t.Fatalf("cancel: %+v", r)
		}
		if got := b.module.Library(); !slices.Equal(got, []uint16{3}) {
			t.Fatalf("library %v, want [3]", got)
		}
	})
}

func TestStoreRefusals(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(3, "s-003")
		b.online()
		r := b.enrol(1, 7, "s-001")
		for i, c := range []struct {
			page uint16
			t    drivers.Template
			want string
		}{
			{3, r.Template, "another finger"},
			{200, r.Template, "capacity of 200"},
			{9, drivers.NewTemplate(make([]byte, 512)), "has 512 bytes, this module's have 1536"},
			{9, drivers.NewTemplate(make([]byte, 1536)), "Store"}, // not a template
		} {
			b.sensor.Store(uint64(10+i), c.page, drivers.NewTemplate(bytes.Clone(c.t.Bytes())))
			if got := next[drivers.StoreResult](b, 10*time.Second); !strings.Contains(words(got.Err), c.want) {
				t.Fatalf("store on %d: %v, want %q", c.page, got.Err, c.want)
			}
		}
		if got := b.module.Library(); !slices.Equal(got, []uint16{3, 7}) {
			t.Fatalf("library %v, want [3 7]", got)
		}
		b.quiet(time.Minute)
	})
}

// A write of the library is not interrupted: what asks meanwhile waits, and
// only the last that asked.
func TestEraseIsNotInterrupted(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.module.Preload(8, "s-002")
		b.online()
		b.module.PlaceFinger("s-002")
		b.sensor.Erase(1, 7)
		b.verify(2, 8)
		b.sensor.Cancel(1)
		b.verify(3, 8)
		b.outcome(2, drivers.FingerUnavailable, time.Second)
		if r := next[drivers.EraseResult](b, time.Second); r.Err != nil || r.ID != 1 {
			t.Fatalf("erase: %+v", r)
		}
		b.outcome(3, drivers.FingerMatch, 2*time.Second)
	})
}

// The wire goes at every single byte of the time line of an operation: exactly
// one outcome, and the driver is back with it.
func TestUnplugDuringOperations(t *testing.T) {
	start := map[string]func(b *bench){
		"verify": func(b *bench) { b.module.PlaceFinger("s-001"); b.verify(1, 7) },
		"erase":  func(b *bench) { b.sensor.Erase(1, 7) },
		"store":  func(b *bench) { b.sensor.Store(1, 9, drivers.NewTemplate(make([]byte, 1536))) },
	}
	for name, begin := range start {
		for after := time.Millisecond; after < 400*time.Millisecond; after += 7 * time.Millisecond {
			t.Run(fmt.Sprintf("%s/%v", name, after), func(t *testing.T) {
				onBench(t, factory(), adopted, func(b *bench) {
					b.module.Preload(7, "s-001")
					b.online()
					begin(b)
					time.Sleep(after)
					b.cable.Unplug()
					time.Sleep(time.Minute)
					b.cable.Plug()
					time.Sleep(10 * time.Second)
					got := b.tally()
					// The library may have changed without word of it: then
					// the sensor is not used.
					gone := !slices.Contains(b.module.Library(), 7)
					if got.outcomes != 1 || got.offline == 0 || got.online != (gone == got.erased) {
						t.Fatalf("%+v, page gone: %v", got, gone)
					}
				})
			})
		}
	}
}

// counts is what came: outcomes, Offlines, whether the last word was Online,
// and whether an erasure was reported done.
type counts struct {
	outcomes, offline int
	online, erased    bool
}

func (b *bench) tally() (c counts) {
	for {
		select {
		case e := <-b.events:
			switch body := e.Body.(type) {
			case drivers.EraseResult:
				c.outcomes++
				c.erased = body.Err == nil
			case drivers.FingerResult, drivers.StoreResult, drivers.EnrolResult:
				c.outcomes++
			case drivers.Offline:
				c.offline++
				c.online = false
			case drivers.Online:
				c.online = true
			}
		default:
			return c
		}
	}
}

func TestLibraryChanged(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.sensor.SetExpected([]uint16{7, 8})
		f := next[drivers.Fault](b, 3*time.Second)
		if f.Code != drivers.LibraryChanged || !f.Disabled || f.Detail != "1 missing 8, 0 not expected" {
			t.Fatalf("fault %+v", f)
		}
		next[drivers.Offline](b, time.Second)
		b.module.PlaceFinger("s-001")
		b.verify(1, 7)
		b.outcome(1, drivers.FingerUnavailable, time.Second)
		b.quiet(time.Minute) // told once
		b.sensor.SetExpected([]uint16{7})
		b.online()
		b.verify(2, 7)
		b.outcome(2, drivers.FingerMatch, 2*time.Second)

		b.module.Preload(9, "intruder") // behind the driver's back
		f = next[drivers.Fault](b, 6*time.Minute)
		if f.Code != drivers.LibraryChanged || f.Detail != "0 missing, 1 not expected 9" {
			t.Fatalf("fault %+v", f)
		}
		next[drivers.Offline](b, time.Second)
		b.verify(3, 7)
		b.outcome(3, drivers.FingerUnavailable, time.Second)
		b.sensor.Erase(4, 9) // the repair, also while disabled
		if r := next[drivers.EraseResult](b, 5*time.Second); r.Err != nil {
			t.Fatal(r.Err)
		}
		b.online()
	})
}

// An erasure that is missed while the sensor is away is found at the next
// start and can be done then.
func TestMissedErasure(t *testing.T) {
	onBench(t, factory(), adopted, func(b *bench) {
		b.module.Preload(7, "s-001")
		b.sensor.SetExpected([]uint16{7})
		b.online()
		b.cable.Unplug()
		if r := next[drivers.Offline](b, time.Second); !r.Unplugged {
			t.Fatalf("offline: %+v", r)
		}
		b.sensor.SetExpected(nil)
		b.sensor.Erase(1, 7)
		if r := next[drivers.EraseResult](b, time.Second); r.Err == nil {
			t.Fatal("erased without a wire")
		}
		b.quiet(time.Minute) // told once
		b.cable.Plug()
		if f := next[drivers.Fault](b, 5*time.Second); f.Code != drivers.LibraryChanged {
			t.Fatalf("fault %+v", f)
		}
		next[drivers.Offline](b, time.Second)
		b.sensor.Erase(2, 7)
		if r := next[drivers.EraseResult](b, 5*time.Second); r.Err != nil {
			t.Fatal(r.Err)
		}
		b.online()
		if got := b.module.Library(); len(got) != 0 {
			t.Fatalf("library %v", got)
		}
	})
}

// Views follow the module: two buffers, two views.
func TestEnrolOldModule(t *testing.T) {
	o := factory()
	o.Model = zfm.ZFM20
	onBench(t, o, driver.Options{Name: "finger-in", Identity: "0000/-/-/-", Views: 6}, func(b *bench) {
		next[drivers.Online](b, 5*time.Second)
		if r := b.enrol(1, 7, "s-001"); r.Err != nil || r.Template.Len() != 512 {
			t.Fatalf("enrolled %+v", r)
		}
	})
}
