package policy

import (
	"strings"
	"testing"
	"time"
)

// sentence is one case: who does what when, and what Judge says.
type sentence struct {
	says   string
	number string
	at     string // default 2026-11-24 09:00
	rules  func(*RulebookData)
	people func(*RosterData)
	do     func(*Attempt, *Instant)
	want   string // "grant", "need finger", "need permission", or the failed reasons
	marks  string // remarked reasons
	art    string // article of the primary reason, where it matters
}

var sentences = []sentence{
	{says: "a permitted employee with badge and finger enters", number: "10023", want: "grant"},
	{says: "with the badge alone he is asked for the finger", number: "10023", do: finds(FactorMissing), want: "need finger", art: "6-3-1"},
	{says: "somebody else's finger is a mismatch", number: "10023", do: finds(FactorMismatch), want: "INCORRECT_FACTOR", art: "6-3-1"},
	{says: "a match of another person is a mismatch", number: "10023",
		do: func(a *Attempt, _ *Instant) { a.Holder.FingerOf = "s-007" }, want: "INCORRECT_FACTOR"},
	{says: "a match of nobody is a mismatch", number: "10023",
		do: func(a *Attempt, _ *Instant) { a.Holder.FingerOf = "" }, want: "INCORRECT_FACTOR"},
	{says: "an unknown finger result is a mismatch", number: "10023", do: finds(99), want: "INCORRECT_FACTOR"},
	{says: "an unreadable finger is no mismatch", number: "10023", do: finds(FactorUnreadable), want: "FACTOR_ERROR"},
	{says: "no finger in time is no mismatch", number: "10023", do: finds(FactorTimeout), want: "FACTOR_TIMEOUT"},
	{says: "a dead sensor is no mismatch", number: "10023", do: finds(FactorUnavailable), want: "AUTH_UNAVAILABLE", art: "6-3-1"},
	{says: "without an enrolled finger nobody waits for one", number: "10038", do: finds(FactorMissing), want: "RENEWAL_NEEDED"},
	{says: "an unknown badge names nobody", number: "99999", do: finds(FactorMissing), want: "UNKNOWN_CREDENTIAL", art: "6-1"},
	{says: "an unknown badge with any match is still unknown", number: "99999", want: "UNKNOWN_CREDENTIAL INCORRECT_FACTOR"},
	{says: "an undecodable read names nobody", number: "", do: finds(FactorMissing), want: "UNKNOWN_CREDENTIAL"},
	{says: "an unassigned badge names nobody", number: "10099", do: finds(FactorMissing), want: "UNASSIGNED"},
	{says: "a lost badge is refused before any finger", number: "10030", do: finds(FactorMissing), want: "LOST"},
	{says: "a badge both stolen and expired is stolen first", number: "10031", at: "2027-03-31 23:59",
		people: func(d *RosterData) { badgeOf(d, "b-009").To = d.Badges[0].From + 1 }, want: "STOLEN EXPIRED"},
	{says: "without a permit he is refused before any finger", number: "10024", do: finds(FactorMissing), want: "NO_PRIOR_PERMIT", art: "6-3-1"},
	{says: "a permit for another place is none", number: "10023",
		people: func(d *RosterData) { permitOf(d, "p-001").Place = "server_room" }, want: "NO_PRIOR_PERMIT"},
	{says: "a permit by a former manager who was no longer one is none", number: "10023",
		people: func(d *RosterData) { permitOf(d, "p-001").Approver = "m-002" }, want: "NO_PRIOR_PERMIT", art: "6-2"},
	{says: "the manager of another place does not permit", number: "10023", people: func(d *RosterData) {
		p := permitOf(d, "p-001")
		p.Post, p.Approver = "nanao_shishocho", "m-003"
	}, want: "NO_PRIOR_PERMIT", art: "6-2"},
	{says: "a permit of this very second is not beforehand", number: "10023", people: func(d *RosterData) {
		p := permitOf(d, "p-001")
		p.From = StampOf(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC))
		p.ApprovedAt = p.From
	}, want: "NO_PRIOR_PERMIT", art: "6-3-1"},
	{says: "a permit of the second before is beforehand", number: "10023", people: func(d *RosterData) {
		p := permitOf(d, "p-001")
		p.From = StampOf(time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC))
		p.ApprovedAt = p.From
	}, want: "grant"},
	{says: "a permit and a mismatch are both said", number: "10025", do: finds(FactorMismatch), want: "EXPIRED INCORRECT_FACTOR", art: "6-3-1"},
	{says: "of an expired and a valid permit the valid one carries", number: "10025", people: func(d *RosterData) {
		p := *permitOf(d, "p-001")
		p.ID, p.Person = "p-103", "s-003"
		d.Permits = append(d.Permits, p)
	}, want: "grant"},
	{says: "of two faulty permits the nearer one is told", number: "10025", people: func(d *RosterData) {
		p := *permitOf(d, "p-001")
		p.ID, p.Person, p.Hours = "p-103", "s-003", "10:00-17:00"
		d.Permits = append(d.Permits, p)
	}, want: "OUT_OF_TIME_RANGE"},
	{says: "a permit revoked tomorrow carries today", number: "10023",
		people: func(d *RosterData) {
			permitOf(d, "p-001").RevokedAt = StampOf(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
		}, want: "grant"},
	{says: "at 16:59:59 the day's hours still hold", number: "10028", at: "2026-11-24 16:59:59", want: "grant"},
	{says: "at 17:00 they do not", number: "10028", at: "2026-11-24 17:00", want: "OUT_OF_TIME_RANGE", art: "6-3-1"},
	{says: "at 08:59:59 not yet", number: "10028", at: "2026-11-24 08:59:59", want: "OUT_OF_TIME_RANGE"},
	{says: "on a holiday not at all", number: "10028", at: "2026-11-23 10:00", want: "OUT_OF_TIME_RANGE"},
	{says: "on a Sunday not at all", number: "10028", at: "2026-11-22 10:00", want: "OUT_OF_TIME_RANGE"},
	{says: "on 30 December not at all", number: "10028", at: "2026-12-30 10:00", want: "OUT_OF_TIME_RANGE"},
	{says: "whoever may come on holidays comes on one", number: "10023", at: "2026-11-23 10:00", want: "grant"},
	{says: "a year that the calendar does not know is all holidays", number: "10028",
		rules: func(d *RulebookData) { d.Holidays.From, d.Holidays.To = 2027, 2027 }, want: "OUT_OF_TIME_RANGE"},
	{says: "a non-employee needs an escort even with a permit", number: "10061", people: func(d *RosterData) {
		p := *permitOf(d, "p-001")
		p.ID, p.Person = "p-v", "v-001"
		d.Permits = append(d.Permits, p)
		d.Fingers = append(d.Fingers, FingerPage{"v-001", 900, 1})
	}, want: "NO_ACCOMPANIMENT", art: "6-5"},
	{says: "the fiscal year ends the permits of employees only", number: "10061", at: "2027-04-01 08:00", people: func(d *RosterData) {
		p := *permitOf(d, "p-001")
		p.ID, p.Person, p.From, p.To = "p-v", "v-001", p.To-43200, p.To+43200
		d.Permits = append(d.Permits, p)
		d.Fingers = append(d.Fingers, FingerPage{"v-001", 900, 1})
		badgeOf(d, "b-061").To = 0
		d.Persons[25].To = 0
	}, want: "NO_ACCOMPANIMENT"},
	{says: "a badge holds until the second before its end", number: "10034", at: "2026-09-30 23:59:59", want: "grant"},
	{says: "and not in the second of its end", number: "10034", at: "2026-10-01 00:00", want: "EXPIRED", art: "6-1"},
	{says: "a badge holds from the very second of its beginning", number: "10061", at: "2026-11-01 00:00", want: "NO_ACCOMPANIMENT NO_PRIOR_PERMIT RENEWAL_NEEDED"},
	{says: "and not in the second before", number: "10061", at: "2026-10-31 23:59:59", do: finds(FactorMissing),
		want: "NOT_YET_ACTIVE NO_ACCESS_RIGHTS NO_ACCOMPANIMENT NO_PRIOR_PERMIT RENEWAL_NEEDED"},
	{says: "fixed-term staff are employees", number: "10039", want: "grant"},
	{says: "dispatched workers are not", number: "10040", want: "NO_ACCOMPANIMENT"},
	{says: "who has not begun has no right", number: "10039", at: "2026-03-31 23:59:59",
		want: "NOT_YET_ACTIVE NO_ACCESS_RIGHTS NOT_YET_ACTIVE"},
	{says: "who is suspended has no right", number: "10037", want: "NO_ACCESS_RIGHTS"},
	{says: "a blocked badge is refused", number: "10023", do: fact(func(f *Facts) { f.LockedOut = true }), want: "LOCKOUT"},
	{says: "in a lockdown nobody enters", number: "10023", do: fact(func(f *Facts) { f.Lockdown = true }), want: "LOCKDOWN"},
	{says: "after a fire nobody enters before the place is re-secured", number: "10023",
		do: fact(func(f *Facts) { f.Resecure = true }), want: "DENY_ALL"},
	{says: "what cannot be recorded does not enter", number: "10023",
		do: fact(func(f *Facts) { f.RecorderBad = true }), want: "OUT_OF_SERVICE"},
	{says: "a stale roster warns", number: "10023", do: fact(func(f *Facts) { f.RosterStale = true }), want: "grant", marks: "OUT_OF_SERVICE"},
	{says: "a stale roster refuses where the city says so", number: "10023",
		rules: func(d *RulebookData) { d.RosterStale = "deny" },
		do:    fact(func(f *Facts) { f.RosterStale = true }), want: "OUT_OF_SERVICE"},
	{says: "an untrusted clock refuses", number: "10023", do: untrusted, want: "CLOCK_UNTRUSTED", art: "6-1"},
	{says: "the zero time refuses even when vouched for", number: "10023",
		do:   func(_ *Attempt, t *Instant) { *t = Instant{Trusted: true} },
		want: "NOT_YET_ACTIVE NO_ACCESS_RIGHTS CLOCK_UNTRUSTED NO_PRIOR_PERMIT NOT_YET_ACTIVE"},
	{says: "where the city says so a standing permit carries an untrusted clock", number: "10023",
		rules: standing, do: untrusted, want: "grant", marks: "CLOCK_UNTRUSTED"},
	{says: "but a permit of one day does not", number: "10023", rules: standing, do: untrusted, people: func(d *RosterData) {
		p := permitOf(d, "p-001")
		p.From = StampOf(time.Date(2026, 11, 24, -9, 0, 0, 0, time.UTC))
		p.To = p.From + longestVisit
	}, want: "CLOCK_UNTRUSTED", art: "6-3-1", marks: "CLOCK_UNTRUSTED"},
	{says: "and a later revocation counts at once, for the clock may be behind", number: "10023", rules: standing, do: untrusted,
		people: func(d *RosterData) { permitOf(d, "p-001").RevokedAt = permitOf(d, "p-001").To - 1 },
		want:   "PERMIT_REVOKED", marks: "CLOCK_UNTRUSTED"},
	{says: "an each-time place has nothing that carries an untrusted clock", number: "10023", rules: standing,
		do: func(a *Attempt, t *Instant) {
			a.Place, a.Permission, t.Trusted = "terminal_shimin", PermissionGranted, false
		}, want: "CLOCK_UNTRUSTED"},
	{says: "a read in the clear is refused", number: "10023",
		do: func(a *Attempt, _ *Instant) { a.Holder.Wire = WireOpen }, want: "AUTH_UNAVAILABLE", art: "6-1"},
	{says: "an unknown wire is refused", number: "10023",
		do: func(a *Attempt, _ *Instant) { a.Holder.Wire = 77 }, want: "AUTH_UNAVAILABLE"},
	{says: "a read that proves nothing is refused", number: "10023",
		do: func(a *Attempt, _ *Instant) { a.Holder.Proof = ProofUnknown }, want: "AUTH_UNAVAILABLE"},
	{says: "an unknown proof is refused", number: "10023",
		do: func(a *Attempt, _ *Instant) { a.Holder.Proof = 77 }, want: "AUTH_UNAVAILABLE"},
	{says: "a clonable badge is refused where a key is asked for", number: "10023",
		rules: func(d *RulebookData) { d.Places[0].Entry.Proof = "authenticated" }, want: "AUTH_UNAVAILABLE"},
	{says: "a place without a rule lets nobody in", number: "10023",
		do: func(a *Attempt, _ *Instant) { a.Place = "roof" }, want: "DENY_ALL"},
	{says: "an unknown side lets nobody in", number: "10023", do: side(7), want: "OTHER"},
	{says: "the zero side lets nobody in", number: "10023", do: side(0), want: "OTHER"},
	{says: "inside already: softly, he enters and it is remarked", number: "10023",
		do: presence(PresenceInside), want: "grant", marks: "PASSBACK"},
	{says: "softly, after an unidentified exit it is remarked too", number: "10023",
		do: presence(PresenceUnidentified), want: "grant", marks: "PASSBACK"},
	{says: "inside already: hard, he is refused", number: "10023", rules: passback("hard"),
		do: presence(PresenceInside), want: "PASSBACK", art: "6-1"},
	{says: "hard, after an unidentified exit he is refused", number: "10023", rules: passback("hard"),
		do: presence(PresenceUnidentified), want: "PASSBACK"},
	{says: "hard, an unknown presence value is refused", number: "10023", rules: passback("hard"),
		do: presence(99), want: "PASSBACK"},
	{says: "hard, who was never seen enters", number: "10023", rules: passback("hard"),
		do: presence(PresenceUnknown), want: "grant"},
	{says: "off, nobody asks", number: "10023", rules: passback("off"), do: presence(PresenceInside), want: "grant"},

	{says: "a terminal waits for the manager", number: "10023", do: asks(PermissionMissing), want: "need permission", art: "6-3-2"},
	{says: "the manager's yes opens", number: "10023", do: asks(PermissionGranted), want: "grant"},
	{says: "his no does not", number: "10023", do: asks(PermissionRefused), want: "VERIFICATION_FAILED", art: "6-3-2"},
	{says: "his silence does not", number: "10023", do: asks(PermissionTimedOut), want: "VERIFICATION_TIMEOUT", art: "6-3-2"},
	{says: "an unknown answer does not", number: "10023", do: asks(99), want: "VERIFICATION_FAILED"},
	{says: "a terminal needs no prior permit", number: "10024", do: asks(PermissionGranted), want: "grant"},
	{says: "a prior permit does not replace the manager's yes", number: "10023", do: asks(PermissionMissing), want: "need permission"},
	{says: "a non-employee is not even asked about", number: "10061", do: asks(PermissionMissing), want: "NO_ACCOMPANIMENT"},
	{says: "the manager is asked only about who is identified", number: "10023",
		rules: func(d *RulebookData) {
			d.Places[1].Entry.Factors = []string{"badge", "finger"}
			d.Places[1].Exit.Factors = d.Places[1].Entry.Factors
		},
		do: func(a *Attempt, t *Instant) {
			asks(PermissionMissing)(a, t)
			a.Holder.Finger = FactorMissing
		}, want: "need finger"},
}

func finds(r FactorResult) func(*Attempt, *Instant) {
	return func(a *Attempt, _ *Instant) { a.Holder.Finger = r }
}

func fact(set func(*Facts)) func(*Attempt, *Instant) {
	return func(a *Attempt, _ *Instant) { set(&a.Facts) }
}

func presence(p Presence) func(*Attempt, *Instant) {
	return fact(func(f *Facts) { f.Presence = p })
}

func side(s Side) func(*Attempt, *Instant) {
	return func(a *Attempt, _ *Instant) { a.Side = s }
}

func asks(p Permission) func(*Attempt, *Instant) {
	return func(a *Attempt, _ *Instant) { a.Place, a.Permission = "terminal_shimin", p }
}

func untrusted(_ *Attempt, t *Instant) { t.Trusted = false }

func standing(d *RulebookData) { d.Clock.Untrusted = "standing" }

func passback(mode string) func(*RulebookData) {
	return func(d *RulebookData) { d.Places[0].AntiPassback = mode }
}

func permitOf(d *RosterData, id PermitID) *PermitData {
	for i := range d.Permits {
		if d.Permits[i].ID == id {
			return &d.Permits[i]
		}
	}
	panic("no permit " + id)
}

func badgeOf(d *RosterData, id BadgeID) *BadgeData {
	for i := range d.Badges {
		if d.Badges[i].ID == id {
			return &d.Badges[i]
		}
	}
	panic("no badge " + id)
}

func (s *sentence) judge(t *testing.T) Verdict {
	t.Helper()
	var rules []func(*RulebookData)
	if s.rules != nil {
		rules = append(rules, s.rules)
	}
	var people []func(*RosterData)
	if s.people != nil {
		people = append(people, s.people)
	}
	rb, ro := hinoRules(t, rules...), hinoRoster(t, people...)
	if s.at == "" {
		s.at = "2026-11-24 09:00"
	}
	a, now := arrives(ro, s.number), trusted(jst(t, s.at))
	if s.do != nil {
		s.do(a, &now)
	}
	return Judge(rb, ro, a, now)
}

// summary is the verdict in the words of the table.
func summary(v *Verdict) string {
	switch {
	case v.Decision == Grant:
		return "grant"
	case v.Decision == Need && v.Need == NeedFinger:
		return "need finger"
	case v.Decision == Need && v.Need == NeedPermission:
		return "need permission"
	default:
		return codes(v.Failed())
	}
}

func TestSentences(t *testing.T) {
	failed := map[int]bool{}
	for _, s := range sentences {
		t.Run(s.says, func(t *testing.T) {
			v := s.judge(t)
			if got := summary(&v); got != s.want {
				t.Errorf("Judge says %q, want %q", got, s.want)
			}
			if got := codes(v.Remarks()); got != s.marks {
				t.Errorf("remarks %q, want %q", got, s.marks)
			}
			if s.art != "" && v.Article != s.art {
				t.Errorf("article %s, want %s", v.Article, s.art)
			}
			if v.Decision == Grant && strings.HasPrefix(s.says, "a permitted") && v.Permit != "p-001" {
				t.Errorf("granted by permit %q", v.Permit)
			}
			if v.Decision == Deny && (v.Primary == "" || v.Primary != v.Failed()[0].Reason) {
				t.Errorf("primary %q of %v", v.Primary, v.Failed())
			}
			if v.Decision != Deny && v.Primary != "" {
				t.Errorf("primary %q without a refusal", v.Primary)
			}
			for _, f := range v.Failed() {
				failed[f.Check] = true
				if f.Check >= 21 && f.Check <= 28 && v.Permit != "" {
					t.Errorf("permit %s is named although check %d failed", v.Permit, f.Check)
				}
			}
		})
	}
	for _, s := range []string{"10032", "10033", "10034", "10035", "10036", "10027", "10026"} {
		v := (&sentence{number: s}).judge(t)
		for _, f := range v.Failed() {
			failed[f.Check] = true
		}
	}
	for i := range checks {
		if !failed[checks[i].n] {
			t.Errorf("no sentence fails check %d (%s)", checks[i].n, checks[i].words.En)
		}
	}
}

func TestIdentifiedOnlyWhenEveryFactorMatched(t *testing.T) {
	for _, s := range sentences {
		v := s.judge(t)
		stranger := strings.Contains("UNKNOWN_CREDENTIAL UNASSIGNED INCORRECT_FACTOR FACTOR_ERROR FACTOR_TIMEOUT RENEWAL_NEEDED OTHER",
			string(v.Primary)) && v.Primary != "" || v.Failed() != nil && v.Failed()[0].Check == 2 || strings.Contains(summary(&v), "INCORRECT_FACTOR") || summary(&v) == "need finger"
		if stranger && v.Identified {
			t.Errorf("%s: identified", s.says)
		}
		if v.Decision == Grant && !v.Identified {
			t.Errorf("%s: granted to a stranger", s.says)
		}
	}
}

// TestP5ExitJudgesIdentityAlone plays every sentence on the exit side: only
// who it is may be refused there, everything else becomes a remark (P4, P5).
func TestP5ExitJudgesIdentityAlone(t *testing.T) {
	identity := "OTHER DENY_ALL UNKNOWN_CREDENTIAL UNASSIGNED RENEWAL_NEEDED AUTH_UNAVAILABLE FACTOR_TIMEOUT FACTOR_ERROR INCORRECT_FACTOR"
	for _, s := range sentences {
		t.Run(s.says, func(t *testing.T) {
			do := s.do
			s.do = func(a *Attempt, now *Instant) {
				if do != nil {
					do(a, now)
				}
				if a.Side == Entry {
					a.Side = Exit
				}
			}
			v := s.judge(t)
			for _, f := range v.Failed() {
				if !strings.Contains(identity, string(f.Reason)) || f.Check >= 5 && f.Check <= 28 {
					t.Errorf("refused on the way out: %v", f)
				}
			}
			if v.Need == NeedPermission {
				t.Error("a permission was asked for on the way out")
			}
		})
	}
}

func TestExitRemarks(t *testing.T) {
	cases := map[string]struct{ number, marks string }{
		"an expired permit":          {"10025", "EXPIRED"},
		"a revoked permit":           {"10027", "PERMIT_REVOKED"},
		"a lost badge":               {"10030", "LOST"},
		"no permit at all":           {"10024", "NO_PRIOR_PERMIT"},
		"somebody who left the city": {"10036", "NO_ACCESS_RIGHTS"},
		"nothing":                    {"10023", ""},
	}
	for name, c := range cases {
		v := (&sentence{number: c.number, do: side(Exit)}).judge(t)
		if v.Decision != Grant || codes(v.Remarks()) != c.marks {
			t.Errorf("%s: %v, remarks %q, want %q", name, v.Decision, codes(v.Remarks()), c.marks)
		}
	}
	v := (&sentence{number: "10023", do: func(a *Attempt, now *Instant) {
		a.Side, now.Trusted = Exit, false
		a.Facts = Facts{LockedOut: true, Lockdown: true, Resecure: true, RecorderBad: true, RosterStale: true}
	}}).judge(t)
	if want := "LOCKOUT LOCKDOWN DENY_ALL OUT_OF_SERVICE OUT_OF_SERVICE CLOCK_UNTRUSTED"; v.Decision != Grant || codes(v.Remarks()) != want {
		t.Errorf("in the worst of states: %v, remarks %q, want %q", v.Decision, codes(v.Remarks()), want)
	}
	if !v.Remarked(Lockdown) || v.Remarked(Passback) {
		t.Error("Remarked does not tell the remarks")
	}
}

func TestZeroRulesRefuseEveryone(t *testing.T) {
	rb, ro := hinoRules(t), hinoRoster(t)
	now := trusted(jst(t, "2026-11-24 09:00"))
	for _, number := range []string{"10023", "10051", "99999"} {
		for _, s := range []Side{Entry, Exit, 0, 9} {
			a := arrives(ro, number)
			a.Side = s
			for name, v := range map[string]Verdict{
				"zero rulebook": Judge(&Rulebook{}, ro, a, now),
				"nil rulebook":  Judge(nil, ro, a, now),
				"zero roster":   Judge(rb, &Roster{}, a, now),
				"nil roster":    Judge(rb, nil, a, now),
				"nil both":      Judge(nil, nil, a, now),
				"zero attempt":  Judge(rb, ro, &Attempt{}, now),
				"zero instant":  Judge(rb, ro, &Attempt{Side: Entry}, Instant{}),
			} {
				if v.Decision != Deny || v.Primary == "" {
					t.Errorf("%s, %v side: %v", name, s, v.Decision)
				}
			}
		}
	}
	if (Verdict{}).Decision != Deny {
		t.Error("the zero verdict does not refuse")
	}
}

func TestFindingsFit(t *testing.T) {
	if len(checks) > 64 || len(checks) > MaxFindings {
		t.Fatalf("%d checks do not fit into a set", len(checks))
	}
	for i := range checks {
		c := &checks[i]
		switch {
		case c.n != i+1:
			t.Errorf("check %d has number %d", i+1, c.n)
		case c.fn == nil || c.article == "" || c.words.Ja == "" || c.words.En == "":
			t.Errorf("check %d is incomplete", c.n)
		case c.reason.entry() == nil:
			t.Errorf("check %d has no known reason: %q", c.n, c.reason)
		case (c.column == columnNone) != (c.brief == Words{}):
			t.Errorf("check %d: column and summary do not fit", c.n)
		}
	}
}
