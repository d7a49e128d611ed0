package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/loop"
	"sekimori/drivers"
	"sekimori/policy"
)

// TestP2LockBeforeAnythingElse: whatever else of its files a daemon cannot
// use, it has driven the lock inactive.
func TestP2LockBeforeAnythingElse(t *testing.T) {
	for _, broken := range []string{"rulebook.toml", "tag.key"} {
		cfg, err := config.LoadDoor(hino + "door-machine-room.toml")
		if err != nil {
			t.Fatal(err)
		}
		cfg.State = t.TempDir()
		if broken == "rulebook.toml" {
			cfg.Rulebook = filepath.Join(cfg.State, broken)
		}
		if err := os.WriteFile(filepath.Join(cfg.State, broken), []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		var claimed []string
		err = Run(t.Context(), Config{Door: cfg, Log: slog.New(slog.DiscardHandler)}, Host{
			Serial: func(config.Port) (drivers.Wire, error) { return nil, errors.New("not here") },
			Pin: func(u PinUse) (gpio.PinIO, error) {
				claimed = append(claimed, u.Name)
				return gpio.INVALID, nil
			},
			Wall: func() (time.Time, bool) { return time.Now(), true },
		})
		if err == nil || len(claimed) != 1 || claimed[0] != "lock" {
			t.Errorf("%s broken: %v; claimed %v", broken, err, claimed)
		}
	}
}

// notebook records in memory, or fails.
type notebook struct {
	mu    sync.Mutex // guards what follows
	fails bool
	all   []event.Event
}

func (n *notebook) fail(yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fails = yes
}

// of gives the events of a kind.
func (n *notebook) of(k event.Kind) (out []event.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ev := range n.all {
		if ev.Kind == k {
			out = append(out, ev)
		}
	}
	return out
}

func (n *notebook) Append(_ context.Context, events []event.Event, _ loop.Extra) ([]event.Event, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails {
		return nil, loop.ErrFull
	}
	for _, ev := range events {
		ev.Seq = uint64(len(n.all) + 1)
		n.all = append(n.all, ev)
	}
	return n.all[len(n.all)-len(events):], nil
}

func (n *notebook) Release(time.Duration) error    { return nil }
func (n *notebook) Secure() error                  { return nil }
func (n *notebook) Close() error                   { return nil }
func (n *notebook) Publish(door.Request) error     { return errNoBroker }
func (n *notebook) Withdraw(string, policy.Reason) {}

// TestReloadThatIsNotRecorded: a rulebook is in force once its change stands in
// the ledger, and no sooner.
func TestReloadThatIsNotRecorded(t *testing.T) {
	text, err := os.ReadFile(hino + "rulebook.toml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rulebook.toml")
	write := func(more string) (*policy.Rulebook, string) {
		t.Helper()
		if err := os.WriteFile(path, append(text[:len(text):len(text)], more...), 0o600); err != nil {
			t.Fatal(err)
		}
		rb, hash, err := config.LoadRulebook(path)
		if err != nil {
			t.Fatal(err)
		}
		return rb, hash
	}
	cfg, err := config.LoadDoor(hino + "door-machine-room.toml")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Rulebook = path
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		sighup := make(chan os.Signal)
		r := &running{Config: Config{Door: cfg, Log: slog.New(slog.DiscardHandler), Reload: sighup}, people: strangers()}
		r.clock = newClock(func() (time.Time, bool) { return time.Now(), true }, time.UTC, time.Time{})
		rb, first := write("")
		r.rules.Store(first)
		book := &notebook{}
		r.loop = loop.New(loop.Options{
			Door:     door.New(door.Config{Door: "d", Place: cfg.Place, NewID: newID}, rb, &policy.Roster{}, door.State{Rules: first}),
			Recorder: book, Lock: book, Requests: book, Convert: loop.NewConverter(nil, nil),
			Now: r.clock.Now, Log: r.Log, Recorded: r.recorded, Status: func(door.Status) {},
		})
		tasks := newTasks(ctx, r.Log)
		tasks.start("loop", func(ctx context.Context) error { return r.loop.Run(ctx, door.Start{Rules: first}) })
		tasks.start("reload", r.reload)

		_, second := write("# second\n")
		book.fail(true)
		sighup <- os.Interrupt
		synctest.Wait()
		if got := r.rules.Load(); got != first {
			t.Error("rules are in force that were not recorded")
		}
		book.fail(false)
		time.Sleep(time.Minute) // the door finds that it can record again
		sighup <- os.Interrupt
		synctest.Wait()
		changed := book.of(event.ConfigChanged)
		if len(changed) != 1 || changed[0].Before != first || changed[0].After != second || r.rules.Load() != second {
			t.Errorf("recorded %+v", changed)
		}
		end()
		if err := tasks.wait(); err != nil {
			t.Error(err)
		}
	})
}

// TestRetention: what is past the years goes, once the clock is sure, and the
// ledger says so. A clock that leapt while the box was off takes nothing.
func TestRetention(t *testing.T) {
	now := time.Date(2034, 11, 24, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name         string
		wall, newest time.Time
		synced       bool
		gone         uint64
	}{
		{"past retention", now, now.AddDate(0, 0, -1), true, 2},
		{"the clock is not sure", now, now.AddDate(0, 0, -1), false, 0},
		{"the clock leapt", now.AddDate(42, 0, 0), now.AddDate(0, 0, -1), true, 2},
		{"nothing is due", now.AddDate(-1, 0, 0), now.AddDate(-1, 0, -1), true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			book := newBook(t)
			write := func(at time.Time) {
				t.Helper()
				ev := event.New(event.FactorRead)
				ev.Time, ev.Clock, ev.Door = event.At(at), event.Trusted, testDoor
				if _, err := book.Append(t.Context(), []ledger.Record{{Event: ev}}); err != nil {
					t.Fatal(err)
				}
			}
			write(now.AddDate(-7, 0, -3))
			write(now.AddDate(-7, 0, -2))
			write(now.AddDate(-7, 0, 2))
			write(tc.newest)
			m, err := recall(t.Context(), book)
			if err != nil {
				t.Fatal(err)
			}
			r := &running{Config: Config{Door: &config.Door{ID: testDoor, Retention: 7}, Log: slog.New(slog.DiscardHandler)}, book: book}
			r.clock = newClock(func() (time.Time, bool) { return tc.wall, tc.synced }, time.UTC, m.trusted)
			for range 2 { // the second time there is nothing left to do
				if r.retainOnce(t.Context()) != tc.synced {
					t.Error("done, or not, against the clock")
				}
			}
			all, err := book.Events(t.Context(), 1, 10)
			if err != nil {
				t.Fatal(err)
			}
			var gone uint64
			for _, s := range all {
				if s.Body == nil {
					gone++
				}
			}
			wrote := 4
			if tc.gone > 0 {
				wrote = 5
			}
			if gone != tc.gone || len(all) != wrote {
				t.Errorf("%d events lost their bodies, %d stand", gone, len(all))
			}
		})
	}
}
