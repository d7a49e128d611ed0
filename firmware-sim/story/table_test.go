package story

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTranscriptSideBySide(t *testing.T) {
	r := play(t, script(
		"badge entry 10023", "5ms show entry finger", "badge entry 10023", "5ms event access_granted person=s-001 side=entry",
		"badge entry 10023", "11ms lock released", "badge entry 10023", "6ms ledger access_granted"),
		"> badge entry 10023\n# 照合\n< lock released\n< event access_granted\n! show exit within 20ms\n")
	var b strings.Builder
	if err := r.Write(&b, 116, false); err != nil {
		t.Fatal(err)
	}
	want := `          人がすること               読取装置の表示             錠と台帳                   購読者に届くもの
          what people do             what the reader shows      bolt and ledger            what a subscriber sees
────────  ─────────────────────────  ─────────────────────────  ─────────────────────────  ─────────────────────────
  +0.000  > badge entry 10023
# 照合
  +0.005                               entry finger               ledger access_granted    ✓ access_granted
                                                                                             person=s-001 side=entry
  +0.011                                                        ✓ lock released
✓ 2 seen, 1 never seen in 20ms
`
	got := b.String()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, "\x1b") {
		t.Error("colour without colour")
	}
	columnsStandStill(t, got, 116)
}

// columnsStandStill: no line is wider than the terminal, and each cell begins
// where its column does, whatever stands left of it.
func columnsStandStill(t *testing.T, text string, columns int) {
	t.Helper()
	width := NewTable(nil, columns, false, false).width
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "✓") || strings.HasPrefix(line, "✗") || strings.HasPrefix(line, "\t") {
			continue
		}
		at, column := 0, 0
		for _, r := range line {
			start := timeWidth + column*(gap+width)
			if at >= start && at < start+gap {
				if r != ' ' {
					t.Errorf("line %d, column of the terminal %d: %q in the gap\n%s", i+1, at, r, text)
				}
				if at == start+gap-1 {
					column++
				}
			}
			at += widths.RuneWidth(r)
		}
		if at > columns {
			t.Errorf("line %d is %d wide\n%s", i+1, at, text)
		}
	}
}

func TestTableKeepsItsColumnsInJapanese(t *testing.T) {
	for _, columns := range []int{80, 100, 132} {
		var b strings.Builder
		table := NewTable(&b, columns, false, true)
		_ = table.Head()
		_ = table.Add([]Entry{
			{Door: "machine-room", Column: People, Text: `order import "日野市情報システム課機械室の名簿.toml"`},
			{Door: "machine-room", Column: Reader, Text: "entry refused"},
			{Door: "machine-room", Column: Door, Text: strings.Repeat("通行可(解錠)", 12)},
			{Door: "machine-room", Column: Subscriber, Text: "access_denied detail=" + strings.Repeat("x", 200)},
			{At: time.Minute, Door: "machine-room", Column: Subscriber, Text: "e", Mark: Failed},
		})
		columnsStandStill(t, b.String(), columns)
		if !strings.Contains(b.String(), "…") {
			t.Errorf("nothing was cut:\n%s", b.String())
		}
	}
}

func TestManyAlikeAreCounted(t *testing.T) {
	var b strings.Builder
	table := NewTable(&b, 120, false, false)
	entries := []Entry{{Column: People, Text: "repeat 500 badge entry 1"}}
	for i := range 500 {
		at := time.Duration(i) * time.Second
		entries = append(entries, Entry{At: at, Column: Reader, Text: "entry refused"}, Entry{At: at, Column: Subscriber, Text: fmt.Sprintf("access_denied badge=b seq=%d", i)})
	}
	entries = append(entries, Entry{At: time.Hour, Column: Subscriber, Text: "access_denied badge=b seq=last", Mark: Met})
	_ = table.Add(entries)
	_ = table.Result(&Result{Met: 1})
	got := b.String()
	if n := strings.Count(got, "\n"); n > 13 {
		t.Errorf("%d lines:\n%s", n, got)
	}
	for _, want := range []string{"… 497 more", "seq=2", "seq=last"} {
		if !strings.Contains(got, want) {
			t.Errorf("missing %q in\n%s", want, got)
		}
	}
}

func TestStateIsShownOnlyWhereAskedFor(t *testing.T) {
	var b strings.Builder
	table := NewTable(&b, 120, false, false)
	_ = table.Add([]Entry{{Column: Subscriber, Text: "state a=1", Level: true}, {Column: Subscriber, Text: "state a=2", Level: true, Mark: Met}})
	if got := b.String(); strings.Contains(got, "a=1") || !strings.Contains(got, "✓ state a=2") {
		t.Error(got)
	}
}

func TestFailureAndLatenessAreShown(t *testing.T) {
	rig := script("handle", "1s lock released", "handle", "3s event a")
	rig.lateness = time.Minute
	r := play(t, rig, "> handle\n< event a\n< lock secured within 3s\n")
	var b strings.Builder
	if err := r.Write(&b, 120, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"✓ a (late by 1s)", "\x1b[33m", "test.story:5: expected within 3s of line 3: lock secured; seen on lock:\n\t+1.000s released", "\x1b[31m✗"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing %q in\n%s", want, b.String())
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no terminal") }

func TestTableTellsThatItCannotPrint(t *testing.T) {
	if err := (&Result{Story: &Story{}}).Write(brokenWriter{}, 120, false); err == nil {
		t.Error("no error")
	}
}
