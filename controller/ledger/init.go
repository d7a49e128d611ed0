package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// making is how Init opens its new file: as a writer, unfenced.
var making = access{
	query:     "mode=rwc&" + writing.query[len("mode=rw&"):],
	pragmas:   writing.pragmas,
	authorize: nil,
	conns:     1,
}

// Init makes the ledger of a door in dir, once. dir must not exist or be
// empty; its parent must exist. The zero key makes a fresh device key. Either
// everything is there afterwards, durably, or nothing is: an interrupted Init
// leaves at most a folder named dir.new-… that can be thrown away.
//
// It returns [ErrExists] if anything is there, even what looks like debris:
// nothing may silently start a new ledger over an old one.
func Init(dir, door string, key DeviceKey) error {
	if err := checkDoor(door); err != nil {
		return fmt.Errorf("cannot make a ledger: %v", err)
	}
	dir = filepath.Clean(dir)
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("cannot make a ledger in %s: %w", dir, ErrExists)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot make a ledger in %s: %v", dir, err)
	}
	if key.isZero() {
		var err error
		if key, err = NewDeviceKey(); err != nil {
			return err
		}
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".new-")
	if err != nil {
		return fmt.Errorf("cannot make a ledger in %s: %v", dir, err)
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp, door, key); err != nil {
		return fmt.Errorf("cannot make a ledger in %s: %w", dir, err)
	}
	// rename replaces an empty directory and refuses one that is not.
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("cannot put the new ledger in place: %v", err)
	}
	return syncDir(filepath.Dir(dir))
}

func fill(dir, door string, key DeviceKey) error {
	vkey, err := key.verifierKey(door)
	if err != nil {
		return fmt.Errorf("cannot name the device key: %v", err)
	}
	if err := writeKey(filepath.Join(dir, keyFile), key); err != nil {
		return err
	}
	b, err := head{}.encode()
	if err != nil {
		return err
	}
	if err := writeNew(filepath.Join(dir, headFile), b); err != nil {
		return err
	}
	if err := writeSchema(filepath.Join(dir, databaseFile), door, vkey); err != nil {
		return classify(err)
	}
	return syncDir(dir)
}

func writeSchema(path, door, vkey string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, err := connect(path, making)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	statements := append([]string{
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", layout),
	}, schema...)
	for _, s := range statements {
		if _, err := tx.Exec(s); err != nil {
			return fmt.Errorf("%v in %q", err, s)
		}
	}
	if _, err := tx.Exec(`INSERT INTO identity (id, door, vkey) VALUES (1, ?, ?)`, door, vkey); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO forgotten (id, upto) VALUES (1, 0)`); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	// The last connection to close moves the log into the file and syncs it.
	return db.Close()
}

// writeNew makes a private file that did not exist, durably.
func writeNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
