package policy

import (
	"fmt"
	"runtime"
	"testing"
)

// manyPeople is a city of n employees, each with a badge, two fingers and a
// permit for the machine room.
func manyPeople(n int) RosterData {
	d := RosterData{
		Posts:   []PostData{{"joho_system_kacho", "情報システム課長", "Head of the information systems section"}},
		Tenures: []TenureData{{Post: "joho_system_kacho", Person: "s-000000", From: fiscal2026.from - 1e7}},
	}
	for i := range n {
		id := PersonID(fmt.Sprintf("s-%06d", i))
		d.Persons = append(d.Persons, PersonData{
			ID: id, Name: fmt.Sprintf("髙橋 﨑子%06d", i), Kana: fmt.Sprintf("たかはし さきこ%06d", i),
			Affiliation: fmt.Sprintf("第%d課", i%200), Category: Employee, Standing: Active, From: 1,
		})
		d.Badges = append(d.Badges, BadgeData{
			ID: BadgeID(fmt.Sprintf("b-%06d", i)), Number: fmt.Sprint(1_000_000 + (i*7919)%n), Person: id,
			State: BadgeActive, From: fiscal2026.from, To: fiscal2026.to,
		})
		for page := i; page < 1<<16 && page < i+1; page++ {
			d.Fingers = append(d.Fingers, FingerPage{id, uint16(page), fiscal2026.from})
		}
		d.Permits = append(d.Permits, PermitData{
			ID: PermitID(fmt.Sprintf("p-%06d", i)), Place: "machine_room", Person: id, Post: "joho_system_kacho",
			Approver: "s-000000", ApprovedAt: fiscal2026.from - 1, From: fiscal2026.from, To: fiscal2026.to,
			Days: "mon-fri", Hours: "08:00-20:00", Purpose: "通常業務",
		})
	}
	return d
}

func cityOf(b testing.TB, n int) *Roster {
	b.Helper()
	ro, err := NewRoster(manyPeople(n))
	if err != nil {
		b.Fatal(err)
	}
	return ro
}

func TestJudgeAllocatesNothing(t *testing.T) {
	rb, ro := hinoRules(t), cityOf(t, 500)
	now := trusted(jst(t, "2026-11-24 09:00"))
	for name, c := range map[string]struct {
		number string
		edit   func(*Attempt)
		want   Decision
	}{
		"grant":   {"1000042", func(*Attempt) {}, Grant},
		"need":    {"1000042", func(a *Attempt) { a.Holder.Finger = FactorMissing }, Need},
		"deny":    {"1000042", func(a *Attempt) { a.Facts.Lockdown = true }, Deny},
		"unknown": {"77", func(*Attempt) {}, Deny},
		"exit":    {"1000042", func(a *Attempt) { a.Side = Exit }, Grant},
		"each":    {"1000042", func(a *Attempt) { a.Place, a.Permission = "terminal_nanao", PermissionGranted }, Grant},
	} {
		a := arrives(ro, c.number)
		c.edit(a)
		var v Verdict
		if n := testing.AllocsPerRun(200, func() { v = Judge(rb, ro, a, now) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if v.Decision != c.want {
			t.Errorf("%s: decision %v (%s)", name, v.Decision, codes(v.Failed()))
		}
	}
	pages := make([]uint16, 0, 8)
	if n := testing.AllocsPerRun(200, func() {
		ro.Person("s-000042")
		ro.BadgeByNumber("1000042")
		ro.Holder("joho_system_kacho", fiscal2026.from)
		pages = ro.Pages(pages[:0], "s-000042")
	}); n != 0 {
		t.Errorf("the lookups allocate %v times", n)
	}
}

func BenchmarkJudge(b *testing.B) {
	rb, ro := hinoRules(b), cityOf(b, 50_000)
	now := trusted(jst(b, "2026-11-24 09:00"))
	attempts := make([]*Attempt, 4096)
	for i := range attempts { // all over the roster, so that no cache line is warm by luck
		attempts[i] = arrives(ro, fmt.Sprint(1_000_000+(i*12_347)%50_000))
	}
	for _, c := range []struct {
		name string
		edit func(Attempt) Attempt
		want Decision
	}{
		{"grant", func(a Attempt) Attempt { return a }, Grant},
		{"need", func(a Attempt) Attempt { a.Holder.Finger = FactorMissing; return a }, Need},
		{"deny", func(a Attempt) Attempt { a.Facts.Lockdown = true; return a }, Deny},
		{"unknown", func(a Attempt) Attempt { a.Holder.Number = "x" + a.Holder.Number; return a }, Deny},
	} {
		list := make([]Attempt, len(attempts))
		for i, a := range attempts {
			list[i] = c.edit(*a)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				v := Judge(rb, ro, &list[i%len(list)], now)
				if v.Decision != c.want {
					b.Fatalf("decision %v: %s", v.Decision, codes(v.Failed()))
				}
				i++
			}
		})
	}
}

// BenchmarkRoster builds a roster of 50,000 persons and reports what it keeps.
func BenchmarkRoster(b *testing.B) {
	d := manyPeople(50_000)
	b.ReportAllocs()
	var kept *Roster
	for b.Loop() {
		ro, err := NewRoster(d)
		if err != nil {
			b.Fatal(err)
		}
		kept = ro
	}
	var with, without runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&with)
	size := kept.Size()
	kept = nil
	runtime.GC()
	runtime.ReadMemStats(&without)
	b.ReportMetric(float64(with.HeapAlloc-without.HeapAlloc)/(1<<20), "MiB-kept")
	b.ReportMetric(float64(size.Persons), "persons")
}
