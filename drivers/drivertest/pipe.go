package drivertest

import (
	"fmt"
	"sync"
	"time"

	"sekimori/drivers"
)

// laneCapacity bounds the bytes under way in one direction. What does not fit
// is lost, as in a UART whose buffer overruns, so that a deaf peer never makes
// memory grow. Linux gives a terminal 64 KiB.
const laneCapacity = 64 << 10

// bitsPerByte is what one byte takes on an asynchronous line at 8N1: start bit,
// eight data bits, stop bit.
const bitsPerByte = 10

// Pipe makes a full-duplex wire and gives its two ends. Write never blocks;
// what is written at one end is read at the other, in order. Both ends are
// [drivers.Wire]; their further methods are the named faults. A fault set on
// an end concerns what that end writes, except [End.Deaf] and [End.Unplug].
func Pipe() (a, b *End) {
	ab, ba := newLane(), newLane()
	return &End{out: ab, in: ba}, &End{out: ba, in: ab}
}

// End is one end of a [Pipe].
type End struct{ in, out *lane }

var _ drivers.Wire = (*End)(nil)

// Read is [drivers.Wire.Read]. A deadline that has passed polls: it returns
// what has arrived, else drivers.ErrTimeout.
func (e *End) Read(p []byte, deadline time.Time) (int, error) {
	n, err := e.in.read(p, deadline)
	if err != nil {
		return n, fmt.Errorf("cannot read in-memory wire: %w", err)
	}
	return n, nil
}

// Write is [drivers.Wire.Write]; it returns at once, also on a paced wire, as a
// write into a kernel's transmit buffer does.
func (e *End) Write(p []byte) (int, error) {
	if err := e.out.write(p); err != nil {
		return 0, fmt.Errorf("cannot write in-memory wire: %w", err)
	}
	return len(p), nil
}

// Close closes this end. A call blocked in Read returns drivers.ErrClosed; the
// other end still reads what is under way, then finds the wire unplugged.
// Closing twice is no error.
func (e *End) Close() error {
	e.in.closeReader()
	e.out.closeWriter()
	return nil
}

// closed tells whether this end was closed or unplugged.
func (e *End) closed() bool {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	return e.in.readerClosed || e.in.unplugged
}

// Unplug pulls the cable: both ends fail with drivers.ErrUnplugged from now on,
// and what is under way is lost. What had already arrived can still be read.
func (e *End) Unplug() {
	e.in.unplug()
	e.out.unplug()
}

// Drop loses the next n writes whole.
func (e *End) Drop(n int) { e.out.set(func(f *faults) { f.drop = n }) }

// Corrupt flips one bit in the middle of each of the next n writes.
func (e *End) Corrupt(n int) { e.out.set(func(f *faults) { f.corrupt = n }) }

// Delay makes every later write arrive d later.
func (e *End) Delay(d time.Duration) { e.out.set(func(f *faults) { f.delay = d }) }

// Split delivers every later write in pieces of at most n bytes, gap apart.
// n <= 0 ends it.
func (e *End) Split(n int, gap time.Duration) {
	e.out.set(func(f *faults) { f.piece, f.gap = n, gap })
}

// Pace delivers every later write as fast as a UART at baud would, in pieces of
// its receive FIFO's trigger level of fifo bytes (at least 1). baud <= 0 ends
// it.
func (e *End) Pace(baud, fifo int) {
	e.out.set(func(f *faults) { f.baud, f.fifo = baud, max(fifo, 1) })
}

// Deaf makes this end hear nothing while on: what is sent to it is lost.
func (e *End) Deaf(on bool) { e.in.set(func(f *faults) { f.deaf = on }) }

// Lost is the number of bytes written at this end that never arrive: dropped,
// sent to a deaf end, or overrun.
func (e *End) Lost() int {
	e.out.mu.Lock()
	defer e.out.mu.Unlock()
	return e.out.lost
}

// faults are the knobs of one direction.
type faults struct {
	drop, corrupt int
	delay         time.Duration
	piece         int
	gap           time.Duration
	baud, fifo    int
	deaf          bool
}

// chunk is bytes that arrive together.
type chunk struct {
	at time.Time
	b  []byte
}

// lane is one direction of a pipe.
type lane struct {
	mu           sync.Mutex
	wake         chan struct{} // closed and replaced at each change
	queue        []chunk       // in order of arrival
	size         int           // bytes in queue
	free         time.Time     // when the paced line is free for the next byte
	faults       faults
	lost         int
	readerClosed bool
	writerClosed bool
	unplugged    bool
}

func newLane() *lane { return &lane{wake: make(chan struct{})} }

// changed wakes every waiting reader; mu is held.
func (l *lane) changed() {
	close(l.wake)
	l.wake = make(chan struct{})
}

func (l *lane) set(change func(*faults)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.faults)
}

func (l *lane) closeReader() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.readerClosed {
		l.readerClosed = true
		l.queue, l.size = nil, 0
		l.changed()
	}
}

func (l *lane) closeWriter() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.writerClosed {
		l.writerClosed = true
		l.changed()
	}
}

func (l *lane) unplug() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unplugged {
		return
	}
	l.unplugged = true
	now := time.Now()
	arrived := 0
	for arrived < len(l.queue) && !l.queue[arrived].at.After(now) {
		arrived++
	}
	for _, c := range l.queue[arrived:] {
		l.size -= len(c.b)
		l.lost += len(c.b)
	}
	l.queue = l.queue[:arrived]
	l.changed()
}

func (l *lane) write(p []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.writerClosed:
		return drivers.ErrClosed
	case l.unplugged, l.readerClosed:
		return drivers.ErrUnplugged
	case len(p) == 0:
		return nil
	case l.faults.drop > 0:
		l.faults.drop--
		l.lost += len(p)
		return nil
	case l.faults.deaf:
		l.lost += len(p)
		return nil
	}
	b := append([]byte(nil), p...)
	if l.faults.corrupt > 0 {
		l.faults.corrupt--
		b[len(b)/2] ^= 0x10
	}
	if room := laneCapacity - l.size; len(b) > room {
		l.lost += len(b) - room
		b = b[:room]
	}
	l.size += len(b)
	l.schedule(b)
	l.changed()
	return nil
}

// schedule puts b into the queue as the pieces in which it will arrive.
func (l *lane) schedule(b []byte) {
	at := time.Now()
	if l.free.After(at) && l.faults.baud > 0 {
		at = l.free
	}
	f := l.faults
	piece := len(b)
	if f.piece > 0 {
		piece = min(piece, f.piece)
	}
	if f.baud > 0 {
		piece = min(piece, f.fifo)
	}
	for first := true; len(b) > 0; first = false {
		n := min(piece, len(b))
		if f.baud > 0 {
			at = at.Add(time.Duration(n) * bitsPerByte * time.Second / time.Duration(f.baud))
		}
		if f.piece > 0 && !first {
			at = at.Add(f.gap)
		}
		l.push(chunk{at.Add(f.delay), b[:n]})
		b = b[n:]
	}
	l.free = at
}

// push keeps order: a byte never overtakes one that was written earlier, also
// when a delay was taken back meanwhile.
func (l *lane) push(c chunk) {
	if n := len(l.queue); n > 0 && c.at.Before(l.queue[n-1].at) {
		c.at = l.queue[n-1].at
	}
	l.queue = append(l.queue, c)
}

func (l *lane) read(p []byte, deadline time.Time) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, wake, next, err := l.take(p)
		if n > 0 || err != nil {
			return n, err
		}
		until := deadline
		if !next.IsZero() && next.Before(deadline) {
			until = next
		}
		wait := time.Until(until)
		if wait <= 0 {
			if until.Equal(deadline) {
				return 0, drivers.ErrTimeout
			}
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take moves what has arrived into p. Else it tells what to wait for: a change,
// or the arrival of the next chunk.
func (l *lane) take(p []byte) (n int, wake <-chan struct{}, next time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.readerClosed {
		return 0, nil, next, drivers.ErrClosed
	}
	now := time.Now()
	for len(l.queue) > 0 && n < len(p) {
		c := &l.queue[0]
		if c.at.After(now) {
			next = c.at
			break
		}
		k := copy(p[n:], c.b)
		n += k
		if c.b = c.b[k:]; len(c.b) == 0 {
			l.queue = l.queue[1:]
		}
	}
	l.size -= n
	if n == 0 && len(l.queue) == 0 && (l.unplugged || l.writerClosed) {
		return 0, nil, next, drivers.ErrUnplugged
	}
	return n, l.wake, next, nil
}
