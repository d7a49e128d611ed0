package story

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// Table prints entries side by side: what people do, what the readers show,
// what the bolt does and the ledger says, what a subscriber receives. It counts
// in columns of a terminal, in which a Japanese character takes two.
//
// Of many alike between two acts (the events of a long outage, say) the first
// three are printed, and how many more there were.
type Table struct {
	out     *bufio.Writer
	width   int // of one column
	colour  bool
	several bool // name the door of each entry
	row     row
	runs    [Subscriber + 1]run
}

// row is a line in the making.
type row struct {
	at    time.Duration
	last  Column // the rightmost filled column
	cells [Subscriber + 1]Entry
}

// run counts entries alike in one column since the last act.
type run struct {
	alike map[string]int
	more  int // not printed
	last  Entry
}

const (
	timeWidth  = 8
	gap        = 2
	narrowest  = 16
	together   = 5 * time.Millisecond // entries so close share a line
	alike      = 3                    // printed of many alike
	maxWrapped = 4                    // lines of one cell
)

// NewTable prints to w, in so many columns of a terminal (at least about 80;
// 132 is comfortable). colour adds ANSI colours, several names the doors.
func NewTable(w io.Writer, columns int, colour, several bool) *Table {
	width := (columns - timeWidth - int(Subscriber)*gap) / int(Subscriber)
	return &Table{out: bufio.NewWriter(w), width: max(width, narrowest), colour: colour, several: several}
}

// widths is fixed, so that a transcript does not depend on the machine's
// locale: characters of ambiguous width count as one.
var widths = &runewidth.Condition{}

// Head prints the columns' titles.
func (t *Table) Head() error {
	for _, titles := range [][Subscriber]string{
		{"人がすること", "読取装置の表示", "錠と台帳", "購読者に届くもの"},
		{"what people do", "what the reader shows", "bolt and ledger", "what a subscriber sees"},
	} {
		line := strings.Repeat(" ", timeWidth)
		for _, title := range titles {
			line += strings.Repeat(" ", gap) + widths.FillRight(widths.Truncate(title, t.width, "…"), t.width)
		}
		t.out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	rule := strings.Repeat("─", timeWidth) + strings.Repeat(strings.Repeat(" ", gap)+strings.Repeat("─", t.width), int(Subscriber))
	t.out.WriteString(t.paint(dim, rule) + "\n")
	return t.out.Flush()
}

// Add prints entries. Those close together in time share a line as far as
// their columns allow; nothing is held back.
func (t *Table) Add(entries []Entry) error {
	for _, e := range entries {
		if e.Level && e.Mark == Unmarked {
			continue // levels are repeated at every change: noise, unless asked for
		}
		if e.Column == Narration {
			t.flush()
			t.out.WriteString(t.paint(bold, strings.TrimRight("#"+e.Text, " ")) + "\n")
			continue
		}
		if t.fold(e) {
			t.place(e)
		}
	}
	t.flush()
	return t.out.Flush()
}

// Result prints how a story ended: the counts, or the line that did not hold.
func (t *Table) Result(r *Result) error {
	t.end()
	if r.Err != nil {
		fmt.Fprintln(t.out, t.paint(red, "✗ "+r.Err.Error()))
		return t.out.Flush()
	}
	text := fmt.Sprintf("✓ %d seen, %d never seen", r.Met, r.Unseen)
	if r.Late > 0 {
		text += fmt.Sprintf(", %d late", r.Late)
	}
	fmt.Fprintf(t.out, "%s in %v\n", t.paint(green, text), r.Took.Round(time.Millisecond))
	return t.out.Flush()
}

// Write prints the whole transcript of a result, with its head and its end.
func (r *Result) Write(w io.Writer, columns int, colour bool) error {
	t := NewTable(w, columns, colour, len(r.Story.Doors) > 1)
	if err := t.Head(); err != nil {
		return err
	}
	if err := t.Add(r.Entries); err != nil {
		return err
	}
	return t.Result(r)
}

// fold reports whether an entry is printed, or only counted as one of many
// alike. What went wrong is always printed.
func (t *Table) fold(e Entry) bool {
	if e.Column == People {
		t.unfold()
		return true
	}
	r := &t.runs[e.Column]
	if r.alike == nil {
		r.alike = map[string]int{}
	}
	text := fmt.Sprint(e.Mark, e.Door, firstWords(e.Text))
	if r.alike[text]++; r.alike[text] <= alike || e.Mark == Late || e.Mark == Failed {
		return true
	}
	r.more, r.last = r.more+1, e
	return false
}

// unfold prints how many were only counted, and begins to count anew.
func (t *Table) unfold() {
	for c := range t.runs {
		if r := &t.runs[c]; r.more > 0 {
			e := r.last
			e.Text, e.Mark = fmt.Sprintf("… %d more", r.more), Unmarked
			t.place(e)
		}
		t.runs[c] = run{}
	}
}

func firstWords(text string) string {
	words := strings.Fields(text)
	return strings.Join(words[:min(len(words), 2)], " ")
}

// end prints whatever is counted or in the making.
func (t *Table) end() {
	t.unfold()
	t.flush()
}

func (t *Table) place(e Entry) {
	free := e.Column != People && t.row.cells[e.Column].Text == ""
	if t.row.last != 0 && (!free || (e.At-t.row.at).Abs() > together) {
		t.flush()
	}
	if t.row.last == 0 {
		t.row.at = e.At
	}
	t.row.last = max(t.row.last, e.Column)
	t.row.cells[e.Column] = e
}

func (t *Table) flush() {
	if t.row.last == 0 {
		return
	}
	var cells [Subscriber + 1][]string
	height := 1
	for c := People; c <= t.row.last; c++ {
		if e := t.row.cells[c]; e.Text != "" {
			cells[c] = wrap(t.cell(e), t.width)
			height = max(height, len(cells[c]))
		}
	}
	for i := range height {
		stamp := ""
		if i == 0 {
			stamp = fmt.Sprintf("%+.3f", t.row.at.Seconds())
		}
		line := t.paint(dim, fmt.Sprintf("%*s", timeWidth, stamp))
		for c := People; c <= t.row.last; c++ {
			text := ""
			if i < len(cells[c]) {
				text = cells[c][i]
			}
			line += strings.Repeat(" ", gap) + t.paint(colourOf[t.row.cells[c].Mark], widths.FillRight(text, t.width))
		}
		t.out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	t.row = row{}
}

// cell is the text of an entry with its mark.
func (t *Table) cell(e Entry) string {
	text := doorPrefix(e.Door, t.several) + e.Text
	switch {
	case e.Column == People:
		return "> " + text
	case e.Mark == Met:
		return "✓ " + text
	case e.Mark == Late:
		return fmt.Sprintf("✓ %s (late by %v)", text, e.Late.Round(time.Millisecond))
	case e.Mark == Failed:
		return "✗ " + text
	}
	return "  " + text
}

const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	amber = "33"
)

var colourOf = map[Mark]string{Met: green, Late: amber, Failed: red}

func (t *Table) paint(code, text string) string {
	if !t.colour || code == "" || strings.TrimSpace(text) == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// wrap breaks a text into lines of a width, at spaces where it can. What is
// longer than four lines ends in "…".
func wrap(text string, width int) []string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	lines := []string{}
	line := indent
	for word := range strings.FieldsSeq(text) {
		if used := widths.StringWidth(line); used > 2 && used+1+widths.StringWidth(word) > width {
			lines = append(lines, line)
			line = "  "
		}
		if strings.TrimSpace(line) != "" {
			line += " "
		}
		for line += word; widths.StringWidth(line) > width; {
			head := widths.Truncate(line, width, "")
			lines = append(lines, head)
			line = "  " + line[len(head):]
		}
	}
	lines = append(lines, line)
	if len(lines) > maxWrapped {
		lines = lines[:maxWrapped]
		lines[maxWrapped-1] = widths.Truncate(lines[maxWrapped-1]+"…", width, "…")
	}
	return lines
}
