package osdppd_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sekimori/drivers"
	"sekimori/drivers/card"
	"sekimori/drivers/osdp"
	"sekimori/drivers/serialport"
	"sekimori/firmware-sim/osdppd"
)

// The same reader and driver over a real terminal: a badge is read; the driver
// goes away and comes back, and a badge is read again.
func TestOverPTY(t *testing.T) {
	master, path := openPTY(t)
	one := newReader("entry", 1)
	pd := osdppd.New(one.pd)
	line := osdppd.NewLine(master, 115200, pd)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := line.Run(ctx); err != nil {
			t.Errorf("line: %v", err)
		}
	})
	defer func() { cancel(); wg.Wait() }()
	for range 2 {
		readOverPTY(t, one, pd, path)
	}
}

func readOverPTY(t *testing.T, one reader, pd *osdppd.PD, path string) {
	t.Helper()
	port := serialport.New(path, func(context.Context) (drivers.Wire, error) {
		return serialport.Open(path, serialport.Mode{Baud: 115200})
	})
	bus, err := osdp.New(osdp.Options{Port: port, Baud: 115200}, []osdp.ReaderOptions{one.acu})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	events := make(chan drivers.Event)
	done := make(chan error, 1)
	go func() {
		done <- bus.Run(ctx, func(e drivers.Event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
	}()
	wait := func(prefix string) {
		t.Helper()
		var passed []string
		for {
			select {
			case e := <-events:
				if passed = append(passed, word(e)); strings.HasPrefix(word(e), prefix) {
					return
				}
			case <-ctx.Done():
				t.Fatalf("no %q; seen %q", prefix, passed)
			}
		}
	}
	wait("entry online")
	if err := pd.PresentCard(card.H10301, "10023"); err != nil {
		t.Fatal(err)
	}
	wait("entry card H10301 10023 secured=true")
	cancel()
	if err := <-done; err != nil {
		t.Errorf("bus: %v", err)
	}
}

// openPTY gives the master's end, and the path of the other.
func openPTY(t testing.TB) (*os.File, string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		if strings.Contains(os.Getenv("SEKIMORI_REQUIRE"), "pty") {
			t.Fatalf("pseudo-terminals are required here: %v", err)
		}
		t.Skipf("NOT TESTED: this machine gives no pseudo-terminal: %v", err)
	}
	defer slave.Close()
	path := slave.Name()
	// The library leaves the master in blocking mode, in which Close does not
	// end a Read: a fresh descriptor can be polled.
	fd, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	master.Close()
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "/dev/ptmx"), path
}

// BenchmarkEightReaders is the processor time of eight readers in service,
// polled every 200 ms over a real terminal. One operation is a second of wall
// time. The simulated readers run in the same process, so the driver alone
// takes less than what is shown.
func BenchmarkEightReaders(b *testing.B) {
	master, path := openPTY(b)
	var pds []*osdppd.PD
	var acu []osdp.ReaderOptions
	for i := range 8 {
		one := newReader(fmt.Sprint("r", i), byte(i))
		pds, acu = append(pds, osdppd.New(one.pd)), append(acu, one.acu)
	}
	port := serialport.New(path, func(context.Context) (drivers.Wire, error) {
		return serialport.Open(path, serialport.Mode{Baud: 115200})
	})
	bus, err := osdp.New(osdp.Options{Port: port, Baud: 115200, Poll: 200 * time.Millisecond}, acu)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	online := make(chan struct{}, len(pds))
	var wg sync.WaitGroup
	wg.Go(func() { _ = osdppd.NewLine(master, 115200, pds...).Run(ctx) })
	wg.Go(func() {
		_ = bus.Run(ctx, func(e drivers.Event) {
			if _, ok := e.Body.(drivers.Online); ok {
				online <- struct{}{}
			}
		})
	})
	defer func() { cancel(); wg.Wait() }()
	for range pds {
		<-online
	}
	polls := func() (n int) {
		for _, p := range pds {
			n += p.Count(osdp.CommandPoll)
		}
		return n
	}
	before, first := processorTime(), polls()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for b.Loop() {
		<-second.C
	}
	b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/s")
	b.ReportMetric(float64(polls()-first)/float64(b.N), "polls/s")
}

// processorTime is what this process has used, in user and in system mode.
func processorTime() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
