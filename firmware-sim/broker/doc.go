// Package broker is the far end of the uplink's wire, for rigs and tests: two
// brokers and the head end behind them.
//
//   - [Mini] is a small MQTT 3.1.1 broker over any net.Conn. With [Listener] it
//     runs inside a testing/synctest bubble, where it holds the real MQTT client
//     in virtual time. Its faults are named knobs: stop, withhold the PUBACK,
//     delay, duplicate.
//   - [RunDesk] is an embedded NATS server (JetStream, fsync on every write)
//     with its MQTT side behind mutual TLS, for the desk rig; run it in a
//     process of its own, so that a kill is a real kill.
//   - [Collector] is the head end: it keeps each door's events in order without
//     gaps or repeats, and acknowledges the highest contiguous number.
//
// [Authority] makes the throw-away certificates that both brokers ask for.
//
// None of this may be linked into the daemon.
//
// # What works in a bubble
//
// A goroutine that waits in [Conn.Read] or [Conn.Write] waits on a channel and
// is durably blocked, so virtual time runs on; deadlines are timers of the
// bubble. Unlike net.Pipe a Conn is buffered: an MQTT client and a broker that
// both write before they read would hold each other for ever on an unbuffered
// one. TLS, the paho client, and everything else that only needs a net.Conn
// works over it; sockets and processes do not, they belong to the desk. A
// listener, its connections and its broker must be made in the bubble that uses
// them. A bubble's clock starts in the year 2000: an [Authority] made in the
// bubble has certificates that are valid there.
package broker
