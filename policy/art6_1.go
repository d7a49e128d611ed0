package policy

// Article 6, paragraph 1: entry is controlled so that nobody enters without
// right (不正な立入りを防止するため). Default-deny follows from it: a rule must
// be in force, the badge must be one of ours and fit for use, the person must
// be active, and the door must be able to judge and to record.

func sideKnown(m matter) outcome { return passIf(m.a.Side == Entry || m.a.Side == Exit) }

func placeKnown(m matter) outcome { return passIf(m.known) }

func badgeKnown(m matter) outcome { return passIf(m.badge != nil) }

// The checks below pass where an earlier one has failed for want of the thing
// they speak of: a badge that is unknown is not also unassigned.

func badgeAssigned(m matter) outcome { return passIf(m.badge == nil || m.person != nil) }

func (m *matter) badgeIs(s BadgeState) bool {
	return m.badge != nil && badgeStates[m.badge.state] == s
}

func badgeNotStolen(m matter) outcome   { return passIf(!m.badgeIs(BadgeStolen)) }
func badgeNotLost(m matter) outcome     { return passIf(!m.badgeIs(BadgeLost)) }
func badgeNotDisabled(m matter) outcome { return passIf(!m.badgeIs(BadgeDisabled)) }
func badgeNotDamaged(m matter) outcome  { return passIf(!m.badgeIs(BadgeDamaged)) }

func badgeBegun(m matter) outcome {
	return passIf(m.badge == nil || m.badge.from <= m.now)
}

func badgeNotEnded(m matter) outcome {
	return passIf(m.badge == nil || m.badge.to == 0 || m.now < m.badge.to)
}

func standingActive(m matter) outcome {
	return passIf(m.person == nil ||
		standings[m.person.standing] == Active && within(m.now, m.person.from, m.person.to))
}

func notLockedOut(m matter) outcome { return passIf(!m.a.Facts.LockedOut) }

func noLockdown(m matter) outcome { return passIf(!m.a.Facts.Lockdown) }

func resecured(m matter) outcome { return passIf(!m.a.Facts.Resecure) }

func recorderWorks(m matter) outcome { return passIf(!m.a.Facts.RecorderBad) }

func rosterCurrent(m matter) outcome { return passIf(!m.a.Facts.RosterStale) }

func staleWarns(rb *Rulebook, _ *Place) bool { return !rb.staleDenies }

// clockTrusted: a set-back clock would make an expired permit valid again, so
// that a clock that nobody vouches for refuses.
func clockTrusted(m matter) outcome { return passIf(m.clockTrusted()) }

// The zero time is a caller's slip, not a moment.
func (m *matter) clockTrusted() bool { return m.t.Trusted && !m.t.Wall.IsZero() }

// standingCarries: an each-time permission has no standing permit that could
// carry it over an untrusted clock.
func standingCarries(rb *Rulebook, p *Place) bool {
	return rb.clock.Untrusted == UntrustedStanding && p.Entry.Permit == PermitPrior
}

// An evidence value above the known ones is unknown, and unknown is nothing.

func wireStrong(m matter) outcome {
	w := m.a.Holder.Wire
	return passIf(w >= m.side.Wire && w <= WireSecured)
}

func proofStrong(m matter) outcome {
	p := m.a.Holder.Proof
	return passIf(p >= m.side.Proof && p <= ProofAuthenticated)
}

func passbackAsked(p *Place, s Side) bool { return s == Entry && p.AntiPassback != PassbackOff }

func passbackSoft(_ *Rulebook, p *Place) bool { return p.AntiPassback == PassbackSoft }

// notInside: somebody who was inside when a person left unidentified may have
// been that person, but no exit of his is on record.
func notInside(m matter) outcome {
	return passIf(m.a.Facts.Presence == PresenceUnknown || m.a.Facts.Presence == PresenceOutside)
}
