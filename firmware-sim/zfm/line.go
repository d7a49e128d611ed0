package zfm

import (
	"context"
	"errors"
	"time"

	"sekimori/drivers"
	"sekimori/drivers/zfm"
)

// fifo is how many bytes a UART hands on at once.
const fifo = 16

// bitsPerByte at 8N1.
const bitsPerByte = 10

// errPower ends what the module was doing when its power was cut.
var errPower = errors.New("power cut")

// line is one run of the module on one wire.
type line struct {
	m    *Module
	wire drivers.Wire
	in   chan []byte
	rx   []byte
}

// Run powers the module up and serves on wire until ctx or the wire ends (nil
// in both cases for the ways a rig ends it; else the wire's error). Everything
// in RAM starts afresh.
func (m *Module) Run(ctx context.Context, wire drivers.Wire) error {
	ctx, cancel := context.WithCancel(ctx)
	l := &line{m: m, wire: wire, in: make(chan []byte)}
	m.mu.Lock()
	m.wire = wire
	m.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- l.read(ctx) }()
	err := l.serve(ctx, ended)
	cancel()
	_ = wire.Close()
	if readErr := <-ended; err == nil {
		err = readErr
	}
	if errors.Is(err, drivers.ErrClosed) || errors.Is(err, drivers.ErrUnplugged) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// read hands on what arrives until the wire or ctx ends.
func (l *line) read(ctx context.Context) error {
	b := make([]byte, 512)
	for {
		n, err := l.wire.Read(b, time.Now().Add(time.Minute))
		if n > 0 {
			select {
			case l.in <- append([]byte(nil), b[:n]...):
			case <-ctx.Done():
				return nil
			}
		}
		if err != nil && !errors.Is(err, drivers.ErrTimeout) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

func (l *line) serve(ctx context.Context, ended chan error) error {
	err := l.boot(ctx)
	for {
		switch {
		case errors.Is(err, errPower):
			err = l.boot(ctx)
			continue
		case err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			ended <- err
			return nil
		case b := <-l.in:
			err = l.take(ctx, b)
		case <-l.m.poke:
			err = l.poked(ctx)
		}
	}
}

// boot is deaf while it lasts.
func (l *line) boot(ctx context.Context) error {
	l.m.mu.Lock()
	l.m.ram = l.m.freshRAM()
	l.m.faults.powerCut = false
	l.m.mu.Unlock()
	if l.m.o.Ring != nil {
		l.m.o.Ring(Ring{})
	}
	l.rx = nil
	deaf := time.NewTimer(l.m.is.boot)
	defer deaf.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.in:
		case <-deaf.C:
			if l.m.is.sendsReady {
				return l.send(ctx, []byte{0x55})
			}
			return nil
		}
	}
}

// poked looks what changed behind the line's back.
func (l *line) poked(ctx context.Context) error {
	if l.m.isCut() {
		return errPower
	}
	l.m.mu.Lock()
	noise := l.m.faults.noise
	l.m.faults.noise = nil
	l.m.mu.Unlock()
	return l.send(ctx, noise)
}

// pause waits d; it ends early with ctx or the module's power.
func (l *line) pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.m.poke:
			if l.m.isCut() {
				return errPower
			}
			defer l.m.poked() // noise waits until the line is free
		case <-t.C:
			return nil
		}
	}
}

// take serves the commands in b.
func (l *line) take(ctx context.Context, b []byte) error {
	l.rx = append(l.rx, b...)
	for {
		p, n, err := zfm.Parse(l.rx)
		if errors.Is(err, zfm.ErrShort) {
			return nil
		}
		if err == nil {
			p.Content = append([]byte(nil), p.Content...)
		}
		l.rx = l.rx[n:]
		if errors.Is(err, zfm.ErrChecksum) {
			p = zfm.Packet{Address: l.m.address(), PID: zfm.Command}
		} else if err != nil {
			continue
		}
		if err := l.m.pace(ctx, l, len(p.Content)+11); err != nil {
			return err
		}
		if err := l.answer(ctx, p); err != nil {
			return err
		}
	}
}

func (m *Module) address() uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.flash.address
}

// baud is the speed of the line now: as configured, or as SetSysPara set it.
func (m *Module) baud() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.o.Baud > 0 && m.flash.baudN != 6 {
		return int(m.flash.baudN) * 9600
	}
	return m.o.Baud
}

// pace waits as long as n bytes take on the line.
func (m *Module) pace(ctx context.Context, l *line, n int) error {
	baud := m.baud()
	if baud <= 0 {
		return nil
	}
	return l.pause(ctx, time.Duration(n)*bitsPerByte*time.Second/time.Duration(baud))
}

// answer lets the module do its work and sends what it says.
func (l *line) answer(ctx context.Context, p zfm.Packet) error {
	r := l.m.command(p)
	for _, observe := range r.observe {
		observe()
	}
	l.m.mu.Lock()
	f := l.m.faults
	l.m.mu.Unlock()
	if len(r.packets) == 0 || f.silent {
		return nil
	}
	if err := l.pause(ctx, r.work+f.delay); err != nil {
		return err
	}
	for i, p := range r.packets {
		if err := l.send(ctx, l.m.encode(p)); err != nil {
			return err
		}
		if i == 0 && l.m.o.Answered != nil {
			l.m.o.Answered(r.instruction, p.Content[0], time.Now())
		}
	}
	if r.after != nil {
		return r.after()
	}
	return nil
}

// encode frames p, with the faults that are due.
func (m *Module) encode(p zfm.Packet) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.faults.wrongAddress > 0 {
		m.faults.wrongAddress--
		p.Address ^= 0x00000100
	}
	b := zfm.Append(nil, p)
	if m.faults.corrupt > 0 {
		m.faults.corrupt--
		b[len(b)-1] ^= 0x10
	}
	return b
}

// send puts b on the line at its speed, FIFO by FIFO: a chunk is there when
// its last bit is.
func (l *line) send(ctx context.Context, b []byte) error {
	l.m.mu.Lock()
	piece, gap := l.m.faults.split, l.m.faults.gap
	l.m.mu.Unlock()
	for first := true; len(b) > 0; first = false {
		n := min(len(b), fifo)
		if piece > 0 {
			n = min(n, piece)
		} else if l.m.o.Baud <= 0 {
			n = len(b)
		}
		if piece > 0 && !first {
			if err := l.pause(ctx, gap); err != nil {
				return err
			}
		}
		if err := l.m.pace(ctx, l, n); err != nil {
			return err
		}
		if _, err := l.wire.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
