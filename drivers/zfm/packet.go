package zfm

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Packet is one packet of the modules' serial protocol, in either direction
// (R503 user manual, "data package format"; the ZFM-20 manual has the same).
type Packet struct {
	Address uint32 // the module's address in both directions
	PID     PID
	Content []byte // instruction or confirmation code, then its data; 1 to MaxContent bytes
}

// PID tells what a packet carries.
type PID byte

// Packet identifiers.
const (
	Command     PID = 0x01
	Data        PID = 0x02 // more data packets follow
	Acknowledge PID = 0x07
	LastData    PID = 0x08
)

// MaxContent bounds the content of one packet: the largest data packet size
// that a module can be set to (SetSysPara 6, code 3). No command and no
// acknowledgement is longer. A longer claim is refused at once, so that a
// corrupt length never makes the driver wait for bytes that do not come.
const MaxContent = 256

const (
	header0      = 0xEF
	header1      = 0x01
	prefixSize   = 9 // header, address, identifier, length
	checksumSize = 2
	maxPacket    = prefixSize + MaxContent + checksumSize
)

// What [Parse] answers instead of a packet.
var (
	// ErrShort asks for more bytes; it is no fault of the line.
	ErrShort    = errors.New("packet is not complete")
	ErrNoise    = errors.New("bytes outside a packet")
	ErrPID      = errors.New("packet identifier is none of 01, 02, 07, 08")
	ErrLength   = errors.New("packet length is out of range")
	ErrChecksum = errors.New("packet checksum does not fit")
)

// Parse takes the first packet from b and tells how many bytes it used up.
// Content aliases b.
//
// Without a packet err says why: [ErrShort] (n is 0: call again with more
// bytes), [ErrNoise] (the first n bytes cannot begin a packet) or another error,
// where n is the refused header only, so that a good packet inside the damaged
// one is still found. n > 0 in every case but ErrShort.
func Parse(b []byte) (p Packet, n int, err error) {
	if n := noise(b); n > 0 {
		return Packet{}, n, ErrNoise
	}
	if len(b) < prefixSize {
		return Packet{}, 0, ErrShort
	}
	pid := PID(b[6])
	switch pid {
	case Command, Data, Acknowledge, LastData:
	default:
		return Packet{}, 2, ErrPID
	}
	length := int(binary.BigEndian.Uint16(b[7:]))
	if length < 1+checksumSize || length > MaxContent+checksumSize {
		return Packet{}, 2, ErrLength
	}
	end := prefixSize + length
	if len(b) < end {
		return Packet{}, 0, ErrShort
	}
	if checksum(b[6:end-checksumSize]) != binary.BigEndian.Uint16(b[end-checksumSize:]) {
		return Packet{}, 2, ErrChecksum
	}
	return Packet{binary.BigEndian.Uint32(b[2:]), pid, b[prefixSize : end-checksumSize]}, end, nil
}

// noise counts the leading bytes of b that cannot begin a packet.
func noise(b []byte) int {
	for n := 0; n < len(b); n++ {
		i := bytes.IndexByte(b[n:], header0)
		if i < 0 {
			return len(b)
		}
		n += i
		if n+1 == len(b) || b[n+1] == header1 {
			return n
		}
	}
	return len(b)
}

// checksum is the sum of identifier, length and content; header and address
// are not covered.
func checksum(b []byte) (sum uint16) {
	for _, c := range b {
		sum += uint16(c)
	}
	return sum
}

// Append encodes p behind dst. It panics when the content is empty or longer
// than [MaxContent]: nothing from outside reaches it unchecked.
func Append(dst []byte, p Packet) []byte {
	if len(p.Content) < 1 || len(p.Content) > MaxContent {
		panic("internal error: zfm: packet content out of range")
	}
	dst = append(dst, header0, header1)
	dst = binary.BigEndian.AppendUint32(dst, p.Address)
	start := len(dst)
	dst = append(dst, byte(p.PID))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(p.Content)+checksumSize))
	dst = append(dst, p.Content...)
	return binary.BigEndian.AppendUint16(dst, checksum(dst[start:]))
}
