// Package event is what a door says about itself: one vocabulary from the
// door's step through the ledger and the wire to the manager's page.
//
// [Event] is one line of the ledger and one message on the wire, the same
// JSON in both. [Kind] is what happened, with its severity and its words in
// Japanese and English; the names follow ONVIF's access control and BACnet's
// access objects where these have one. [Zone] is the fold of the stream into
// who is inside a place. [RegisterNumber] is the number of a line in the entry
// register.
//
// An event carries ids, never names, and never a credential number, template,
// PIN or key: an unknown credential is a short keyed tag. The package has no
// clock, no goroutine and no file.
package event
