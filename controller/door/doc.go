// Package door is one doorway as a pure step: [Door.Step] takes one thing that
// happened and answers with what must be done. Everything that is true about
// the doorway with its two sides lives here, and nothing else does: no clock,
// no goroutine, no I/O. A run can be replayed from a text file or a seed.
//
// # The way of a passage
//
//	Badge  → an attempt begins          attempt.go   (asks policy.Judge)
//	Finger → the attempt is complete    attempt.go
//	        → access_granted            attempt.go   (Record: nothing moves yet)
//	Recorded → Release                  opening.go   (the only place that opens)
//	Line leaf → whose opening was it?   opening.go   (access_taken, forced, …)
//
// # Recording
//
// Events are collected while one input is taken and leave the step as a single
// [Record], always the last effect. Until its outcome is back the door takes
// nothing else: what comes in between waits in a bounded queue (record.go). So
// there is never more than one record in flight, and everything that a record
// leads to (a release, a published request, a new roster) is kept beside it as
// plain data, the consequence, until it is durable. What came before the outcome
// may spoil it: a leaf that opened, a lockdown, a fire. Then nothing is released.
//
// While the recorder fails nothing opens on either side, and what happens is
// shelved (outage.go) until it can be written.
//
// What must survive a restart is the [State]. It changes only in
// [State.Apply], which folds recorded events; the step itself never touches
// it. What is merely seen (line levels, attempts, timers) is forgotten by a
// restart and read again: unknown until then.
//
// Alarms are levels, not moments (alarm.go): what is true is compared with
// what is written, and the difference is recorded. An alarm that could not be
// recorded, or that stood when the power failed, is therefore written, or
// ended, as soon as it can be.
//
// # Where the promises are kept
//
//	P1  record.go settle, spoils; opening.go release
//	P2  start.go; the lock is released by nothing but an answer to a record
//	P3  opening.go release: For is the place's, and one runs at a time; secured
//	P4  fire.go quiet; attempt.go obstacle, capture: no state refuses egress
//	P5  attempt.go proceed: policy.Judge is the only decider; capture: of whom
//	P6  opening.go leafOpened, leafClosed: one release, one opening
//	P9  record.go ownUp, outage.go folded
//	P11 opening.go free, devices.go unusable: unknown is not fine
//	P12 attempt.go describe: an id or a tag, never a number
//
// # Tests
//
// testdata/*.txt are transcripts: what happens, and everything that the door
// does. They are the quickest way to learn what it does; rewrite them with
// -rewrite and review the difference. TestP… walk at random with the promise
// as invariant, -steps and -seed choose how far and where.
package door
