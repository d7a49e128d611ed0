package zfm

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// parameters is the answer to ReadSysPara (R503 user manual, "read system
// parameter"; 16 bytes, the same on the ZFM-20).
type parameters struct {
	system     uint16 // 0009 is an R503, 0000 a ZFM-20
	capacity   uint16 // pages of the library
	address    uint32
	packetSize int // of data packets: 32, 64, 128 or 256
}

// systemR503 is the system identifier of the R503, which has six character
// buffers where the older modules have two.
const systemR503 = 0x0009

func parseParameters(b []byte) (parameters, error) {
	if len(b) != shapes[readSysPara].answer {
		return parameters{}, fmt.Errorf("system parameters have %d bytes instead of 16", len(b))
	}
	size := binary.BigEndian.Uint16(b[12:])
	if size > 3 {
		return parameters{}, fmt.Errorf("packet size code is %d instead of 0 to 3", size)
	}
	p := parameters{
		system:     binary.BigEndian.Uint16(b[2:]),
		capacity:   binary.BigEndian.Uint16(b[4:]),
		address:    binary.BigEndian.Uint32(b[8:]),
		packetSize: 32 << size,
	}
	if p.capacity == 0 || p.capacity > maxPages {
		return parameters{}, fmt.Errorf("capacity is %d instead of 1 to %d", p.capacity, maxPages)
	}
	return p, nil
}

// buffers is the number of character buffers that the module has.
func (p parameters) buffers() int {
	if p.system == systemR503 {
		return 6
	}
	return 2
}

// product is what the answer to ReadProdInfo pins (R503 user manual, "read
// product information": model 16, batch 4, serial 8, hardware 2, sensor 8,
// width 2, height 2, template size 2, capacity 2 bytes).
type product struct {
	model        string
	serial       []byte
	templateSize int
}

func parseProduct(b []byte) (product, error) {
	if len(b) != shapes[readProdInfo].answer {
		return product{}, fmt.Errorf("product information has %d bytes instead of 46", len(b))
	}
	return product{
		model:        text(b[:16]),
		serial:       append([]byte(nil), b[20:28]...),
		templateSize: int(binary.BigEndian.Uint16(b[42:])),
	}, nil
}

// identity is what a sensor says it is. Its text is the pin that the
// configuration holds: system, model, serial number and firmware, with "-"
// for what the module does not tell. None of it is a proof: the protocol has no
// cryptography, and the pin finds the swap by somebody who does not read it
// first.
func identity(p parameters, prod *product, firmware string) string {
	model, serial := "-", "-"
	if prod != nil {
		model, serial = prod.model, fmt.Sprintf("%x", prod.serial)
	}
	if firmware == "" {
		firmware = "-"
	}
	return fmt.Sprintf("%04x/%s/%s/%s", p.system, model, serial, firmware)
}

// text makes a field of the device printable without mapping two different
// fields to one text: what is no plain letter, digit or one of "._-" becomes
// %XX. Padding at the end (zeros, blanks) is cut.
func text(b []byte) string {
	b = []byte(strings.TrimRight(string(b), "\x00 "))
	var s strings.Builder
	for _, c := range b {
		plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '.' || c == '_'
		if plain || c == '-' && len(b) > 1 { // a lone "-" means "not told"
			s.WriteByte(c)
		} else {
			fmt.Fprintf(&s, "%%%02X", c)
		}
	}
	return s.String()
}
