package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// connBuffer bounds the bytes under way in one direction; Linux gives a TCP
// socket a few times that. Who writes more waits for the reader.
const connBuffer = 256 << 10

// ErrRefused is what Dial returns while nobody listens.
var ErrRefused = errors.New("connection refused")

// Listener is a net.Listener in memory. The zero Listener is not usable; see
// [Listen].
type Listener struct {
	conns  chan *Conn
	closed chan struct{}
	once   sync.Once

	mu   sync.Mutex
	down bool
}

var _ net.Listener = (*Listener)(nil)

// Listen makes a listener in memory.
func Listen() *Listener {
	return &Listener{conns: make(chan *Conn), closed: make(chan struct{})}
}

// Dial connects to the listener. It fails at once while the listener is closed
// or refuses, as a TCP dial to a dead process does.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	l.mu.Lock()
	down := l.down
	l.mu.Unlock()
	if down {
		return nil, fmt.Errorf("cannot dial in-memory listener: %w", ErrRefused)
	}
	near, far := Pair()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, fmt.Errorf("cannot dial in-memory listener: %w", ErrRefused)
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot dial in-memory listener: %w", ctx.Err())
	}
}

// Refuse makes every later Dial fail until it is called with false.
func (l *Listener) Refuse(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = on
}

// Accept waits for a Dial.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends the listener; connections stay.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a name only.
func (l *Listener) Addr() net.Addr { return memAddr{} }

type memAddr struct{}

func (memAddr) Network() string { return "memory" }
func (memAddr) String() string  { return "memory" }

// Pair makes a buffered full-duplex connection and gives its two ends.
func Pair() (a, b *Conn) {
	ab, ba := newStream(), newStream()
	return &Conn{in: ba, out: ab, read: newDeadline(), write: newDeadline()},
		&Conn{in: ab, out: ba, read: newDeadline(), write: newDeadline()}
}

// Conn is one end of a [Pair].
type Conn struct {
	in, out     *stream
	read, write *deadline
}

var _ net.Conn = (*Conn)(nil)

// Read waits for at least one byte.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		expired, reset := c.read.wait()
		if over(expired) {
			return 0, os.ErrDeadlineExceeded
		}
		n, wake, err := c.in.take(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		select {
		case <-wake:
		case <-reset:
		case <-expired:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// Write waits while the peer's buffer is full.
func (c *Conn) Write(p []byte) (int, error) {
	done := 0
	for {
		expired, reset := c.write.wait()
		if over(expired) {
			return done, os.ErrDeadlineExceeded
		}
		n, wake, err := c.out.put(p[done:])
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
		select {
		case <-wake:
		case <-reset:
		case <-expired:
			return done, os.ErrDeadlineExceeded
		}
	}
}

// Close closes both directions; the peer reads what is under way, then EOF.
func (c *Conn) Close() error {
	c.in.close(true)
	c.out.close(false)
	c.read.stop()
	c.write.stop()
	return nil
}

// LocalAddr is a name only.
func (c *Conn) LocalAddr() net.Addr { return memAddr{} }

// RemoteAddr is a name only.
func (c *Conn) RemoteAddr() net.Addr { return memAddr{} }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error {
	c.read.set(t)
	c.write.set(t)
	return nil
}

// SetReadDeadline also ends a Read that already waits.
func (c *Conn) SetReadDeadline(t time.Time) error { c.read.set(t); return nil }

// SetWriteDeadline also ends a Write that already waits.
func (c *Conn) SetWriteDeadline(t time.Time) error { c.write.set(t); return nil }

// stream is one direction.
type stream struct {
	mu     sync.Mutex
	wake   chan struct{} // closed and replaced at each change
	buf    []byte
	reader bool // the reader closed
	writer bool // the writer closed
}

func newStream() *stream { return &stream{wake: make(chan struct{})} }

func (s *stream) changed() {
	close(s.wake)
	s.wake = make(chan struct{})
}

func (s *stream) take(p []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.reader:
		return 0, nil, net.ErrClosed
	case len(s.buf) > 0 && len(p) > 0:
		n := copy(p, s.buf)
		s.buf = s.buf[n:]
		s.changed()
		return n, nil, nil
	case s.writer:
		return 0, nil, io.EOF
	default:
		return 0, s.wake, nil
	}
}

func (s *stream) put(p []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.writer:
		return 0, nil, net.ErrClosed
	case s.reader:
		return 0, nil, io.ErrClosedPipe
	}
	n := min(len(p), connBuffer-len(s.buf))
	if n > 0 {
		s.buf = append(s.buf, p[:n]...)
		s.changed()
	}
	return n, s.wake, nil
}

func (s *stream) close(reader bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reader {
		s.reader, s.buf = true, nil
	} else {
		s.writer = true
	}
	s.changed()
}

// deadline gives a channel that is closed when it has passed, and one that is
// closed when it is set anew.
type deadline struct {
	mu      sync.Mutex
	timer   *time.Timer
	expired chan struct{}
	reset   chan struct{}
}

func newDeadline() *deadline {
	return &deadline{expired: make(chan struct{}), reset: make(chan struct{})}
}

func (d *deadline) wait() (expired, reset <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expired, d.reset
}

func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	expired := make(chan struct{})
	d.expired = expired
	close(d.reset)
	d.reset = make(chan struct{})
	switch wait := time.Until(t); {
	case t.IsZero():
	case wait <= 0:
		close(expired)
	default:
		d.timer = time.AfterFunc(wait, func() { close(expired) })
	}
}

func over(expired <-chan struct{}) bool {
	select {
	case <-expired:
		return true
	default:
		return false
	}
}

func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
}
