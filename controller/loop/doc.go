// Package loop is the one place where things happen at a doorway. It owns the
// door: it turns what drivers saw into inputs, steps the door, does the
// effects in their order, and feeds every outcome back. One goroutine does all
// of it; everything else sends to it.
//
// The order is the promise. A record is durable before its outcome is fed back,
// and only the answer to that can release the lock (P1). Writing to a disk
// takes time: what happened meanwhile goes to the door first, so that a leaf
// that opened, a lockdown or a fire still keeps the lock locked (P4, P5).
//
// Badges wait apart. A flood of them blocks its own reader and delays nothing
// else; of two people who show a badge, the one who leaves comes first. The
// loop itself decides nothing.
package loop
