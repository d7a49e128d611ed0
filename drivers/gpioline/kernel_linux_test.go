package gpioline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/drivers"
)

// These tests need a kernel's GPIO: a chip of gpio-sim with the label simLabel
// and lines of the names below, whose folder is in SEKIMORI_GPIO_SIM, and
// tracefs. .ci/gpio/run makes such a machine. Time is real here.
const simLabel = "sekimori-sim"

// offsets of the simulated lines; TWICE stands at 6 and 7.
var offsets = map[string]int{"RELAY": 0, "RELAY_LOW": 1, "DOOR": 2, "BOLT": 3, "PERIPH": 4, "SPARE": 5}

func requireKernel(t *testing.T) {
	t.Helper()
	if os.Getenv("SEKIMORI_GPIO_SIM") != "" {
		return
	}
	if strings.Contains(os.Getenv("SEKIMORI_REQUIRE"), "kernel-gpio") {
		t.Fatal("a kernel with gpio-sim is required here, and SEKIMORI_GPIO_SIM is not set")
	}
	t.Skip("NOT TESTED HERE: no kernel GPIO; .ci/gpio/run tests it in a guest")
}

func simFile(line, attribute string) string {
	return filepath.Join(os.Getenv("SEKIMORI_GPIO_SIM"), fmt.Sprintf("sim_gpio%d", offsets[line]), attribute)
}

// pull sets what drives an input from outside.
func pull(t *testing.T, line, direction string) {
	t.Helper()
	if err := os.WriteFile(simFile(line, "pull"), []byte(direction), 0); err != nil {
		t.Fatal(err)
	}
}

// value is the line's level as the world sees it.
func value(t *testing.T, line string) gpio.Level {
	t.Helper()
	b, err := os.ReadFile(simFile(line, "value"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b)) == "1"
}

const tracing = "/sys/kernel/tracing/"

// act is something that the kernel did to a line: a level set, or a direction.
type act struct {
	number int // the kernel's own number of the line
	what   string
}

// trace starts the witness: the kernel's tracepoints see every level that is
// set, however briefly.
func trace(t *testing.T) {
	t.Helper()
	for file, text := range map[string]string{"events/gpio/enable": "1", "trace": "", "tracing_on": "1"} {
		if err := os.WriteFile(tracing+file, []byte(text), 0); err != nil {
			t.Fatal(err)
		}
	}
}

// traced gives what the witness saw of a line since trace.
func traced(t *testing.T, line string) (acts []string) {
	t.Helper()
	b, err := os.ReadFile(tracing + "trace")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(b)) {
		var a act
		var level int
		if _, event, ok := strings.Cut(text, "gpio_value: "); ok {
			if n, _ := fmt.Sscanf(event, "%d set %d", &a.number, &level); n != 2 {
				continue // a "get"
			}
			a.what = fmt.Sprint("set ", level)
		} else if _, event, ok := strings.Cut(text, "gpio_direction: "); ok {
			if n, _ := fmt.Sscanf(event, "%d %s", &a.number, &a.what); n != 2 {
				t.Fatalf("trace line %q", text)
			}
		}
		if a.what != "" && a.number == base(t)+offsets[line] {
			acts = append(acts, a.what)
		}
	}
	return acts
}

var foundBase = -1

// base is the kernel's number of the chip's first line.
func base(t *testing.T) int {
	t.Helper()
	if foundBase >= 0 {
		return foundBase
	}
	trace(t)
	out := mustOutput(t, "SPARE", gpio.Low)
	defer out.Close()
	b, err := os.ReadFile(tracing + "trace")
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(b)) {
		if _, event, ok := strings.Cut(text, "gpio_direction: "); ok {
			if n, _ := fmt.Sscanf(event, "%d out", &foundBase); n == 1 {
				foundBase -= offsets["SPARE"] // the last one is ours
			}
		}
	}
	if foundBase < 0 {
		t.Fatal("the trace does not show the line that was opened")
	}
	return foundBase
}

func mustOutput(t *testing.T, line string, safe gpio.Level) *output {
	t.Helper()
	pin, err := OpenOutput(simLabel, line, safe, "sekimori test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pin.(*output).Close() })
	return pin.(*output)
}

// TestMain is also the process that is killed: see child.
func TestMain(m *testing.M) {
	if plan := os.Getenv("SEKIMORI_GPIO_CHILD"); plan != "" {
		if err := child(strings.Fields(plan)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is a daemon's part at the relay: line, active level, how it goes.
func child(plan []string) error {
	line, activeLow, how := plan[0], plan[1] == "low", plan[2]
	pin, err := OpenOutput(simLabel, line, gpio.Level(activeLow), "sekimori child")
	if err != nil {
		return err
	}
	relay, err := NewRelay(pin, RelayOptions{Name: line, ActiveLow: activeLow})
	if err != nil {
		return err
	}
	switch how {
	case "close":
		return relay.Close()
	case "exit":
		return nil // without a word to the line
	case "secure":
		return errors.Join(relay.Release(time.Minute), relay.Secure(), relay.Close())
	case "end":
		if err := relay.Release(20 * time.Millisecond); err != nil {
			return err
		}
		<-time.After(60 * time.Millisecond)
		return nil
	case "killed-released":
		if err := relay.Release(time.Minute); err != nil {
			return err
		}
	}
	fmt.Println("kill me")
	select {}
}

// live runs one life of the child and tells whether it was granted a release.
func live(t *testing.T, line, active, how string) (granted bool) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("SEKIMORI_GPIO_CHILD=%s %s %s", line, active, how))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := strings.HasPrefix(how, "killed")
	if killed {
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "kill me\n" {
			t.Errorf("%s: the child said %q, %v", how, line, err)
		}
		cmd.Process.Kill()
	}
	if err := cmd.Wait(); err != nil && !killed {
		t.Fatalf("%s: %v", how, err)
	}
	return how == "secure" || how == "end" || how == "killed-released"
}

// TestKernelP2RelayHasNoEdgeWithoutItsGrant over 100 lives of the process that
// holds it: closed, exited, killed, killed while released.
func TestKernelP2RelayHasNoEdgeWithoutItsGrant(t *testing.T) {
	requireKernel(t)
	base(t)
	for line, active := range map[string]string{"RELAY": "high", "RELAY_LOW": "low"} {
		t.Run(line, func(t *testing.T) {
			safe := gpio.Level(active == "low")
			if safe == gpio.High {
				pull(t, line, "pull-up") // as the board's own resistor does
			}
			trace(t)
			ways := []string{"close", "exit", "killed", "secure", "end", "killed-released", "close"}
			grants := 0
			for i := range 50 {
				how := ways[i%len(ways)]
				if live(t, line, active, how) {
					grants++
				}
				// What a killed release leaves is the chip's choice: gpio-sim
				// falls to the line's pull, a Raspberry Pi keeps the level.
				if got := value(t, line); got != safe && how != "killed-released" {
					t.Fatalf("life %d, %s: the line is left %v", i, how, got)
				}
			}
			checkTrace(t, traced(t, line), safe, grants)
		})
	}
}

// checkTrace holds the kernel's record to: never an input, and exactly one edge
// to the active level for each grant.
func checkTrace(t *testing.T, acts []string, safe gpio.Level, grants int) {
	t.Helper()
	level, releases := fmt.Sprint("set ", bit(bool(safe))), 0
	for i, a := range acts {
		switch {
		case a == "in":
			t.Fatalf("act %d: the relay's line became an input", i)
		case !strings.HasPrefix(a, "set ") || a == level:
		default:
			if level = a; a != fmt.Sprint("set ", bit(bool(safe))) {
				releases++
			}
		}
	}
	if releases != grants || len(acts) < 100 {
		t.Errorf("%d releases at the line, %d were granted (%d acts)", releases, grants, len(acts))
	}
	t.Logf("%d acts of the kernel on the line, %d releases for %d grants", len(acts), releases, grants)
}

// TestKernelOutputStaysOne: reading it back is harmless, and it is never an
// input.
func TestKernelOutputStaysOne(t *testing.T) {
	requireKernel(t)
	base(t)
	trace(t)
	out := mustOutput(t, "SPARE", gpio.Low)
	if err := out.Out(gpio.High); err != nil || out.Read() != gpio.High || value(t, "SPARE") != gpio.High {
		t.Fatalf("Out(High) = %v, reads %v, is %v", err, out.Read(), value(t, "SPARE"))
	}
	if out.In(gpio.PullUp, gpio.BothEdges) == nil {
		t.Error("an output became an input")
	}
	if err := out.Halt(); err != nil || value(t, "SPARE") != gpio.High {
		t.Errorf("Halt = %v, the line is %v", err, value(t, "SPARE"))
	}
	if err := errors.Join(out.Close(), out.Close()); err != nil {
		t.Error(err)
	}
	if out.Out(gpio.High) == nil || out.Read() != gpio.Low {
		t.Error("a closed line was driven or read")
	}
	if acts := traced(t, "SPARE"); slices.Contains(acts, "in") {
		t.Errorf("the kernel did %v", acts)
	}
}

// TestKernelPeriphWouldPulse is the negative control of the two tests above,
// and the reason for an output of our own. If it fails, periph has changed.
func TestKernelPeriphWouldPulse(t *testing.T) {
	requireKernel(t)
	base(t)
	loaded, err := chips()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range loaded {
		if c.Label() != simLabel {
			continue
		}
		line := c.ByNumber(offsets["PERIPH"])
		pull(t, "PERIPH", "pull-up") // an active-low relay at rest
		trace(t)
		if err := line.Out(gpio.High); err != nil {
			t.Fatal(err)
		}
		acts := traced(t, "PERIPH")
		if !slices.Contains(acts, "set 0") {
			t.Errorf("the first Out(High) no longer drives low: %v", acts)
		}
		trace(t)
		line.Read()
		if acts := traced(t, "PERIPH"); !slices.Contains(acts, "in") {
			t.Errorf("Read of an output no longer makes it an input: %v", acts)
		}
		line.Close()
		return
	}
	t.Fatal("gpioioctl does not know the chip")
}

func TestKernelLinesAreChosenWithCare(t *testing.T) {
	requireKernel(t)
	first := mustOutput(t, "SPARE", gpio.Low)
	for _, open := range []func() (gpio.PinIO, error){
		func() (gpio.PinIO, error) { return OpenOutput(simLabel, "SPARE", gpio.Low, "second") },
		func() (gpio.PinIO, error) { return OpenOutput(simLabel, "5", gpio.Low, "second") },
		func() (gpio.PinIO, error) { return OpenInput(simLabel, "SPARE", gpio.PullNoChange) },
	} {
		_, err := open()
		if !errors.Is(err, ErrLineTaken) || !strings.Contains(err.Error(), `"sekimori test"`) || !strings.Contains(err.Error(), simLabel) {
			t.Errorf("a line that is taken: %v", err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOutput(t, "5", gpio.Low)
	for _, line := range []string{"TWICE", "NONE", "8", "-1", ""} {
		if _, err := OpenOutput(simLabel, line, gpio.Low, "test"); err == nil || errors.Is(err, ErrLineTaken) {
			t.Errorf("line %q: %v", line, err)
		}
	}
	if _, err := OpenOutput("another", "RELAY", gpio.Low, "test"); err == nil || !strings.Contains(err.Error(), simLabel) {
		t.Errorf("a chip that is not there, with what is: %v", err)
	}
}

// watchKernel runs a contact on a line and gives its levels.
func watchKernel(t *testing.T, line string) <-chan drivers.Level {
	t.Helper()
	// Where pull is the world's hand, the line must not set one of its own.
	pin, err := OpenInput(simLabel, line, gpio.PullNoChange)
	if err != nil {
		t.Fatal(err)
	}
	contact, err := NewContact(pin, ContactOptions{Name: line, Pull: gpio.PullNoChange, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	levels := make(chan drivers.Level, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- contact.Run(ctx, func(e drivers.Event) { levels <- e.Body.(drivers.Line).Level })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return levels
}

func wantLevel(t *testing.T, levels <-chan drivers.Level, want drivers.Level) {
	t.Helper()
	select {
	case got := <-levels:
		if got != want {
			t.Fatalf("told %v, want %v", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("nothing told, want %v", want)
	}
}

// TestKernelContactBounces: 20 pulses of 401 ms with bouncing ends, and
// glitches between.
func TestKernelContactBounces(t *testing.T) {
	requireKernel(t)
	const ms = time.Millisecond
	wait := func(d time.Duration) { <-time.After(d) }
	bounce := func(to, from string) {
		for _, d := range []time.Duration{ms, 2 * ms, ms, 4 * ms} {
			pull(t, "DOOR", to)
			wait(d)
			pull(t, "DOOR", from)
			wait(d)
		}
		pull(t, "DOOR", to)
	}
	pull(t, "DOOR", "pull-down")
	levels := watchKernel(t, "DOOR")
	wantLevel(t, levels, drivers.Closed)
	for range 20 {
		bounce("pull-up", "pull-down")
		wait(401 * ms)
		bounce("pull-down", "pull-up")
		wantLevel(t, levels, drivers.Open)
		wantLevel(t, levels, drivers.Closed)
		pull(t, "DOOR", "pull-up") // a glitch
		wait(20 * ms)
		pull(t, "DOOR", "pull-down")
		wait(200 * ms)
	}
	select {
	case l := <-levels:
		t.Errorf("then told %v", l)
	default:
	}
}

// TestKernelP11ChipThatGoesAway comes last: it takes the chip away.
func TestKernelP11ChipThatGoesAway(t *testing.T) {
	requireKernel(t)
	pull(t, "BOLT", "pull-up")
	levels := watchKernel(t, "BOLT")
	wantLevel(t, levels, drivers.Open)
	relay, err := NewRelay(mustOutput(t, "RELAY", gpio.Low), RelayOptions{Name: "relay"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv("SEKIMORI_GPIO_SIM_LIVE"), []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	wantLevel(t, levels, drivers.Unknown)
	if relay.Release(time.Second) == nil || relay.Secure() == nil || relay.Close() == nil {
		t.Error("a relay whose chip is gone was driven without an error")
	}
}
