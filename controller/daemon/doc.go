// Package daemon puts the parts of one door together and runs them: wires,
// door, ledger, orders, uplink, clock and watchdog, each a named task that
// ends with the context and is waited for.
//
// Everything outside the process comes through [Host], four functions: a
// serial port, a pin, the wall clock, a connection to the broker. The program
// passes Linux's; a rig passes its own. There is no other seam, and no
// simulator in this program.
package daemon
