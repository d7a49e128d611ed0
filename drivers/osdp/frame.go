package osdp

import "bytes"

// Sizes of a frame in bytes, from SOM to the last check byte.
const (
	MaxFrame = 1440 // OSDP v2.2 §5.6
	minFrame = 7
	macSize  = 4 // of the 16 bytes of a MAC, what travels
)

const (
	som  = 0x53
	mark = 0xFF // one character of marking before SOM, outside the frame

	ctrlSequence = 0x03
	ctrlCRC      = 0x04
	ctrlBlock    = 0x08
	replyBit     = 0x80
)

// Check is the kind of check value that ends a frame. A PD answers with the
// kind that the command had.
type Check uint8

// Kinds of check value.
const (
	CRC      Check = iota // CRC-16, polynomial 1021, start 1D0F
	Checksum              // two's complement of the sum
)

func (c Check) size() int {
	if c == Checksum {
		return 1
	}
	return 2
}

// Frame is one frame of either direction. Its slices are views into the bytes
// that it was scanned from.
type Frame struct {
	Address   byte // 0..7F
	Reply     bool
	Sequence  byte // 0..3
	Check     Check
	Block     byte   // security block type SCS11..SCS18 (or a foreign one), 0 without block
	BlockData []byte // its data bytes
	Code      byte   // never encrypted
	Data      []byte // as transmitted
	MAC       []byte // four bytes if the block is SCS15..SCS18, else nil
	Bytes     []byte // the whole frame (set by Scan only)
}

// carriesMAC tells whether frames with this security block end in a MAC.
func carriesMAC(block byte) bool { return block >= SCS15 && block <= SCS18 }

// Covered is the part of a scanned frame that its MAC covers: SOM to the last
// byte of data.
func (f *Frame) Covered() []byte {
	return f.Bytes[:len(f.Bytes)-f.Check.size()-len(f.MAC)]
}

// Status is what Scan found.
type Status uint8

// What Scan finds.
const (
	More   Status = iota // no whole frame yet
	Whole                // a frame with a good check value
	Broken               // something that began like a frame and is none
)

// Scan looks for the first frame in b. It returns how many bytes are done with
// and should be dropped before the next call: noise before the frame, the frame
// itself, or of a broken one only its SOM, since its length cannot be believed
// and a good frame may begin inside. With More it may be 0. f is set for Whole
// only.
func Scan(b []byte, f *Frame) (n int, s Status) {
	n = bytes.IndexByte(b, som)
	if n < 0 {
		return len(b), More // marking, noise
	}
	b = b[n:]
	if len(b) < 5 {
		return n, More
	}
	size := int(b[2]) | int(b[3])<<8
	if size < minFrame || size > MaxFrame {
		return n + 1, Broken
	}
	if len(b) < size {
		return n, More
	}
	if !f.parse(b[:size:size]) {
		return n + 1, Broken
	}
	return n + size, Whole
}

// parse takes a frame of exactly the length that it states.
func (f *Frame) parse(b []byte) bool {
	ctrl := b[4]
	*f = Frame{
		Address:  b[1] &^ replyBit,
		Reply:    b[1]&replyBit != 0,
		Sequence: ctrl & ctrlSequence,
		Bytes:    b,
	}
	body := b[:len(b)-1]
	if ctrl&ctrlCRC == 0 {
		f.Check = Checksum
		if checksum(body) != b[len(b)-1] {
			return false
		}
	} else {
		body = b[:len(b)-2]
		if crc := crc16(body); byte(crc) != b[len(b)-2] || byte(crc>>8) != b[len(b)-1] {
			return false
		}
	}
	rest := body[5:]
	if ctrl&ctrlBlock != 0 {
		if !f.parseBlock(rest) {
			return false
		}
		rest = rest[2+len(f.BlockData):]
	}
	if carriesMAC(f.Block) {
		if len(rest) < 1+macSize {
			return false
		}
		f.MAC, rest = rest[len(rest)-macSize:], rest[:len(rest)-macSize]
	}
	if len(rest) == 0 {
		return false
	}
	f.Code, f.Data = rest[0], rest[1:]
	return true
}

// parseBlock takes the security control block at the start of b. The known
// types have a fixed length (OSDP v2.2 Annex D).
func (f *Frame) parseBlock(b []byte) bool {
	if len(b) < 2 || b[0] < 2 || int(b[0]) > len(b) || b[1] == 0 {
		return false
	}
	f.Block, f.BlockData = b[1], b[2:b[0]]
	switch {
	case f.Block >= SCS11 && f.Block <= SCS14:
		return len(f.BlockData) == 1
	case carriesMAC(f.Block):
		return len(f.BlockData) == 0
	}
	return true
}

// AppendBody appends SOM to the last byte of data, with the length of the whole
// frame: what a MAC covers. MAC and [AppendCheck] follow.
func (f *Frame) AppendBody(dst []byte) []byte {
	size := 5 + 1 + len(f.Data) + f.Check.size()
	ctrl := f.Sequence & ctrlSequence
	if f.Check == CRC {
		ctrl |= ctrlCRC
	}
	if f.Block != 0 {
		size += 2 + len(f.BlockData)
		ctrl |= ctrlBlock
	}
	if carriesMAC(f.Block) {
		size += macSize
	}
	if size > MaxFrame {
		panic("osdp: internal error: frame too long")
	}
	address := f.Address
	if f.Reply {
		address |= replyBit
	}
	dst = append(dst, som, address, byte(size), byte(size>>8), ctrl)
	if f.Block != 0 {
		dst = append(dst, byte(2+len(f.BlockData)), f.Block)
		dst = append(dst, f.BlockData...)
	}
	dst = append(dst, f.Code)
	return append(dst, f.Data...)
}

// AppendCheck appends the check value over dst[start:], which must begin at
// SOM.
func AppendCheck(dst []byte, start int, c Check) []byte {
	if c == Checksum {
		return append(dst, checksum(dst[start:]))
	}
	crc := crc16(dst[start:])
	return append(dst, byte(crc), byte(crc>>8))
}

// Append appends the whole frame with the MAC that f has.
func (f *Frame) Append(dst []byte) []byte {
	start := len(dst)
	dst = append(f.AppendBody(dst), f.MAC...)
	return AppendCheck(dst, start, f.Check)
}

func checksum(b []byte) byte {
	var sum byte
	for _, v := range b {
		sum += v
	}
	return -sum
}

// crc16 is CRC-16/SPI-FUJITSU: polynomial 1021, start 1D0F, not reflected
// (OSDP v2.2 Annex C).
func crc16(b []byte) uint16 {
	crc := uint16(0x1D0F)
	for _, v := range b {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^v]
	}
	return crc
}

var crcTable = func() (t [256]uint16) {
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
		t[i] = crc
	}
	return t
}()
