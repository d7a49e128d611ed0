package drivers

import (
	"context"
	"errors"
	"time"
)

// Wire is one open byte connection to a device. One goroutine reads and one
// writes; Close may be called from any and ends both.
type Wire interface {
	// Read waits until deadline for the first byte and returns what has
	// arrived. It fails with [ErrTimeout] at the deadline (the wire stays
	// usable), [ErrClosed] after Close, [ErrUnplugged] when the far end or the
	// adapter went away.
	Read(p []byte, deadline time.Time) (int, error)
	// Write sends all of p or fails; it never blocks longer than a second.
	Write(p []byte) (int, error)
	Close() error
}

// What a Wire fails with; test with errors.Is.
var (
	ErrTimeout   = errors.New("nothing arrived in time")
	ErrClosed    = errors.New("wire closed by this side")
	ErrUnplugged = errors.New("wire unplugged")
)

// Port is a named wire that may be lost and found again. Keep is the one place
// that reconnects: it opens the wire, runs body with it, closes it when body
// returns, and starts again after a pause of at most one second, until ctx
// ends (nil) or the port can never be opened (error: wrong speed, not allowed).
// lost is told each failure to open and each error that body ended with.
type Port interface {
	Keep(ctx context.Context, body func(context.Context, Wire) error, lost func(error)) error
	String() string
}
