package zfm

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func drawPacket(t *rapid.T) Packet {
	return Packet{
		Address: rapid.Uint32().Draw(t, "address"),
		PID:     rapid.SampledFrom([]PID{Command, Data, Acknowledge, LastData}).Draw(t, "pid"),
		Content: rapid.SliceOfN(rapid.Byte(), 1, MaxContent).Draw(t, "content"),
	}
}

func TestPacketRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPacket(t)
		b := Append(nil, p)
		for i := range b {
			if _, n, err := Parse(b[:i]); !errors.Is(err, ErrShort) && i > 0 || n != 0 {
				t.Fatalf("%d of %d bytes: consumed %d, %v", i, len(b), n, err)
			}
		}
		got, n, err := Parse(append(b, 0xEF, 0x01, 0xFF))
		if err != nil || n != len(b) || got.Address != p.Address || got.PID != p.PID || !bytes.Equal(got.Content, p.Content) {
			t.Fatalf("parsed %+v (%d bytes, %v), want %+v", got, n, err, p)
		}
	})
}

// After any noise that does not look like a header, every packet is found.
func TestPacketAfterNoise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		noise := rapid.SliceOfN(rapid.ByteRange(0x02, 0xEE), 0, 40).Draw(t, "noise")
		damaged := Append(nil, drawPacket(t))
		damaged[len(damaged)-1] ^= 0x80
		p := drawPacket(t)
		stream := append(append(noise, damaged...), Append(nil, p)...)
		found := false
		for len(stream) > 0 {
			got, n, err := Parse(stream)
			if errors.Is(err, ErrShort) {
				break
			}
			if err == nil && got.PID == p.PID && got.Address == p.Address && bytes.Equal(got.Content, p.Content) {
				found = true
			}
			stream = stream[n:]
		}
		// Content that itself looks like the start of a packet may hide it.
		if !found && !bytes.Contains(damaged[2:], []byte{0xEF, 0x01}) && damaged[len(damaged)-1] != 0xEF {
			t.Fatal("packet behind a damaged one was lost")
		}
	})
}

func TestAppendRefusesOurOwnMistakes(t *testing.T) {
	for _, n := range []int{0, MaxContent + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("content of %d bytes was encoded", n)
				}
			}()
			Append(nil, Packet{PID: Data, Content: make([]byte, n)})
		}()
	}
}

// Parse never takes more than there is, always takes something or asks for
// more (and then for no more than one packet), and what it accepts encodes to
// the same bytes.
func FuzzParse(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(v.bytes)
	}
	f.Add([]byte{0xEF, 0xEF, 0x01, 0x55})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, n, err := Parse(b)
		switch {
		case errors.Is(err, ErrShort):
			if n != 0 || len(b) >= maxPacket {
				t.Fatalf("consumed %d and asks for more than %d bytes", n, len(b))
			}
		case n < 1 || n > len(b):
			t.Fatalf("consumed %d of %d bytes, %v", n, len(b), err)
		case err == nil && !bytes.Equal(Append(nil, p), b[:n]):
			t.Fatalf("%+v does not encode to % X", p, b[:n])
		case errors.Is(err, ErrNoise) && bytes.Contains(b[:n], []byte{header0, header1}):
			t.Fatalf("header skipped in % X", b[:n])
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in := find(b, "to Match: match score 100").bytes
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, _, err := Parse(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	p := Packet{defaultAddress, Data, make([]byte, 128)}
	var out []byte
	for b.Loop() {
		out = Append(out[:0], p)
	}
	b.SetBytes(int64(len(out)))
}
