package osdp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekimori/drivers/card"
)

const keyDigits = "1a2b3c4d5e6f708192a3b4c5d6e7f809"

// A key shows in no output, however it is printed or wherever it lies (P12).
func TestP12KeyCannotPrintItself(t *testing.T) {
	k, err := ParseKey([]byte(keyDigits))
	if err != nil {
		t.Fatal(err)
	}
	options := ReaderOptions{Name: "entry", Key: k}
	hidden := struct{ options *ReaderOptions }{&options}
	nested := struct{ key Key }{k}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%c", "%U", "%t", "%p"} {
		for _, v := range []any{k, &k, options, nested, hidden, []Key{k}, map[string]Key{"a": k}, newPD(options, timing{}, nil)} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	_ = json.NewEncoder(&out).Encode(options)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k, "options", options, "nested", nested)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "options", options, "nested", nested)
	text := strings.ToLower(out.String())
	for _, leak := range []string{keyDigits, keyDigits[:8], "26 43 60 77", "26,43,60,77", "0x1a, 0x2b", "1a 2b 3c", "11010 101011", "gis8tv5vciks"} {
		if strings.Contains(text, leak) {
			t.Errorf("output contains %q", leak)
		}
	}
	if !strings.Contains(text, withheld) {
		t.Error("nothing says that a key was withheld")
	}
}

func TestKeyEqual(t *testing.T) {
	a, _ := ParseKey([]byte(keyDigits))
	b, _ := ParseKey([]byte(strings.ToUpper(keyDigits)))
	if !a.Equal(b) || a.Equal(NewKey()) || a.Equal(Key{}) || (Key{}).Equal(Key{}) {
		t.Error("keys compare wrongly")
	}
}

// The 768 patterns that attack tools try, the default key, and others of their
// kind are refused.
func TestWeakKeys(t *testing.T) {
	for start := range 256 {
		for _, step := range []int{0, 1, -1, 0x11} {
			b := make([]byte, keySize)
			for i := range b {
				b[i] = byte(start + i*step)
			}
			if _, err := ParseKey(fmt.Appendf(nil, "%x", b)); err == nil {
				t.Errorf("key %x is taken", b)
			}
		}
	}
	for _, digits := range []string{
		"303132333435363738393a3b3c3d3e3f", // SCBK-D
		"0123456789abcdef0123456789abcdef", // halves alike
		"aabbccddaabbccddaabbccddaabbccdd",
	} {
		if _, err := ParseKey([]byte(digits)); err == nil || strings.Contains(err.Error(), digits[:8]) {
			t.Errorf("key %s: %v", digits, err)
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	for _, digits := range []string{"", keyDigits[1:], keyDigits + "0", " " + keyDigits[1:], keyDigits[:31] + "g", "0x" + keyDigits[2:]} {
		if k, err := ParseKey([]byte(digits)); err == nil || !k.IsZero() {
			t.Errorf("%q is taken", digits)
		} else if len(digits) > 8 && strings.Contains(err.Error(), digits[1:8]) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
}

func TestReadKeyFile(t *testing.T) {
	dir, credentials := t.TempDir(), t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	for _, c := range []struct {
		name, dir, content string
		mode               os.FileMode
		ok                 bool
	}{
		{"good", dir, keyDigits + "\n", 0o600, true},
		{"no newline", dir, keyDigits, 0o600, true},
		{"readable by the group", dir, keyDigits, 0o640, false},
		{"readable by all", dir, keyDigits, 0o604, false},
		{"executable", dir, keyDigits, 0o700, false},
		{"a credential's mode elsewhere", dir, keyDigits, 0o400, false},
		{"credential", credentials, keyDigits, 0o400, true},
		{"credential by access list", credentials, keyDigits, 0o440, true},
		{"credential readable by all", credentials, keyDigits, 0o444, false},
		{"credential writable", credentials, keyDigits, 0o600, false},
		{"two newlines", dir, keyDigits + "\n\n", 0o600, false},
		{"two keys", dir, keyDigits + "\n" + keyDigits, 0o600, false},
		{"space", dir, keyDigits + " ", 0o600, false},
		{"short", dir, keyDigits[2:], 0o600, false},
		{"empty", dir, "", 0o600, false},
		{"weak", dir, "303132333435363738393a3b3c3d3e3f", 0o600, false},
		{"huge", dir, strings.Repeat("a", 1<<20), 0o600, false},
	} {
		path := filepath.Join(c.dir, c.name)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		k, err := ReadKeyFile(path)
		if (err == nil) != c.ok || k.IsZero() == c.ok {
			t.Errorf("%s: %v, want ok %v", c.name, err, c.ok)
		}
		if err != nil && (!strings.Contains(err.Error(), path) || strings.Contains(err.Error(), keyDigits[:8])) {
			t.Errorf("%s: the error is %q", c.name, err)
		}
	}
	if _, err := ReadKeyFile(dir); err == nil {
		t.Error("a folder is taken")
	}
	if _, err := ReadKeyFile(filepath.Join(dir, "none")); err == nil {
		t.Error("a missing file is taken")
	}
}

func TestWriteKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "entry.key")
	k := NewKey()
	if err := WriteKeyFile(path, k); err != nil {
		t.Fatal(err)
	}
	if back, err := ReadKeyFile(path); err != nil || !back.Equal(k) {
		t.Errorf("read back: %v", err)
	}
	if err := WriteKeyFile(path, NewKey()); err == nil {
		t.Error("a key was replaced")
	}
	if err := WriteKeyFile(path+"2", Key{}); err == nil {
		t.Error("no key was written")
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte(keyDigits))
	f.Add([]byte("303132333435363738393a3b3c3d3e3f"))
	f.Fuzz(func(t *testing.T, digits []byte) {
		k, err := ParseKey(digits)
		if err == nil && (weakness(k.bytes()) != "" || !bytes.EqualFold(k.hexDigits(), digits)) {
			t.Errorf("%q parses to another or a weak key", digits)
		}
	})
}

func TestIdentityText(t *testing.T) {
	s := testPin.String()
	if back, err := ParseIdentity(s); err != nil || back != testPin {
		t.Errorf("%s: %v, %v", s, back, err)
	}
	for _, bad := range []string{"", "-", strings.ToUpper(s), s + "-", s + " ", s[1:], strings.Replace(s, "-", "", 1), strings.Replace(s, "0", "g", 1)} {
		if i, err := ParseIdentity(bad); err == nil || !i.IsZero() {
			t.Errorf("%q is taken", bad)
		}
	}
}

// The order of the records does not matter, every byte of them does.
func TestHashCapabilities(t *testing.T) {
	a := HashCapabilities([]byte{1, 2, 3, 4, 5, 6})
	if a != HashCapabilities([]byte{4, 5, 6, 1, 2, 3}) {
		t.Error("order matters")
	}
	for i := range 6 {
		b := []byte{1, 2, 3, 4, 5, 6}
		b[i] ^= 0x80
		if a == HashCapabilities(b) {
			t.Errorf("byte %d does not matter", i)
		}
	}
}

func FuzzParseIdentity(f *testing.F) {
	f.Add(testPin.String())
	f.Fuzz(func(t *testing.T, s string) {
		if i, err := ParseIdentity(s); err == nil && i.String() != s {
			t.Errorf("%q parses to %s", s, i)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	good := func() []ReaderOptions {
		return []ReaderOptions{
			{Name: "entry", Address: 1, Key: NewKey(), Format: card.H10301},
			{Name: "exit", Address: 2, Key: NewKey(), Format: card.H10301},
		}
	}
	port := lostPort{}
	if _, err := New(Options{Port: port}, good()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(o *Options, r []ReaderOptions) []ReaderOptions{
		"no port":      func(o *Options, r []ReaderOptions) []ReaderOptions { o.Port = nil; return r },
		"slow":         func(o *Options, r []ReaderOptions) []ReaderOptions { o.Baud = 300; return r },
		"poll":         func(o *Options, r []ReaderOptions) []ReaderOptions { o.Poll = -1; return r },
		"silence":      func(o *Options, r []ReaderOptions) []ReaderOptions { o.Silence = 9e9; return r },
		"probe":        func(o *Options, r []ReaderOptions) []ReaderOptions { o.Probe = 1; return r },
		"gap":          func(o *Options, r []ReaderOptions) []ReaderOptions { o.Gap = 1; return r },
		"no readers":   func(o *Options, r []ReaderOptions) []ReaderOptions { return nil },
		"no name":      func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Name = ""; return r },
		"same name":    func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Name = r[0].Name; return r },
		"same address": func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Address = r[0].Address; return r },
		"config addr":  func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Address = ConfigAddress; return r },
		"no key":       func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Key = Key{}; return r },
		"shared key":   func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Key = keyFrom(r[0].Key.bytes()); return r },
		"default key": func(o *Options, r []ReaderOptions) []ReaderOptions {
			r[1].Key = keyFrom([]byte("0123456789:;<=>?"))
			return r
		},
		"no format":     func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Format = card.Format{}; return r },
		"unknown check": func(o *Options, r []ReaderOptions) []ReaderOptions { r[1].Check = 2; return r },
	} {
		o, r := Options{Port: port}, good()
		r = change(&o, r)
		if _, err := New(o, r); err == nil {
			t.Errorf("%s: taken", name)
		} else if !strings.HasPrefix(err.Error(), "cannot use osdp bus: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
