package order

import "fmt"

// Code is why an order was refused: a closed set that travels unchanged to
// ledger, log and topic.
type Code string

// The codes.
const (
	TooLarge       Code = "too_large"
	NotCanonical   Code = "not_canonical" // not in the one form that an order has
	UnknownAct     Code = "unknown_act"
	BadField       Code = "bad_field"
	UnknownKey     Code = "unknown_key"
	KeyNotInForce  Code = "key_not_in_force" // pinned, but its time is over or has not come
	BadSignature   Code = "bad_signature"
	NotThatRole    Code = "not_that_role"
	WrongPlace     Code = "wrong_place"
	WrongDoor      Code = "wrong_door"
	NotYet         Code = "not_yet"
	Expired        Code = "expired"
	ClockUntrusted Code = "clock_untrusted"
	BadPayload     Code = "bad_payload"
	Replay         Code = "replay"
	NotAFile       Code = "not_a_file" // in the inbox folder, but no regular file
	Impossible     Code = "impossible" // genuine, but the roster does not allow it
)

// Refusal is the error of everything that judges an order. Detail is safe to
// record: it holds no key, payload or credential, and quotes at most the start
// of a name.
type Refusal struct {
	Code   Code
	Detail string
	Order  string // the order's id, once its document could be read
}

func (r *Refusal) Error() string { return "order refused: " + string(r.Code) + ": " + r.Detail }

func refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{Code: c, Detail: fmt.Sprintf(format, args...)}
}
