// Package portal simulates a doorway as hardware: supplies, the relay's contact
// in the lock line, bolt, leaf, inside handle, key cylinder, exit button, fire
// contact, and the contacts whose wires lead back to the box. It knows nothing
// of the daemon; it gives it pins and shows what the metal does.
//
// The lock line is wired as regulations want it: exit button and fire contact
// act on the lock whatever the relay, the box or its software do; the inside
// handle and the key retract the bolt by force of hand, whatever the line does.
//
//	fail-secure (通電時解錠): supply ─┬─ relay NO ───┬─ coil   powered = released
//	                                  ├─ exit button ┤
//	                                  └─ fire ───────┘
//
//	fail-safe (通電時施錠):   supply ─ relay NC ─ exit button ─ fire ─ coil
//	                                                          powered = secured
//
// The bolt is a latch: a leaf closes over it.
//
// The circuit is pure and stepped by now ([circuit]); [Portal] runs it. Pins
// keep their level when the daemon dies, as the kernel's do. Every wire to the
// box is a loop that can be cut or shorted.
package portal
