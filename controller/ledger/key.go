package ledger

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"crypto/rand"
	"crypto/sha256"

	"golang.org/x/mod/sumdb/note"
)

// DeviceKey is the box's own Ed25519 key. It signs checkpoints, and nothing
// that opens a door. It does not print itself. The zero DeviceKey is no key.
type DeviceKey struct{ private ed25519.PrivateKey }

const noShow = "[device key]"

// NewDeviceKey makes a fresh key.
func NewDeviceKey() (DeviceKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return DeviceKey{}, fmt.Errorf("cannot make a device key: %v", err)
	}
	return DeviceKey{private}, nil
}

func (DeviceKey) String() string               { return noShow }
func (DeviceKey) GoString() string             { return noShow }
func (DeviceKey) Format(f fmt.State, _ rune)   { fmt.Fprint(f, noShow) }
func (DeviceKey) LogValue() slog.Value         { return slog.StringValue(noShow) }
func (DeviceKey) MarshalText() ([]byte, error) { return []byte(noShow), nil }
func (k DeviceKey) isZero() bool               { return k.private == nil }
func (k DeviceKey) public() ed25519.PublicKey  { return k.private.Public().(ed25519.PublicKey) }

// origin is the line that names a door's log in its checkpoints, and the name
// of the key that signs them.
func origin(door string) string { return "sekimori/v1/" + door }

// maxDoor bounds a door's id in bytes: the checkpoint with it must fit into
// the one sector of the head.
const maxDoor = 64

// checkDoor refuses ids that a signed note or an MQTT topic cannot carry.
func checkDoor(door string) error {
	bad := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("+#/", r) }
	switch {
	case door == "":
		return errors.New("the door has no id")
	case len(door) > maxDoor:
		return fmt.Errorf("door id of %d bytes, at most %d fit", len(door), maxDoor)
	case !utf8.ValidString(door) || strings.ContainsFunc(door, bad):
		return fmt.Errorf("door id %q has spaces or one of + # /", door)
	}
	return nil
}

// verifierKey is the key's public half in the form of signed notes,
// name+hash+key, which an auditor keeps outside the box.
func (k DeviceKey) verifierKey(door string) (string, error) {
	return note.NewEd25519VerifierKey(origin(door), k.public())
}

// signer signs notes as a door's log. It implements note.Signer, so that the
// key need not pass through the printable form of note.NewSigner.
type signer struct {
	key  DeviceKey
	name string
}

// algEd25519 is the signature type of C2SP signed-note for Ed25519.
const algEd25519 = 1

func (s signer) Name() string { return s.name }

func (s signer) KeyHash() uint32 {
	h := sha256.New()
	h.Write([]byte(s.name + "\n"))
	h.Write([]byte{algEd25519})
	h.Write(s.key.public())
	return binary.BigEndian.Uint32(h.Sum(nil))
}

func (s signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key.private, msg), nil }

var _ note.Signer = signer{}

const pemType = "PRIVATE KEY" // PKCS #8, RFC 5958

// writeKey stores the key where only the owner reads it; it never overwrites.
func writeKey(path string, k DeviceKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return fmt.Errorf("cannot encode the device key: %v", err)
	}
	return writeNew(path, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
}

// readKey reads what writeKey wrote, and refuses a file that others can read.
func readKey(path string) (DeviceKey, error) {
	if err := present(path); err != nil {
		return DeviceKey{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return DeviceKey{}, fmt.Errorf("cannot look at device key %s: %v", path, err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return DeviceKey{}, fmt.Errorf("device key %s is open to others (mode %04o, want 0600)", path, mode)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return DeviceKey{}, fmt.Errorf("cannot read device key %s: %v", path, err)
	}
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != pemType {
		return DeviceKey{}, fmt.Errorf("%w: %s is no device key", ErrCorrupt, path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return DeviceKey{}, fmt.Errorf("%w: %s is no device key", ErrCorrupt, path)
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return DeviceKey{}, fmt.Errorf("%w: %s is no Ed25519 key", ErrCorrupt, path)
	}
	return DeviceKey{private}, nil
}
