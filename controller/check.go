package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"sekimori/controller/config"
	"sekimori/policy"
)

type checkCommand struct {
	Config []string `required:"" placeholder:"FILE" help:"扉の設定(複数可)/ door files; several are also checked together"`
	Roster string   `placeholder:"FILE" help:"名簿も確かめる / check a roster against the rules, too"`
}

// Run prints what is in force, or every error. It changes nothing.
func (c checkCommand) Run(t terminal) error {
	var doors []*config.Door
	var failed []string
	for _, path := range c.Config {
		d, err := config.LoadDoor(path)
		if err != nil {
			failed = append(failed, err.Error())
			continue
		}
		doors = append(doors, d)
	}
	var reports []string
	for _, d := range doors {
		report, err := c.door(d)
		if err != nil {
			failed = append(failed, err.Error())
		}
		reports = append(reports, report)
	}
	if err := config.CheckTogether(doors); err != nil {
		failed = append(failed, err.Error())
	}
	if len(failed) > 0 {
		return coded{exitUsage, fmt.Errorf("誤りがあります / errors:\n%s", strings.Join(failed, "\n"))}
	}
	_, err := io.WriteString(t.out, strings.Join(reports, "\n"))
	return err
}

func (c checkCommand) door(d *config.Door) (string, error) {
	rb, _, err := config.LoadRulebook(d.Rulebook)
	if err != nil {
		return "", err
	}
	if err := d.Fit(rb); err != nil {
		return "", err
	}
	place, _ := rb.Place(d.Place)
	var b strings.Builder
	title, version, decided := rb.Regulation()
	fmt.Fprintf(&b, "扉 / door      %s\n場所 / place   %s / %s(第%s)\n規則 / rules   %s %s\n決定 / decided %s\n",
		d.ID, place.Words.Ja, place.Words.En, place.Article, title, version, decided)
	sides(&b, rb, d)
	timings(&b, place.Timings)
	wiring(&b, d, place.Timings)
	clock(&b, d)
	fmt.Fprintf(&b, "\n台帳 / ledger\n  出来事の保存 %d 年、その後は照合値だけを残す / events are kept %d years, after that only their hashes\n", d.Retention, d.Retention)
	questions(&b, rb)
	if c.Roster != "" {
		err = c.vet(&b, rb)
	}
	return b.String(), err
}

// vet says of a roster what is legal but will not do what somebody may think.
func (c checkCommand) vet(b *strings.Builder, rb *policy.Rulebook) error {
	data, err := config.LoadRoster(c.Roster)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\n名簿 / roster\n  %d 人、%d 枚、事前許可 %d 件 / persons, badges, permits\n", len(data.Persons), len(data.Badges), len(data.Permits))
	ro, err := policy.NewRoster(data)
	if err != nil {
		return err
	}
	if err := rb.Vet(ro, policy.StampOf(time.Now())); err != nil {
		fmt.Fprintf(b, "  注意 / note:\n    %s\n", strings.ReplaceAll(err.Error(), "\n", "\n    "))
	}
	return nil
}

// sides prints the very checks that Judge runs.
func sides(b *strings.Builder, rb *policy.Rulebook, d *config.Door) {
	for _, row := range policy.Table(rb) {
		if row.Place != d.Place {
			continue
		}
		fmt.Fprintf(b, "\n%s / %s\n", row.Where.Ja, row.Where.En)
		for _, w := range []struct {
			label string
			words policy.Words
		}{{"誰が / who", row.Who}, {"何で / with", row.With}, {"許可 / by", row.By}} {
			fmt.Fprintf(b, "  %s %s / %s\n", pad(w.label, 12), w.words.Ja, w.words.En)
		}
		for _, check := range row.Checks {
			effect := "拒否 / refuses"
			if !check.Refuses {
				effect = "注記 / remark"
			}
			fmt.Fprintf(b, "  %2d  %s  %s  %s\n", check.N, pad("第"+check.Article, 10), pad(effect, 15), pad(string(check.Reason), 20)+"  "+check.Words.Ja)
			fmt.Fprintf(b, "      %s%s\n", strings.Repeat(" ", 51), check.Words.En)
		}
	}
}

func timings(b *strings.Builder, t policy.Timings) {
	fmt.Fprintf(b, "\n時間 / times\n")
	for _, row := range []struct {
		ja, en string
		v      fmt.Stringer
	}{
		{"解錠", "release", t.Release}, {"解錠(延長)", "release, extended", t.ExtendedRelease},
		{"未通行とするまで", "not taken after", t.NotTaken}, {"開放超過", "open too long after", t.Open},
		{"予告", "warning before that", t.PreAlarm}, {"デッドボルト復帰", "bolt home within", t.BoltHome},
		{"指を置くまで", "finger within", t.Finger}, {"許可応答", "answer within", t.Request},
	} {
		fmt.Fprintf(b, "  %s %s %v\n", pad(row.ja, 18), pad(row.en, 22), row.v)
	}
}

func wiring(b *strings.Builder, d *config.Door, t policy.Timings) {
	fmt.Fprintf(b, "\n配線 / wiring\n")
	for _, w := range d.Wiring() {
		fmt.Fprintf(b, "  %s\n    %s\n", w.Japanese, w.English)
	}
	own, dead := d.ReleaseBound(t.ExtendedRelease)
	fmt.Fprintf(b, "  解錠の上限: 本体 %v、本体が落ちたとき %s\n    a release ends within %v by this daemon, within %s if it dies\n", own, dead, own, dead)
	for _, r := range d.Readers {
		if r.Identity == "" {
			fmt.Fprintf(b, "  注意: 読取機 %s は未登録(解錠しない)/ note: reader %s is not adopted and opens nothing\n", r.Name, r.Name)
		}
	}
	for _, s := range d.Sensors {
		if s.Identity == "" {
			fmt.Fprintf(b, "  注意: 指紋センサ %s は未登録(照合しない)/ note: sensor %s is not adopted and matches nobody\n", s.Name, s.Name)
		}
	}
}

// clock says what the door believes of the time, and what ends that.
func clock(b *strings.Builder, d *config.Door) {
	ja, en := "時刻同期がある間と、途切れてから 24 時間は信頼する", "believed while a time service keeps it, and for 24 h after"
	switch {
	case d.Clock.Sync == "none" && d.Clock.RTC:
		ja = "同期なし、電池式時計のみ: 信頼する。一分以上進めたり戻したりすると、元に戻すか再起動するまで信頼しない"
		en = "no time service, battery-backed: believed; set a minute off or more, not until it is put back or the daemon restarted"
	case d.Clock.Sync == "none":
		ja = "注意: 同期も電池もない: 時刻は決して信頼されない"
		en = "note: neither time service nor battery: the time is never believed"
	case !d.Clock.RTC:
		ja = "注意: 電池がない: 起動後、最初の同期まで信頼しない。その後は" + ja
		en = "note: no battery: not believed before the first synchronisation; then " + en
	}
	fmt.Fprintf(b, "\n時計 / clock\n  %s\n  %s\n", ja, en)
}

func questions(b *strings.Builder, rb *policy.Rulebook) {
	fmt.Fprintf(b, "\n規則に定めのない点と、採った読み方 / where the regulation is silent, and the reading in force\n")
	for _, q := range rb.OpenQuestions() {
		fmt.Fprintf(b, "  第%s  %s: %s\n            %s: %s\n            %s = %q\n", pad(q.Article, 6), q.Question.Ja, q.Meaning.Ja, q.Question.En, q.Meaning.En, q.Key, q.Chosen)
	}
}

// pad fills to a width in columns; a Japanese character takes two.
func pad(s string, width int) string { return runewidth.FillRight(s, width) }
