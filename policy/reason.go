package policy

// Reason is a stable code that travels unchanged to ledger, log, topic and
// page.
type Reason string

// The reasons of refusal. Their words stand in words.go.
const (
	UnknownCredential   Reason = "UNKNOWN_CREDENTIAL"
	Unassigned          Reason = "UNASSIGNED"
	NotYetActive        Reason = "NOT_YET_ACTIVE" // the badge, or the permit: the finding's check tells which
	Expired             Reason = "EXPIRED"        // the badge, or the permit: the finding's check tells which
	Disabled            Reason = "DISABLED"
	Lost                Reason = "LOST"
	Stolen              Reason = "STOLEN"
	Damaged             Reason = "DAMAGED"
	Lockout             Reason = "LOCKOUT"
	RenewalNeeded       Reason = "RENEWAL_NEEDED" // a finger is required and none is enrolled
	IncorrectFactor     Reason = "INCORRECT_FACTOR"
	FactorTimedOut      Reason = "FACTOR_TIMEOUT"
	FactorError         Reason = "FACTOR_ERROR"
	AuthUnavailable     Reason = "AUTH_UNAVAILABLE"
	NoAccessRights      Reason = "NO_ACCESS_RIGHTS"
	NoPriorPermit       Reason = "NO_PRIOR_PERMIT"
	PermitRevoked       Reason = "PERMIT_REVOKED"
	OutOfTimeRange      Reason = "OUT_OF_TIME_RANGE"
	VerificationFailed  Reason = "VERIFICATION_FAILED"
	VerificationTimeout Reason = "VERIFICATION_TIMEOUT"
	NoAccompaniment     Reason = "NO_ACCOMPANIMENT"
	Passback            Reason = "PASSBACK"
	DenyAll             Reason = "DENY_ALL"
	Lockdown            Reason = "LOCKDOWN"
	OutOfService        Reason = "OUT_OF_SERVICE"
	ClockUntrusted      Reason = "CLOCK_UNTRUSTED"
	Other               Reason = "OTHER"
)
