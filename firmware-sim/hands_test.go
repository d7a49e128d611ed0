package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"sekimori/firmware-sim/rig"
	"sekimori/firmware-sim/story"
)

// TestHands types at a door, without a terminal.
func TestHands(t *testing.T) {
	t.Parallel()
	needPTY(t)
	st, err := raise(t.Context(), story.Scene{Doors: []string{machineRoom}, At: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}, rig.DeskOptions{})
	t.Cleanup(func() {
		if err := st.desk.Close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	const typed = `
# a remark
badge entry 10029
wait 1s
> finger entry s-007
wait 1s
door opne
door open
jump
manager somebody permit
show none
show 2
people
help
repeat 2 handle
quit
badge entry 10025
`
	var out bytes.Buffer
	if err := takeHands(t.Context(), streams{strings.NewReader(typed), &out, io.Discard}, st); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"> badge entry 10029", "entry finger", "ledger access_granted", "lock released",
		`want open|close|force, not "opne"`, `unknown act "jump"`, `cannot do "manager`,
		"show none: want one number", "access_granted       person=s-007",
		"伊藤 さくら", "入れる / granted", "期限切れ / expired (6-3-1)",
		"badge SIDE NUMBER", "指を置く", "> repeat 2 handle",
	} {
		if !strings.Contains(out.String(), s) {
			t.Errorf("%q is missing in\n%s", s, out.String())
		}
	}
	for _, s := range []string{"10025\n", "wait 1m0s", "daemon_started"} {
		if strings.Contains(out.String(), s) {
			t.Errorf("%q must not be shown", s)
		}
	}
}

// TestKeyboardGivesTheTerminalBack: lines are edited in raw mode, Ctrl-C ends
// them, and afterwards the terminal is as it was.
func TestKeyboardGivesTheTerminalBack(t *testing.T) {
	needPTY(t)
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	defer slave.Close()
	settings := func() unix.Termios {
		s, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		return *s
	}
	before := settings()
	cancelled := make(chan struct{})
	k, err := newKeyboard(streams{slave, slave, os.Stderr}, func() { close(cancelled) })
	if err != nil {
		t.Fatal(err)
	}
	if settings() == before {
		t.Error("the terminal is not raw")
	}
	if _, err := master.WriteString("hel\t\rdoor open\r\x03"); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range k.lines {
		lines = append(lines, line)
	}
	if !slices.Equal(lines, []string{"help ", "door open"}) {
		t.Errorf("read %q", lines)
	}
	<-cancelled
	k.close()
	if settings() != before {
		t.Error("the terminal is not as it was")
	}
}

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		line, want string
		key        rune
	}{
		{"fin", "finger ", '\t'},
		{"exit-", "exit-button ", '\t'},
		{"d", "", '\t'}, // daemon, disk, door
		{"xyz", "", '\t'},
		{"badge en", "", '\t'},
		{"fin", "", 'g'},
	} {
		got, pos, ok := complete(c.line, len(c.line), c.key)
		if got != c.want || ok != (c.want != "") || pos != len(got) {
			t.Errorf("complete(%q) = %q, %d, %v", c.line, got, pos, ok)
		}
	}
}

// TestFold: no line is wider than it may be, nothing is lost, and Japanese is
// broken anywhere but before punctuation.
func TestFold(t *testing.T) {
	texts := []string{
		"", "word", "two words that do not fit on one line", "averyveryverylongwordthatfitsnowhere",
		"通信が絶えても扉は働き、出来事は後から順に、すべて届く。",
		"台帳(SQLite、書込みは永続)、署名、TLS、MQTT と real words",
	}
	for _, text := range texts {
		for columns := 8; columns < 60; columns++ {
			lines := fold(text, columns)
			if got := strings.ReplaceAll(strings.Join(lines, ""), " ", ""); got != strings.ReplaceAll(text, " ", "") {
				t.Errorf("%d columns of %q lose something: %q", columns, text, lines)
			}
			for _, line := range lines {
				if strings.HasPrefix(line, "、") || strings.HasPrefix(line, "。") {
					t.Errorf("%d columns: a line begins with punctuation: %q", columns, lines)
				}
				if w := widths.StringWidth(line); w > columns && strings.ContainsAny(line, " ") {
					t.Errorf("%d columns: %q is %d wide", columns, line, w)
				}
			}
		}
	}
}
