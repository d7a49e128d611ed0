package osdp

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectorFrame is one frame of a vector file.
type vectorFrame struct {
	reply     bool
	bytes     []byte
	label     string
	data, mac []byte // nil if the file does not state them
}

type vectorFile struct {
	values map[string][]byte
	frames []vectorFrame
}

// readVectors reads a file of testdata/vectors and refuses what it does not
// understand.
func readVectors(t testing.TB, name string) vectorFile {
	t.Helper()
	f, err := os.Open(filepath.Join("../../testdata/vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := vectorFile{values: map[string][]byte{}}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatalf("%s: %q: %v", name, s, err)
		}
		return b
	}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		word, rest, _ := strings.Cut(strings.TrimSpace(sc.Text()), " ")
		switch word {
		case "", "#":
		case "C", "R":
			b, label, _ := strings.Cut(rest, " ")
			v.frames = append(v.frames, vectorFrame{reply: word == "R", bytes: unhex(b), label: label})
		case "data":
			v.frames[len(v.frames)-1].data = append([]byte{}, unhex(strings.TrimPrefix(rest, "-"))...)
		case "mac":
			v.frames[len(v.frames)-1].mac = unhex(rest)
		case "scbk", "scbk-d", "scbk-set", "rnd.a", "rnd.b", "cuid", "s-enc", "s-mac1", "s-mac2", "client", "server", "rmac_i":
			v.values[word] = unhex(rest)
		default:
			t.Fatalf("%s: cannot understand %q", name, sc.Text())
		}
	}
	if len(v.frames) == 0 {
		t.Fatalf("%s: no frames", name)
	}
	return v
}

var vectorFiles = []string{"osdp-plain.txt", "osdp-install.txt", "osdp-session.txt", "osdp-capture-keyset.txt"}

// Every frame of every file is scanned whole, with its check value, and built
// again from its parts to the same bytes.
func TestVectorFrames(t *testing.T) {
	for _, name := range vectorFiles {
		for _, v := range readVectors(t, name).frames {
			var f Frame
			n, status := Scan(v.bytes, &f)
			if status != Whole || n != len(v.bytes) {
				t.Errorf("%s: %s: status %d, %d of %d bytes", name, v.label, status, n, len(v.bytes))
				continue
			}
			if f.Reply != v.reply {
				t.Errorf("%s: %s: reply %v", name, v.label, f.Reply)
			}
			if got := f.Append(nil); !bytes.Equal(got, v.bytes) {
				t.Errorf("%s: %s: built\n%x, want\n%x", name, v.label, got, v.bytes)
			}
			v.bytes[len(v.bytes)/2] ^= 0x10
			if _, status := Scan(v.bytes, &f); status == Whole {
				t.Errorf("%s: %s: scanned with a flipped bit", name, v.label)
			}
		}
	}
}

// Annex E and the computed session: session keys, cryptograms, initial R-MAC.
func TestVectorKeys(t *testing.T) {
	for _, name := range []string{"osdp-install.txt", "osdp-session.txt"} {
		v := readVectors(t, name).values
		var s session
		s.begin(keyFrom(v["scbk"]), v["rnd.a"], v["rnd.b"])
		for _, c := range []struct {
			name string
			got  [16]byte
		}{{"client", s.client}, {"server", s.server}, {"rmac_i", s.rmac}} {
			if !bytes.Equal(c.got[:], v[c.name]) {
				t.Errorf("%s: %s is %x, want %x", name, c.name, c.got, v[c.name])
			}
		}
		for key, block := range map[string]interface{ Encrypt(dst, src []byte) }{"s-enc": s.enc, "s-mac1": s.mac1, "s-mac2": s.mac2} {
			want, got := make([]byte, 16), make([]byte, 16)
			newBlock(v[key]).Encrypt(want, make([]byte, 16))
			if block.Encrypt(got, make([]byte, 16)); !bytes.Equal(got, want) {
				t.Errorf("%s: %s differs", name, key)
			}
		}
	}
}

// The frames inside a session: the commands come out of seal byte for byte, the
// replies go through open, and every whole MAC is the stated one.
func TestVectorSession(t *testing.T) {
	for _, name := range []string{"osdp-install.txt", "osdp-session.txt"} {
		v := readVectors(t, name)
		var s session
		s.begin(keyFrom(v.values["scbk"]), v.values["rnd.a"], v.values["rnd.b"])
		macs := 0
		var last []byte
		for _, frame := range v.frames {
			if frame.mac == nil {
				continue
			}
			macs++
			var f Frame
			Scan(bytes.Clone(frame.bytes), &f)
			if frame.reply {
				data, err := s.open(&f)
				if err != nil || !bytes.Equal(data, frame.data) || !bytes.Equal(s.reply[:], frame.mac) {
					t.Fatalf("%s: %s: opened %x, %v, MAC %x; want %x, %x", name, frame.label, data, err, s.reply, frame.data, frame.mac)
				}
				continue
			}
			if bytes.Equal(frame.bytes, last) {
				continue // sent again after BUSY: the same bytes, never sealed again
			}
			last = frame.bytes
			plain := Frame{Address: f.Address, Sequence: f.Sequence, Check: f.Check, Code: f.Code, Data: frame.data}
			got := s.seal(nil, &plain, nil)
			if !bytes.Equal(got, frame.bytes) || !bytes.Equal(s.command[:], frame.mac) {
				t.Fatalf("%s: %s: sealed\n%x, want\n%x", name, frame.label, got, frame.bytes)
			}
		}
		if macs == 0 {
			t.Errorf("%s: no MACs tested", name)
		}
	}
}

// The real bus: both handshakes verify, every MAC of both directions too, and
// the KEYSET recorded under the default key gives away the key of the second.
func TestVectorCapture(t *testing.T) {
	v := readVectors(t, "osdp-capture-keyset.txt")
	var s session
	var rndA, stolen []byte
	key, macs := v.values["scbk-d"], 0
	for _, frame := range v.frames {
		var f Frame
		Scan(bytes.Clone(frame.bytes), &f)
		switch f.Block {
		case SCS11:
			rndA = f.Data
			if f.BlockData[0] == keyReader {
				key = stolen
			}
		case SCS12:
			s.begin(keyFrom(key), rndA, f.Data[8:16])
			if !bytes.Equal(f.Data[16:], s.client[:]) {
				t.Fatalf("%s: client cryptogram does not verify", frame.label)
			}
		case SCS13:
			if !bytes.Equal(f.Data, s.server[:]) {
				t.Fatalf("%s: server cryptogram does not verify", frame.label)
			}
		case SCS14:
			if !bytes.Equal(f.Data, s.rmac[:]) {
				t.Fatalf("%s: R-MAC does not verify", frame.label)
			}
		case SCS15, SCS17: // as the PD, or a listener, verifies it
			s.chain(&s.command, &s.reply, f.Covered())
			if !bytes.Equal(s.command[:4], f.MAC) {
				t.Fatalf("%s: MAC does not verify", frame.label)
			}
			macs++
			data, err := s.decrypt(f.Data, &s.reply)
			if err != nil {
				t.Fatalf("%s: %v", frame.label, err)
			}
			if f.Code == CommandKeySet {
				stolen = bytes.Clone(data[2:])
			}
		case SCS16, SCS18:
			if _, err := s.open(&f); err != nil {
				t.Fatalf("%s: %v", frame.label, err)
			}
			macs++
		}
	}
	if !bytes.Equal(stolen, v.values["scbk-set"]) || macs != 27 {
		t.Errorf("KEYSET gave %x (%d MACs), want %x", stolen, macs, v.values["scbk-set"])
	}
}
