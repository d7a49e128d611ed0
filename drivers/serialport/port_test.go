package serialport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/drivertest"
)

// readAll is a device that listens until its wire ends.
func readAll(_ context.Context, w drivers.Wire) error {
	var b [64]byte
	for {
		if _, err := w.Read(b[:], time.Now().Add(time.Hour)); err != nil && !errors.Is(err, drivers.ErrTimeout) {
			return err
		}
	}
}

func TestKeepComesBackAfterUnplug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := drivertest.NewCable(nil)
		ctx, cancel := context.WithCancel(t.Context())
		var opens []time.Duration
		var lost []error
		start := time.Now()
		kept := make(chan error, 1)
		go func() {
			kept <- New("entry", cable.Open).Keep(ctx, func(ctx context.Context, w drivers.Wire) error {
				opens = append(opens, time.Since(start))
				return readAll(ctx, w)
			}, func(err error) { lost = append(lost, err) })
		}()
		time.Sleep(10 * time.Second)
		cable.Unplug()
		time.Sleep(time.Minute)
		cable.Plug()
		plugged := time.Since(start)
		time.Sleep(5 * time.Second)
		cancel()
		if err := <-kept; err != nil {
			t.Fatalf("Keep ended with %v, want nil", err)
		}
		if len(opens) != 2 || opens[1]-plugged > time.Second {
			t.Errorf("wires opened at %v, cable back at %v", opens, plugged)
		}
		for _, err := range lost {
			if !errors.Is(err, drivers.ErrUnplugged) {
				t.Errorf("lost was told %v, want ErrUnplugged", err)
			}
		}
		// 50+100+200+400+800 ms, then every second of the minute.
		if n := len(lost); n < 60 || n > 70 {
			t.Errorf("lost was told %d times in a minute", n)
		}
	})
}

func TestKeepPausesAreCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		fail := errors.New("absent")
		err := New("entry", func(context.Context) (drivers.Wire, error) {
			at = append(at, time.Since(start))
			return nil, fail
		}).Keep(ctx, readAll, func(error) {})
		if err != nil {
			t.Fatalf("Keep = %v", err)
		}
		const ms = time.Millisecond
		want := []time.Duration{0, 50 * ms, 150 * ms, 350 * ms, 750 * ms, 1550 * ms, 2550 * ms, 3550 * ms, 4550 * ms, 5550 * ms, 6550 * ms, 7550 * ms}
		if !slices.Equal(at, want) {
			t.Fatalf("opened at %v, want %v", at, want)
		}
	})
}

func TestKeepEndsWhereNothingCanHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := never(errors.New("speed 12: want more"))
		lost := 0
		err := New("entry", func(context.Context) (drivers.Wire, error) { return nil, fmt.Errorf("cannot open: %w", refuse) }).
			Keep(t.Context(), readAll, func(error) { lost++ })
		if !errors.Is(err, ErrNever) || lost != 0 {
			t.Fatalf("Keep = %v, lost %d; want ErrNever, 0", err, lost)
		}
	})
}

func TestKeepRetriesWhateverBodyEndsWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := drivertest.NewCable(nil)
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		err := New("entry", cable.Open).Keep(ctx, func(context.Context, drivers.Wire) error {
			if runs++; runs == 3 {
				cancel()
			}
			return never(errors.New("from another port"))
		}, func(error) {})
		if err != nil || runs != 3 {
			t.Fatalf("Keep = %v after %d runs", err, runs)
		}
	})
}

func TestKeepEndOfContextEndsABlockedBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cable := drivertest.NewCable(nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		var ended error
		err := New("entry", cable.Open).Keep(ctx, func(_ context.Context, w drivers.Wire) error {
			ended = readAll(ctx, w)
			return ended
		}, func(err error) { t.Errorf("lost was told %v at the end", err) })
		if err != nil || time.Since(start) != time.Second || !errors.Is(ended, drivers.ErrClosed) {
			t.Fatalf("Keep = %v after %v, body ended with %v", err, time.Since(start), ended)
		}
		if _, err := cable.Open(t.Context()); err != nil {
			t.Fatalf("the wire stayed open: %v", err)
		}
	})
}

func TestModeCheck(t *testing.T) {
	for _, c := range []struct {
		mode Mode
		ok   bool
	}{
		{Mode{Baud: 9600}, true},
		{Mode{Baud: 57600, DataBits: 7, Parity: ParityEven, StopBits: 2, Direction: DirectionKernel}, true},
		{Mode{}, false},
		{Mode{Baud: -9600}, false},
		{Mode{Baud: 9600, DataBits: 9}, false},
		{Mode{Baud: 9600, StopBits: 3}, false},
		{Mode{Baud: 9600, Parity: 7}, false},
		{Mode{Baud: 9600, Direction: 7}, false},
	} {
		if err := c.mode.Check(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.mode, err)
		}
	}
}
