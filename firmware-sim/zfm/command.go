package zfm

import (
	"encoding/binary"
	"time"

	"sekimori/drivers/zfm"
)

// reply is what the module says to one command, and does besides.
type reply struct {
	instruction byte
	packets     []zfm.Packet
	work        time.Duration
	observe     []func()
	after       func() error // called after the answer; errPower restarts
}

// handler does one instruction: parameters in, confirmation code and return
// values out. The module is locked.
type handler struct {
	params int // bytes; fewer or more are answered with code 01
	do     func(m *Module, params []byte, r *reply) (code byte, values []byte)
	newer  bool // not known to a ZFM-20
}

// Confirmation codes as the R503 manual lists them.
const (
	cOK, cReceive, cNoFinger, cMessy            = 0x00, 0x01, 0x02, 0x06
	cNoMatch, cNotFound, cMerge, cPage          = 0x08, 0x09, 0x0A, 0x0B
	cReadTemplate, cUpload, cWrongPassword      = 0x0C, 0x0D, 0x13
	cNoImage, cRegister, cConfig, cNotepad      = 0x15, 0x1A, 0x1B, 0x1C
	cNeedPassword, cUnsupported                 = 0x21, 0xFC
	vfyPwd                                 byte = 0x13
)

var handlers map[byte]handler

func init() {
	handlers = map[byte]handler{
		0x01: {0, (*Module).genImg, false},
		0x02: {1, (*Module).img2Tz, false},
		0x03: {0, (*Module).match, false},
		0x04: {5, (*Module).search, false},
		0x05: {0, (*Module).regModel, false},
		0x06: {3, (*Module).store, false},
		0x07: {3, (*Module).loadChar, false},
		0x08: {1, (*Module).upChar, false},
		0x09: {1, (*Module).downChar, false},
		0x0C: {4, (*Module).deletChar, false},
		0x0D: {0, (*Module).empty, false},
		0x0E: {2, (*Module).setSysPara, false},
		0x0F: {0, (*Module).readSysPara, false},
		0x12: {4, (*Module).setPwd, false},
		0x13: {4, (*Module).vfyPwd, false},
		0x14: {0, (*Module).random, false},
		0x15: {4, (*Module).setAdder, false},
		0x17: {1, (*Module).nothing, false},
		0x18: {33, (*Module).writeNotepad, false},
		0x19: {1, (*Module).readNotepad, false},
		0x1B: {5, (*Module).search, false},
		0x1D: {0, (*Module).templateNum, false},
		0x1F: {1, (*Module).readIndexTable, false},
		0x28: {0, (*Module).genImg, true},
		0x30: {0, (*Module).nothing, true},
		0x35: {4, (*Module).auraLed, true},
		0x36: {0, (*Module).nothing, true},
		0x39: {0, (*Module).version, true},
		0x3A: {0, (*Module).version, true},
		0x3C: {0, (*Module).readProdInfo, true},
		0x3D: {0, (*Module).softRst, true},
		0x40: {0, (*Module).nothing, true},
	}
}

// command does what p asks. A packet for another module is nobody's; a command
// whose checksum was wrong comes without content.
func (m *Module) command(p zfm.Packet) reply {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.Address != m.flash.address {
		return reply{}
	}
	switch p.PID {
	case zfm.Data, zfm.LastData:
		m.receive(p)
		return reply{}
	case zfm.Acknowledge:
		return reply{}
	}
	m.ram.receiving = 0
	r := reply{}
	if len(p.Content) == 0 {
		r.packets = m.ack(cReceive, nil)
		return r
	}
	r.instruction = p.Content[0]
	h, known := handlers[r.instruction]
	switch params := p.Content[1:]; {
	case m.flash.password != 0 && !m.ram.verified && r.instruction != vfyPwd:
		r.packets = m.ack(cNeedPassword, nil)
	case !known || h.newer && !m.is.newInstructions:
		if !m.o.Mute {
			r.packets = m.ack(cUnsupported, nil)
		}
	case len(params) != h.params:
		r.packets = m.ack(cReceive, nil)
	default:
		code, values := h.do(m, params, &r)
		r.packets = append(m.ack(code, values), r.packets...)
	}
	return r
}

func (m *Module) ack(code byte, values []byte) []zfm.Packet {
	return []zfm.Packet{{Address: m.flash.address, PID: zfm.Acknowledge, Content: append([]byte{code}, values...)}}
}

func (m *Module) nothing([]byte, *reply) (byte, []byte) { return cOK, nil }

func (m *Module) genImg(_ []byte, r *reply) (byte, []byte) {
	if m.o.Work {
		r.work = m.is.acquire
	}
	m.ram.image = nil
	switch {
	case m.finger.present:
		p := m.finger.pattern.image(m.rand)
		m.ram.image, m.ram.smudged = &p, m.finger.smudged
	case m.faults.lie:
		m.ram.image, m.ram.smudged = &pattern{}, false
	default:
		return cNoFinger, nil
	}
	return cOK, nil
}

func (m *Module) img2Tz(params []byte, r *reply) (byte, []byte) {
	if m.o.Work {
		r.work = m.is.extract
	}
	switch {
	case m.ram.image == nil:
		return cNoImage, nil
	case params[0] < 1 || params[0] > m.is.buffers:
		return cRegister, nil
	}
	if m.o.Captured != nil {
		r.observe = append(r.observe, m.o.Captured)
	}
	if m.ram.smudged {
		return cMessy, nil
	}
	m.ram.buffers[params[0]] = blob(*m.ram.image, m.is.feature)
	return cOK, nil
}

func (m *Module) match([]byte, *reply) (byte, []byte) {
	a, haveA := patternIn(m.ram.buffers[1])
	b, haveB := patternIn(m.ram.buffers[2])
	s := uint16(0)
	switch {
	case m.faults.lie:
		s = 200
	case haveA && haveB:
		s = score(a, b, m.flash.level)
	}
	m.ram.matched = s > 0
	if s == 0 {
		return cNoMatch, []byte{0, 0}
	}
	return cOK, binary.BigEndian.AppendUint16(nil, s)
}

// search finds the most alike page of a range.
func (m *Module) search(params []byte, _ *reply) (byte, []byte) {
	start, count := binary.BigEndian.Uint16(params[1:]), binary.BigEndian.Uint16(params[3:])
	have, whole := patternIn(m.ram.buffers[params[0]])
	best, at := uint16(0), uint16(0)
	for page, t := range m.flash.library {
		p, ok := patternIn(t)
		if !whole || !ok || page < start || page-start >= count {
			continue
		}
		if s := score(have, p, m.flash.level); s > best || s == best && s > 0 && page < at {
			best, at = s, page
		}
	}
	m.ram.matched = best > 0
	if best == 0 {
		return cNotFound, make([]byte, 4)
	}
	return cOK, binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, at), best)
}

// regModel merges the buffers' views into one template, left in 1 and 2.
func (m *Module) regModel([]byte, *reply) (byte, []byte) {
	var views []pattern
	for b := byte(1); b <= m.is.buffers; b++ {
		if p, ok := patternIn(m.ram.buffers[b]); ok {
			views = append(views, p)
		}
	}
	if len(views) < 2 {
		return cMerge, nil
	}
	for _, v := range views[1:] {
		if score(views[0], v, m.flash.level) == 0 {
			return cMerge, nil
		}
	}
	t := blob(merged(views), m.is.blob)
	m.ram.buffers = map[byte][]byte{1: t, 2: t}
	return cOK, nil
}
