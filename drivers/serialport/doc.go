// Package serialport gives serial lines as [drivers.Wire] and keeps them: it
// is the one place that opens, locks, sets up, loses and reopens a port.
//
// [Open] sets the line up with go.bug.st/serial and moves the bytes itself,
// through a second, non-blocking descriptor of the same port and the Go
// runtime's poller. The library's own calls do not fit a door controller: its
// Write cannot be ended (a line that is held off blocks it for ever), its Read
// cannot tell a pulled adapter from a Close, and its Close gives the descriptor
// number back while a Write on it may still be about to start, which would then
// write a reader's frame into whatever file got that number, the ledger too.
// It never lists ports: listing opens every one and sets its speed.
//
// [New] makes a [drivers.Port] of anything that opens wires; it does not know
// Linux, so that tests drive it in virtual time.
//
// Bind readers by stable names (/dev/serial/by-path/…, /dev/ttyAMA2), never by
// ttyUSBn: the order of plugging decides those.
package serialport
