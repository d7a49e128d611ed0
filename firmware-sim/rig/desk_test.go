package rig

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekimori/firmware-sim/story"
	"sekimori/testdata"
)

func TestMain(m *testing.M) {
	Child()
	os.Exit(m.Run())
}

// needPTY is loud where a machine gives no pseudo-terminals: there is no desk
// without them.
func needPTY(t testing.TB) {
	t.Helper()
	c, err := newCable()
	if err == nil {
		c.pull()
		return
	}
	if strings.Contains(os.Getenv("SEKIMORI_REQUIRE"), "pty") {
		t.Fatalf("pseudo-terminals are required here: %v", err)
	}
	t.Skipf("NOT TESTED: this machine gives no pseudo-terminal: %v", err)
}

// TestDeskStories plays a few stories in real time, with real processes: the
// proof is the bench's, this shows that the desk is the same door.
func TestDeskStories(t *testing.T) {
	t.Parallel()
	needPTY(t)
	for _, file := range []string{
		"stories/tour/1-good-entry.story",
		"stories/tour/5-broker-outage.story",
		"stories/tour/6-daemon-killed.story",
	} {
		t.Run(strings.TrimSuffix(path.Base(file), ".story"), func(t *testing.T) {
			t.Parallel()
			text, err := testdata.Files.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			playOnDesk(t, path.Base(file), string(text))
		})
	}
}

// killedBefore: the daemon dies before its commit, and once more between the
// commit and the relay. Neither opens, and only what was recorded remains.
const killedBefore = `# the daemon dies before the record, then before the release
door machine-room
at 2026-11-24T09:00:00+09:00

> daemon kill-before record
> badge entry 10023
< show entry finger
> finger entry s-001
! lock released within 1s
> daemon start
< event daemon_started within 5s
! event access_granted within 1s
> daemon kill-before release
> badge entry 10023
< show entry finger within 5s
> finger entry s-001
< ledger access_granted person=s-001
! lock released within 1s
> daemon start
< event access_granted person=s-001 within 5s
< event access_not_taken person=s-001 within 5s
! lock released within 1s
`

// killedAfter: the pin acted and the daemon never heard of it. The output
// holds, as the kernel's does, until the next start takes it back.
const killedAfter = `# the daemon dies after the relay moved
door machine-room
at 2026-11-24T09:00:00+09:00

> daemon kill-after release
> badge entry 10023
< show entry finger
> finger entry s-001
< ledger access_granted person=s-001
< lock released
! lock secured within 3500ms
> daemon start
< lock secured
< event access_not_taken person=s-001
`

// ledgerSwaps: the ledger is copied beside the daemon that writes it, and put
// back whole and in part.
const ledgerSwaps = `# the ledger is put back
door machine-room
at 2026-11-24T09:00:00+09:00

> ledger copy
> badge entry 10023
< show entry finger
> finger entry s-001
< lock released
> door open
< event access_taken person=s-001
> door close
> daemon stop
> ledger restore-database
> daemon start
< show entry unavailable within 5s
> daemon stop
> ledger restore
> daemon start
< ledger daemon_started
< event ledger_rolled_back within 10s
`

func TestDeskActs(t *testing.T) {
	t.Parallel()
	needPTY(t)
	for name, text := range map[string]string{
		"killed-before": killedBefore, "killed-after": killedAfter, "ledger-swaps": ledgerSwaps,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			playOnDesk(t, name, text)
		})
	}
}

func playOnDesk(t *testing.T, name, text string) {
	t.Helper()
	s, err := story.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	desk := NewDesk(DeskOptions{})
	r := story.Play(t.Context(), s, desk, nil)
	if r.Err != nil {
		var b strings.Builder
		if err := r.Write(&b, 160, false); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s\n%s", b.String(), desk.Logs())
	}
	if _, err := os.Stat(desk.Dir()); !os.IsNotExist(err) {
		t.Errorf("the desk left its folder %s behind: %v", desk.Dir(), err)
	}
}

func raiseDesk(t *testing.T, doors ...string) *Desk {
	t.Helper()
	needPTY(t)
	d := NewDesk(DeskOptions{})
	scene := story.Scene{Doors: doors, At: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}
	err := d.Setup(t.Context(), scene, func(story.Observation) {})
	t.Cleanup(func() {
		if err := d.Close(); err != nil && !t.Failed() {
			t.Log("close:", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func do(t *testing.T, d *Desk, line string) error {
	t.Helper()
	a, err := story.ParseAct(line, "machine-room")
	if err != nil {
		t.Fatal(err)
	}
	return d.Do(t.Context(), a)
}

// TestDeskRefusesActs: what is not possible is an error that says why.
func TestDeskRefusesActs(t *testing.T) {
	t.Parallel()
	d := raiseDesk(t, "machine-room")
	for _, c := range []struct{ line, says string }{
		{"broker start", "runs already"},
		{"daemon start", "runs already"},
		{"ledger restore", "stop it before"},
		{"door open", "locked"},
		{"pin entry 1234", "cannot do"},
		{"manager joho_system_kacho permit", "cannot do"},
		{"daemon kill-after record", "nothing outside shows"},
		{"order import elsewhere.toml", "elsewhere.toml"},
	} {
		if err := do(t, d, c.line); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.line, err)
		}
	}
	for _, line := range []string{"daemon kill", "broker stop"} {
		if err := do(t, d, line); err != nil {
			t.Fatal(err)
		}
		if err := do(t, d, line); err == nil || !strings.Contains(err.Error(), "does not run") {
			t.Errorf("%s again: %v", line, err)
		}
	}
	for _, line := range []string{"disk full", "daemon kill-before release", "daemon stop"} {
		if err := do(t, d, line); err == nil {
			t.Errorf("%s without a daemon did something", line)
		}
	}
	if err := do(t, d, "ledger restore"); err == nil || !strings.Contains(err.Error(), "nothing was copied") {
		t.Errorf("ledger restore: %v", err)
	}
}

// TestDeskSeesADaemonThatDies: an end that nobody asked for fails the next act
// and the close.
func TestDeskSeesADaemonThatDies(t *testing.T) {
	t.Parallel()
	d := raiseDesk(t, "machine-room")
	life := d.doors["machine-room"].life
	life.process.strike()
	<-life.done
	if err := do(t, d, "handle"); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("the next act: %v", err)
	}
	if err := d.Close(); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("close: %v", err)
	}
	if !strings.Contains(d.Logs(), "daemon_started") {
		t.Errorf("the log was lost: %q", d.Logs())
	}
}

// TestNobodyOutlivesTheDesk: without its desk a process ends by itself.
func TestNobodyOutlivesTheDesk(t *testing.T) {
	t.Parallel()
	d := raiseDesk(t, "machine-room")
	life := d.doors["machine-room"].life
	life.expected.Store(true)
	life.pins.link.Close()
	d.link.Close()
	for name, p := range map[string]*process{"daemon": life.process, "broker": d.broker} {
		select {
		case <-p.gone:
		case <-time.After(10 * time.Second):
			t.Errorf("the %s lives on", name)
		}
	}
}

// TestSetupThatFails names the door, and leaves nothing behind.
func TestSetupThatFails(t *testing.T) {
	needPTY(t)
	d := NewDesk(DeskOptions{})
	err := d.Setup(t.Context(), story.Scene{Doors: []string{"cellar"}}, func(story.Observation) {})
	if err == nil || !strings.Contains(err.Error(), "cellar") {
		t.Errorf("set-up: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(d.Dir()); !os.IsNotExist(err) {
		t.Error("the folder is still there")
	}
}

// TestStoppedSetup: whoever interrupts a set-up does not wait for it.
func TestStoppedSetup(t *testing.T) {
	needPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := NewDesk(DeskOptions{})
	if err := d.Setup(ctx, story.Scene{Doors: []string{"machine-room"}}, func(story.Observation) {}); err == nil {
		t.Error("a set-up that was interrupted succeeded")
	}
	_ = d.Close()
}

// TestLaunchTellsHowItEnded through the supervisor's eyes.
func TestLaunchTellsHowItEnded(t *testing.T) {
	s, err := newSupervisor()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	p, err := launch([]string{partDaemon, filepath.Join(t.TempDir(), "none.toml"), "", ""}, nil, io.Discard, nil, s.environment())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.await(t.Context(), p); err == nil || !strings.Contains(err.Error(), "ended at once") {
		t.Errorf("a daemon without a door file: %v", err)
	}
}
