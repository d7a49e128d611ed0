package zfm_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"sekimori/drivers"
	"sekimori/drivers/drivertest"
	"sekimori/drivers/serialport"
	driver "sekimori/drivers/zfm"
	"sekimori/firmware-sim/zfm"
)

// vectors reads case name → bytes of testdata/vectors/zfm-*.txt.
func vectors(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, kind := range []string{"commands", "acknowledgements"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", "zfm-"+kind+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			if rest, is := strings.CutPrefix(line, "case"); is {
				name = strings.TrimSpace(rest)
			} else if rest, is := strings.CutPrefix(line, "bytes"); is {
				b, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
				if err != nil {
					t.Fatal(err)
				}
				all[name] = b
			}
		}
	}
	return all
}

// host is a driver's end of a wire in the test's own hands.
type host struct {
	t    *testing.T
	wire drivers.Wire
}

// ask sends a command and gives back every byte that comes within a second of
// quiet.
func (h host) ask(command []byte) (answer []byte) {
	h.t.Helper()
	if _, err := h.wire.Write(command); err != nil {
		h.t.Fatal(err)
	}
	return h.hear()
}

func (h host) hear() (heard []byte) {
	b := make([]byte, 256)
	for {
		n, err := h.wire.Read(b, time.Now().Add(time.Second))
		if err != nil {
			if !errors.Is(err, drivers.ErrTimeout) {
				h.t.Fatal(err)
			}
			return heard
		}
		heard = append(heard, b[:n]...)
	}
}

// byHand runs f against a module that has started.
func byHand(t *testing.T, o zfm.Options, f func(t *testing.T, m *zfm.Module, h host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := drivertest.Pipe()
		m := zfm.New(o)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := m.Run(ctx, far); err != nil {
				t.Errorf("module: %v", err)
			}
		})
		h := host{t, near}
		if started := h.hear(); o.Model == zfm.R503 && !bytes.Equal(started, []byte{0x55}) {
			t.Errorf("started with % X", started)
		}
		f(t, m, h)
		cancel()
		running.Wait()
	})
}

// The module answers the published commands with the published bytes.
func TestVectors(t *testing.T) {
	v := vectors(t)
	if len(v) != 51 {
		t.Fatalf("%d vectors instead of 51", len(v))
	}
	want := func(h host, question, said string) {
		h.t.Helper()
		answer, known := v["to "+question+": "+said]
		if !known || v[question] == nil {
			h.t.Fatalf("no vector %q of %q", said, question)
		}
		if got := h.ask(v[question]); !bytes.Equal(got, answer) {
			h.t.Errorf("%s: % X, want %s: % X", question, got, said, answer)
		}
	}
	byHand(t, zfm.Options{}, func(t *testing.T, m *zfm.Module, h host) {
		want(h, "GenImg", "no finger")
		m.PlaceSmudged()
		want(h, "RegModel", "combine fail")
		h.ask(v["GenImg"])
		want(h, "Img2Tz 2", "messy")
		want(h, "Search buf1 0..200", "not found")
		for _, page := range []uint16{0, 1, 9} {
			m.Preload(page, "someone")
		}
		want(h, "TemplateNum", "3 templates")
		want(h, "ReadIndexTable pg0", "ids 0,1,9")
		want(h, "VfyPwd 00000000", "ok")
	})
	byHand(t, zfm.Options{}, func(t *testing.T, _ *zfm.Module, h host) {
		want(h, "ReadSysPara", "R503 200 lvl3 128B 57600")
		if got := h.ask(v["SetPwd A1B2C3D4"]); !bytes.Equal(got, v["to VfyPwd 00000000: ok"]) {
			t.Errorf("SetPwd: % X", got)
		}
		if got := h.ask(v["GenImg"]); !bytes.Equal(got, v["to VfyPwd 00000000: 21 must verify"]) {
			t.Errorf("GenImg without the password: % X", got)
		}
		want(h, "VfyPwd 00000000", "wrong pwd")
		if got := h.ask(v["VfyPwd A1B2C3D4"]); !bytes.Equal(got, v["to VfyPwd 00000000: ok"]) {
			t.Errorf("VfyPwd: % X", got)
		}
		h.ask(v["SetAdder 01020304"])
		if got := h.ask(v["TemplateNum"]); len(got) != 0 {
			t.Errorf("answers to another module's address: % X", got)
		}
		if got := h.ask(v["TemplateNum to address 01020304"]); len(got) != 14 || got[2] != 1 || got[5] != 4 {
			t.Errorf("answer under the new address: % X", got)
		}
	})
}

// Every published command gets one whole answer, whatever it is.
func TestEveryCommandIsAnswered(t *testing.T) {
	byHand(t, zfm.Options{}, func(t *testing.T, _ *zfm.Module, h host) {
		for name, command := range vectors(t) {
			if strings.HasPrefix(name, "to ") || strings.Contains(name, "address") || strings.Contains(name, "SetAdder") {
				continue
			}
			p, _, err := driver.Parse(h.ask(command))
			if err != nil || p.PID != driver.Acknowledge {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
	})
}

func TestNotepadSurvivesAReset(t *testing.T) {
	v := vectors(t)
	byHand(t, zfm.Options{}, func(t *testing.T, _ *zfm.Module, h host) {
		h.ask(v["WriteNotepad pg1 (32B 00..1F)"])
		if got := h.ask(v["SoftRst"]); len(got) != 13 || got[12] != 0x55 {
			t.Errorf("SoftRst: % X", got)
		}
		p, _, _ := driver.Parse(h.ask(v["ReadNotepad pg1"]))
		if want := v["WriteNotepad pg1 (32B 00..1F)"][11:43]; len(p.Content) != 33 || !bytes.Equal(p.Content[1:], want) {
			t.Errorf("notepad % X", p.Content)
		}
	})
}

// A packet takes the time that its bits take, and the new speed holds after
// the acknowledgement at the old one.
func TestPacing(t *testing.T) {
	v := vectors(t)
	byHand(t, zfm.Options{Baud: 57600}, func(t *testing.T, _ *zfm.Module, h host) {
		took := func(command []byte) time.Duration {
			start := time.Now()
			got := h.ask(command)
			return time.Since(start) - time.Second - time.Duration(len(command)+len(got))*10*time.Second/57600
		}
		if over := took(v["ReadIndexTable pg0"]); over.Abs() > time.Microsecond {
			t.Errorf("%v more than the bits take", over)
		}
		if over := took(v["SetSysPara baud N=12 (115200)"]); over.Abs() > time.Microsecond {
			t.Errorf("acknowledged at another speed: %v more", over)
		}
		if over := took(v["ReadIndexTable pg0"]); over > -4*time.Millisecond {
			t.Errorf("no faster at twice the speed: %v", over)
		}
	})
}

// Equal seeds give equal scores; scores vary from image to image; nobody
// matches anybody else.
func TestFingers(t *testing.T) {
	scores := func(seed uint64, person string) (all []byte) {
		byHand(t, zfm.Options{Seed: seed}, func(t *testing.T, m *zfm.Module, h host) {
			v := vectors(t)
			m.Preload(7, "s-001")
			m.PlaceFinger(person)
			for range 50 {
				h.ask(v["GenImg"])
				h.ask(v["Img2Tz 1"])
				h.ask(v["LoadChar buf2 id 7"])
				p, _, err := driver.Parse(h.ask(v["Match"]))
				if err != nil || len(p.Content) != 3 || p.Content[1] != 0 {
					t.Fatalf("Match: %+v, %v", p, err)
				}
				all = append(all, p.Content[2])
			}
		})
		return all
	}
	first := scores(1, "s-001")
	if !slices.Equal(first, scores(1, "s-001")) {
		t.Error("not repeatable by seed")
	}
	low, high := slices.Min(first), slices.Max(first)
	if low < 60 || low == high {
		t.Errorf("own finger scores %d to %d", low, high)
	}
	if other := slices.Max(scores(1, "s-002")); other != 0 {
		t.Errorf("another finger scores %d", other)
	}
}

// Unplug ends the far end's wire, and a module can be run again.
func TestUnplugAndRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := zfm.New(zfm.Options{})
		for range 2 {
			near, far := drivertest.Pipe()
			ended := make(chan error)
			go func() { ended <- m.Run(t.Context(), far) }()
			time.Sleep(time.Second)
			m.Unplug()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			h := make([]byte, 8)
			if n, _ := near.Read(h, time.Now()); n != 1 || h[0] != 0x55 {
				t.Errorf("heard % X", h[:n])
			}
			if _, err := near.Read(h, time.Now().Add(time.Second)); !errors.Is(err, drivers.ErrUnplugged) {
				t.Errorf("far end: %v", err)
			}
		}
	})
}

// The real driver on a real pseudo-terminal, in real time.
func TestOverPTY(t *testing.T) {
	master, slave, err := pty.Open()
	if err != nil {
		if strings.Contains(os.Getenv("SEKIMORI_REQUIRE"), "pty") {
			t.Fatalf("no pseudo-terminal, and one is required: %v", err)
		}
		t.Skipf("no pseudo-terminal on this machine: %v", err)
	}
	defer slave.Close() // held open, or the module's reads fail
	// Opening it took the descriptor out of the poller; without this, Close
	// would not end a Read.
	if err := syscall.SetNonblock(int(master.Fd()), true); err != nil {
		t.Fatal(err)
	}
	if _, err := term.MakeRaw(int(slave.Fd())); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	m := zfm.New(zfm.Options{Serial: "A1234567"})
	m.Preload(7, "s-001")
	m.PlaceFinger("s-001")
	port := serialport.New("pty", func(context.Context) (drivers.Wire, error) {
		return serialport.Open(slave.Name(), serialport.Mode{Baud: 57600})
	})
	s, err := driver.New(driver.Options{Name: "finger-in", Port: port, Identity: pin503})
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan drivers.Event, 100)
	var running sync.WaitGroup
	running.Go(func() {
		if err := m.Run(ctx, zfm.Stream(master)); err != nil {
			t.Errorf("module: %v", err)
		}
	})
	running.Go(func() {
		if err := s.Run(ctx, func(e drivers.Event) { events <- e }); err != nil {
			t.Errorf("driver: %v", err)
		}
	})
	defer running.Wait()
	defer cancel()
	for matched := false; !matched; {
		select {
		case e := <-events:
			switch body := e.Body.(type) {
			case drivers.Online:
				s.Verify(1, []uint16{7}, 50, 3, 5*time.Second)
			case drivers.FingerResult:
				if body.Outcome != drivers.FingerMatch || body.Page != 7 {
					t.Fatalf("outcome %+v", body)
				}
				matched = true
			default:
				t.Fatalf("event %T %+v", body, body)
			}
		case <-ctx.Done():
			t.Fatal("no match over the pseudo-terminal")
		}
	}
}

// Whatever a host sends, the module lives and its answers are packets.
func FuzzModule(f *testing.F) {
	for _, b := range vectors(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		byHand(t, zfm.Options{Seed: 1}, func(t *testing.T, _ *zfm.Module, h host) {
			rest := h.ask(b)
			for len(rest) > 0 {
				_, n, err := driver.Parse(rest)
				if err != nil && !(errors.Is(err, driver.ErrNoise) && rest[0] == 0x55) {
					t.Fatalf("% X in answer to % X", rest, b)
				}
				rest = rest[n:]
			}
		})
	})
}
