// Package uplink is the door's wire to the world: MQTT 3.1.1 over mutual TLS
// 1.3. It drains the ledger outward and hands orders in; the door neither
// waits for it nor can be held up by it.
//
// # Topics
//
// All under sekimori/v1/{door}/, described in deploy/asyncapi.yaml:
//
//	events       up    QoS 1  the ledger's bodies in order, each with its seq
//	state        up    QoS 1  retained: counts and levels, no names; the last
//	                          will says offline
//	requests     up    QoS 1  permissions asked for, while the link is up
//	checkpoints  up    QoS 1  retained: the newest signed tree head
//	orders       down  QoS 1  signed orders (package order)
//	acks         down  QoS 0  {"seq":N}: the collector has everything up to N
//	replay       down  QoS 1  {"from":N}: send from N again
//
// # No event is lost (P9)
//
// The ledger is the outbox and a cursor says how far the collector has it. The
// client's publish tokens say nothing: after a lost connection they complete
// without error though no PUBACK came, and a broker acknowledges what its rules
// then drop. The cursor therefore moves only on the collector's own
// acknowledgement of its highest contiguous number. Where no collector exists
// (Options.Exact) it moves on the PUBACK packet itself, which the client shows
// by one thing only: deleting the message from its store. Such a PUBACK proves
// that the broker took the message, not that anybody will get it.
//
// Events go out in order, at most Options.Window ahead of the cursor. On every
// connection, and after Options.Stall without progress, sending starts again at
// the cursor; repeats are the collector's to drop by (door, seq).
//
// An acknowledgement above what this run published moves nothing. It raises an
// alarm unless an earlier run could have published it.
//
// # The client
//
// Every connection has a client and a store of its own, so that nothing of a
// lost one (packet ids, tokens, resumed packets) reaches into the next, and
// every goroutine of it has ended before the next begins. The store remembers
// packet ids only: it has no disk that could fail, and the library's own
// FileStore panics when it does. The connection bounds the size of a packet
// that the broker may announce, because the library allocates it unseen, and
// gives every write a deadline, because the library's keep-alive has none.
// Handlers only leave a note under a lock; orders are written to the inbox by a
// goroutine of their own, and acknowledged to the broker after that.
//
// In a testing/synctest bubble the client works over any connection whose reads
// and writes wait on channels (firmware-sim/broker has one); an unbuffered
// net.Pipe deadlocks, since client and broker both write before they read.
package uplink
