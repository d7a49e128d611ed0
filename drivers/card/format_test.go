package card

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pack turns a string of 0 and 1 into bytes, first bit first.
func pack(s string) []byte {
	raw := make([]byte, (len(s)+7)/8)
	for i, c := range s {
		if c == '1' {
			raw[i/8] |= 0x80 >> (i % 8)
		}
	}
	return raw
}

// The published bit strings decode to the composed number, encode back to
// themselves, and are refused after any single flipped bit.
func TestVectors(t *testing.T) {
	f, err := os.Open("../../testdata/vectors/wiegand.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[Format]bool{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		w := strings.Fields(line)
		if len(w) != 4 {
			t.Fatalf("cannot read vector %q", line)
		}
		if w[0] == "P10001" { // its check is an XOR, not parity: not a format of ours
			if _, err := Parse(w[0]); err == nil {
				t.Errorf("%s is parsed, but its vector is not tested", w[0])
			}
			continue
		}
		format, err := Parse(w[0])
		if err != nil {
			t.Fatal(err)
		}
		seen[format] = true
		facility, _ := strconv.ParseUint(strings.Replace(w[1], "-", "0", 1), 10, 64)
		number, _ := strconv.ParseUint(w[2], 10, 64)
		want, err := format.Compose(facility, number)
		if err != nil {
			t.Fatal(err)
		}
		raw := pack(w[3])
		if got := format.Decode(raw, len(w[3])); got != want {
			t.Errorf("%s: decoded %q, want %q", line, got, want)
		}
		back, n, err := format.Encode(want)
		if err != nil || n != len(w[3]) || string(back) != string(raw) {
			t.Errorf("%s: encoded %x (%d bits, %v), want %x", line, back, n, err, raw)
		}
		for i := range w[3] {
			raw[i/8] ^= 0x80 >> (i % 8)
			if got := format.Decode(raw, len(w[3])); got != "" {
				t.Errorf("%s: bit %d flipped, still decoded %q", line, i, got)
			}
			raw[i/8] ^= 0x80 >> (i % 8)
		}
	}
	for _, name := range Names() {
		if f, _ := Parse(name); !seen[f] {
			t.Errorf("no vector for format %s", name)
		}
	}
}

// What does not fit exactly gives no number.
func TestMisfitGivesNoNumber(t *testing.T) {
	good := pack("10111101100010001110101110") // H10301, facility 123, card 4567
	for _, c := range []struct {
		name string
		f    Format
		raw  []byte
		n    int
	}{
		{"zero format", Format{}, good, 26},
		{"other length, same bits", H10306, good, 26},
		{"one bit fewer", H10301, good, 25},
		{"one bit more", H10301, good, 27},
		{"a byte missing", H10301, good[:3], 26},
		{"a byte too many", H10301, append(good[:4:4], 0), 26},
		{"padding not zero", H10301, []byte{good[0], good[1], good[2], good[3] | 1}, 26},
		{"no bits", H10301, nil, 0},
		{"negative length", H10301, nil, -1},
		{"all zero: a dead line", H10301, make([]byte, 4), 26},
		{"all ones: a stuck line", H10301, []byte{0xff, 0xff, 0xff, 0xc0}, 26},
	} {
		if got := c.f.Decode(c.raw, c.n); got != "" {
			t.Errorf("%s: decoded %q, want no number", c.name, got)
		}
	}
}

// A facility code alone never identifies: cards that share one have different
// numbers, and no format looks at less than the whole field.
func TestFacilityAloneNeverIdentifies(t *testing.T) {
	for _, name := range []string{"", "facility", "H10301-facility", "h10301", "H10301 "} {
		if f, err := Parse(name); err == nil || f.Valid() {
			t.Errorf("Parse(%q) = %v, %v, want an error", name, f, err)
		}
	}
	for i := range layouts {
		l := &layouts[i]
		if l.width()-l.code < 16 {
			t.Errorf("%s keeps %d bits beside the facility code", l.name, l.width()-l.code)
		}
		a, _ := Format{l}.Compose(1, 1)
		b, _ := Format{l}.Compose(1, 2)
		if l.code > 0 && (a == b || a == "" || b == "") {
			t.Errorf("%s: cards 1 and 2 of facility 1 are %q and %q", l.name, a, b)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, number := range []string{"", "-1", "+1", "01", "1 ", "0x1", "16777216", "99999999999999999999", "1_0"} {
		if _, _, err := H10301.Encode(number); err == nil {
			t.Errorf("H10301 encodes %q", number)
		}
	}
	if _, _, err := (Format{}).Encode("1"); err == nil {
		t.Error("the zero format encodes")
	}
	if _, err := H10301.Compose(256, 0); err == nil {
		t.Error("H10301 composes facility 256")
	}
	if _, err := H10302.Compose(1, 1); err == nil {
		t.Error("H10302 composes a facility")
	}
	if _, err := (Format{}).Compose(0, 0); err == nil {
		t.Error("the zero format composes")
	}
}

// Every number of every format survives the way to bits and back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Format{&layouts[rapid.IntRange(0, len(layouts)-1).Draw(t, "format")]}
		number := strconv.FormatUint(rapid.Uint64Range(0, 1<<f.l.width()-1).Draw(t, "number"), 10)
		raw, n, err := f.Encode(number)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Decode(raw, n); got != number {
			t.Fatalf("%s: %q came back as %q", f, number, got)
		}
	})
}

// Whatever bits arrive: no panic, and a number only for the bits that encoding
// it gives.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0xbd, 0x88, 0xeb, 0x80}, 26, uint8(0))
	f.Add([]byte{0, 0x3d, 0x88, 0xeb, 0xc0}, 34, uint8(1))
	f.Fuzz(func(t *testing.T, raw []byte, n int, which uint8) {
		format := Format{&layouts[int(which)%len(layouts)]}
		number := format.Decode(raw, n)
		if number == "" {
			return
		}
		back, m, err := format.Encode(number)
		if err != nil || m != n || string(back) != string(raw) {
			t.Fatalf("%s: %x (%d bits) decoded, but encodes as %x (%d bits, %v)", format, raw, n, back, m, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	raw := []byte{0xbd, 0x88, 0xeb, 0x80}
	b.ReportAllocs()
	for b.Loop() {
		if H10301.Decode(raw, 26) == "" {
			b.Fatal("misfit")
		}
	}
}
