// Package policy decides who may pass a door, and why not. It is the city's
// regulation (日野市住民基本台帳ネットワークシステム運営セキュリティ規則, Article
// 6) written as a pure function over immutable values:
//
//	verdict := policy.Judge(rulebook, roster, &attempt, instant)
//
// A [Rulebook] is what the city decided: its places, who manages each, what
// each side of a door requires, time limits, and which reading of each open
// question of the regulation is in force. A [Roster] is what the door knows
// about people. An [Attempt] is what one person showed at a reader. Judge runs
// the numbered checks of checks.go, all of them, and never stops early, so
// that the record can say everything that did not hold:
//
//   - a check that fails refuses (the verdict is [Deny]);
//   - otherwise a check that lacks evidence asks for it ([Need]);
//   - otherwise the passage is granted ([Grant]).
//
// Unknown is refusal: an unknown place, badge, enumeration value or clock
// refuses, and the zero Rulebook and the zero Roster refuse everyone. On the
// exit side only identity is judged; every other check that does not hold
// becomes a remark. A refusal on the exit side means "not identified", never
// "stay": the handle inside opens the door without asking anybody.
//
// [Table] prints the same checks as a table that a manager can hold beside the
// regulation.
//
// Where to read: one file per article (art6_1.go to art6_5.go), checks.go for
// their order, judge.go for how they combine, reason.go and words.go for what
// people are told, rulebook*.go and roster*.go for the data, holidays.go for
// the calendar.
//
// The package is pure. It reads no clock, file or network, starts no
// goroutine, takes no lock and writes no log; a test holds it to that.
package policy
