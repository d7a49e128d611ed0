package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"sekimori/firmware-sim/rig"
)

func TestMain(m *testing.M) {
	rig.Child()
	os.Exit(m.Run())
}

// needPTY is loud where a machine gives no pseudo-terminals: there is no desk
// without them.
func needPTY(t *testing.T) {
	t.Helper()
	master, slave, err := pty.Open()
	if err == nil {
		master.Close()
		slave.Close()
		return
	}
	if strings.Contains(os.Getenv("SEKIMORI_REQUIRE"), "pty") {
		t.Fatalf("pseudo-terminals are required here: %v", err)
	}
	t.Skipf("NOT TESTED: this machine gives no pseudo-terminal: %v", err)
}

// run is one command line, in process.
func run(t *testing.T, in string, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), args, streams{strings.NewReader(in), &o, &e})
	return code, o.String(), e.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandLine(t *testing.T) {
	broken := write(t, "broken.story", "door machine-room\n> jump\n< lock open\n")
	for _, c := range []struct {
		args []string
		code int
		says []string // on stderr, or on stdout where the code is 0
	}{
		{[]string{"-h"}, 0, []string{"play [-v]", "-once", "机の上"}},
		{[]string{"play", "--help"}, 0, []string{"-toyoda"}},
		{[]string{"tour"}, exitUsage, []string{`unknown command "tour"`}},
		{[]string{"-twice"}, exitUsage, []string{"-twice"}},
		{[]string{"play"}, exitUsage, []string{"no story file"}},
		{[]string{"play", "-j", "0", "a.story"}, exitUsage, []string{"-j 0: want 1 to"}},
		{[]string{"play", "-j", "many", "a.story"}, exitUsage, []string{"many"}},
		{[]string{"play", "/nowhere/a.story", broken}, exitUsage, []string{"/nowhere/a.story", broken + `:2: unknown act "jump"`, broken + ":3:"}},
	} {
		code, out, err := run(t, "", c.args...)
		said := err
		if c.code == 0 {
			said = out
		}
		if code != c.code {
			t.Errorf("%q: exit code %d, want %d", c.args, code, c.code)
		}
		for _, s := range c.says {
			if !strings.Contains(said, s) {
				t.Errorf("%q says %q, not %q", c.args, said, s)
			}
		}
	}
}

// TestPlayNamesTheLine: of several stories the one that does not hold is named
// by file and line, in the order of the command line, and the exit code tells.
func TestPlayNamesTheLine(t *testing.T) {
	t.Parallel()
	needPTY(t)
	const head = "# 題 / %\ndoor machine-room\nat 2026-11-24T09:00:00+09:00\n\n"
	slow := write(t, "slow.story", strings.Replace(head, "%", "slow", 1)+"> door force\n< event door_forced\n> wait 1s\n")
	wrong := write(t, "wrong.story", strings.Replace(head, "%", "wrong", 1)+"> handle\n! lock released within 200ms\n")
	stuck := write(t, "stuck.story", strings.Replace(head, "%", "stuck", 1)+"> door open\n")
	code, out, _ := run(t, "", "play", "-j", "3", slow, wrong, stuck)
	if code != exitFailed {
		t.Errorf("exit code %d\n%s", code, out)
	}
	at := -1
	for _, s := range []string{"✓ " + slow, "✗ " + wrong + "\n", "> handle", "✗ " + wrong + ":6: must not be seen", "log of the daemon", "✗ " + stuck + ":5: cannot do", "3 stories, 2 failed"} {
		i := strings.Index(out, s)
		if i <= at {
			t.Errorf("%q is missing or out of order in\n%s", s, out)
		}
		at = i
	}
	if strings.Count(out, "must not be seen") != 1 {
		t.Errorf("the failure is told more than once:\n%s", out)
	}
}

// TestOnce plays the tour as somebody without a terminal, who also ends it.
func TestOnce(t *testing.T) {
	t.Parallel()
	needPTY(t)
	code, out, err := run(t, "", "-once", "-toyoda")
	if code != exitDone || err != "" {
		t.Errorf("exit code %d, %s", code, err)
	}
	for _, s := range []string{"本物", "simulated", "6/6", "> machine-room: badge", "the tour held", "none missing"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), s) {
			t.Errorf("%q is missing in\n%s", s, out)
		}
	}
}

// TestInterruptedTour: Ctrl-C ends it early, with a code that is not 0.
func TestInterruptedTour(t *testing.T) {
	t.Parallel()
	needPTY(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out, err bytes.Buffer
	code := execute(ctx, []string{"-once"}, streams{strings.NewReader(""), &atWord{&out, "> badge", cancel}, &err})
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if strings.Contains(out.String(), "2/6") {
		t.Errorf("the tour went on:\n%s", out.String())
	}
	if err.Len() > 0 {
		t.Errorf("an interruption is no mishap: %s", err.String())
	}
}

// atWord does something when a word is printed.
type atWord struct {
	*bytes.Buffer
	word string
	do   func()
}

func (w *atWord) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.word)) {
		w.do()
	}
	return w.Buffer.Write(b)
}
