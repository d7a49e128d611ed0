package osdp

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

const keySize = 16

// Key is the secret of one reader (SCBK). It cannot print, log or marshal
// itself, and does not compare with ==; the zero Key is no key.
type Key struct {
	// Behind a function, which nothing can look into: fmt cannot call the
	// methods of a value in an unexported field and would print an array there
	// byte by byte, for some verbs also one behind a pointer.
	get func() *[keySize]byte
}

const withheld = "osdp key (withheld)"

// String keeps the key out of every output, as do the four methods after it.
func (k Key) String() string { return withheld }

// GoString is String, for %#v.
func (k Key) GoString() string { return withheld }

// Format is String, for every verb.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, withheld) }

// LogValue is String, for log/slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(withheld) }

// MarshalText is String, for encoders.
func (k Key) MarshalText() ([]byte, error) { return []byte(withheld), nil }

// IsZero tells that there is no key.
func (k Key) IsZero() bool { return k.get == nil }

func (k Key) bytes() []byte     { return k.get()[:] }
func (k Key) hexDigits() []byte { return hex.AppendEncode(nil, k.bytes()) }

func keyFrom(b []byte) Key {
	own := [keySize]byte(b)
	return Key{func() *[keySize]byte { return &own }}
}

// Equal compares in constant time. A zero Key equals nothing.
func (k Key) Equal(o Key) bool {
	return !k.IsZero() && !o.IsZero() && subtle.ConstantTimeCompare(k.bytes(), o.bytes()) == 1
}

// NewKey makes a key from the system's random source: one for each reader.
func NewKey() Key {
	for {
		var b [keySize]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		if weakness(b[:]) == "" {
			return keyFrom(b[:])
		}
	}
}

// ParseKey takes exactly 32 hexadecimal digits and refuses a weak key. Its
// errors never repeat what was given.
func ParseKey(digits []byte) (Key, error) {
	var b [keySize]byte
	defer clear(b[:])
	if len(digits) != 2*keySize {
		return Key{}, fmt.Errorf("want %d hexadecimal digits, got %d bytes", 2*keySize, len(digits))
	}
	if _, err := hex.Decode(b[:], digits); err != nil {
		return Key{}, errors.New("want hexadecimal digits only")
	}
	if why := weakness(b[:]); why != "" {
		return Key{}, fmt.Errorf("weak key: %s; make one at random", why)
	}
	return keyFrom(b[:]), nil
}

// weakness names what is wrong with a key, "" if nothing is. These are the keys
// that attack tools try first (Bishop Fox, "Badge of Shame", 2023: 768 patterns
// and the sample keys of manuals). SCBK-D, the standard's public default key
// 30 31 … 3F, is one of the ascending ones.
func weakness(b []byte) string {
	step := b[1] - b[0]
	even := true
	for i := 2; i < len(b); i++ {
		even = even && b[i]-b[i-1] == step
	}
	switch {
	case even && b[0] == 0x30 && step == 1:
		return "the default key of the standard (SCBK-D)"
	case even && step == 0:
		return "all bytes alike"
	case even:
		return "an arithmetic sequence"
	case bytes.Equal(b[:keySize/2], b[keySize/2:]):
		return "its halves are alike"
	}
	return ""
}

// ReadKeyFile reads a reader's key: 32 hexadecimal digits, optionally with one
// newline. The file must be a regular one that nobody else can read: mode 0600
// exactly; or, below $CREDENTIALS_DIRECTORY, what systemd makes of a credential
// (0400, shown as 0440 where it grants the service's user by an access list;
// the folder itself is closed to others).
func ReadKeyFile(path string) (Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("cannot open reader key: %w", err)
	}
	defer f.Close()
	// The open file is asked, not the path: what is checked is what is read.
	info, err := f.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("cannot open reader key %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, fmt.Errorf("cannot use reader key %s: not a regular file", path)
	}
	if want, ok := keyMode(path, info.Mode().Perm()); !ok {
		return Key{}, fmt.Errorf("cannot use reader key %s: mode is %04o, want %s", path, info.Mode().Perm(), want)
	}
	buf := make([]byte, 2*keySize+2) // one more than allowed, to see excess
	defer clear(buf)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return Key{}, fmt.Errorf("cannot read reader key %s: %w", path, err)
	}
	k, err := ParseKey(bytes.TrimSuffix(buf[:n], []byte("\n")))
	if err != nil {
		return Key{}, fmt.Errorf("cannot use reader key %s: %v", path, err)
	}
	return k, nil
}

// keyMode tells whether a key file may have these permissions, and which are
// wanted.
func keyMode(path string, perm fs.FileMode) (want string, ok bool) {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && filepath.IsAbs(path) {
		rel, err := filepath.Rel(dir, filepath.Clean(path))
		if err == nil && filepath.IsLocal(rel) {
			return "0400 (or 0440, by an access list)", perm == 0o400 || perm == 0o440
		}
	}
	return "0600", perm == 0o600
}

// WriteKeyFile writes a new key file for [ReadKeyFile]. It never replaces one.
func WriteKeyFile(path string, k Key) error {
	if k.IsZero() {
		return fmt.Errorf("cannot write reader key %s: no key", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write reader key: %w", err)
	}
	digits := k.hexDigits()
	defer clear(digits)
	_, err = f.Write(append(digits, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("cannot write reader key %s: %w", path, err)
	}
	return nil
}
