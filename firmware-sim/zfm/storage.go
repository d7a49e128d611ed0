package zfm

import (
	"encoding/binary"

	"sekimori/drivers/zfm"
)

// page reads a page number; ok only if the library has it.
func (m *Module) page(b []byte) (page uint16, ok bool) {
	page = binary.BigEndian.Uint16(b)
	return page, page < m.is.capacity
}

func (m *Module) store(params []byte, _ *reply) (byte, []byte) {
	page, ok := m.page(params[1:])
	t := m.ram.buffers[params[0]]
	switch {
	case !ok:
		return cPage, nil
	case len(t) != m.is.blob:
		return cConfig, nil
	}
	m.flash.library[page] = t
	return cOK, nil
}

func (m *Module) loadChar(params []byte, _ *reply) (byte, []byte) {
	page, ok := m.page(params[1:])
	switch {
	case !ok:
		return cPage, nil
	case params[0] < 1 || params[0] > m.is.buffers:
		return cRegister, nil
	}
	t, there := m.flash.library[page]
	if !there {
		return cReadTemplate, nil
	}
	m.ram.buffers[params[0]] = t
	return cOK, nil
}

// upChar sends a buffer in data packets of the packet size that is set.
func (m *Module) upChar(params []byte, r *reply) (byte, []byte) {
	t := m.ram.buffers[params[0]]
	if len(t) == 0 {
		return cUpload, nil
	}
	size := 32 << m.flash.packetCode
	for len(t) > size {
		r.packets = append(r.packets, zfm.Packet{Address: m.flash.address, PID: zfm.Data, Content: t[:size]})
		t = t[size:]
	}
	r.packets = append(r.packets, zfm.Packet{Address: m.flash.address, PID: zfm.LastData, Content: t})
	return cOK, nil
}

func (m *Module) downChar(params []byte, _ *reply) (byte, []byte) {
	if params[0] < 1 || params[0] > m.is.buffers {
		return cRegister, nil
	}
	m.ram.receiving, m.ram.received = params[0], nil
	delete(m.ram.buffers, params[0])
	return cOK, nil
}

// receive takes the data of a DownChar. What is not a whole template leaves
// the buffer empty.
func (m *Module) receive(p zfm.Packet) {
	if m.ram.receiving == 0 || len(m.ram.received)+len(p.Content) > m.is.blob {
		m.ram.receiving = 0
		return
	}
	m.ram.received = append(m.ram.received, p.Content...)
	if p.PID == zfm.LastData {
		if _, whole := patternIn(m.ram.received); whole {
			m.ram.buffers[m.ram.receiving] = m.ram.received
		}
		m.ram.receiving, m.ram.received = 0, nil
	}
}

func (m *Module) deletChar(params []byte, _ *reply) (byte, []byte) {
	first, ok := m.page(params)
	count := binary.BigEndian.Uint16(params[2:])
	if !ok || uint32(first)+uint32(count) > uint32(m.is.capacity) {
		return cPage, nil
	}
	for i := range count {
		delete(m.flash.library, first+i)
	}
	return cOK, nil
}

func (m *Module) empty([]byte, *reply) (byte, []byte) {
	clear(m.flash.library)
	return cOK, nil
}

func (m *Module) templateNum([]byte, *reply) (byte, []byte) {
	return cOK, binary.BigEndian.AppendUint16(nil, uint16(len(m.flash.library)))
}

func (m *Module) readIndexTable(params []byte, _ *reply) (byte, []byte) {
	if params[0] > 3 {
		return cPage, nil
	}
	table := make([]byte, 32)
	for page := range m.flash.library {
		if byte(page/256) == params[0] {
			table[page%256/8] |= 1 << (page % 8)
		}
	}
	return cOK, table
}

func (m *Module) writeNotepad(params []byte, _ *reply) (byte, []byte) {
	if int(params[0]) >= len(m.flash.notepad) {
		return cNotepad, nil
	}
	copy(m.flash.notepad[params[0]][:], params[1:])
	return cOK, nil
}

func (m *Module) readNotepad(params []byte, _ *reply) (byte, []byte) {
	if int(params[0]) >= len(m.flash.notepad) {
		return cNotepad, nil
	}
	return cOK, append([]byte(nil), m.flash.notepad[params[0]][:]...)
}
