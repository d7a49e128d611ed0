package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"sekimori/controller/config"
	"sekimori/controller/event"
	"sekimori/policy"
	"sekimori/testdata"
)

// people prints who there is, and what the rules say of each at this moment at
// the machine room's door, if the right finger follows the badge.
func (h *hands) people() error {
	cast, err := readCast(filepath.Join(h.stage.desk.Dir(), machineRoom, "rulebook.toml"))
	if err != nil {
		return err
	}
	now := policy.Instant{Wall: h.stage.desk.Wall(machineRoom), Trusted: true}
	fmt.Fprintln(h.out, h.view.paint(bold, castLine("番号 / number", "職員 / id", "氏名 / name", "機械室 / machine room")))
	for _, b := range cast.data.Badges {
		name := "—"
		for _, p := range cast.data.Persons {
			if p.ID == b.Person {
				name = p.Name
			}
		}
		granted, words := cast.ask(b, now)
		colour := amber
		if granted {
			colour = green
		}
		fmt.Fprintln(h.out, castLine(b.Number, string(b.Person), name, h.view.paint(colour, words)))
	}
	fmt.Fprintln(h.out, "  99999  誰のものでもない番号 / nobody's badge   指 / fingers: stranger, smudged")
	return nil
}

func castLine(number, id, name, says string) string {
	return "  " + widths.FillRight(number, 14) + widths.FillRight(id, 11) + widths.FillRight(name, 14) + says
}

// cast is the roster of the scene with its rules.
type cast struct {
	data   policy.RosterData
	roster *policy.Roster
	rules  *policy.Rulebook
}

func readCast(rulebook string) (*cast, error) {
	text, err := testdata.Files.ReadFile("hino/roster.toml")
	if err != nil {
		return nil, err
	}
	var c cast
	if c.data, err = config.ParseRoster("roster.toml", text); err != nil {
		return nil, err
	}
	if c.roster, err = policy.NewRoster(c.data); err != nil {
		return nil, err
	}
	c.rules, _, err = config.LoadRulebook(rulebook)
	return &c, err
}

// ask is the door's own question, with the best evidence there could be.
func (c *cast) ask(b policy.BadgeData, now policy.Instant) (granted bool, words string) {
	v := policy.Judge(c.rules, c.roster, &policy.Attempt{
		Place: "machine_room", Side: policy.Entry,
		Holder: policy.Presentation{
			Number: b.Number, Wire: policy.WireSecured, Proof: policy.ProofClonable,
			Finger: policy.FactorMatch, FingerOf: b.Person, FingerScore: 200,
		},
		Facts: policy.Facts{Presence: policy.PresenceOutside},
	}, now)
	if v.Decision == policy.Grant {
		return true, "入れる / granted"
	}
	w := v.Primary.Words()
	return false, fmt.Sprintf("%s / %s (%s)", w.Ja, w.En, v.Article)
}

// eventLine is an event on one line.
func eventLine(body json.RawMessage) (string, error) {
	var e event.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return "", fmt.Errorf("cannot read event: %w", err)
	}
	words := []string{fmt.Sprintf("%5d  %s  %s", e.Seq, e.Time.Format(clockFace), widths.FillRight(string(e.Kind), 20))}
	for _, f := range []struct{ key, value string }{
		{"person", string(e.Person)}, {"side", string(e.Side)}, {"reason", string(e.Reason)},
		{"article", e.Article}, {"device", e.Device}, {"detail", e.Detail},
	} {
		if f.value != "" {
			words = append(words, f.key+"="+f.value)
		}
	}
	return strings.Join(words, " "), nil
}
