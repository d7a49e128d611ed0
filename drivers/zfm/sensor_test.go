package zfm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/drivertest"
)

// onePort gives one wire, then waits for the end.
type onePort struct{ wire drivers.Wire }

func (p onePort) String() string { return "/dev/sensor" }

func (p onePort) Keep(ctx context.Context, body func(context.Context, drivers.Wire) error, lost func(error)) error {
	if p.wire == nil {
		return errors.New("never opens")
	}
	if err := body(ctx, p.wire); err != nil {
		lost(err)
	}
	<-ctx.Done()
	return nil
}

// serveScript answers on the module's end of a wire until it ends; matched is
// called before the answer to Match is written.
func serveScript(w drivers.Wire, matched func()) {
	var rx []byte
	b := make([]byte, 256)
	for {
		n, err := w.Read(b, time.Now().Add(time.Hour))
		if err != nil {
			return
		}
		rx = append(rx, b[:n]...)
		for {
			p, n, err := Parse(rx)
			if errors.Is(err, ErrShort) {
				break
			}
			if err == nil {
				answer := acked(script(p.Content))
				if instruction(p.Content[0]) == match {
					matched()
				}
				if _, err := w.Write(answer); err != nil {
					return
				}
			}
			rx = rx[n:]
		}
	}
}

func TestNewRefuses(t *testing.T) {
	port := onePort{}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Port: port}, "no name"},
		{Options{Name: "in"}, "sensor in: it has no port"},
		{Options{Name: "in", Port: port, Views: 1}, "1 views"},
		{Options{Name: "in", Port: port, Views: 7}, "7 views"},
	} {
		if _, err := New(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%+v): %v, want %q", c.o, err, c.want)
		}
	}
	s, err := New(Options{Name: "in", Port: port, Password: NewPassword([4]byte{0xA1, 0xB2, 0xC3, 0xD4})})
	if err != nil || s.String() != "fingerprint sensor in on /dev/sensor" {
		t.Errorf("%v, %v", s, err)
	}
	if err := s.SetExpected([]uint16{1024}); err == nil {
		t.Error("page 1024 was expected")
	}
	if err := s.Run(t.Context(), func(drivers.Event) {}); err == nil || !strings.Contains(err.Error(), "never opens") {
		t.Errorf("Run on a port that never opens: %v", err)
	}
}

// What waits when the daemon stops has its outcome too, and Run returns.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := drivertest.Pipe()
		s, err := New(Options{Name: "in", Port: onePort{a}, Identity: scriptPin})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var told []drivers.Body
		ended := make(chan error)
		hung := make(chan struct{})
		go serveScript(b, func() { <-hung }) // never answers Match
		go func() { ended <- s.Run(ctx, func(e drivers.Event) { told = append(told, e.Body) }) }()
		time.Sleep(3 * time.Second)
		s.Verify(9, []uint16{7}, 50, 3, time.Minute)
		synctest.Wait()
		cancel()
		s.Erase(10, 7)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		r := outcomes(told)
		if e, is := told[len(told)-1].(drivers.EraseResult); !is || e.ID != 10 || e.Err == nil {
			t.Errorf("erasure asked for at the end: %+v", told)
		}
		if len(r) != 1 || r[0].ID != 9 || r[0].Outcome != drivers.FingerUnavailable {
			t.Fatalf("told %+v", told)
		}
		_ = b.Close()
		close(hung)
	})
}

// BenchmarkMatchToEvent is the time from before the module writes the last
// bytes of a match to the daemon's emit function, over an in-memory wire, with
// both goroutine switches.
func BenchmarkMatchToEvent(b *testing.B) {
	near, far := drivertest.Pipe()
	s, err := New(Options{Name: "in", Port: onePort{near}, Identity: scriptPin})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	events, ended := make(chan drivers.Event, 16), make(chan error, 1)
	var matched time.Time
	var samples []time.Duration
	go serveScript(far, func() { matched = time.Now() })
	go func() {
		ended <- s.Run(ctx, func(e drivers.Event) {
			if _, is := e.Body.(drivers.FingerResult); is {
				samples = append(samples, time.Since(matched))
			}
			events <- e
		})
	}()
	<-events // online
	id := uint64(0)
	for b.Loop() {
		id++
		s.Verify(id, []uint16{7}, 50, 3, time.Minute)
		if r, is := (<-events).Body.(drivers.FingerResult); !is || r.Outcome != drivers.FingerMatch {
			b.Fatalf("event %+v", r)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
	_ = far.Close()
	slices.Sort(samples)
	b.ReportMetric(float64(samples[len(samples)/2]), "p50-ns")
	b.ReportMetric(float64(samples[len(samples)*99/100]), "p99-ns")
}

func TestPasswordNeverPrints(t *testing.T) {
	p := NewPassword([4]byte{0xA1, 0xB2, 0xC3, 0xD4})
	o := Options{Name: "in", Password: p}
	hidden := struct{ o Options }{o} // reached through an unexported field, no method is called
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d %X %v %+v %v %+v", p, p, p, p, p, p, p, &p, o, o, hidden, hidden)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	all = strings.ToLower(all + string(text))
	for _, leak := range []string{"a1", "b2", "161", "178", "0xa1"} {
		if strings.Contains(all, leak) {
			t.Errorf("%q stands in %s", leak, all)
		}
	}
}

func TestLoadPassword(t *testing.T) {
	dir := t.TempDir()
	file := func(content string, mode os.FileMode) string {
		path := filepath.Join(dir, fmt.Sprintf("key%d-%o", len(content), mode))
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		p, err := LoadPassword(file("A1b2C3d4\n", mode))
		if err != nil || p.bytes() != [4]byte{0xA1, 0xB2, 0xC3, 0xD4} {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	for path, want := range map[string]string{
		file("A1B2C3D4", 0o640):              "0600",
		file("A1B2C3D4\n\n", 0o604):          "0600",
		file("A1B2C3", 0o600):                "eight hexadecimal digits",
		file("secretXY", 0o600):              "eight hexadecimal digits",
		file(strings.Repeat("A", 99), 0o600): "eight hexadecimal digits",
		dir:                                  "mode is",
		filepath.Join(dir, "none"):           "no such file",
	} {
		_, err := LoadPassword(path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secretXY") {
			t.Errorf("content in %v", err)
		}
	}
}

func TestIdentityText(t *testing.T) {
	for in, want := range map[string]string{
		"R503\x00\x00":   "R503",
		"a/b c\n\xff":    "a%2Fb%20c%0A%FF",
		"%41":            "%2541", // not the same as "A"
		"-":              "%2D",   // not the same as "not told"
		"1.0-rc_2   ":    "1.0-rc_2",
		"\x00\x00":       "",
		"x\x00y\x00\x00": "x%00y",
	} {
		if got := text([]byte(in)); got != want {
			t.Errorf("text(%q) = %q, want %q", in, got, want)
		}
	}
	if got := identity(parameters{system: 9}, nil, ""); got != "0009/-/-/-" {
		t.Errorf("identity of a module that tells nothing: %q", got)
	}
}

func TestParametersRefused(t *testing.T) {
	good := find(t, "to ReadSysPara: R503 200 lvl3 128B 57600").packet.Content[1:]
	for at, value := range map[int]byte{5: 0, 4: 0x05, 13: 4, 12: 1} {
		bad := slices.Clone(good)
		bad[at] = value
		if p, err := parseParameters(bad); err == nil {
			t.Errorf("byte %d = %d accepted: %+v", at, value, p)
		}
	}
}

func TestLibraryDifference(t *testing.T) {
	var a, b library
	for page := range uint16(20) {
		a.add(page * 51)
	}
	b.add(3)
	if got, want := a.difference(&b), "20 missing 0 51 102 153 204 255 306 357 …, 1 not expected 3"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if a.difference(&a) != "" || a.count() != 20 {
		t.Error("a library differs from itself")
	}
	a.remove(51)
	if a.has(51) || a.has(65535) || !a.has(969) {
		t.Error("wrong pages")
	}
}

func TestAura(t *testing.T) {
	for p, want := range map[drivers.Pattern][4]byte{
		{}:                         {4, 0, 0, 0},
		{OnColour: drivers.Red}:    {3, 0, 1, 0},
		{OnColour: drivers.Green}:  {3, 0, 4, 0},
		{OnColour: drivers.Amber}:  {3, 0, 5, 0},
		{OffColour: drivers.Amber}: {4, 0, 0, 0},
		{OnColour: drivers.Blue, On: 300 * time.Millisecond, Off: 200 * time.Millisecond}:                        {2, 50, 2, 0},
		{OnColour: drivers.Red, OffColour: drivers.Green, On: time.Second, Off: time.Hour}:                       {2, 255, 1, 0},
		{OffColour: drivers.Red, On: 500 * time.Millisecond, Off: 500 * time.Millisecond}:                        {2, 100, 1, 0},
		{OnColour: drivers.Red, OffColour: drivers.Red, On: 500 * time.Millisecond, Off: 500 * time.Millisecond}: {3, 0, 1, 0},
	} {
		if got := aura(p); got != want {
			t.Errorf("aura(%+v) = %v, want %v", p, got, want)
		}
	}
}
