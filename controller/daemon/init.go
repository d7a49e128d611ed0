package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sekimori/controller/config"
	"sekimori/controller/ledger"
)

// Init makes what a door has only once: the ledger with its device key, the
// key of credential tags and the inbox. It refuses if any of it is there, and
// gives the verifier key of the ledger's checkpoints.
func Init(cfg *config.Door) (verifier string, err error) {
	for _, p := range []string{LedgerDir(cfg), InboxDir(cfg), tagFile(cfg)} {
		if _, err := os.Lstat(p); !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("cannot initialise door %s: %s is there already", cfg.ID, p)
		}
	}
	if err := os.MkdirAll(cfg.State, 0o700); err != nil {
		return "", fmt.Errorf("cannot initialise door %s: %w", cfg.ID, err)
	}
	key, err := ledger.NewDeviceKey()
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(InboxDir(cfg), 0o700); err != nil {
		return "", fmt.Errorf("cannot initialise door %s: %w", cfg.ID, err)
	}
	if err := newTagKey(tagFile(cfg)); err != nil {
		return "", err
	}
	// The ledger last: with it the door exists.
	if err := ledger.Init(LedgerDir(cfg), cfg.ID, key); err != nil {
		return "", err
	}
	book, err := ledger.OpenReader(context.Background(), LedgerDir(cfg))
	if err != nil {
		return "", err
	}
	defer book.Close()
	return book.VerifierKey(), nil
}

// tagFile holds the key under which credentials are tagged in events. It never
// leaves the box: without it a tag says nothing about a number.
func tagFile(cfg *config.Door) string { return filepath.Join(cfg.State, "tag.key") }

const tagKeySize = 32

func newTagKey(path string) error {
	b := make([]byte, tagKeySize)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("cannot make the tag key: %w", err)
	}
	_, err = fmt.Fprintln(f, hex.EncodeToString(b))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot write the tag key %s: %w", path, err)
	}
	return nil
}

func readTagKey(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tag key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("cannot use the tag key %s: mode is %04o, want 0600", path, info.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tag key: %w", err)
	}
	k, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(k) != tagKeySize {
		return nil, fmt.Errorf("cannot use the tag key %s: want %d hexadecimal digits", path, 2*tagKeySize)
	}
	return k, nil
}
