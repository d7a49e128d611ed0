package osdppd

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"sekimori/drivers/card"
	"sekimori/drivers/osdp"
)

// giveUp is when a PD that hears nothing drops its session and what it read
// (OSDP v2.2 §5.7).
const giveUp = 8 * time.Second

// maxHeld bounds the badges that wait to be read.
const maxHeld = 1024

// Options describe a reader.
type Options struct {
	Address      byte
	Key          [16]byte // its SCBK
	PDID         [12]byte
	CUID         [8]byte
	Capabilities []byte        // PDCAP records; nil: [DefaultCapabilities]
	Turnaround   time.Duration // from the end of a command to its answer; 0: 2 ms

	// OnShow is told what the reader shows whenever a signal is complete. It is
	// called from the line's goroutine, without a lock held.
	OnShow func(Shown)
}

// DefaultCapabilities are those of a reader with a tri-colour LED, a buzzer and
// no text display: contacts none, outputs none, card bits, CRC, AES.
func DefaultCapabilities() []byte {
	return []byte{
		osdp.FunctionInputs, 0, 0,
		osdp.FunctionOutputs, 0, 0,
		osdp.FunctionCards, 1, 0, // bits
		osdp.FunctionLED, 4, 1, // timed, red, green, amber; one
		osdp.FunctionSound, 2, 1, // timed
		osdp.FunctionText, 0, 0,
		osdp.FunctionCheck, 1, 0, // CRC
		osdp.FunctionSecurity, 1, 1, // AES-128
		osdp.FunctionBuffer, 0x00, 0x02, // 512 bytes
		osdp.FunctionMessage, 0x00, 0x04, // 1024 bytes
		osdp.FunctionReaders, 0, 1,
		osdp.FunctionBio, 0, 0,
		osdp.FunctionVersion, 2, 0, // SIA 2.2
	}
}

// DisplayCapabilities are [DefaultCapabilities] with a text display of one line
// of 16 characters.
func DisplayCapabilities() []byte {
	return bytes.Replace(DefaultCapabilities(), []byte{osdp.FunctionText, 0, 0}, []byte{osdp.FunctionText, 1, 1}, 1)
}

// Identity is what an ACU pins when it adopts this reader.
func (o Options) Identity() osdp.Identity {
	caps := o.Capabilities
	if caps == nil {
		caps = DefaultCapabilities()
	}
	return osdp.Identity{PDID: o.PDID, CUID: o.CUID, Caps: osdp.HashCapabilities(caps)}
}

// PD is one reader. Its methods may be called from any goroutine.
type PD struct {
	opt Options

	mu       sync.Mutex
	faults   Faults
	on       bool // has power and hangs on the line
	heard    time.Time
	sequence int    // of the last command executed, -1: only 0 is taken
	command  []byte // that command
	reply    []byte // its answer, for a repetition
	channel  channel

	held     []read // badges at the reader, not yet read in this session
	reading  bool   // an empty poll was answered in this session
	tamper   bool
	power    bool
	changed  bool   // LSTATR is due
	recorded []byte // the last card report sent, for an attacker

	display display
	counts  map[byte]int
}

// read is the bits of one badge.
type read struct {
	raw  []byte
	bits int
}

// New makes a reader with power.
func New(opt Options) *PD {
	if opt.Capabilities == nil {
		opt.Capabilities = DefaultCapabilities()
	}
	if opt.Turnaround == 0 {
		opt.Turnaround = 2 * time.Millisecond
	}
	return &PD{opt: opt, on: true, sequence: -1, counts: map[byte]int{}}
}

// Faults changes the knobs.
func (p *PD) Faults(change func(*Faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.faults)
}

// PresentCard holds a badge to the reader. It is read as soon as a session
// polls, and once.
func (p *PD) PresentCard(f card.Format, number string) error {
	raw, bits, err := f.Encode(number)
	if err != nil {
		return fmt.Errorf("cannot present badge: %w", err)
	}
	return p.PresentBits(raw, bits)
}

// PresentBits is PresentCard for bits of any kind.
func (p *PD) PresentBits(raw []byte, bits int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held) == maxHeld {
		return fmt.Errorf("cannot present badge: %d are waiting already", maxHeld)
	}
	p.held = append(p.held, read{bytes.Clone(raw), bits})
	return nil
}

// Waiting is the number of badges presented and not yet read.
func (p *PD) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

// Tamper opens (true) or closes the reader's enclosure.
func (p *PD) Tamper(open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = p.changed || p.tamper != open
	p.tamper = open
}

// PowerFailed sets the reader's own report of its supply.
func (p *PD) PowerFailed(failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = p.changed || p.power != failed
	p.power = failed
}

// PowerCycle takes its power away for a moment: everything volatile is lost.
func (p *PD) PowerCycle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset()
}

// Unplug takes the reader off the line, with its power, or puts it back.
func (p *PD) Unplug(off bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on = !off
	p.reset()
}

// Established tells whether a Secure Channel stands.
func (p *PD) Established() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.channel.established
}

// Count is how often a command was executed (repetitions do not count).
func (p *PD) Count(command byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts[command]
}

// reset forgets everything volatile, badges that are held included.
func (p *PD) reset() {
	p.sequence, p.command, p.reply = -1, nil, nil
	p.channel, p.reading, p.held = channel{}, false, nil
	p.display, p.changed = display{}, false
}

// loseSession ends the Secure Channel. A badge that was read in it is gone; one
// that is still held to the reader will be read in the next.
func (p *PD) loseSession() { p.channel, p.reading = channel{}, false }

// answer is what a PD puts on the line, and how.
type answer struct {
	bytes      []byte
	delay      time.Duration
	split      int
	splitPause time.Duration
}

// hear takes a frame from the line at now and gives the answer, if any, and
// what is to be shown.
func (p *PD) hear(now time.Time, f *osdp.Frame) (a answer, ok bool, shown *Shown) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on || p.faults.Deaf || f.Reply || f.Address != p.opt.Address && f.Address != osdp.ConfigAddress {
		return a, false, nil
	}
	if now.Sub(p.heard) > giveUp {
		p.loseSession()
	}
	p.heard = now
	reply := p.process(f)
	shown = p.display.takeShown()
	if reply == nil {
		return a, false, shown
	}
	reply = p.spoil(f, reply)
	if take(&p.faults.Drop) {
		return a, false, shown
	}
	return answer{
		bytes:      append(bytes.Clone(p.faults.Prepend), reply...),
		delay:      p.opt.Turnaround + p.faults.Delay,
		split:      p.faults.Split,
		splitPause: p.faults.SplitPause,
	}, true, shown
}

// hearNoise tells of a frame that could not be read.
func (p *PD) hearNoise() (a answer, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on || p.faults.Deaf || !p.faults.NAKChecks {
		return a, false
	}
	f := osdp.Frame{Address: p.opt.Address, Reply: true, Code: osdp.ReplyNAK, Data: []byte{osdp.NAKCheck}}
	return answer{bytes: f.Append(nil), delay: p.opt.Turnaround}, true
}

// process judges sequence and repetition, then the frame itself.
func (p *PD) process(f *osdp.Frame) []byte {
	sequence := int(f.Sequence)
	repeated := sequence == p.sequence && sequence != 0 && bytes.Equal(f.Bytes, p.command)
	switch {
	case take(&p.faults.Busy):
		return (&osdp.Frame{Address: p.address(f), Reply: true, Check: f.Check, Code: osdp.ReplyBusy}).Append(nil)
	case sequence == 0:
		p.loseSession()
	case repeated: // before the MAC is looked at: its chain has moved on
		return p.reply
	case p.sequence < 0, sequence != p.sequence%3+1:
		return p.plain(f, osdp.ReplyNAK, []byte{osdp.NAKSequence})
	}
	p.sequence, p.command = sequence, bytes.Clone(f.Bytes)
	p.reply = p.execute(f)
	return p.reply
}

func (p *PD) address(f *osdp.Frame) byte {
	if f.Address == osdp.ConfigAddress {
		return osdp.ConfigAddress
	}
	return p.opt.Address
}

// plain builds an answer without security block.
func (p *PD) plain(f *osdp.Frame, code byte, data []byte) []byte {
	r := osdp.Frame{Address: p.address(f), Reply: true, Sequence: f.Sequence, Check: f.Check, Code: code, Data: data}
	return r.Append(nil)
}

// spoil applies the faults that change an answer's bytes. The cached answer
// stays good.
func (p *PD) spoil(f *osdp.Frame, reply []byte) []byte {
	reply = bytes.Clone(reply)
	check := 2
	if f.Check == osdp.Checksum {
		check = 1
	}
	remake := func() { reply = osdp.AppendCheck(reply[:len(reply)-check], 0, f.Check) }
	if p.recorded != nil && p.channel.established && take(&p.faults.ReplayRaw) {
		reply = bytes.Clone(p.recorded)
		reply[4] = reply[4]&^3 | f.Sequence
		remake()
	}
	if signed := reply[4]&0x08 != 0 && reply[6] >= osdp.SCS16; signed && take(&p.faults.CorruptMAC) {
		reply[len(reply)-check-1] ^= 0x01
		remake()
	}
	if take(&p.faults.WrongSequence) {
		reply[4] = reply[4]&^3 | (f.Sequence%3 + 1)
		remake()
	}
	if take(&p.faults.SequenceZero) {
		reply[4] &^= 3
		remake()
	}
	if take(&p.faults.CorruptCheck) {
		reply[len(reply)-1] ^= 0x40
	}
	if p.channel.established && take(&p.faults.PlainRaw) {
		reply = append(p.plain(f, osdp.ReplyRaw, []byte{0, 1, 26, 0, 0xBD, 0x88, 0xEB, 0x80}), reply...)
	}
	return reply
}
