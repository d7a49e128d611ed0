package order

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"syscall"
)

// KeyID is the SHA-256 of a public key's 32 bytes.
type KeyID [32]byte

// String is the id in the ledger: 64 lower-case hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// Fingerprint is the id for two people who compare it by eye or by voice: 16
// groups of four hexadecimal digits.
func (id KeyID) Fingerprint() string {
	var b strings.Builder
	for i := 0; i < len(id); i += 2 {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%x", id[i:i+2])
	}
	return b.String()
}

// PublicKey is an Ed25519 public key. Its text is the standard base64 of its
// 32 bytes.
type PublicKey [ed25519.PublicKeySize]byte

// ParsePublicKey reads the text of a public key.
func ParsePublicKey(s string) (PublicKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return PublicKey{}, errors.New("cannot read public key: not the base64 of 32 bytes")
	}
	return PublicKey(b), nil
}

func (p PublicKey) String() string { return base64.StdEncoding.EncodeToString(p[:]) }

// ID of the key.
func (p PublicKey) ID() KeyID { return sha256.Sum256(p[:]) }

// PrivateKey signs orders. It cannot print itself.
type PrivateKey struct{ key ed25519.PrivateKey }

const withheld = "[private key withheld]"

// NewKey makes a key.
func NewKey() *PrivateKey {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic("internal error: order: " + err.Error()) // crypto/rand never fails
	}
	return &PrivateKey{k}
}

// Public half of the key.
func (k *PrivateKey) Public() PublicKey { return PublicKey(k.key.Public().(ed25519.PublicKey)) }

// String withholds the key, and so do the other ways to print it.
func (k PrivateKey) String() string { return withheld }

// GoString withholds the key.
func (k PrivateKey) GoString() string { return withheld }

// Format withholds the key under every verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, withheld) }

// LogValue withholds the key.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(withheld) }

// MarshalText withholds the key from encoders.
func (k PrivateKey) MarshalText() ([]byte, error) { return []byte(withheld), nil }

const pemType = "PRIVATE KEY" // PKCS #8, RFC 5958; what openssl reads and writes

// maxKeyFile is generous: a PKCS #8 Ed25519 key in PEM takes 119 bytes.
const maxKeyFile = 4 << 10

// WriteKey makes a new file, readable by its owner only, durable on return. It
// never replaces one.
func WriteKey(path string, k *PrivateKey) (err error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return fmt.Errorf("cannot write key %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot write key: %w", err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("cannot write key: %w", cerr)
		}
	}()
	if err := pem.Encode(f, &pem.Block{Type: pemType, Bytes: der}); err != nil {
		return fmt.Errorf("cannot write key: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot write key: %w", err)
	}
	return nil
}

// ReadKey reads a key file. It refuses a file that anybody but its owner can
// read, and anything that is not a regular file. An error never quotes the
// file's content.
func ReadKey(path string) (*PrivateKey, error) {
	// O_NONBLOCK: a FIFO in the key's place must not hang the caller.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot read key: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read key: %w", err)
	}
	if err := privateFile(st); err != nil {
		return nil, fmt.Errorf("cannot read key %s: %w", path, err)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, fmt.Errorf("cannot read key: %w", err)
	}
	block, rest := pem.Decode(b)
	if block == nil || block.Type != pemType || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("cannot read key %s: not one PKCS #8 private key in PEM", path)
	}
	any, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	k, ok := any.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("cannot read key %s: not an Ed25519 private key", path)
	}
	return &PrivateKey{k}, nil
}

func privateFile(st fs.FileInfo) error {
	switch {
	case !st.Mode().IsRegular():
		return errors.New("not a regular file")
	case st.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others than its owner can reach it (mode %04o); run chmod 600", st.Mode().Perm())
	case st.Size() > maxKeyFile:
		return fmt.Errorf("larger than %d bytes", maxKeyFile)
	default:
		return nil
	}
}
