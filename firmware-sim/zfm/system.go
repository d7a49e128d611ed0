package zfm

import (
	"encoding/binary"
	"slices"
)

// setSysPara: what it sets holds from the next packet on, the speed of the line
// after the acknowledgement.
func (m *Module) setSysPara(params []byte, r *reply) (byte, []byte) {
	value := params[1]
	switch params[0] {
	case 4:
		if !slices.Contains([]byte{1, 2, 4, 6, 12}, value) {
			return cConfig, nil
		}
		r.after = func() error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.flash.baudN = value
			return nil
		}
	case 5:
		if value < 1 || value > 5 {
			return cConfig, nil
		}
		m.flash.level = value
	case 6:
		if value > 3 {
			return cConfig, nil
		}
		m.flash.packetCode = value
	default:
		return cRegister, nil
	}
	return cOK, nil
}

func (m *Module) readSysPara([]byte, *reply) (byte, []byte) {
	status := uint16(0)
	if m.ram.matched {
		status |= 1 << 1
	}
	if m.ram.verified {
		status |= 1 << 2
	}
	if m.ram.image != nil {
		status |= 1 << 3
	}
	be := binary.BigEndian
	b := be.AppendUint16(nil, status)
	b = be.AppendUint16(b, m.is.system)
	b = be.AppendUint16(b, m.is.capacity)
	b = be.AppendUint16(b, uint16(m.flash.level))
	b = be.AppendUint32(b, m.flash.address)
	b = be.AppendUint16(b, uint16(m.flash.packetCode))
	return cOK, be.AppendUint16(b, uint16(m.flash.baudN))
}

func (m *Module) setPwd(params []byte, _ *reply) (byte, []byte) {
	m.flash.password = binary.BigEndian.Uint32(params)
	return cOK, nil
}

func (m *Module) vfyPwd(params []byte, _ *reply) (byte, []byte) {
	if binary.BigEndian.Uint32(params) != m.flash.password {
		return cWrongPassword, nil
	}
	m.ram.verified = true
	return cOK, nil
}

func (m *Module) random([]byte, *reply) (byte, []byte) {
	return cOK, binary.BigEndian.AppendUint32(nil, m.rand.Uint32())
}

// setAdder: the acknowledgement carries the new address already.
func (m *Module) setAdder(params []byte, _ *reply) (byte, []byte) {
	m.flash.address = binary.BigEndian.Uint32(params)
	return cOK, nil
}

func (m *Module) auraLed(params []byte, r *reply) (byte, []byte) {
	set := Ring{params[0], params[1], params[2], params[3]}
	if set.Control < 1 || set.Control > 6 || set.Colour > 7 {
		return cReceive, nil
	}
	if m.o.Ring != nil {
		r.observe = append(r.observe, func() { m.o.Ring(set) })
	}
	return cOK, nil
}

func (m *Module) version([]byte, *reply) (byte, []byte) {
	b := make([]byte, 32)
	copy(b, "sim-1.0")
	return cOK, b
}

func (m *Module) readProdInfo([]byte, *reply) (byte, []byte) {
	b := make([]byte, 46)
	copy(b, m.is.name)
	copy(b[16:], "B001")
	copy(b[20:28], m.flash.serial[:])
	b[28], b[29] = 1, 0
	copy(b[30:], "simulate")
	binary.BigEndian.PutUint16(b[38:], m.is.width)
	binary.BigEndian.PutUint16(b[40:], m.is.height)
	binary.BigEndian.PutUint16(b[42:], uint16(m.is.blob))
	binary.BigEndian.PutUint16(b[44:], m.is.capacity)
	return cOK, b
}

func (m *Module) softRst(_ []byte, r *reply) (byte, []byte) {
	r.after = func() error { return errPower }
	return cOK, nil
}
