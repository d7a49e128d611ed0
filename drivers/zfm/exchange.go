package zfm

import (
	"errors"
	"fmt"
	"time"
)

// exchange is one command under way and what its answer leads to.
type exchange struct {
	ins     instruction
	content []byte
	upload  []byte // data packets' content sent after acknowledgement 00 (DownChar)
	collect bool   // data packets follow acknowledgement 00 (UpChar)

	// owner is the task that asked. When another has taken its place, the
	// answer is still awaited, because the next command must not meet it, but
	// nobody is told. nil: the machine itself asked.
	owner task
	then  func(now time.Time, a answer)

	tries     int
	deadline  time.Time
	acked     bool   // collecting
	collected []byte // at most maxTemplate
}

// The protocol has no sequence numbers: an answer that comes late looks like
// the answer to the next command. So after every command without a good
// answer the line is fenced: ReadSysPara, whose answer no other instruction's
// resembles, is asked until it is answered, and all that comes before is
// dropped. The module answers in order, so nothing old is left behind it.
const (
	fenceTimeout = 500 * time.Millisecond
	fenceTries   = 3
)

// packetGap bounds the wait for the next data packet of an upload: 267 bytes
// take 280 ms at 9600 baud.
const packetGap = time.Second

// maxTemplate bounds what a module may upload as one template. The largest
// known is 1536 bytes (R503).
const maxTemplate = 4096

// lostPassword: a module that wants its password anew has lost power, or is
// another one.
const lostPassword = "lost its verified password (power cycle or swap)"

var (
	errNoAnswer = errors.New("no answer")
	errDamaged  = errors.New("answer damaged")
	errTooLong  = fmt.Errorf("more than %d bytes uploaded", maxTemplate)
)

// ask sends a command for t and calls then with its outcome, unless t is no
// longer the machine's task by then.
func (m *machine) ask(now time.Time, t task, then func(time.Time, answer), i instruction, params ...byte) {
	m.begin(now, &exchange{ins: i, content: request(i, params...), owner: t, then: then})
}

// begin sends x, or keeps it until the exchange under way has ended. There is
// one place to wait: only the one task asks, and it asks one thing at a time.
func (m *machine) begin(now time.Time, x *exchange) {
	if m.pending != nil {
		m.queued = x
		return
	}
	m.pending = x
	m.send(now)
}

func (m *machine) send(now time.Time) {
	x := m.pending
	x.tries++
	x.acked, x.collected = false, nil
	x.deadline = now.Add(shapes[x.ins].timeout)
	m.write(Command, x.content)
}

func (m *machine) write(pid PID, content []byte) {
	m.out = Append(m.out, Packet{m.o.Address, pid, content})
}

// received takes bytes that came at now.
func (m *machine) received(now time.Time, b []byte) {
	m.rx = append(m.rx, b...)
	rest := m.rx
	for m.phase != down && len(rest) > 0 {
		p, n, err := Parse(rest)
		if errors.Is(err, ErrShort) {
			break
		}
		taken := rest[:n]
		rest = rest[n:]
		switch {
		case errors.Is(err, ErrNoise):
			m.noise(now, taken)
		case err != nil:
			m.damaged(now, err)
		case p.Address != m.o.Address:
			m.malformed(now, "packet of another address")
		default:
			m.packet(now, p)
		}
	}
	// What is left is less than one packet, because Parse refuses longer ones.
	kept := copy(m.rx, rest)
	clear(m.rx[kept:]) // it may have held a template (P12)
	m.rx = m.rx[:kept]
}

// readyByte is what an R503 sends when it has started (R503 user manual,
// "power-on delay time").
const readyByte = 0x55

// noise looks for the ready byte in bytes outside a packet. Line noise that
// happens to hold one costs a start sequence, nothing else.
func (m *machine) noise(now time.Time, b []byte) {
	for _, c := range b {
		if c == readyByte {
			m.woke(now)
		} else {
			m.malformed(now, "byte outside a packet")
		}
	}
}

// damaged ends the exchange under way early: its answer may have been the
// damaged packet. If it was not, the fence drops it.
func (m *machine) damaged(now time.Time, err error) {
	m.malformed(now, err.Error())
	if m.pending != nil && m.fences == 0 {
		m.fail(now, errDamaged)
	}
}

func (m *machine) packet(now time.Time, p Packet) {
	x := m.pending
	switch {
	case x == nil:
		m.malformed(now, "packet that nobody asked for")
	case m.fences > 0:
		m.fenced(now, p)
	case p.PID == Acknowledge && !x.acked:
		m.acknowledged(now, code(p.Content[0]), p.Content[1:])
	case (p.PID == Data || p.PID == LastData) && x.acked:
		m.uploaded(now, p)
	default:
		m.malformed(now, "packet out of place")
	}
}

// acknowledged takes an acknowledgement. One whose length is not that of the
// instruction answers something else and is dropped.
func (m *machine) acknowledged(now time.Time, c code, data []byte) {
	x := m.pending
	want := shapes[x.ins].answer
	if len(data) != want && (c == ok || len(data) != 0) {
		m.malformed(now, fmt.Sprintf("%d bytes in answer to %v instead of %d", len(data), x.ins, want))
		return
	}
	switch {
	case c == receiveError && x.tries < maxReceiveErrors:
		m.send(now) // the module has done nothing yet
	case c == needPassword:
		m.lost(now, lostPassword)
	case c == ok && x.collect:
		x.acked = true
		x.deadline = now.Add(packetGap)
	case c == ok && x.upload != nil:
		m.writeData(x.upload)
		m.deliver(now, answer{code: c})
	default:
		m.deliver(now, answer{code: c, data: data})
	}
}

// maxReceiveErrors is how often a command goes out to a module that could not
// read it.
const maxReceiveErrors = 3

// writeData sends b as data packets of the module's packet size.
func (m *machine) writeData(b []byte) {
	for len(b) > m.parameters.packetSize {
		m.write(Data, b[:m.parameters.packetSize])
		b = b[m.parameters.packetSize:]
	}
	m.write(LastData, b)
}

func (m *machine) uploaded(now time.Time, p Packet) {
	x := m.pending
	if len(x.collected)+len(p.Content) > maxTemplate {
		clear(x.collected)
		m.fail(now, errTooLong)
		return
	}
	grown := append(make([]byte, 0, len(x.collected)+len(p.Content)), x.collected...)
	grown = append(grown, p.Content...)
	clear(x.collected) // no piece of a template stays behind in memory (P12)
	x.collected = grown
	x.deadline = now.Add(packetGap)
	if p.PID == LastData {
		m.deliver(now, answer{code: ok, data: x.collected})
	}
}

// deliver ends the exchange and tells whoever asked, if he is still there.
func (m *machine) deliver(now time.Time, a answer) {
	x := m.pending
	m.pending, m.fences = nil, 0
	if x.owner == nil || x.owner == m.task {
		x.then(now, a)
	} else if x.collect {
		clear(a.data)
	}
	m.proceed(now)
}

// fail fences the line; then the command is sent again or its failure told.
func (m *machine) fail(now time.Time, err error) {
	clear(m.pending.collected)
	m.pending.acked, m.pending.collected = false, nil
	m.fenceErr = err
	m.fence(now)
}

func (m *machine) fence(now time.Time) {
	if m.fences == fenceTries {
		m.quit(now, "does not answer")
		return
	}
	m.fences++
	m.pending.deadline = now.Add(fenceTimeout)
	m.write(Command, request(readSysPara))
}

// fenced drops what comes until the fence's answer is there.
func (m *machine) fenced(now time.Time, p Packet) {
	if p.PID != Acknowledge {
		return
	}
	x := m.pending
	c := code(p.Content[0])
	switch {
	case c == needPassword && x.ins == vfyPwd: // alive, and waits for just that
	case c == needPassword:
		m.lost(now, lostPassword)
		return
	case c != ok || len(p.Content) != 1+shapes[readSysPara].answer:
		return
	}
	m.fences = 0
	if x.tries < shapes[x.ins].tries && (x.owner == nil || x.owner == m.task) {
		m.send(now)
		return
	}
	m.deliver(now, answer{err: m.fenceErr})
}
