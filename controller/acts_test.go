package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/gpio"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/controller/event"
	"sekimori/controller/order"
	"sekimori/drivers"
	"sekimori/drivers/osdp"
	"sekimori/testdata"
)

// stillPin is a line that nothing is wired to.
type stillPin struct {
	gpio.PinIO
	halted chan struct{}
}

func (stillPin) In(gpio.Pull, gpio.Edge) error { return nil }
func (stillPin) Out(gpio.Level) error          { return nil }
func (stillPin) Read() gpio.Level              { return gpio.Low }

func (p stillPin) WaitForEdge(d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-p.halted:
	}
	return false
}

func (p stillPin) Halt() error {
	select {
	case p.halted <- struct{}{}:
	default:
	}
	return nil
}

// site writes a door whose devices are all unplugged, and its administrator's
// key, valid at the beginning of a bubble's time.
func site(t *testing.T) (door, key string) {
	t.Helper()
	dir := t.TempDir()
	admin := order.NewKey()
	key = filepath.Join(dir, "admin.key")
	if err := order.WriteKey(key, admin); err != nil {
		t.Fatal(err)
	}
	text, err := testdata.Files.ReadFile("hino/door-machine-room.toml")
	if err != nil {
		t.Fatal(err)
	}
	s := strings.ReplaceAll(string(text), nobodysKey, admin.Public().String())
	s = strings.ReplaceAll(s, "2026-04-01", "1999-04-01")
	s = regexp.MustCompile(`identity +=.*`).ReplaceAllString(s, "")
	s = regexp.MustCompile(`(?s)\[broker\].*?\n\n`).ReplaceAllString(s, "")
	door = filepath.Join(dir, "door.toml")
	for name, b := range map[string]string{"door.toml": s, "finger-entry.key": "00000001\n", "finger-exit.key": "00000002\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"rulebook.toml", "roster.toml"} {
		b, err := testdata.Files.ReadFile("hino/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"badge-entry.key", "badge-exit.key"} {
		if err := osdp.WriteKeyFile(filepath.Join(dir, name), osdp.NewKey()); err != nil {
			t.Fatal(err)
		}
	}
	return door, key
}

var errUnplugged = errors.New("nothing is plugged in")

// guard runs the daemon of a door until the test ends it.
func guard(t *testing.T, door string) (stop func()) {
	t.Helper()
	cfg, err := config.LoadDoor(door)
	if err != nil {
		t.Fatal(err)
	}
	host := daemon.Host{
		Serial: func(config.Port) (drivers.Wire, error) { return nil, errUnplugged },
		Pin: func(daemon.PinUse) (gpio.PinIO, error) {
			return stillPin{gpio.INVALID, make(chan struct{}, 1)}, nil
		},
		Wall: func() (time.Time, bool) { return time.Now(), true },
		Dial: func(context.Context, string) (net.Conn, error) { return nil, errUnplugged },
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, daemon.Config{Door: cfg, Version: version, Log: slog.New(slog.DiscardHandler)}, host)
	}()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
	}
}

// typed runs one command line in this process.
func typed(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), args, terminal{&o, &e})
	return code, o.String(), e.String()
}

// TestActs: every act on the box reaches a running daemon as a signed order,
// and its command follows the ledger to the outcome and ends with its code.
func TestActs(t *testing.T) {
	door, key := site(t)
	roster := filepath.Join(filepath.Dir(door), "roster.toml")
	if code, _, errs := typed(t, "init", "--config", door); code != exitDone {
		t.Fatalf("init: %d %s", code, errs)
	}
	synctest.Test(t, func(t *testing.T) {
		stop := guard(t, door)
		defer stop()
		by := []string{"--config", door, "--key", key}
		why := []string{"--reason", "訓練 / a drill"}
		for _, step := range []struct {
			name      string
			args      []string
			code      int
			out, errs string
		}{
			{"nobody is known yet", []string{"enroll", "s-016"}, exitRefused, "order_refused|命令拒否", "person s-016 is not in the roster"},
			{"import", []string{"import", "roster", roster}, exitDone, "名簿変更 / roster changed", ""},
			{"lockdown", append([]string{"lockdown"}, why...), exitDone, "閉鎖 / lockdown", ""},
			{"release", append([]string{"release"}, why...), exitDone, "閉鎖解除 / lockdown released", ""},
			{"release what is not locked down", append([]string{"release"}, why...), exitRefused, "", "there is no lockdown to end"},
			{"resecure without emergency", append([]string{"resecure"}, why...), exitRefused, "", "order_refused: resecure signed by"},
			{"reset", append([]string{"reset", "s-001", "--passback"}, why...), exitDone, "在室記録の訂正 / passback reset", ""},
			{"lockdown twice", append([]string{"lockdown"}, why...), exitDone, "命令受理", ""},
			{"lockdown thrice", append([]string{"lockdown"}, why...), exitDone, `\Q命令受理 / order accepted\E[^\n]*\n$`, ""},
			{"reset only what was named", append([]string{"reset", "s-001", "--lockout"}, why...), exitDone, `\Q命令受理 / order accepted\E[^\n]*\n$`, ""},
			{"somebody whom nobody knows", append([]string{"reset", "s-999", "--passback"}, why...), exitRefused, "", "person s-999 is not in the roster"},
			{"enrol without a sensor", []string{"enroll", "s-016"}, exitRefused, "指を置き、離してください", "not in service"},
			{"erase without a sensor", []string{"erase", "s-001", "--wait", "10s"}, exitFailed, "生体情報消去未了 / biometric erasure pending", "not yet erased from finger-entry, finger-exit"},
			{"erase somebody who has none", []string{"erase", "s-016"}, exitRefused, "", "no finger of s-016 is enrolled"},
			{"a key that is not pinned", append([]string{"lockdown", "--config", door, "--key", stranger(t)}, why...), exitRefused, "", "unknown_key"},
			{"a capacity that the key has not", append([]string{"lockdown", "--role", "automation"}, why...), exitRefused, "", "not_that_role"},
		} {
			args := step.args
			if !strings.Contains(strings.Join(args, " "), "--config") {
				args = append(args, by...)
			}
			code, out, errs := typed(t, args...)
			if code != step.code || !found(step.out, out) || !found(step.errs, errs) {
				t.Errorf("%s: ended with %d, want %d\n%s%s", step.name, code, step.code, out, errs)
			}
		}
	})
	if code, out, errs := typed(t, "ledger", "verify", "--config", door); code != exitDone {
		t.Errorf("afterwards the ledger is not sound: %d\n%s%s", code, out, errs)
	}
}

func found(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

func stranger(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "stranger.key")
	if err := order.WriteKey(path, order.NewKey()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOutcomeOfAnErasure: what is put down to be erased is not erased, and an
// erasure that belongs to another order ends nothing.
func TestOutcomeOfAnErasure(t *testing.T) {
	o := outcome{door: "d", order: "mine", end: event.OrderAccepted}
	ev := func(k event.Kind, seq, of uint64, order, device string) event.Event {
		ev := event.New(k)
		ev.Seq, ev.Of, ev.Order, ev.Device = seq, of, order, device
		return ev
	}
	for _, step := range []struct {
		ev       event.Event
		concerns bool
		done     bool
	}{
		{ev(event.BiometricPending, 1, 0, "other", "finger-exit"), false, false},
		{ev(event.OrderAccepted, 2, 0, "mine", ""), true, true},
		{ev(event.BiometricPending, 3, 0, "mine", "finger-entry"), true, false},
		{ev(event.BiometricPending, 4, 0, "mine", "finger-exit"), true, false},
		{ev(event.BiometricErased, 5, 1, "", "finger-exit"), false, false},
		{ev(event.BiometricErased, 6, 3, "", "finger-entry"), true, false},
		{ev(event.BiometricErased, 7, 4, "", "finger-exit"), true, true},
	} {
		if got := o.concerns(step.ev); got != step.concerns {
			t.Fatalf("event %d: concerns is %v", step.ev.Seq, got)
		}
		if step.concerns {
			if err := o.take(step.ev); err != nil {
				t.Fatal(err)
			}
		}
		if o.done() != step.done {
			t.Errorf("after event %d: done is %v", step.ev.Seq, o.done())
		}
	}
}
