package osdp

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// slowCRC is the definition, bit by bit.
func slowCRC(b []byte) uint16 {
	crc := uint16(0x1D0F)
	for _, v := range b {
		for bit := 7; bit >= 0; bit-- {
			top := crc>>15 ^ uint16(v>>bit&1)
			crc <<= 1
			if top == 1 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

func TestCRC(t *testing.T) {
	if got := crc16([]byte("123456789")); got != 0xE5CC { // CRC catalogue, CRC-16/SPI-FUJITSU
		t.Errorf("check value %04X, want E5CC", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		if crc16(b) != slowCRC(b) {
			t.Fatalf("%04x, want %04x", crc16(b), slowCRC(b))
		}
	})
}

// A frame is found behind any noise, in any pieces, and nothing else is.
func TestScanFindsFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOfN(rapid.SampledFrom([]byte{0xFF, 0x00, 0x40, 0x80}), 0, 30).Draw(t, "noise")
		want := frames(t, 1)
		next := frames(t, 2)
		line := bytes.Join([][]byte{noise, want, next}, nil)
		var f Frame
		for cut := range len(noise) + len(want) {
			if n, s := Scan(line[:cut], &f); s != More || n > len(noise) {
				t.Fatalf("%d bytes: status %d, %d done with", cut, s, n)
			}
		}
		n, s := Scan(line, &f)
		if s != Whole || n != len(noise)+len(want) || !bytes.Equal(f.Bytes, want) {
			t.Fatalf("status %d, %d done with, frame %x, want %x", s, n, f.Bytes, want)
		}
		if _, s = Scan(line[n:], &f); s != Whole || !bytes.Equal(f.Bytes, next) {
			t.Fatalf("the next frame is %x, want %x", f.Bytes, next)
		}
	})
}

func TestScanRefuses(t *testing.T) {
	checked := func(b ...byte) []byte {
		b[2] = byte(len(b) + 2)
		return AppendCheck(b, 0, CRC)
	}
	for name, b := range map[string][]byte{
		"too short a length":       {som, 0x85, 6, 0, 0, 0},
		"too long a length":        {som, 0x85, 0xA1, 0x05, 0, 0},
		"no code":                  checked(som, 0x85, 0, 0, 0x0C, 2, 0x30),
		"block longer than frame":  checked(som, 0x85, 0, 0, 0x0C, 9, SCS16, 0x40),
		"block of one byte":        checked(som, 0x85, 0, 0, 0x0C, 1, 0x40, 0x40),
		"block of type 0":          checked(som, 0x85, 0, 0, 0x0C, 2, 0x00, 0x40),
		"handshake without number": checked(som, 0x85, 0, 0, 0x0C, 2, SCS12, 0x76),
		"data in a MAC block":      checked(som, 0x85, 0, 0, 0x0C, 3, SCS16, 1, 0x40, 1, 2, 3, 4),
		"no room for the MAC":      checked(som, 0x85, 0, 0, 0x0C, 2, SCS16, 0x40, 1, 2, 3),
	} {
		var f Frame
		if n, s := Scan(b, &f); s != Broken || n != 1 {
			t.Errorf("%s: status %d, %d done with", name, s, n)
		}
	}
}

func TestAppendTooLong(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a frame above the limit was built")
		}
	}()
	(&Frame{Data: make([]byte, MaxFrame)}).Append(nil)
}

// What is scanned is built again to the same bytes; nothing is read past the
// end, and every call that is not "more" makes progress.
func FuzzScan(f *testing.F) {
	for _, name := range vectorFiles {
		for _, v := range readVectors(f, name).frames {
			f.Add(v.bytes)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			var f Frame
			n, status := Scan(b, &f)
			if n > len(b) || status != More && n == 0 {
				t.Fatalf("status %d, %d of %d bytes done with", status, n, len(b))
			}
			if status == More {
				if len(b)-n >= MaxFrame {
					t.Fatalf("%d bytes and no frame", len(b)-n)
				}
				return
			}
			if status == Whole {
				// The upper half of CTRL is ignored on receive and 0 when sent.
				if again := f.Append(nil); f.Bytes[4]&0xF0 == 0 && !bytes.Equal(again, f.Bytes) {
					t.Fatalf("%x is built as %x", f.Bytes, again)
				}
			}
			b = b[n:]
		}
	})
}

// Data of any length survives encryption and MAC; any flipped bit is seen.
func TestSessionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var acu, pd session
		rndA, rndB := rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "a"), rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "b")
		acu.begin(testKey, rndA, rndB)
		pd.begin(testKey, rndA, rndB)
		for i := range rapid.IntRange(1, 5).Draw(t, "exchanges") {
			data := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "data")
			sealed := acu.seal(nil, &Frame{Address: 5, Sequence: byte(i%3 + 1), Code: CommandLED, Data: data}, nil)
			var f Frame
			if _, s := Scan(sealed, &f); s != Whole {
				t.Fatalf("sealed to %x", sealed)
			}
			pd.chain(&pd.command, &pd.reply, f.Covered())
			plain, err := pd.decrypt(f.Data, &pd.reply)
			if err != nil || !bytes.Equal(pd.command[:4], f.MAC) || !bytes.Equal(plain, data) {
				t.Fatalf("%x came out as %x, %v", data, plain, err)
			}
			r := Frame{Address: 5, Reply: true, Block: SCS18, Code: ReplyRaw, Data: pd.encrypt(bytes.Clone(data), &pd.command)}
			body := r.AppendBody(nil)
			pd.chain(&pd.reply, &pd.command, body)
			answer := AppendCheck(append(body, pd.reply[:4]...), 0, CRC)
			bit := rapid.IntRange(5*8, len(body)*8-1).Draw(t, "bit")
			flipped := bytes.Clone(answer[:len(answer)-2])
			flipped[bit/8] ^= 1 << (bit % 8)
			var bad Frame
			if _, s := Scan(AppendCheck(flipped, 0, CRC), &bad); s == Whole && carriesMAC(bad.Block) {
				was := acu
				if _, err := acu.open(&bad); err != errMAC {
					t.Fatalf("bit %d flipped: %v", bit, err)
				}
				if acu.command != was.command || acu.reply != was.reply {
					t.Fatal("a wrong MAC moved the chain")
				}
			}
			Scan(answer, &f)
			if plain, err := acu.open(&f); err != nil || !bytes.Equal(plain, data) {
				t.Fatalf("%x came back as %x, %v", data, plain, err)
			}
		}
	})
}

// Good MAC, wrong padding: an error, never data.
func TestPadding(t *testing.T) {
	var s session
	s.begin(testKey, make([]byte, 8), make([]byte, 8))
	for _, plain := range [][]byte{make([]byte, 16), bytes.Repeat([]byte{1}, 16), append(bytes.Repeat([]byte{0x80}, 16), make([]byte, 16)...)} {
		b := bytes.Clone(plain)
		iv := s.command
		complement(&s.block, &iv)
		block := s.block
		for i := 0; i < len(b); i += 16 {
			for k := range 16 {
				block[k] ^= b[i+k]
			}
			s.enc.Encrypt(block[:], block[:])
			copy(b[i:], block[:])
		}
		if data, err := s.decrypt(b, &iv); err != errPadding {
			t.Errorf("%x: data %x, %v", plain, data, err)
		}
	}
	if _, err := s.decrypt(make([]byte, 15), &s.command); err != errPadding {
		t.Error("a part of a block is decrypted")
	}
}
