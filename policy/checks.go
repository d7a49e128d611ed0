package policy

// check is one requirement of the regulation or of this system.
type check struct {
	n        int // its number in the printed table
	article  string
	reason   Reason   // what it is called when it does not hold
	identity bool     // who the person is: judged on the exit side too
	needs    Evidence // what an open outcome waits for
	// applies tells whether a side of a place has this requirement; nil: all.
	applies func(*Place, Side) bool
	// softened tells whether the rulebook turns a failure into a remark.
	softened func(*Rulebook, *Place) bool
	fn       func(matter) outcome
	words    Words  // the requirement; {post}, {wire}, {proof} and {term} are the place's
	column   column // where the table's summary names it
	brief    Words
}

// checks is the whole judgement. Its order is that of the printed table, and
// the first failed check is the primary reason: first who this is, then
// whether anybody may enter now, then this person's permission, then the
// evidence that takes time. The evidence is asked for in this order too: a
// manager is asked about a person whose identity is already certain.
var checks = [...]check{
	{n: 1, article: "6-1", reason: Other, identity: true, fn: sideKnown,
		words: Words{"入室か退室のいずれかの側である", "the side is entry or exit"}},
	{n: 2, article: "6-1", reason: DenyAll, identity: true, fn: placeKnown,
		words: Words{"この場所の定めが施行されている", "a rule is in force for this place"}},
	{n: 3, article: "6-1", reason: UnknownCredential, identity: true, fn: badgeKnown,
		words:  Words{"登録されたカードである", "the badge is registered"},
		column: columnWith, brief: Words{"カード", "badge"}},
	{n: 4, article: "6-1", reason: Unassigned, identity: true, fn: badgeAssigned,
		words: Words{"カードが本人に割り当てられている", "the badge is assigned to a person"}},
	{n: 5, article: "6-1", reason: Stolen, fn: badgeNotStolen,
		words: Words{"カードの盗難届がない", "the badge was not reported stolen"}},
	{n: 6, article: "6-1", reason: Lost, fn: badgeNotLost,
		words: Words{"カードの紛失届がない", "the badge was not reported lost"}},
	{n: 7, article: "6-1", reason: Disabled, fn: badgeNotDisabled,
		words: Words{"カードが停止されていない", "the badge is not disabled"}},
	{n: 8, article: "6-1", reason: Damaged, fn: badgeNotDamaged,
		words: Words{"カードの破損届がない", "the badge was not reported damaged"}},
	{n: 9, article: "6-1", reason: NotYetActive, fn: badgeBegun,
		words: Words{"カードの有効期間が始まっている", "the badge's validity has begun"}},
	{n: 10, article: "6-1", reason: Expired, fn: badgeNotEnded,
		words: Words{"カードの有効期間が終わっていない", "the badge's validity has not ended"}},
	{n: 11, article: "6-1", reason: NoAccessRights, fn: standingActive,
		words:  Words{"在職中であり、入室を停止されていない", "the person is active, neither suspended nor gone"},
		column: columnWho, brief: Words{"在職中", "active"}},
	{n: 12, article: "6-1", reason: Lockout, fn: notLockedOut,
		words: Words{"照合不一致の繰返しで閉塞されていない", "the badge is not blocked after repeated mismatches"}},
	{n: 13, article: "6-1", reason: Lockdown, fn: noLockdown,
		words: Words{"場所が閉鎖されていない", "the place is not in lockdown"}},
	{n: 14, article: "6-1", reason: DenyAll, fn: resecured,
		words: Words{"非常解錠の後、現地で復帰されている", "after an emergency release the place was re-secured on the spot"}},
	{n: 15, article: "6-1", reason: OutOfService, fn: recorderWorks,
		words: Words{"入退室を記録できる", "the passage can be recorded"}},
	{n: 16, article: "6-1", reason: OutOfService, fn: rosterCurrent, softened: staleWarns,
		words: Words{"名簿が最新である", "the roster is current"}},
	{n: 17, article: "6-1", reason: ClockUntrusted, fn: clockTrusted, softened: standingCarries,
		words: Words{"時計が信頼できる", "the clock can be trusted"}},
	{n: 18, article: "6-1", reason: AuthUnavailable, fn: wireStrong,
		words: Words{"読取りが{wire}で届いた", "the read arrived over a wire that is {wire}"}},
	{n: 19, article: "6-1", reason: AuthUnavailable, fn: proofStrong,
		words: Words{"カードの証明が{proof}以上である", "the badge's proof is at least {proof}"}},
	{n: 20, article: "6-5", reason: NoAccompaniment, fn: employee,
		words:  Words{"市の職員である(職員以外の者は立会者なしに入室できない)", "the person is an employee of the city (nobody else enters without an escort)"},
		column: columnWho, brief: Words{"市の職員(会計年度任用職員を含む)", "employees of the city (fixed-term staff included)"}},
	{n: 21, article: "6-3-1", reason: NoPriorPermit, applies: priorPermit, fn: permitExists,
		words:  Words{"この場所への事前許可がある", "there is a prior permission for this place"},
		column: columnBy, brief: Words{"{post}の事前許可", "prior permission of {post}"}},
	{n: 22, article: "6-2", reason: NoPriorPermit, applies: priorPermit, fn: permitByManager,
		words: Words{"許可時に{post}の職にあった者が許可した", "it was given by whoever was {post} at that time"}},
	{n: 23, article: "6-3-1", reason: NoPriorPermit, applies: priorPermit, fn: permitBefore,
		words: Words{"許可は入室より前に与えられた", "it was given before this entry"}},
	{n: 24, article: "6-3-1", reason: PermitRevoked, applies: priorPermit, fn: permitNotRevoked,
		words: Words{"許可が取り消されていない", "it was not revoked"}},
	{n: 25, article: "6-3-1", reason: NotYetActive, applies: priorPermit, fn: permitBegun,
		words: Words{"許可の期間が始まっている", "its time has begun"}},
	{n: 26, article: "6-3-1", reason: Expired, applies: priorPermit, fn: permitNotEnded,
		words: Words{"許可の期間が終わっていない{term}", "its time has not ended{term}"}},
	{n: 27, article: "6-3-1", reason: OutOfTimeRange, applies: priorPermit, fn: permitHours,
		words: Words{"許可された曜日・時間帯である(休日は許可された者のみ)", "it holds on this day and at this hour (on holidays only where it says so)"}},
	{n: 28, article: "6-3-1", reason: ClockUntrusted, applies: priorPermit, fn: permitStanding,
		words: Words{"時計が不確かな間は、24時間を超える許可に限る", "while the clock is untrusted, only a permission longer than 24 hours carries"}},
	{n: 29, article: "6-3-1", reason: RenewalNeeded, identity: true, applies: fingerAsked, fn: fingerEnrolled,
		words: Words{"本人の指が登録されている", "a finger of the person is enrolled"}},
	{n: 30, article: "6-3-1", reason: AuthUnavailable, identity: true, applies: fingerAsked, fn: fingerAvailable,
		words: Words{"生体認証装置が使える", "the fingerprint sensor can be used"}},
	{n: 31, article: "6-3-1", reason: FactorTimedOut, identity: true, applies: fingerAsked, fn: fingerInTime,
		words: Words{"時間内に指が置かれた", "the finger was put down in time"}},
	{n: 32, article: "6-3-1", reason: FactorError, identity: true, applies: fingerAsked, fn: fingerReadable,
		words: Words{"指を読み取れた", "the finger could be read"}},
	{n: 33, article: "6-3-1", reason: IncorrectFactor, identity: true, applies: fingerAsked, needs: NeedFinger, fn: fingerMatches,
		words:  Words{"本人の指と照合が一致した(入退室の都度)", "the finger matches this person's own (at every passage)"},
		column: columnWith, brief: Words{"指(生体認証)", "finger (biometric)"}},
	{n: 34, article: "6-1", reason: Passback, applies: passbackAsked, softened: passbackSoft, fn: notInside,
		words: Words{"前回の退室の記録がある", "the last exit is on record"}},
	{n: 35, article: "6-3-2", reason: VerificationTimeout, applies: eachPermission, fn: permissionInTime,
		words: Words{"{post}が時間内に応答した", "{post} answered in time"}},
	{n: 36, article: "6-3-2", reason: VerificationFailed, applies: eachPermission, needs: NeedPermission, fn: permissionGiven,
		words:  Words{"{post}がこの入室を許可した", "{post} permits this entry"},
		column: columnBy, brief: Words{"{post}の都度許可", "permission of {post} at each entry"}},
}

func (c *check) appliesTo(p *Place, s Side) bool { return c.applies == nil || c.applies(p, s) }

// refuses tells what a failure does: refuse, or stand as a remark.
func (c *check) refuses(rb *Rulebook, p *Place, s Side) bool {
	if c.identity {
		return true
	}
	// No state refuses egress (P4). An unknown side is refused by check 1.
	if s != Entry {
		return false
	}
	return c.softened == nil || !c.softened(rb, p)
}
