package drivertest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
)

func TestPipeIsAWire(t *testing.T) {
	TestWire(t, synctest.Test, func(*testing.T) WireRig {
		a, b := Pipe()
		return WireRig{Wire: a, Far: b, Unplug: b.Unplug}
	})
}

func TestCableIsAWire(t *testing.T) {
	TestWire(t, synctest.Test, func(t *testing.T) WireRig {
		c := NewCable(nil)
		w, err := c.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return WireRig{Wire: w, Far: c.Device(), Unplug: c.Unplug}
	})
}

// arrivals reads until the wire is silent and tells when which bytes came.
func arrivals(w drivers.Wire, silence time.Duration) (at []time.Duration, got [][]byte) {
	start := time.Now()
	for {
		var b [256]byte
		n, err := w.Read(b[:], time.Now().Add(silence))
		if err != nil {
			return at, got
		}
		at = append(at, time.Since(start))
		got = append(got, append([]byte(nil), b[:n]...))
	}
}

func TestPipeFaults(t *testing.T) {
	const ms = time.Millisecond
	message := []byte("abcdefghij")
	for _, c := range []struct {
		name  string
		fault func(a, b *End)
		at    []time.Duration
		got   []string
	}{
		{"none", func(a, b *End) {}, []time.Duration{0}, []string{"abcdefghij"}},
		{"drop", func(a, b *End) { a.Drop(1) }, nil, nil},
		{"drop the other way", func(a, b *End) { b.Drop(1) }, []time.Duration{0}, []string{"abcdefghij"}},
		{"delay", func(a, b *End) { a.Delay(70 * ms) }, []time.Duration{70 * ms}, []string{"abcdefghij"}},
		{"corrupt", func(a, b *End) { a.Corrupt(1) }, []time.Duration{0}, []string{"abcdevghij"}},
		{"split", func(a, b *End) { a.Split(4, 5*ms) }, []time.Duration{0, 5 * ms, 10 * ms}, []string{"abcd", "efgh", "ij"}},
		{"deaf", func(a, b *End) { b.Deaf(true) }, nil, nil},
		{"hears again", func(a, b *End) { b.Deaf(true); b.Deaf(false) }, []time.Duration{0}, []string{"abcdefghij"}},
		// 10 bits a byte at 1000 baud: 10 ms a byte, in pieces of 8.
		{"pace", func(a, b *End) { a.Pace(1000, 8) }, []time.Duration{80 * ms, 100 * ms}, []string{"abcdefgh", "ij"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := Pipe()
				c.fault(a, b)
				if _, err := a.Write(message); err != nil {
					t.Fatal(err)
				}
				at, got := arrivals(b, time.Second)
				if len(got) != len(c.got) {
					t.Fatalf("arrived in %d pieces %q, want %q", len(got), got, c.got)
				}
				for i := range got {
					if at[i] != c.at[i] || string(got[i]) != c.got[i] {
						t.Errorf("piece %d: %q at %v, want %q at %v", i, got[i], at[i], c.got[i], c.at[i])
					}
				}
				if len(c.got) == 0 && a.Lost() != len(message) {
					t.Errorf("Lost = %d, want %d", a.Lost(), len(message))
				}
			})
		})
	}
}

func TestPaceQueuesBehindWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		a.Pace(1000, 16)
		a.Write([]byte("ab"))
		a.Write([]byte("cd"))
		at, _ := arrivals(b, time.Second)
		if len(at) != 2 || at[0] != 20*time.Millisecond || at[1] != 40*time.Millisecond {
			t.Fatalf("arrived at %v, want 20ms and 40ms", at)
		}
	})
}

func TestCloseLetsBytesUnderWayArriveUnplugDoesNot(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*End)
		want string
	}{
		{"close", func(e *End) { e.Close() }, "late"},
		{"unplug", func(e *End) { e.Unplug() }, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, b := Pipe()
			a.Delay(time.Second)
			a.Write([]byte("late"))
			c.end(a)
			var buf [8]byte
			n, err := b.Read(buf[:], time.Now().Add(time.Minute))
			if string(buf[:n]) != c.want {
				t.Errorf("%s: read %q, %v; want %q", c.name, buf[:n], err, c.want)
			}
			if _, err = b.Read(buf[:], time.Now().Add(time.Minute)); !errors.Is(err, drivers.ErrUnplugged) {
				t.Errorf("%s: then %v, want ErrUnplugged", c.name, err)
			}
		})
	}
}

func TestPipeNeverGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		for range 100 {
			a.Write(make([]byte, 4096))
		}
		if got := 100*4096 - a.Lost(); got != laneCapacity {
			t.Fatalf("kept %d bytes, want %d", got, laneCapacity)
		}
		if got, err := readFull(b, laneCapacity); err != nil || len(got) != laneCapacity {
			t.Fatalf("read %d, %v", len(got), err)
		}
		a.Write([]byte("again"))
		if got, _ := readFull(b, 5); !bytes.Equal(got, []byte("again")) {
			t.Fatalf("read %q", got)
		}
	})
}

func TestCableComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCable(func(driver, _ *End) { driver.Delay(time.Millisecond) })
		device := c.Device()
		first, err := c.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Open(t.Context()); err == nil {
			t.Fatal("a second driver opened the same port")
		}
		c.Unplug()
		if _, err := first.Write([]byte("x")); !errors.Is(err, drivers.ErrUnplugged) {
			t.Fatalf("write without a cable: %v", err)
		}
		if _, err := c.Open(t.Context()); !errors.Is(err, drivers.ErrUnplugged) {
			t.Fatalf("open without a cable: %v", err)
		}
		if n, err := device.Write([]byte("into nowhere")); n != 12 || err != nil {
			t.Fatalf("the device's write without a cable = %d, %v", n, err)
		}
		time.AfterFunc(time.Minute, func() {
			c.Plug()
			second, err := c.Open(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			second.Write([]byte("back"))
		})
		var b [8]byte
		start := time.Now()
		n, err := device.Read(b[:], time.Now().Add(time.Hour))
		if string(b[:n]) != "back" || time.Since(start) != time.Minute+time.Millisecond {
			t.Fatalf("the device read %q, %v after %v", b[:n], err, time.Since(start))
		}
		if n, err := device.Read(b[:], time.Now().Add(time.Second)); !errors.Is(err, drivers.ErrTimeout) {
			t.Fatalf("then %d, %v", n, err)
		}
	})
}
