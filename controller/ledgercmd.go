package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/daemon"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
)

func isErr(err, target error) bool { return errors.Is(err, target) }

type ledgerCommand struct {
	Verify verifyCommand `cmd:"" help:"改ざんがないことを確かめる / check the ledger for tampering"`
	Show   showCommand   `cmd:"" help:"記録を表示する / print events"`
}

// ledgerWhere finds a ledger: a live box's by its door file, or a copy.
type ledgerWhere struct {
	Path   string `arg:"" optional:"" help:"台帳の写し(フォルダ又はファイル)/ a copy: folder or database file"`
	Config string `placeholder:"FILE" help:"扉の設定(稼働中の盤)/ the door file of a live box"`
}

func (w ledgerWhere) find() (string, error) {
	switch {
	case (w.Path == "") == (w.Config == ""):
		return "", coded{exitUsage, errors.New("name either a copy of a ledger or --config")}
	case w.Path != "":
		return w.Path, nil
	}
	cfg, err := config.LoadDoor(w.Config)
	if err != nil {
		return "", err
	}
	return daemon.LedgerDir(cfg), nil
}

// decode reads a stored event; a body past retention gives an empty one.
func decode(s ledger.Stored) (event.Event, error) {
	ev := event.Event{Seq: s.Seq}
	if len(s.Body) == 0 {
		return ev, nil
	}
	if err := json.Unmarshal(s.Body, &ev); err != nil {
		return ev, coded{exitLedger, fmt.Errorf("event %d cannot be read: %v", s.Seq, err)}
	}
	return ev, nil
}

// line is one event for a person, Japanese first.
func line(ev event.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%6d  %s  %s  %s / %s", ev.Seq, ev.Time.Format("2006-01-02 15:04:05.000"), ev.Severity, ev.Kind.Japanese(), ev.Kind.English())
	for _, f := range []struct{ name, value string }{
		{"side", string(ev.Side)}, {"person", string(ev.Person)}, {"reason", string(ev.Reason)},
		{"article", ev.Article}, {"device", ev.Device}, {"tag", ev.Tag}, {"detail", ev.Detail},
	} {
		if f.value != "" {
			fmt.Fprintf(&b, "  %s=%s", f.name, f.value)
		}
	}
	if ev.Count > 1 {
		fmt.Fprintf(&b, "  count=%d", ev.Count)
	}
	return b.String()
}

type showCommand struct {
	ledgerWhere
	From   uint64 `help:"この番号から / from this number"`
	To     uint64 `help:"この番号まで / to this number"`
	Kind   string `help:"種別 / only this kind"`
	Person string `help:"職員 / only this person"`
	Day    string `help:"日 (2026-11-24) / only this day"`
	JSON   bool   `name:"json" help:"JSON のまま / as JSON lines"`
}

// Run prints events in order. Numbers, kinds and persons are ids: no name and
// no credential stands in a ledger.
func (c showCommand) Run(ctx context.Context, t terminal) error {
	path, err := c.find()
	if err != nil {
		return err
	}
	by := ledger.Filter{From: max(c.From, 1), To: c.To, Kind: c.Kind, Person: c.Person}
	if c.Day != "" {
		day, err := time.ParseInLocation("2006-01-02", c.Day, time.FixedZone("JST", 9*60*60))
		if err != nil {
			return coded{exitUsage, fmt.Errorf("day %q is not like 2026-11-24", c.Day)}
		}
		by = by.Day(day)
	}
	return ledgerFault(ledger.Show(ctx, path, by, func(s ledger.Stored) error {
		text := string(s.Body)
		if !c.JSON {
			ev, err := decode(s)
			if err != nil {
				return err
			}
			text = line(ev)
		}
		_, err := fmt.Fprintln(t.out, text)
		return err
	}))
}

type verifyCommand struct {
	ledgerWhere
	Checkpoints string `placeholder:"FILE" help:"別に保管した検証点 / checkpoints that were kept elsewhere"`
	VerifierKey string `placeholder:"KEY" help:"init が示した検証鍵 / the verifier key that init printed"`
}

// Run says what the ledger proves, what it does not, and what is wrong with it.
func (c verifyCommand) Run(ctx context.Context, t terminal) error {
	path, err := c.find()
	if err != nil {
		return err
	}
	notes, err := readCheckpoints(c.Checkpoints)
	if err != nil {
		return err
	}
	report, err := ledger.Verify(ctx, path, ledger.Evidence{Checkpoints: notes, Key: c.VerifierKey})
	if err != nil {
		return ledgerFault(err)
	}
	if _, err := fmt.Fprintln(t.out, report.String()); err != nil {
		return err
	}
	if !report.OK() {
		return coded{exitLedger, errors.New("台帳に改ざん又は破損があります / the ledger is not as it was written")}
	}
	return nil
}

// readCheckpoints reads checkpoints that were kept elsewhere.
func readCheckpoints(path string) ([][]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read checkpoints: %w", err)
	}
	defer f.Close()
	return ledger.ReadCheckpoints(f)
}
