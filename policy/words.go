package policy

// Words is one text in the two languages of the product.
type Words struct{ Ja, En string }

// Class is what a person at the door is told about a refusal. It is coarser
// than the reason, because whoever holds a found badge is told too.
type Class uint8

// The classes.
const (
	ClassRefused       Class = iota // no, without a why
	ClassAgain                      // not read or not matched: try again
	ClassRefusedPermit              // you are known, but not permitted here
	ClassRefusedTime                // you are known, but not at this time
	ClassUnavailable                // the door cannot let anybody in just now
)

func (c Class) String() string {
	switch c {
	case ClassAgain:
		return "again"
	case ClassRefusedPermit:
		return "refused-permit"
	case ClassRefusedTime:
		return "refused-time"
	case ClassUnavailable:
		return "unavailable"
	default:
		return "refused"
	}
}

type reasonEntry struct {
	reason Reason
	words  Words
	class  Class // for a person whose every factor matched
	again  bool  // even a stranger may be told to try again
}

// reasonWords holds every reason once. A reason that says something about the
// badge itself stays ClassRefused for everybody: whoever found or stole it
// learns nothing.
var reasonWords = [...]reasonEntry{
	{UnknownCredential, Words{"未登録", "unknown badge"}, ClassRefused, false},
	{Unassigned, Words{"未割当", "badge is assigned to nobody"}, ClassRefused, false},
	{NotYetActive, Words{"有効期間前", "not yet valid"}, ClassRefusedPermit, false},
	{Expired, Words{"期限切れ", "expired"}, ClassRefusedPermit, false},
	{Disabled, Words{"停止中", "badge is disabled"}, ClassRefused, false},
	{Lost, Words{"紛失届", "badge was reported lost"}, ClassRefused, false},
	{Stolen, Words{"盗難届", "badge was reported stolen"}, ClassRefused, false},
	{Damaged, Words{"破損", "badge was reported damaged"}, ClassRefused, false},
	{Lockout, Words{"試行超過", "too many mismatches"}, ClassRefused, false},
	{RenewalNeeded, Words{"再登録要", "no finger is enrolled"}, ClassRefusedPermit, false},
	{IncorrectFactor, Words{"照合不一致", "finger did not match"}, ClassAgain, true},
	{FactorTimedOut, Words{"認証時間切れ", "no finger in time"}, ClassAgain, true},
	{FactorError, Words{"読取不良", "finger could not be read"}, ClassAgain, true},
	{AuthUnavailable, Words{"認証装置不可", "reader or sensor cannot be used"}, ClassUnavailable, false},
	{NoAccessRights, Words{"入室権限なし", "no right of access"}, ClassRefusedPermit, false},
	{NoPriorPermit, Words{"事前許可なし", "no prior permission"}, ClassRefusedPermit, false},
	{PermitRevoked, Words{"許可取消", "permission was revoked"}, ClassRefusedPermit, false},
	{OutOfTimeRange, Words{"時間外", "outside the permitted time"}, ClassRefusedTime, false},
	{VerificationFailed, Words{"不許可", "the manager refused"}, ClassRefusedPermit, false},
	{VerificationTimeout, Words{"許可応答なし(時間切れ)", "the manager did not answer in time"}, ClassUnavailable, false},
	{NoAccompaniment, Words{"立会者なし", "no escort"}, ClassRefusedPermit, false},
	{Passback, Words{"前回の退室記録なし", "no record of the last exit"}, ClassRefusedPermit, false},
	{DenyAll, Words{"入室停止中", "entry is stopped"}, ClassUnavailable, false},
	{Lockdown, Words{"閉鎖中", "lockdown"}, ClassUnavailable, false},
	{OutOfService, Words{"休止中", "out of service"}, ClassUnavailable, false},
	{ClockUntrusted, Words{"時刻不確か", "the clock cannot be trusted"}, ClassUnavailable, false},
	{Other, Words{"その他", "other"}, ClassRefused, false},
}

func (r Reason) entry() *reasonEntry {
	for i := range reasonWords {
		if reasonWords[i].reason == r {
			return &reasonWords[i]
		}
	}
	return nil
}

// Words are the reason in Japanese and English. An unknown reason answers with
// its own code, so that nothing is ever shown as fine.
func (r Reason) Words() Words {
	if e := r.entry(); e != nil {
		return e.words
	}
	return Words{string(r), string(r)}
}

// Class is what the person at the door is told. identified says whether every
// factor that the side asks for matched ([Verdict.Identified]): until then a
// stranger sees only refused or try again. An unknown reason is refused.
func (r Reason) Class(identified bool) Class {
	e := r.entry()
	switch {
	case e == nil:
		return ClassRefused
	case identified:
		return e.class
	case e.again:
		return ClassAgain
	default:
		return ClassRefused
	}
}

// Reasons lists every reason, in the order of the regulation's words list.
func Reasons() []Reason {
	out := make([]Reason, len(reasonWords))
	for i := range reasonWords {
		out[i] = reasonWords[i].reason
	}
	return out
}
