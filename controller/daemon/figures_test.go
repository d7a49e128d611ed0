package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"sekimori/controller/config"
	"sekimori/controller/door"
	"sekimori/controller/event"
	"sekimori/controller/ledger"
	"sekimori/controller/loop"
	"sekimori/policy"
)

const hino = "../../testdata/hino/"

// city is a roster of n persons, each with a badge, a finger on every
// hundredth, and a prior permit for the machine room on every tenth.
func city(n int) policy.RosterData {
	d := policy.RosterData{
		Posts:   []policy.PostData{{ID: "joho_system_kacho", Ja: "情報システム課長", En: "head of the information systems section"}},
		Tenures: []policy.TenureData{{Post: "joho_system_kacho", Person: "p-00000", From: stamp(2026, 4, 1)}},
	}
	for i := range n {
		id := policy.PersonID(fmt.Sprintf("p-%05d", i))
		d.Persons = append(d.Persons, policy.PersonData{
			ID: id, Name: fmt.Sprintf("試験 職員%05d", i), Kana: "シケン ショクイン", Affiliation: "総務部総務課",
			Category: policy.Employee, Standing: policy.Active,
		})
		d.Badges = append(d.Badges, policy.BadgeData{
			ID: policy.BadgeID(fmt.Sprintf("b-%05d", i)), Number: strconv.Itoa(1_000_000 + i), Person: id,
			State: policy.BadgeActive, From: stamp(2026, 4, 1), To: stamp(2031, 4, 1),
		})
		if i%100 == 0 {
			d.Fingers = append(d.Fingers, policy.FingerPage{Person: id, Page: uint16(i / 100), EnrolledAt: stamp(2026, 4, 2)})
		}
		if i%10 == 0 {
			d.Permits = append(d.Permits, policy.PermitData{
				ID: policy.PermitID(fmt.Sprintf("pm-%05d", i)), Place: "machine_room", Person: id, Post: "joho_system_kacho",
				Approver: "p-00000", ApprovedAt: stamp(2026, 4, 1), From: stamp(2026, 4, 2), To: stamp(2027, 4, 1), Purpose: "通常業務", Holidays: true,
			})
		}
	}
	return d
}

func stamp(y int, m time.Month, d int) policy.Stamp {
	return policy.StampOf(time.Date(y, m, d, 0, 0, 0, 0, time.FixedZone("JST", 9*60*60)))
}

// commissioned makes a door whose ledger holds a city's roster and then n
// events, and gives its configuration.
func commissioned(b *testing.B, persons, events int) *config.Door {
	b.Helper()
	cfg, err := config.LoadDoor(hino + "door-machine-room.toml")
	if err != nil {
		b.Fatal(err)
	}
	cfg.State = filepath.Join(b.TempDir(), "state")
	if _, err := Init(cfg); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	l, err := ledger.Open(ctx, LedgerDir(cfg), ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	row, err := json.Marshal(city(persons))
	if err != nil {
		b.Fatal(err)
	}
	at := time.Date(2026, 5, 1, 8, 0, 0, 0, time.FixedZone("JST", 9*60*60))
	var st door.State
	for done := 0; done <= events; {
		records := make([]ledger.Record, min(5000, events+1-done))
		for i := range records {
			ev := event.New(event.AccessTaken)
			ev.Time, ev.Clock, ev.Door, ev.Place = event.At(at.Add(time.Duration(done+i)*time.Minute)), event.Trusted, cfg.ID, cfg.Place
			ev.Side, ev.Person, ev.Badge = []event.Side{"entry", "exit"}[i%2], "p-00100", "b-00100"
			records[i].Event = ev
		}
		if done == 0 {
			records[0].State = map[string][]byte{rosterName: row}
		}
		if _, err := l.Append(ctx, records); err != nil {
			b.Fatal(err)
		}
		for i := range records {
			st.Apply(records[i].Event)
		}
		done += len(records)
	}
	blob, err := json.Marshal(st)
	if err != nil {
		b.Fatal(err)
	}
	last := event.New(event.DaemonStopped)
	last.Time, last.Door, last.Place = event.At(at.Add(time.Duration(events+1)*time.Minute)), cfg.ID, cfg.Place
	last.Rows = map[string]string{rosterName: rowHash(row), loop.StateName: rowHash(blob)}
	if _, err := l.Append(ctx, []ledger.Record{{Event: last, State: map[string][]byte{loop.StateName: blob}}}); err != nil {
		b.Fatal(err)
	}
	return cfg
}

func number(b *testing.B, name string, fallback int) int {
	s := os.Getenv(name)
	if s == "" {
		return fallback
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkFirstJudgement is everything between the start of the daemon and
// the first verdict that it can give: rulebook, ledger, door's state, roster
// of 50,000 persons, one judgement. The ledger holds 20,000 events, or
// SEKIMORI_LEDGER_EVENTS; seven years of a busy door are 2500000.
func BenchmarkFirstJudgement(b *testing.B) {
	events := number(b, "SEKIMORI_LEDGER_EVENTS", 20_000)
	cfg := commissioned(b, 50_000, events)
	ctx := context.Background()
	at := policy.Instant{Wall: time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("JST", 9*60*60)), Trusted: true}
	b.ResetTimer()
	for b.Loop() {
		rb, _, err := config.LoadRulebook(cfg.Rulebook)
		if err != nil {
			b.Fatal(err)
		}
		book, known, err := openLedger(ctx, cfg)
		if err != nil || known.why() != "" {
			b.Fatal(err, known.why())
		}
		door.New(door.Config{Door: cfg.ID, Place: cfg.Place}, rb, known.roster, known.state)
		v := policy.Judge(rb, known.roster, &policy.Attempt{
			Place: cfg.Place, Side: policy.Entry,
			Holder: policy.Presentation{Number: "1000100", Wire: policy.WireSecured, Proof: policy.ProofClonable, Finger: policy.FactorMatch, FingerOf: "p-00100", FingerScore: 200},
		}, at)
		if v.Decision != policy.Grant {
			b.Fatalf("%s %s", v.Primary, v.Article)
		}
		b.StopTimer()
		book.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(events), "events")
}

// BenchmarkIdleMemory is what a process holds that guards a door of 50,000
// persons and waits: the whole resident set, after the collector ran, with the
// ledger open. It counts this test binary in.
func BenchmarkIdleMemory(b *testing.B) {
	cfg := commissioned(b, 50_000, 1000)
	ctx := context.Background()
	rb, _, err := config.LoadRulebook(cfg.Rulebook)
	if err != nil {
		b.Fatal(err)
	}
	book, known, err := openLedger(ctx, cfg)
	if err != nil || known.why() != "" {
		b.Fatal(err, known.why())
	}
	defer book.Close()
	d := door.New(door.Config{Door: cfg.ID, Place: cfg.Place}, rb, known.roster, known.state)
	for b.Loop() {
		debug.FreeOSMemory()
	}
	b.ReportMetric(resident(b), "MB")
	b.ReportMetric(0, "ns/op")
	_ = d.State()
}

func resident(b *testing.B) float64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	b.Fatal("/proc/self/status has no VmRSS")
	return 0
}
