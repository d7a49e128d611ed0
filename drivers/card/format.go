package card

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Format is one layout of credential bits. The zero Format fits nothing. Get
// one with [Parse]; formats compare with ==.
type Format struct{ l *layout }

// The known formats.
var (
	H10301    = Format{&layouts[0]} // 26 bits: facility 8, card 16
	H10306    = Format{&layouts[1]} // 34 bits: facility 16, card 16; also N10002, or 32 bits without a facility
	C1k35     = Format{&layouts[2]} // 35 bits, Corporate 1000: company 12, card 20
	C15001    = Format{&layouts[3]} // 36 bits: manufacturer 10 and facility 8 as one code of 18, card 16
	H10302    = Format{&layouts[4]} // 37 bits: card 35
	H10304    = Format{&layouts[5]} // 37 bits: facility 16, card 19
	Verkada40 = Format{&layouts[6]} // 40 bits: facility 10, card 28
	C1k48     = Format{&layouts[7]} // 48 bits, Corporate 1000: company 22, card 23
)

// layout describes a format. Bit 0 is the bit sent first.
type layout struct {
	name     string
	bits     int // total, at most 64
	from, to int // the data field, inclusive
	code     int // how many leading bits of the data field are the facility code
	// parity in the order in which a sender computes it: later bits may cover
	// earlier ones. A receiver may check them in any order.
	parity []parity
}

// parity is one parity bit and what it covers, itself included.
type parity struct {
	at      int
	odd     bool
	covered uint64 // bit i of the frame is 1<<i here
}

var layouts = [...]layout{
	{"H10301", 26, 1, 24, 8, []parity{even(0, 1, 12), odd(25, 13, 24)}},
	{"H10306", 34, 1, 32, 16, []parity{even(0, 1, 16), odd(33, 17, 32)}},
	{"C1k35", 35, 2, 33, 12, []parity{
		{1, false, skipThird(2, 33, 1) | 1<<1},
		{34, true, skipThird(1, 32, 0) | 1<<34},
		odd(0, 1, 34),
	}},
	{"C15001", 36, 1, 34, 18, []parity{even(0, 1, 17), odd(35, 18, 34)}},
	{"H10302", 37, 1, 35, 0, []parity{even(0, 1, 18), odd(36, 18, 35)}},
	{"H10304", 37, 1, 35, 16, []parity{even(0, 1, 18), odd(36, 18, 35)}},
	{"Verkada40", 40, 1, 38, 10, []parity{even(0, 1, 10), even(39, 11, 38)}},
	{"C1k48", 48, 2, 46, 22, []parity{
		{1, false, skipThird(3, 46, 2) | 1<<1},
		{47, true, skipThird(2, 45, 1) | 1<<47},
		odd(0, 1, 47),
	}},
}

func even(at, from, to int) parity { return parity{at, false, span(from, to) | 1<<at} }
func odd(at, from, to int) parity  { return parity{at, true, span(from, to) | 1<<at} }

// span covers the bits from..to, inclusive.
func span(from, to int) uint64 { return (1<<(to-from+1) - 1) << from }

// skipThird covers from..to except every bit i with i mod 3 = left, the
// interleaved masks of Corporate 1000.
func skipThird(from, to, left int) uint64 {
	var m uint64
	for i := from; i <= to; i++ {
		if i%3 != left {
			m |= 1 << i
		}
	}
	return m
}

// Parse finds a format by its exact name, as written in a configuration.
func Parse(name string) (Format, error) {
	for i := range layouts {
		if layouts[i].name == name {
			return Format{&layouts[i]}, nil
		}
	}
	return Format{}, fmt.Errorf("cannot use card format %q: known are %s (each compares the whole number; there is none by facility code alone)",
		name, strings.Join(Names(), ", "))
}

// Names lists the known formats.
func Names() []string {
	names := make([]string, len(layouts))
	for i := range layouts {
		names[i] = layouts[i].name
	}
	return names
}

// Valid is false for the zero Format.
func (f Format) Valid() bool { return f.l != nil }

// String is the format's name, "" for the zero Format.
func (f Format) String() string {
	if f.l == nil {
		return ""
	}
	return f.l.name
}

// Bits is the length of the format, 0 for the zero Format.
func (f Format) Bits() int {
	if f.l == nil {
		return 0
	}
	return f.l.bits
}

// Decode gives the canonical number of the first n bits of raw (the bit sent
// first is the most significant bit of raw[0]), or "" if they do not fit the
// format exactly: another length, bits set after the last, or a wrong parity.
func (f Format) Decode(raw []byte, n int) string {
	if f.l == nil || n != f.l.bits || len(raw) != (n+7)/8 {
		return ""
	}
	// word holds frame bit i at 1<<i, the numbering of the parity masks.
	var word uint64
	for i := range n {
		word |= uint64(raw[i/8]>>(7-i%8)&1) << i
	}
	if pad := len(raw)*8 - n; raw[len(raw)-1]&(1<<pad-1) != 0 {
		return ""
	}
	for _, p := range f.l.parity {
		if !p.holds(word) {
			return ""
		}
	}
	return strconv.FormatUint(f.l.data(word), 10)
}

// Encode gives the bits that carry a canonical number: the inverse of
// [Format.Decode]. The simulator and tests use it.
func (f Format) Encode(number string) (raw []byte, n int, err error) {
	if f.l == nil {
		return nil, 0, fmt.Errorf("cannot encode card number: no format")
	}
	v, err := strconv.ParseUint(number, 10, f.l.width())
	if err != nil || strconv.FormatUint(v, 10) != number {
		return nil, 0, fmt.Errorf("cannot encode card number as %s: want a decimal of at most %d bits without sign or leading zeros", f.l.name, f.l.width())
	}
	word := bits.Reverse64(v) >> (64 - f.l.width()) << f.l.from
	for _, p := range f.l.parity {
		if !p.holds(word) {
			word |= 1 << p.at
		}
	}
	raw = make([]byte, (f.l.bits+7)/8)
	for i := range f.l.bits {
		raw[i/8] |= byte(word>>i&1) << (7 - i%8)
	}
	return raw, f.l.bits, nil
}

// Compose gives the canonical number of a card by the two numbers printed on
// it. A format without a facility code takes facility 0 only.
func (f Format) Compose(facility, card uint64) (string, error) {
	if f.l == nil {
		return "", fmt.Errorf("cannot compose card number: no format")
	}
	low := f.l.width() - f.l.code
	if bits.Len64(facility) > f.l.code || bits.Len64(card) > low {
		return "", fmt.Errorf("cannot compose card number: %s has %d bits of facility code and %d bits of card number", f.l.name, f.l.code, low)
	}
	return strconv.FormatUint(facility<<low|card, 10), nil
}

// holds tells whether the bits of word that p covers have p's parity.
func (p parity) holds(word uint64) bool {
	return (bits.OnesCount64(word&p.covered)%2 == 1) == p.odd
}

// width of the data field in bits.
func (l *layout) width() int { return l.to - l.from + 1 }

// data extracts the data field; its first bit is the most significant.
func (l *layout) data(word uint64) uint64 {
	return bits.Reverse64(word>>l.from&(1<<l.width()-1)) >> (64 - l.width())
}
