// Package drivers is the contract between the daemon and whatever hangs on the
// box's wires: what a reader, a fingerprint sensor or a contact can report
// ([Event]), what can be shown on one ([Signal]), how a finger is compared
// ([Sensor]), how a lock is moved ([Lock]), and what a wire is ([Wire],
// [Port]).
//
// It speaks in device words: bits, template pages, levels. It knows nothing of
// people, rules or doors, and neither does any driver below it. A driver
// reports faults as events and never ends the process; a lost wire is found
// again in one place (serialport). Reports of a body are truthful or absent:
// an unknown level is Unknown, an outcome that cannot be had is Unavailable.
package drivers
