package story

import (
	"fmt"
	"strings"
	"time"
)

// The verbs.
const (
	VerbBadge      = "badge"
	VerbFinger     = "finger"
	VerbPin        = "pin"
	VerbDoor       = "door"
	VerbHandle     = "handle"
	VerbKey        = "key"
	VerbExitButton = "exit-button"
	VerbInput      = "input"
	VerbFire       = "fire"
	VerbTamper     = "tamper"
	VerbReader     = "reader"
	VerbSensor     = "sensor"
	VerbBroker     = "broker"
	VerbDaemon     = "daemon"
	VerbPower      = "power"
	VerbDisk       = "disk"
	VerbClock      = "clock"
	VerbLedger     = "ledger"
	VerbManager    = "manager"
	VerbOrder      = "order"
	VerbWait       = "wait"
	VerbRepeat     = "repeat"
)

// Verb is one row of the table of acts. Usage is also the pattern that the
// words of an act are held against: small words stand as they are ("a|b" is
// one of them), capitals stand for a word of that kind, "[WORD...]" for any
// number of further words.
type Verb struct {
	Usage    string
	Site     bool // acts on the whole site: takes no door
	English  string
	Japanese string
}

var verbs = []Verb{
	{"badge SIDE NUMBER", false, "hold a badge to the reader until it is read", "職員証をかざす"},
	{"finger SIDE FINGER", false, "rest a finger on the sensor: a person's, stranger or smudged", "指を置く(本人・他人 stranger・読取不良 smudged)"},
	{"pin SIDE DIGITS", false, "type digits at the reader", "暗証番号を打つ"},
	{"door open|close|force", false, "open the leaf (not while it is locked), close it, or force it", "扉を開ける・閉める・こじ開ける"},
	{"handle", false, "turn the inside handle", "室内側の取っ手を回す"},
	{"key", false, "turn the mechanical key", "鍵で開ける"},
	{"exit-button", false, "press the exit button", "退室ボタンを押す"},
	{"input NAME open|short|normal", false, "cut or short the line of a contact, or mend it", "接点の線を切る・短絡する・直す"},
	{"fire on|off", false, "the fire panel's contact", "火災信号"},
	{"tamper SIDE on|off", false, "open or close the reader's case", "読取装置の筐体を開ける・閉める"},
	{"reader SIDE unplug|plug|noise|swap|lies", false, "pull the reader's cable, plug it in, disturb the line, put another reader there, or let it claim to have no Secure Channel", "読取装置を外す・戻す・雑音・すり替え・能力の偽り"},
	{"sensor SIDE unplug|plug|swap", false, "pull the sensor's cable, plug it in, or put another sensor there", "指紋センサを外す・戻す・すり替え"},
	{"broker stop|start", true, "stop or start the broker", "ブローカを止める・動かす"},
	{"daemon kill|stop|start", false, "kill the daemon, end it in order, or start it", "デーモンを落とす・止める・起動する"},
	{"daemon kill-before|kill-after BOUNDARY", false, "let the daemon die at its next effect of that name", "次の動作の直前・直後に落とす"},
	{"power cut|restore box|lock|all", false, "cut or restore the supply of the box, of the lock, or of both", "電源を断つ・戻す(制御装置・錠・全部)"},
	{"disk full|free", false, "fill the disk of the ledger, or free it", "記録装置を満杯にする・空ける"},
	{"clock untrusted|trusted", false, "the clock loses or regains its source", "時刻源を失う・取り戻す"},
	{"clock STEP", false, "set the wall clock forward or back, as +1h or -10m", "時計をずらす"},
	{"ledger copy|restore|restore-database", false, "copy the ledger's folder away; while the daemon is stopped, put the copy back, whole or the database alone", "台帳を写し取る・古い写しを戻す(全部・データベースのみ)"},
	{"manager POST permit|refuse [WORD...]", false, "the manager waits for the request and answers it", "入退室管理者が許可・不許可を返す"},
	{"order lockdown|release|resecure", false, "an order on the box: lock down, release, secure again after fire", "閉鎖・閉鎖解除・復旧の命令"},
	{"order reset|enroll|erase PERSON", false, "an order on the box: reset a person's presence, enrol or erase fingers", "在室の訂正・生体登録・消去の命令"},
	{"order import FILE", false, "an order on the box: import a roster attached to the story", "名簿の取込みの命令"},
	{"wait DURATION", true, "let time pass", "待つ"},
	{"repeat COUNT [WORD...]", false, `acts in turn, COUNT times: repeat 3 [every 1s] ACT [then ACT]`, "繰り返す"},
}

// Verbs is the table of acts, for help texts. A verb may have several rows.
func Verbs() []Verb { return append([]Verb(nil), verbs...) }

// placeholder is a word in capitals of a pattern.
type placeholder struct {
	fits  func(string) bool
	means string
}

var placeholders = map[string]placeholder{
	"SIDE":     {isSide, "entry or exit"},
	"NUMBER":   {isNumber, "a badge number of digits or hexadecimal digits"},
	"FINGER":   {isName, "a person's id, stranger or smudged"},
	"DIGITS":   {func(s string) bool { return s != "" && len(s) <= 12 && onlyOf(s, isDigit) }, "one to twelve digits"},
	"NAME":     {isName, "the name of a contact"},
	"BOUNDARY": {isName, "the name of an effect"},
	"STEP":     {isStep, "a signed duration of at most ten years"},
	"POST":     {isName, "the id of a post"},
	"PERSON":   {isName, "a person's id"},
	"FILE":     {isFileName, "a plain file name"},
	"DURATION": {func(s string) bool { _, err := parseWait(s); return err == nil }, waitMeans},
	"COUNT":    {func(s string) bool { _, err := parseCount(s); return err == nil }, countMeans},
	"WORD":     {func(string) bool { return true }, "any word"},
}

const (
	waitMeans  = "a duration from 1ms to 1m0s"
	countMeans = "a number from 2 to 10000"
)

func isSide(s string) bool { return s == "entry" || s == "exit" }

func isNumber(s string) bool {
	return s != "" && len(s) <= 64 && onlyOf(s, func(c byte) bool {
		return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
	})
}

func isStep(s string) bool {
	const most = 10 * 366 * 24 * time.Hour
	d, err := time.ParseDuration(s)
	return err == nil && (s[0] == '+' || s[0] == '-') && d != 0 && d >= -most && d <= most
}

func parseWait(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Millisecond || d > MaxWait {
		return 0, fmt.Errorf("want %s, not %q", waitMeans, s)
	}
	return d, nil
}

func parseCount(s string) (int, error) {
	if len(s) == 0 || len(s) > 5 || s[0] == '0' || !onlyOf(s, isDigit) {
		return 0, fmt.Errorf("want %s, not %q", countMeans, s)
	}
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	if n < 2 || n > 10000 {
		return 0, fmt.Errorf("want %s, not %q", countMeans, s)
	}
	return n, nil
}

// findVerb gives the row that the words fit, or says what is wrong with them
// by the row that they fit furthest.
func findVerb(words []word) (Verb, error) {
	var wrong error
	furthest := -1
	for _, v := range verbs {
		pattern := strings.Fields(v.Usage)
		if pattern[0] != words[0].text {
			continue
		}
		n, err := fit(pattern, words)
		if err == nil {
			return v, nil
		}
		err = fmt.Errorf("%w (%s)", err, v.Usage)
		switch {
		case n > furthest:
			furthest, wrong = n, err
		case n == furthest:
			wrong = fmt.Errorf("%w; or %w", wrong, err)
		}
	}
	if wrong == nil {
		return Verb{}, fmt.Errorf("unknown act %q", words[0].text)
	}
	return Verb{}, wrong
}

// fit holds words against a pattern; n counts those that fitted.
func fit(pattern []string, words []word) (n int, err error) {
	for i, p := range pattern {
		if p == "[WORD...]" {
			return len(words), nil
		}
		if i == len(words) {
			return i, fmt.Errorf("%s is missing", p)
		}
		text := words[i].text
		if ph, ok := placeholders[p]; ok {
			if !ph.fits(text) {
				return i, fmt.Errorf("%s is %s, not %q", p, ph.means, text)
			}
		} else if !oneOf(p, text) {
			return i, fmt.Errorf("want %s, not %q", p, text)
		}
	}
	if len(words) > len(pattern) {
		return len(pattern), fmt.Errorf("%q is too much", words[len(pattern)].text)
	}
	return len(words), nil
}

func oneOf(alternatives, text string) bool {
	for a := range strings.SplitSeq(alternatives, "|") {
		if a == text {
			return true
		}
	}
	return false
}
