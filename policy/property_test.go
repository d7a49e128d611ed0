package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The second model: the regulation once more, over the data as written, as
// plainly as possible and sharing no code with the judgement. It knows no
// reasons, only yes and no.

// modelGrants says whether everything that is required holds.
func modelGrants(rd *RulebookData, ro *RosterData, a *Attempt, t Instant) bool {
	pi := slices.IndexFunc(rd.Places, func(p PlaceData) bool { return p.ID == a.Place })
	bi := slices.IndexFunc(ro.Badges, func(b BadgeData) bool { return b.Number == a.Holder.Number })
	if pi < 0 || bi < 0 || ro.Badges[bi].Person == "" {
		return false
	}
	place, badge := rd.Places[pi], ro.Badges[bi]
	side := place.Entry
	if a.Side == Exit {
		side = place.Exit
	}
	if slices.Contains(side.Factors, "finger") {
		enrolled := slices.ContainsFunc(ro.Fingers, func(f FingerPage) bool { return f.Person == badge.Person })
		if !enrolled || a.Holder.Finger != FactorMatch || a.Holder.FingerOf != badge.Person {
			return false
		}
	}
	if a.Side == Exit {
		return true
	}
	if a.Side != Entry || !modelEvidence(place.Entry, a) || !modelDoor(rd, &place, a) {
		return false
	}
	now := t.Wall.Unix()
	who := ro.Persons[slices.IndexFunc(ro.Persons, func(p PersonData) bool { return p.ID == badge.Person })]
	if badge.State != "active" || !modelWithin(now, badge.From, badge.To) ||
		who.Standing != "active" || !modelWithin(now, who.From, who.To) ||
		who.Category != "employee" && who.Category != "fixed_term" {
		return false
	}
	switch place.Entry.Permit {
	case "prior":
		return (t.Trusted || rd.Clock.Untrusted == "standing") &&
			slices.ContainsFunc(ro.Permits, func(p PermitData) bool { return modelPermit(&place, ro, &who, &p, t) })
	case "each-time":
		return t.Trusted && a.Permission == PermissionGranted
	default:
		return false
	}
}

func modelWithin(now int64, from, to Stamp) bool {
	return now >= int64(from) && (to == 0 || now < int64(to))
}

func modelEvidence(side SideData, a *Attempt) bool {
	wires := map[string][]Wire{"open": {WireOpen, WireSecured}, "secured": {WireSecured}}
	proofs := map[string][]Proof{
		"clonable":        {ProofClonable, ProofReaderAsserted, ProofAuthenticated},
		"reader_asserted": {ProofReaderAsserted, ProofAuthenticated},
		"authenticated":   {ProofAuthenticated},
	}
	return slices.Contains(wires[side.Wire], a.Holder.Wire) && slices.Contains(proofs[side.Proof], a.Holder.Proof)
}

func modelDoor(rd *RulebookData, place *PlaceData, a *Attempt) bool {
	f := a.Facts
	if f.LockedOut || f.Lockdown || f.Resecure || f.RecorderBad || f.RosterStale && rd.RosterStale == "deny" {
		return false
	}
	return place.AntiPassback != "hard" || f.Presence == PresenceUnknown || f.Presence == PresenceOutside
}

func modelPermit(place *PlaceData, ro *RosterData, who *PersonData, p *PermitData, t Instant) bool {
	now := t.Wall.Unix()
	inOffice := slices.ContainsFunc(ro.Tenures, func(h TenureData) bool {
		return h.Post == place.Post && h.Person == p.Approver && modelWithin(int64(p.ApprovedAt), h.From, h.To)
	})
	revoked := p.RevokedAt != 0 && (int64(p.RevokedAt) <= now || !t.Trusted)
	tooShort := !t.Trusted && p.To-p.From <= 86400
	return p.Place == place.ID && p.Person == who.ID && p.Post == place.Post && inOffice &&
		int64(p.ApprovedAt) < now && !revoked && !tooShort &&
		now >= int64(p.From) && now < int64(p.To) &&
		modelFiscalYear(t.Wall.Unix()) == modelFiscalYear(int64(p.From)) &&
		modelSchedule(p, t.Wall.In(japan))
}

// modelFiscalYear: April is the first month.
func modelFiscalYear(unix int64) int {
	return time.Unix(unix, 0).In(japan).AddDate(0, -3, 0).Year()
}

func modelSchedule(p *PermitData, local time.Time) bool {
	clock, day := local.Format("15:04"), local
	if p.Hours != "" {
		from, to, _ := strings.Cut(p.Hours, "-")
		switch {
		case from < to && (clock < from || clock >= to):
			return false
		case from > to && clock < to:
			day = day.AddDate(0, 0, -1)
		case from > to && clock < from:
			return false
		}
	}
	if p.Days != "" && !strings.Contains(p.Days, strings.ToLower(day.Weekday().String()[:3])) {
		return false
	}
	return p.Holidays || !modelHolidays[day.Format("2006-01-02")]
}

// modelHolidays are the holidays of the days that the property draws, as the
// Cabinet Office's list and the year's end have them.
var modelHolidays = map[string]bool{
	"2026-11-23": true, "2026-12-29": true, "2026-12-30": true, "2026-12-31": true,
	"2027-01-01": true, "2027-01-02": true, "2027-01-03": true, "2027-01-11": true,
	"2027-03-21": true, "2027-03-22": true,
}

// draws.

func oneOf[T any](t *rapid.T, label string, usual T, others ...T) T {
	// Most draws are the usual value: a verdict needs two dozen things to hold
	// at once, and grants must not be rare.
	return rapid.SampledFrom(append(slices.Repeat([]T{usual}, 20*len(others)), others...)).Draw(t, label)
}

func oneOrOther[T any](t *rapid.T, a, b T) T { return rapid.SampledFrom([]T{a, b}).Draw(t, "evidence") }

// drawMoment prefers the neighbourhood of moments at which something begins or
// ends.
func drawMoment(t *rapid.T) time.Time {
	day := rapid.SampledFrom([]string{
		"2026-11-20", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-24", "2026-11-25",
		"2026-12-28", "2026-12-29", "2027-01-03", "2027-01-04", "2027-03-21", "2027-03-31", "2027-04-01",
	}).Draw(t, "day")
	clock := rapid.SampledFrom([]string{"00:00:00", "05:59:59", "06:00:00", "08:59:59", "09:00:00", "12:00:00",
		"16:59:59", "17:00:00", "21:59:59", "22:00:00", "23:59:59"}).Draw(t, "clock")
	v, err := time.ParseInLocation("2006-01-02 15:04:05", day+" "+clock, japan)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func drawStamp(t *rapid.T) Stamp { return StampOf(drawMoment(t)) }

// fiscal2026 is the fiscal year of the draws, in Japan.
var fiscal2026 = struct{ from, to Stamp }{1774969200, 1806505200}

func drawRules(t *rapid.T, d RulebookData) RulebookData {
	d.Places = slices.Clone(d.Places[:2])
	d.RosterStale = oneOf(t, "stale", "warn", "deny")
	d.Clock.Untrusted = oneOf(t, "clock", "deny", "standing")
	for i := range d.Places {
		d.Places[i].AntiPassback = oneOf(t, "passback", "soft", "off", "hard")
		d.Places[i].Entry.Wire = oneOf(t, "wire", "secured", "open")
		d.Places[i].Entry.Proof = oneOf(t, "proof", "clonable", "reader_asserted", "authenticated")
	}
	return d
}

func drawPeople(t *rapid.T) RosterData {
	d := RosterData{Posts: []PostData{
		{"joho_system_kacho", "情報システム課長", "a"}, {"shimin_madoguchi_kacho", "市民窓口課長", "b"},
	}}
	change := oneOf(t, "change", fiscal2026.from, drawStamp(t))
	d.Tenures = []TenureData{
		{Post: "joho_system_kacho", Person: "p-0", From: 1, To: change},
		{Post: "joho_system_kacho", Person: "p-1", From: change},
		{Post: "shimin_madoguchi_kacho", Person: "p-2", From: 1},
	}
	for i := range 3 {
		id := PersonID("p-" + string(rune('0'+i)))
		d.Persons = append(d.Persons, PersonData{
			ID: id, Name: "人", Category: oneOf(t, "category", Employee, FixedTerm, Dispatched, NonEmployee),
			Standing: oneOf(t, "standing", Active, Suspended, Left), To: oneOf(t, "leaves", 0, drawStamp(t)),
		})
		b := BadgeData{
			ID: BadgeID("b-" + id), Number: "1000" + string(rune('0'+i)), Person: oneOf(t, "holder", id, ""),
			State: oneOf(t, "state", BadgeActive, BadgeLost, BadgeStolen, BadgeDamaged, BadgeDisabled),
			From:  oneOf(t, "badge from", 0, drawStamp(t)),
		}
		if to := oneOf(t, "badge to", 0, drawStamp(t)); to > b.From {
			b.To = to
		}
		d.Badges = append(d.Badges, b)
		if oneOf(t, "enrolled", true, false) {
			d.Fingers = append(d.Fingers, FingerPage{id, uint16(i), 1})
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "permits") {
		d.Permits = append(d.Permits, drawPermit(t, i))
	}
	return d
}

func drawPermit(t *rapid.T, i int) PermitData {
	p := PermitData{
		ID: PermitID("q-" + string(rune('0'+i))), Place: oneOf[PlaceID](t, "place", "machine_room", "terminal_shimin"),
		Person:   rapid.SampledFrom([]PersonID{"p-0", "p-0", "p-1", "p-2"}).Draw(t, "person"),
		Post:     oneOf[PostID](t, "post", "joho_system_kacho", "shimin_madoguchi_kacho"),
		Approver: oneOf[PersonID](t, "approver", "p-1", "p-0", "p-2"),
		From:     oneOf(t, "from", fiscal2026.from, drawStamp(t)),
		Days:     oneOf(t, "days", "", "mon,tue,wed,thu,fri", "sun", "mon"),
		Hours:    oneOf(t, "hours", "", "09:00-17:00", "22:00-06:00", "00:00-24:00"),
		Holidays: rapid.Bool().Draw(t, "holidays"), Purpose: "通常業務",
		RevokedAt: oneOf(t, "revoked", 0, drawStamp(t)),
	}
	p.ApprovedAt = oneOf(t, "approved", p.From, p.From-1, p.From-86400)
	p.To = oneOf(t, "to", fiscal2026.to, fiscal2026.to+86400, p.From+86400, p.From+86401)
	p.To = max(p.To, p.From+1)
	return p
}

func drawAttempt(t *rapid.T) Attempt {
	return Attempt{
		Place: rapid.SampledFrom([]PlaceID{"machine_room", "machine_room", "terminal_shimin", "roof"}).Draw(t, "at"),
		Side:  oneOf(t, "side", Entry, Exit, Side(0), Side(9)),
		Holder: Presentation{
			Number:   oneOf(t, "number", "10000", "10001", "10002", "", "99999"),
			Wire:     oneOf(t, "wire", WireSecured, WireOpen, WireUnknown, Wire(9)),
			Proof:    oneOf(t, "proof", ProofAuthenticated, ProofReaderAsserted, ProofClonable, ProofUnknown, Proof(9)),
			Finger:   oneOf(t, "finger", oneOrOther(t, FactorMatch, FactorMissing), FactorMismatch, FactorUnreadable, FactorTimeout, FactorUnavailable, FactorResult(9)),
			FingerOf: oneOf[PersonID](t, "finger of", "p-0", "p-1", "p-2", ""),
		},
		Permission: oneOf(t, "permission", oneOrOther(t, PermissionGranted, PermissionMissing), PermissionRefused, PermissionTimedOut, Permission(9)),
		Facts: Facts{
			Presence:    oneOf(t, "presence", PresenceOutside, PresenceInside, PresenceUnknown, PresenceUnidentified, Presence(9)),
			LockedOut:   oneOf(t, "locked out", false, false, false, true),
			Lockdown:    oneOf(t, "lockdown", false, false, false, true),
			Resecure:    oneOf(t, "resecure", false, false, false, true),
			RecorderBad: oneOf(t, "recorder", false, false, false, true),
			RosterStale: oneOf(t, "roster stale", false, true),
		},
	}
}

// fillMissing supplies the evidence that Judge may still ask for.
func fillMissing(a Attempt, person PersonID) Attempt {
	if a.Holder.Finger == FactorMissing {
		a.Holder.Finger, a.Holder.FingerOf = FactorMatch, person
	}
	if a.Permission == PermissionMissing {
		a.Permission = PermissionGranted
	}
	return a
}

// TestP5GrantMeansAllOfIt: Judge grants exactly what the second model grants,
// asks exactly where the missing evidence is all that is missing, and refuses
// the rest.
func TestP5GrantMeansAllOfIt(t *testing.T) {
	var hino RulebookData
	decodeHino(t, "rulebook.toml", &hino)
	var seen [3]int
	rapid.Check(t, func(t *rapid.T) {
		rd, people := drawRules(t, hino), drawPeople(t)
		rb, err := NewRulebook(rd)
		if err != nil {
			t.Fatalf("rules: %v", err)
		}
		ro, err := NewRoster(people)
		if err != nil {
			t.Fatalf("people: %v", err)
		}
		for range 40 {
			a := drawAttempt(t)
			now := Instant{Wall: drawMoment(t), Trusted: oneOf(t, "trusted", true, true, false)}
			v := Judge(rb, ro, &a, now)
			filled := fillMissing(a, v.Person)
			want := Deny
			switch {
			case modelGrants(&rd, &people, &a, now):
				want = Grant
			case modelGrants(&rd, &people, &filled, now):
				want = Need
			}
			if v.Decision != want {
				t.Fatalf("Judge says %v (%s), the second model %v:\n%+v\nat %v trusted %v", v.Decision, codes(v.Failed()), want, a, now.Wall, now.Trusted)
			}
			if (v.Decision == Deny) != (v.Primary != "") || (v.Decision == Need) != (v.Need != NoEvidence) {
				t.Fatalf("decision %v, primary %q, need %v do not fit", v.Decision, v.Primary, v.Need)
			}
			seen[want]++
		}
	})
	t.Logf("denied %d, asked %d, granted %d", seen[Deny], seen[Need], seen[Grant])
	if seen[Grant] < 50 || seen[Need] < 50 || seen[Deny] < 50 {
		t.Errorf("the draws are too one-sided: denied %d, asked %d, granted %d", seen[Deny], seen[Need], seen[Grant])
	}
}
