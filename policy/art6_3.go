package policy

import "time"

// Article 6, paragraph 3, item 1: whoever enters the machine room has the
// manager's permission beforehand (事前に) and passes biometrics at every
// passage (入退室の都度). The two are cumulative.

func priorPermit(p *Place, _ Side) bool { return p.Entry.Permit == PermitPrior }

// permitFault is a set of what is wrong with a permit. The bits stand in the
// order of how far a permit is from being one: of several faulty permits the
// one with the least value is the most useful to speak of.
type permitFault uint8

const (
	faultNotStanding permitFault = 1 << iota // too short for an untrusted clock
	faultHours                               // not on this day or at this hour
	faultNotBegun
	faultEnded
	faultRevoked
	faultNotBefore // approved in this very second or later
	faultApprover  // not given by the manager of this place
)

// bestPermit chooses among one person's permits for the place. One without a
// fault carries the entry; otherwise the faults of the nearest one are told.
func (m *matter) bestPermit(list []permit) (best *permit, faults permitFault) {
	for i := range list {
		p := &list[i]
		if PlaceID(m.ro.places[p.place]) != m.place.ID {
			continue
		}
		if f := m.permitFaults(p); best == nil || f < faults {
			best, faults = p, f
		}
	}
	return best, faults
}

func (m *matter) permitFaults(p *permit) (f permitFault) {
	if !m.clockTrusted() && p.to-p.from <= longestVisit {
		f |= faultNotStanding
	}
	if !m.permitOpen(p) {
		f |= faultHours
	}
	if m.now < p.from {
		f |= faultNotBegun
	}
	if m.now >= m.permitEnd(p) {
		f |= faultEnded
	}
	// While the clock may be behind, a revocation counts at once.
	if p.revokedAt != 0 && (p.revokedAt <= m.now || !m.clockTrusted()) {
		f |= faultRevoked
	}
	if p.approvedAt >= m.now {
		f |= faultNotBefore
	}
	if !m.givenByManager(p) {
		f |= faultApprover
	}
	return f
}

// longestVisit: a permission of up to 24 hours is one visit, a longer one a
// standing permit.
const longestVisit Stamp = 24 * 60 * 60

// permitEnd is when a permit ends at the latest: its own end, the fiscal year's
// for an employee, and the rulebook's longest.
func (m *matter) permitEnd(p *permit) Stamp {
	end := p.to
	from := time.Unix(int64(p.from), 0).In(m.rb.Location())
	if m.rb.fiscalYear && m.isEmployee() {
		end = min(end, fiscalYearEnd(from))
	}
	if m.rb.maxDays > 0 {
		end = min(end, Stamp(from.AddDate(0, 0, m.rb.maxDays).Unix()))
	}
	return end
}

// fiscalYearEnd is the first second after the fiscal year of t, which ends
// with 31 March (地方自治法第208条第1項), in t's own location.
func fiscalYearEnd(t time.Time) Stamp {
	year := t.Year()
	if t.Month() >= time.April {
		year++
	}
	return Stamp(time.Date(year, time.April, 1, 0, 0, 0, 0, t.Location()).Unix())
}

// permitOpen tells whether day, hour and holiday allow. A window that crosses
// midnight belongs to the day on which it began.
func (m *matter) permitOpen(p *permit) bool {
	day, open := p.hours.startDay(m.t.Wall)
	return open && p.days.has(day.weekday()) && (p.holidays || !m.rb.calendar.holiday(day))
}

// permitExists passes where nobody is known, which checks 3 and 4 say.
func permitExists(m matter) outcome { return passIf(m.person == nil || m.permit != nil) }

func (m *matter) permitFree(f permitFault) outcome { return passIf(m.faults&f == 0) }

func permitBefore(m matter) outcome     { return m.permitFree(faultNotBefore) }
func permitNotRevoked(m matter) outcome { return m.permitFree(faultRevoked) }
func permitBegun(m matter) outcome      { return m.permitFree(faultNotBegun) }
func permitNotEnded(m matter) outcome   { return m.permitFree(faultEnded) }
func permitHours(m matter) outcome      { return m.permitFree(faultHours) }
func permitStanding(m matter) outcome   { return m.permitFree(faultNotStanding) }

func fingerAsked(p *Place, s Side) bool { return p.Side(s).Finger }

// fingerEnrolled says at once what would otherwise end in a time-out.
func fingerEnrolled(m matter) outcome { return passIf(m.person == nil || m.finger) }

func fingerAvailable(m matter) outcome { return passIf(m.a.Holder.Finger != FactorUnavailable) }
func fingerInTime(m matter) outcome    { return passIf(m.a.Holder.Finger != FactorTimeout) }
func fingerReadable(m matter) outcome  { return passIf(m.a.Holder.Finger != FactorUnreadable) }

// fingerMatches: only a comparison with this person's own templates is
// evidence; another person's match is a mismatch.
func fingerMatches(m matter) outcome {
	switch m.a.Holder.Finger {
	case FactorMissing:
		return open
	case FactorMatch:
		return passIf(m.person != nil && m.a.Holder.FingerOf == PersonID(m.ro.str(m.person.id)))
	case FactorUnreadable, FactorTimeout, FactorUnavailable:
		return pass // said by checks 30 to 32, and no mismatch
	default: // FactorMismatch, and whatever is unknown
		return fail
	}
}

// Article 6, paragraph 3, item 2: whoever enters a terminal area has the
// manager's permission at each entry (入退室の都度). One permission covers the
// entry and its exit (exit_permission = "round_trip"), so that nothing is asked
// on the way out. Only the manager's own yes is one: silence is not.

func eachPermission(p *Place, s Side) bool { return p.Side(s).Permit == PermitEach }

func permissionInTime(m matter) outcome { return passIf(m.a.Permission != PermissionTimedOut) }

func permissionGiven(m matter) outcome {
	switch m.a.Permission {
	case PermissionMissing:
		return open
	case PermissionGranted, PermissionTimedOut: // the latter is said by check 35
		return pass
	default: // PermissionRefused, and whatever is unknown
		return fail
	}
}
