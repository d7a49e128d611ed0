// Package osdp is the controller's side (ACU) of badge readers on RS-485: OSDP
// v2.2 (IEC 60839-11-5) with Secure Channel, and nothing else. A [Bus] is one
// serial line with one or more readers; it is a drivers.Device, and each
// [Reader] of it a drivers.Annunciator.
//
// # The way of a byte
//
// [Scan] cuts bytes into frames and checks their check value. A pd, the state
// machine of one reader, verifies the MAC, decrypts, and learns what the reader
// saw; the Bus only moves bytes and asks the readers in turn. Frames, session
// and pd are pure and stepped by now.
//
// # What is trusted
//
// A reader comes into service by this order, and any step that fails keeps it
// out: identity and capabilities in clear; the handshake with the reader's own
// key; identity and capabilities again inside the session, held against the
// first answers and against the identity pinned at adoption; its status; and
// polls until its queue is empty, so that a card that it kept from before this
// session is never taken for one that is there now. Only then is it Online, and
// only in that state is a Card emitted.
//
//   - There is no default key (SCBK-D), no clear text and no fallback: a reader
//     that says it has no Secure Channel, or answers for the default key, is a
//     fault. Capabilities never decide about security.
//   - No KEYSET and no COMSET is ever sent. Keys get into a reader on a bench,
//     or by its maker's tool: a KEYSET on a tapped bus under the default key
//     gives the key away.
//   - Weak and shared keys are refused ([ParseKey], [New]).
//   - A changed identity or capability disables the reader until the adopted
//     one is back. More than three wrong MACs in a minute do so for a growing
//     time.
//   - Data in clear during a session is discarded and an alarm; so is a random
//     number that a reader gives again.
//   - A session is renewed after 24 hours or 2^20 frames.
//   - Card bits over a Secure Channel are secured on the wire and still
//     clonable on the card: Secured true, Proof Clonable.
//   - A lock on a reader's output and contacts on its inputs are not offered:
//     the reader hangs outside.
//
// # The line
//
// 8N1, one mark byte before each frame, two idle characters between senders,
// an answer within 200 ms. An unanswered frame is repeated byte for byte every
// 220 ms, four times, then the sequence restarts at 0; BUSY is repeated after
// 150 ms, at most ten times. Loss of service is told after Options.Silence,
// from whatever reason; a silent reader is probed at Options.Probe at the
// slowest.
//
// # Not supported
//
// File transfer, biometric commands, transparent mode, keypads (their reports
// are read past), multi-part replies, extended PDID, outputs, Secure Channel 2.
// The standard leaves open how many retries and how long between BUSY; the
// values are ours.
package osdp
