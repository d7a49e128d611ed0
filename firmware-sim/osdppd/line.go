package osdppd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/osdp"
)

const (
	fifo        = 16 // bytes that a UART hands over at once
	bitsPerByte = 10 // 8N1
	gap         = 150 * time.Millisecond

	hangUpPause = 20 * time.Millisecond
)

// Line is the RS-485 line from the readers' end.
type Line struct {
	end  io.ReadWriteCloser
	baud int
	pds  []*PD
}

// NewLine hangs readers on one end of a wire: [FromWire] of an in-memory one,
// or the master of a pseudo-terminal.
func NewLine(end io.ReadWriteCloser, baud int, pds ...*PD) *Line {
	return &Line{end: end, baud: baud, pds: pds}
}

// Run serves the line until ctx ends (nil) or its end fails. It closes the end.
func (l *Line) Run(ctx context.Context) error {
	stop := make(chan struct{})
	closed := make(chan struct{})
	go func() { // ends a blocked Read
		defer close(closed)
		select {
		case <-ctx.Done():
		case <-stop:
		}
		l.end.Close()
	}()
	defer func() { close(stop); <-closed }()

	var buf []byte
	var last time.Time
	chunk := make([]byte, 4096)
	for {
		n, err := l.end.Read(chunk)
		switch {
		case ctx.Err() != nil:
			return nil
		case hungUp(err):
			_ = pause(ctx, hangUpPause)
			continue
		case err != nil:
			return fmt.Errorf("cannot read the readers' line: %w", err)
		}
		now := time.Now()
		if now.Sub(last) > gap {
			buf = buf[:0] // a frame that never ended
		}
		last = now
		buf = append(buf, chunk[:n]...)
		for {
			var f osdp.Frame
			n, status := osdp.Scan(buf, &f)
			if status != osdp.More {
				if err := l.heard(ctx, now, &f, status, n); err != nil {
					return err
				}
			}
			buf = buf[n:]
			if status == osdp.More {
				break
			}
		}
	}
}

// heard lets every reader on the line hear a frame, or noise, of n bytes.
func (l *Line) heard(ctx context.Context, now time.Time, f *osdp.Frame, status osdp.Status, n int) error {
	for _, p := range l.pds {
		var a answer
		var ok bool
		var shown *Shown
		if status == osdp.Whole {
			a, ok, shown = p.hear(now, f)
		} else {
			a, ok = p.hearNoise()
		}
		if shown != nil && p.opt.OnShow != nil {
			p.opt.OnShow(*shown)
		}
		if !ok {
			continue
		}
		// The command itself still travels while its first bytes are here.
		if err := l.send(ctx, a, l.air(n)); err != nil {
			if ctx.Err() != nil || hungUp(err) {
				return nil
			}
			return fmt.Errorf("cannot write the readers' line: %w", err)
		}
	}
	return nil
}

// send puts an answer on the line at its speed.
func (l *Line) send(ctx context.Context, a answer, travelling time.Duration) error {
	if err := pause(ctx, travelling+a.delay); err != nil {
		return err
	}
	for sent := 0; sent < len(a.bytes); {
		n := min(fifo, len(a.bytes)-sent)
		if sent < a.split && sent+n > a.split {
			n = a.split - sent
		}
		if err := pause(ctx, l.air(n)); err != nil {
			return err
		}
		if _, err := l.end.Write(a.bytes[sent : sent+n]); err != nil {
			return err
		}
		if sent += n; sent == a.split {
			if err := pause(ctx, a.splitPause); err != nil {
				return err
			}
		}
	}
	return nil
}

// hungUp tells that nobody has the other end of a pseudo-terminal open: what is
// sent is lost, as on a line without an ACU, and one may come.
func hungUp(err error) bool { return errors.Is(err, syscall.EIO) }

func (l *Line) air(n int) time.Duration {
	return time.Duration(n) * bitsPerByte * time.Second / time.Duration(l.baud)
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// FromWire makes an end for [NewLine] of a driver's wire.
func FromWire(w drivers.Wire) io.ReadWriteCloser { return wireEnd{w} }

type wireEnd struct{ drivers.Wire }

// Read waits as long as it takes.
func (e wireEnd) Read(p []byte) (int, error) {
	for {
		n, err := e.Wire.Read(p, time.Now().Add(time.Hour))
		if n > 0 || !errors.Is(err, drivers.ErrTimeout) {
			return n, err
		}
	}
}
