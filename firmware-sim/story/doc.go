// Package story reads and plays stories: text files that say what people do at
// a door and what must be seen, and what must never be seen. A story is test,
// demonstration and documentation at once.
//
// The package knows the form and the rules of matching. It knows nothing of
// badges, daemons or brokers: whatever performs the acts and observes the door
// is a [Rig], so that the same file is played in virtual time against
// in-memory wires and in real time against processes and serial ports.
//
// # The form
//
//	# 機械室: 事前許可のある職員が入る / a permitted person walks in
//	door machine-room
//	at 2026-11-24T09:00:00+09:00
//
//	> badge entry 10023
//	< show entry finger
//	> finger entry s-001
//	< lock released
//	< event access_granted person=s-001 side=entry
//	! event access_denied within 3s
//
// A line begins with one of these:
//
//	#     a comment; only at the start of a line
//	door  the name of a door; repeatable, before the first act
//	at    the wall clock at the start (RFC 3339); once, before the first act
//	>     an act: something that a person does, or that happens ([Verbs])
//	<     must be seen
//	!     must not be seen
//
// Words are split at spaces. A word with spaces is a Go string, and so is a
// value: key="two words". Where a story has several doors, acts and
// expectations name theirs first, as in "> east: badge entry 10023"; acts on
// the whole site (broker, wait) name none. Files in txtar form ("-- NAME --")
// may follow: rulebook.toml, roster.toml and door-NAME.toml replace the
// rig's own, any other must be the FILE of an "order import". The whole file is
// parsed before anything is played.
//
// # Channels
//
//	show SIDE  the signal at the reader of that side: show entry granted
//	lock       the physical bolt: lock released, lock secured
//	event      the event as a subscriber at the broker receives it, by kind
//	request    a request to the managers, as published
//	state      the retained state, as published: a level, not a happening
//	ledger     the event as it stands in the door's own ledger, by kind
//
// Expectations may add key=value. The key is a dotted path in the published
// JSON, the value is compared as text. A list holds if one element does; a path
// that crosses a list looks into every element. "key=" says that there is no
// such value: missing, null, empty text or empty list. "times N" asks for N
// matches one after the other, "within DURATION" stands last.
//
// # What holds
//
// Each channel of each door has a cursor, at the start of the story before
// everything. "<" takes the first match at or after its channel's cursor, skips
// the others and moves that cursor behind it: order holds inside a channel,
// never between channels. "within" counts from the end of the preceding act
// (which for most acts is also its beginning), two seconds where nothing is
// said; what happens exactly at the deadline is in time. A rig in real time may
// declare a lateness ([Rig].Lateness) up to which a late match is reported
// but no failure.
//
// "!" covers its channel from the beginning of the preceding act until within
// (two seconds) after its end. It sees everything there, also what "<" skipped,
// except what a "<" took: "< lock released" and then "! lock released" means
// once, and not again.
//
// "state" is a level. "<" holds if the state that stands when the line is
// reached matches, or one published since the preceding act, or one that is
// published in time. "!" covers what was published in its window, and where
// nothing was, the state that stands.
//
// A story waits 60 s at most: its waits, the pauses of its repeats and the
// longest "!" after each act may add up to no more.
package story
