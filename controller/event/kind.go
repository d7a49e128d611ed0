package event

// Kind is a stable code that travels unchanged to ledger, log, topic and page.
// The comments name the ONVIF or BACnet event that it corresponds to.
type Kind string

// The kinds that this daemon writes.
const (
	FactorRead          Kind = "factor_read"          // BACnet AUTHENTICATION_FACTOR_READ
	PermissionRequested Kind = "permission_requested" // ONVIF AccessControl/Request
	PermissionTimeout   Kind = "permission_timeout"   // ONVIF Request/Timeout
	AccessGranted       Kind = "access_granted"       // ONVIF AccessGranted: decided, whether or not used
	AccessTaken         Kind = "access_taken"         // ONVIF AccessTaken: the passage itself
	AccessNotTaken      Kind = "access_not_taken"     // ONVIF AccessNotTaken
	AccessDenied        Kind = "access_denied"        // ONVIF Denied
	ExitUnidentified    Kind = "exit_unidentified"    // ONVIF AccessTaken/Anonymous, BACnet EGRESS_OPEN
	OpeningAmbiguous    Kind = "opening_ambiguous"    // an opening with two possible owners
	PassbackDetected    Kind = "passback_detected"    // BACnet PASSBACK_DETECTED
	PassbackReset       Kind = "passback_reset"
	LockoutStart        Kind = "lockout_start" // BACnet LOCKOUT_MAX_ATTEMPTS
	LockoutEnd          Kind = "lockout_end"   // BACnet LOCKOUT_RELINQUISHED

	DoorForced       Kind = "door_forced" // ONVIF DoorForcedOpen
	DoorPreAlarm     Kind = "door_pre_alarm"
	DoorOpenTooLong  Kind = "door_open_too_long"
	DoorRestored     Kind = "door_restored"
	DoorOpenedByKey  Kind = "door_opened_by_key"
	DoorFoundOpen    Kind = "door_found_open" // open when the daemon started
	DoorFault        Kind = "door_fault"
	DoorFaultCleared Kind = "door_fault_cleared"
	LockFault        Kind = "lock_fault"
	LockFaultCleared Kind = "lock_fault_cleared"
	InputFault       Kind = "input_fault"
	InputRestored    Kind = "input_restored"
	Tamper           Kind = "tamper"
	TamperRestored   Kind = "tamper_restored"
	ReaderLost       Kind = "reader_lost"
	ReaderRestored   Kind = "reader_restored"
	ReaderRejected   Kind = "reader_rejected" // identity, capability or security changed: disabled until adopted

	Lockdown         Kind = "lockdown" // ONVIF LockedDown
	LockdownReleased Kind = "lockdown_released"
	FireInput        Kind = "fire_input"
	FireCleared      Kind = "fire_cleared"
	EmergencyRelease Kind = "emergency_release" // BACnet FREE_ACCESS: released by the fire contact, observed
	EmergencyReset   Kind = "emergency_reset"   // re-secured by a recorded local act

	BiometricEnrolled Kind = "biometric_enrolled"
	BiometricErased   Kind = "biometric_erased"
	BiometricPending  Kind = "biometric_erasure_pending"
	EnrolmentFailed   Kind = "enrolment_failed"
	RosterChanged     Kind = "roster_changed"
	RosterStale       Kind = "roster_stale"
	ConfigChanged     Kind = "config_changed"
	ConfigRejected    Kind = "config_rejected"
	OrderAccepted     Kind = "order_accepted"
	OrderRefused      Kind = "order_refused"

	TimeStep         Kind = "time_step"
	TimeUntrusted    Kind = "time_untrusted"
	TimeTrusted      Kind = "time_trusted"
	LinkLost         Kind = "link_lost"
	LinkRestored     Kind = "link_restored"
	AckRefused       Kind = "ack_refused" // an acknowledgement above what was published
	DaemonStarted    Kind = "daemon_started"
	DaemonStopped    Kind = "daemon_stopped"
	DiskFull         Kind = "log_disk_full" // the recorder failed; the event stands once it works again
	DiskRestored     Kind = "log_restored"
	LedgerRolledBack Kind = "ledger_rolled_back"
	LedgerSuspect    Kind = "log_gap"       // missing, shorter or corrupt at start
	LedgerForgotten  Kind = "log_forgotten" // bodies up to Of went after retention; their hashes stay
)

// Severity of a kind.
type Severity string

// A is an incident (Article 10), B an alarm to answer, C a note, I information.
const (
	SeverityA Severity = "A"
	SeverityB Severity = "B"
	SeverityC Severity = "C"
	SeverityI Severity = "I"
)

// row is a kind's severity and its words.
type row struct {
	severity Severity
	ja, en   string
}

var rows = map[Kind]row{
	FactorRead:          {SeverityI, "認証情報読取", "factor read"},
	PermissionRequested: {SeverityI, "許可申請", "permission requested"},
	PermissionTimeout:   {SeverityC, "許可応答なし", "no answer to the request"},
	AccessGranted:       {SeverityI, "通行可(解錠)", "access granted"},
	AccessTaken:         {SeverityI, "入退室", "access taken"},
	AccessNotTaken:      {SeverityC, "未通行", "access not taken"},
	AccessDenied:        {SeverityC, "通行不可", "access denied"},
	ExitUnidentified:    {SeverityC, "本人未確認退室", "exit without identification"},
	OpeningAmbiguous:    {SeverityB, "通行者不明の開扉", "opening with two possible owners"},
	PassbackDetected:    {SeverityC, "前回の退室記録なし", "no record of the previous exit"},
	PassbackReset:       {SeverityI, "在室記録の訂正", "passback reset"},
	LockoutStart:        {SeverityB, "試行超過", "too many attempts"},
	LockoutEnd:          {SeverityI, "試行超過解除", "lockout ended"},
	DoorForced:          {SeverityA, "こじ開け", "door forced"},
	DoorPreAlarm:        {SeverityI, "閉扉予告", "door must be closed soon"},
	DoorOpenTooLong:     {SeverityB, "開放超過", "door open too long"},
	DoorRestored:        {SeverityI, "扉復旧", "door restored"},
	DoorOpenedByKey:     {SeverityA, "鍵開け", "opened by key"},
	DoorFoundOpen:       {SeverityB, "起動時開扉", "door found open at start"},
	DoorFault:           {SeverityB, "扉異常", "door fault"},
	DoorFaultCleared:    {SeverityI, "扉異常復旧", "door fault cleared"},
	LockFault:           {SeverityB, "錠異常", "lock fault"},
	LockFaultCleared:    {SeverityI, "錠異常復旧", "lock fault cleared"},
	InputFault:          {SeverityB, "入力異常", "input fault"},
	InputRestored:       {SeverityI, "入力復旧", "input restored"},
	Tamper:              {SeverityA, "筐体開放検知(タンパ)", "tamper"},
	TamperRestored:      {SeverityI, "タンパ復旧", "tamper restored"},
	ReaderLost:          {SeverityB, "認証装置通信断", "reader lost"},
	ReaderRestored:      {SeverityI, "認証装置復旧", "reader restored"},
	ReaderRejected:      {SeverityA, "認証装置拒否", "reader rejected"},
	Lockdown:            {SeverityA, "閉鎖", "lockdown"},
	LockdownReleased:    {SeverityI, "閉鎖解除", "lockdown released"},
	FireInput:           {SeverityA, "火災信号", "fire input"},
	FireCleared:         {SeverityI, "火災信号解除", "fire input cleared"},
	EmergencyRelease:    {SeverityA, "非常解錠", "emergency release"},
	EmergencyReset:      {SeverityI, "非常解錠復帰", "re-secured after an emergency"},
	BiometricEnrolled:   {SeverityI, "生体情報登録", "biometric enrolled"},
	BiometricErased:     {SeverityI, "生体情報消去", "biometric erased"},
	BiometricPending:    {SeverityB, "生体情報消去未了", "biometric erasure pending"},
	EnrolmentFailed:     {SeverityC, "生体情報登録失敗", "enrolment failed"},
	RosterChanged:       {SeverityI, "名簿変更", "roster changed"},
	RosterStale:         {SeverityB, "名簿更新遅れ", "roster stale"},
	ConfigChanged:       {SeverityI, "設定変更", "configuration changed"},
	ConfigRejected:      {SeverityB, "設定変更の拒否", "configuration rejected"},
	OrderAccepted:       {SeverityI, "命令受理", "order accepted"},
	OrderRefused:        {SeverityB, "命令拒否", "order refused"},
	TimeStep:            {SeverityC, "時刻補正", "clock stepped"},
	TimeUntrusted:       {SeverityB, "時刻不確か", "clock not trusted"},
	TimeTrusted:         {SeverityI, "時刻確定", "clock trusted"},
	LinkLost:            {SeverityB, "通信断", "link lost"},
	LinkRestored:        {SeverityI, "通信復旧", "link restored"},
	AckRefused:          {SeverityB, "受信確認の拒否", "acknowledgement refused"},
	DaemonStarted:       {SeverityI, "起動", "daemon started"},
	DaemonStopped:       {SeverityI, "停止", "daemon stopped"},
	DiskFull:            {SeverityA, "記録満杯・記録不能", "recorder full or failing"},
	DiskRestored:        {SeverityI, "記録復旧", "recorder restored"},
	LedgerRolledBack:    {SeverityA, "記録の巻戻り", "ledger rolled back"},
	LedgerSuspect:       {SeverityA, "記録欠落・破損", "ledger missing, shorter or corrupt"},
	LedgerForgotten:     {SeverityI, "保存期間満了による消去", "events past retention forgotten"},
}

// Severity of the kind; an unknown kind is an incident, never nothing (P11).
func (k Kind) Severity() Severity {
	if r, ok := rows[k]; ok {
		return r.severity
	}
	return SeverityA
}

// Japanese and English words of the kind; an unknown kind is its own code.
func (k Kind) Japanese() string {
	if r, ok := rows[k]; ok {
		return r.ja
	}
	return string(k)
}

// English: see Japanese.
func (k Kind) English() string {
	if r, ok := rows[k]; ok {
		return r.en
	}
	return string(k)
}
