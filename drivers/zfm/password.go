package zfm

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// Password is a module's 32-bit password (R503 user manual, "verify
// password"). It cannot print, log or marshal itself. The zero value is the
// password of a new module, 00000000. It crosses the wire in clear: it finds a
// swapped module, it does not stop somebody at the wire. The bytes stand behind
// a function because package fmt reads unexported fields, but cannot call them.
type Password struct{ secret func() [4]byte }

// NewPassword makes a password of its four bytes.
func NewPassword(b [4]byte) Password { return Password{func() [4]byte { return b }} }

// LoadPassword reads a password, eight hexadecimal digits, from a key file that
// only its owner may read (mode 0600 or less; a systemd credential is one).
func LoadPassword(path string) (Password, error) {
	f, err := os.Open(path)
	if err != nil {
		return Password{}, fmt.Errorf("cannot read sensor password: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat() // of the open file: the name could point elsewhere by now
	if err != nil {
		return Password{}, fmt.Errorf("cannot read sensor password: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return Password{}, fmt.Errorf("cannot use sensor password %s: mode is %v, others must not have access (0600)", path, info.Mode())
	}
	text, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return Password{}, fmt.Errorf("cannot read sensor password %s: %w", path, err)
	}
	defer clear(text)
	var b [4]byte
	digits := strings.TrimSpace(string(text))
	if len(digits) != 8 {
		return Password{}, fmt.Errorf("cannot use sensor password %s: it is not eight hexadecimal digits", path)
	}
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		// The decoder's error would quote the file's content.
		return Password{}, fmt.Errorf("cannot use sensor password %s: it is not eight hexadecimal digits", path)
	}
	return NewPassword(b), nil
}

func (p Password) bytes() [4]byte {
	if p.secret == nil {
		return [4]byte{}
	}
	return p.secret()
}

const withheld = "password (withheld)"

// Format is asked for every verb, also for those that would print the bytes.
func (p Password) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, withheld) }

// String and MarshalText keep the password out of every other output.
func (p Password) String() string               { return withheld }
func (p Password) MarshalText() ([]byte, error) { return []byte(withheld), nil }
