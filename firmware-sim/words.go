package main

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"

	"sekimori/firmware-sim/rig"
	"sekimori/firmware-sim/story"
)

// widths counts a character of ambiguous width as one column, as the table of
// a transcript does.
var widths = &runewidth.Condition{}

// fold breaks a text into lines of so many columns: at its spaces and, as
// Japanese is set, behind any wide character, unless punctuation follows that
// may not begin a line.
func fold(text string, columns int) []string {
	var lines []string
	line, room := "", columns
	for _, piece := range pieces(text) {
		if w := widths.StringWidth(strings.TrimRight(piece, " ")); w > room && line != "" {
			lines = append(lines, strings.TrimRight(line, " "))
			line, room = "", columns
		}
		line += piece
		room -= widths.StringWidth(piece)
	}
	return append(lines, strings.TrimRight(line, " "))
}

// pieces are what must stay together.
func pieces(text string) []string {
	const never = "、。・)」,.)ーぁぃぅぇぉっゃゅょァィゥェォッャュョ" // at the beginning of a line (kinsoku)
	var out []string
	piece := ""
	runes := []rune(text)
	for i, r := range runes {
		piece += string(r)
		wide := widths.RuneWidth(r) == 2
		if i+1 < len(runes) && strings.ContainsRune(never, runes[i+1]) {
			continue
		}
		if r == ' ' || wide || i+1 < len(runes) && widths.RuneWidth(runes[i+1]) == 2 {
			out, piece = append(out, piece), ""
		}
	}
	return append(out, piece)
}

// block is a text behind a heading, both folded to the view.
func (v view) block(heading, text string, indent int) string {
	var b strings.Builder
	for i, line := range fold(text, max(v.columns-indent-1, 20)) {
		if i > 0 {
			heading = ""
		}
		b.WriteString(widths.FillRight(heading, indent) + line + "\n")
	}
	return b.String()
}

const title = "関守 — 大切な扉を、机の上で / Sekimori: a door that matters, on your desk"

func (v view) welcome() string {
	const indent = 16
	return "\n" + v.paint(bold, title) + "\n\n" +
		v.block("  本物", "デーモン、駆動部(OSDP セキュアチャネル・指紋・GPIO)、規則の判断、台帳(SQLite、書込みは永続)、署名、TLS、MQTT", indent) +
		v.block("  real", "the daemon in a process of its own, its drivers, judgement, durable ledger, signatures, TLS, MQTT", indent) +
		v.block("  模擬", "読取装置・指紋センサ(擬似端末、実際の速度)、錠の回路と扉、ブローカ、人", indent) +
		v.block("  simulated", "readers and sensors (pseudo-terminals, at their real speed), the lock's circuit and leaf, the broker, people", indent) +
		"\n" + v.paint(dim, "扉を組み立てています… / putting the door together…") + "\n"
}

// standing says where the scene is, for whoever wants to look into it.
func (v view) standing(s *stage) string {
	look := "go run ./controller ledger show --config " + s.desk.Dir() + "/" + machineRoom + "/door.toml"
	return v.paint(dim, "別の端末から / from another terminal:") + "\n  " + look + "\n\n"
}

func (v view) station(n, of int, title string) string {
	var b strings.Builder
	b.WriteString("\n")
	for _, part := range strings.SplitN(title, " / ", 2) {
		for i, line := range fold(part, max(v.columns-6, 20)) {
			mark := "     "
			if i == 0 && b.Len() == 1 {
				mark = fmt.Sprintf("%d/%d  ", n, of)
			}
			b.WriteString(v.paint(bold, mark+line) + "\n")
		}
	}
	return b.String()
}

// invitation says what there is to type.
func (v view) invitation(doors []string) string {
	door := ""
	if len(doors) > 1 {
		door = doors[0] + ": "
	}
	row := func(line, text string) string {
		return "  " + v.paint(cyan, widths.FillRight(line, 28+len(door))) + text + "\n"
	}
	return "\n" + v.paint(bold, "ここからはあなたの手で / now your own hands") + "\n" +
		row(door+"badge entry 10029", "職員証をかざす / hold a badge") +
		row(door+"finger entry s-007", "指を置く / a finger") +
		row(door+"door open", "扉を開ける / open the door") +
		row("people", "登場人物 / who there is") +
		row("help", "できること全部 / everything there is") +
		row("quit", "終わる / end") + "\n"
}

// held says that the tour is over and that every line of it held.
func (v view) held(seen, never, events int) string {
	text := fmt.Sprintf("✓ 案内は終わり: %d 件の出来事が欠番なく届きました / the tour held: %d seen, %d never seen; all %d events arrived, none missing",
		events, seen, never, events)
	var b strings.Builder
	b.WriteString("\n")
	for _, line := range fold(text, max(v.columns-1, 20)) {
		b.WriteString(v.paint(green, line) + "\n")
	}
	return b.String()
}

// help is the table of verbs.
func (v view) help(doors []string) string {
	var b strings.Builder
	row := func(usage, ja, en string) {
		const indent = 44
		if v.columns < 100 {
			b.WriteString("  " + v.paint(cyan, usage) + "\n")
			b.WriteString(v.block("", ja, 6) + v.dimmed(v.block("", en, 6)))
			return
		}
		text := v.block("  "+usage, ja, indent)
		b.WriteString(strings.Replace(text, usage, v.paint(cyan, usage), 1) + v.dimmed(v.block("", en, indent)))
	}
	b.WriteString(v.paint(bold, "すること / acts") + "\n")
	for _, verb := range story.Verbs() {
		if rig.Unable(strings.Fields(verb.Usage)[0]) {
			continue
		}
		row(verb.Usage, verb.Japanese, verb.English)
	}
	b.WriteString(v.paint(bold, "見ること / to look") + "\n")
	for _, c := range looks {
		row(c.usage, c.ja, c.en)
	}
	b.WriteString(v.block("", "SIDE は entry(入室側)か exit(退室側)。SIDE is entry or exit.", 2))
	if len(doors) > 1 {
		b.WriteString(v.block("", "扉の名を先に置く / an act names its door first: "+doors[1]+": badge entry 10023", 2))
	}
	return b.String()
}

// dimmed paints each line apart: paint does not reach over a line's end.
func (v view) dimmed(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if body := strings.TrimRight(line, "\n"); strings.TrimSpace(body) != "" {
			lines[i] = v.paint(dim, body) + line[len(body):]
		}
	}
	return strings.Join(lines, "")
}
