// Package osdppd is a badge reader: the device's side (PD) of OSDP v2.2 with
// Secure Channel, for tests and for the desk rig.
//
// A [PD] is one reader, a [Line] the RS-485 line that one or more hang on. The
// framing is that of drivers/osdp, which outside vectors pin; everything else
// (session, sequence, cached reply, what a reader does) is written from the
// PD's point of view and shares nothing with the driver, so that a mistake in
// one is seen by the other.
//
// The PD is a full-secure one: in clear it answers only ID, CAP and the
// handshake. Answers leave at the line's speed, in the bursts of a UART's
// 16-byte FIFO. Everything that can go wrong with a reader, or be done to one,
// is a named knob of [Faults].
package osdppd
