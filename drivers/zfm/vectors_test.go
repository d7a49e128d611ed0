package zfm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vector is one case of testdata/vectors/zfm-*.txt.
type vector struct {
	name    string
	bytes   []byte
	packet  Packet
	checked uint16
}

// readVectors reads all three files; a line that is not understood fails.
func readVectors(t testing.TB) (all []vector) {
	t.Helper()
	for _, kind := range []string{"commands", "acknowledgements", "data"} {
		f, err := os.Open(filepath.Join("..", "..", "testdata", "vectors", "zfm-"+kind+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			line := lines.Text()
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, value, _ := strings.Cut(line, " ")
			value = strings.TrimSpace(value)
			if key == "case" {
				all = append(all, vector{name: value})
				continue
			}
			b, err := hex.DecodeString(strings.ReplaceAll(value, " ", ""))
			if err != nil || len(all) == 0 {
				t.Fatalf("%s:%d: %q", f.Name(), n, line)
			}
			v := &all[len(all)-1]
			switch key {
			case "bytes":
				v.bytes = b
			case "address":
				v.packet.Address = binary.BigEndian.Uint32(b)
			case "pid":
				v.packet.PID = PID(b[0])
			case "content":
				v.packet.Content = b
			case "checksum":
				v.checked = binary.BigEndian.Uint16(b)
			default:
				t.Fatalf("%s:%d: unknown key %q", f.Name(), n, key)
			}
		}
	}
	if len(all) != 53 {
		t.Fatalf("%d vectors instead of 53", len(all))
	}
	return all
}

func find(t testing.TB, name string) vector {
	t.Helper()
	for _, v := range readVectors(t) {
		if v.name == name {
			return v
		}
	}
	t.Fatalf("no vector %q", name)
	panic("unreachable")
}

func TestVectorsAsPackets(t *testing.T) {
	for _, v := range readVectors(t) {
		p, n, err := Parse(v.bytes)
		if err != nil || n != len(v.bytes) {
			t.Errorf("%s: consumed %d of %d, %v", v.name, n, len(v.bytes), err)
			continue
		}
		if p.Address != v.packet.Address || p.PID != v.packet.PID || !bytes.Equal(p.Content, v.packet.Content) {
			t.Errorf("%s: parsed %+v, want %+v", v.name, p, v.packet)
		}
		if got := Append(nil, v.packet); !bytes.Equal(got, v.bytes) {
			t.Errorf("%s: encoded % X, want % X", v.name, got, v.bytes)
		}
		if got := checksum(v.bytes[6 : len(v.bytes)-2]); got != v.checked {
			t.Errorf("%s: checksum %04X, want %04X", v.name, got, v.checked)
		}
		for i := range v.bytes { // damaged at any byte behind the address, it is no packet
			if i < 6 {
				continue
			}
			bad := bytes.Clone(v.bytes)
			bad[i] ^= 0x04
			if p, _, err := Parse(bad); err == nil {
				t.Errorf("%s: damaged at %d, yet parsed as %+v", v.name, i, p)
			}
		}
	}
}

// What this driver sends is what the manuals show.
func TestVectorsAsCommands(t *testing.T) {
	pwd := NewPassword([4]byte{0xA1, 0xB2, 0xC3, 0xD4}).bytes()
	for name, content := range map[string][]byte{
		"VfyPwd 00000000":      request(vfyPwd, make([]byte, 4)...),
		"VfyPwd A1B2C3D4":      request(vfyPwd, pwd[:]...),
		"ReadSysPara":          request(readSysPara),
		"ReadProdInfo":         request(readProdInfo),
		"GenImg":               request(genImg),
		"Img2Tz 1":             request(img2Tz, fresh),
		"Match":                request(match),
		"Search buf1 0..200":   request(search, append(withPage(0, fresh), 0x00, 0xC8)...),
		"RegModel":             request(regModel),
		"Store buf1 id 7":      request(store, withPage(7, fresh)...),
		"LoadChar buf2 id 7":   request(loadChar, withPage(7, stored)...),
		"UpChar buf1":          request(upChar, fresh),
		"DeletChar id 7 n1":    request(deletChar, withPage(1, withPage(7)...)...),
		"TemplateNum":          request(templateNum),
		"ReadIndexTable pg0":   request(readIndexTable, 0),
		"AuraLed off":          append(request(auraLedConfig), 4, 0, 0, 0),
		"AuraLed on green":     append(request(auraLedConfig), 3, 0, 4, 0),
		"AuraLed flash red x3": append(request(auraLedConfig), 2, 0x32, 1, 3),
	} {
		v := find(t, name)
		if got := Append(nil, Packet{defaultAddress, Command, content}); !bytes.Equal(got, v.bytes) {
			t.Errorf("%s: % X, want % X", name, got, v.bytes)
		}
	}
}

func TestVectorsAsAnswers(t *testing.T) {
	p, err := parseParameters(find(t, "to ReadSysPara: R503 200 lvl3 128B 57600").packet.Content[1:])
	if want := (parameters{systemR503, 200, defaultAddress, 128}); err != nil || p != want {
		t.Errorf("system parameters %+v, %v, want %+v", p, err, want)
	}
	if p.buffers() != 6 {
		t.Errorf("an R503 has %d buffers", p.buffers())
	}
	var l library
	l.setTable(0, find(t, "to ReadIndexTable pg0: ids 0,1,9").packet.Content[1:])
	for page := range uint16(maxPages) {
		if want := page == 0 || page == 1 || page == 9; l.has(page) != want {
			t.Errorf("index shows page %d: %v, want %v", page, l.has(page), want)
		}
	}
	for _, v := range readVectors(t) { // lengths by which a stale answer is told
		question, said, is := strings.Cut(strings.TrimPrefix(v.name, "to "), ": ")
		if !is {
			continue
		}
		i := instruction(find(t, question).packet.Content[0])
		s, known := shapes[i]
		if known && v.packet.Content[0] == 0 && len(v.packet.Content)-1 != s.answer {
			t.Errorf("%v answers %q with %d bytes, shapes say %d", i, said, len(v.packet.Content)-1, s.answer)
		}
	}
}
