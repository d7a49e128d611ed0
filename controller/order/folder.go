package order

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	orderSuffix = ".order"
	tempPrefix  = ".new-"
	nameDigits  = 32
	// maxEntries bounds how much of the folder one look reads. More is left
	// for the next look.
	maxEntries = 1024
	// maxWaiting and maxWaitingBytes bound what may wait: whoever signs may
	// not fill the disk either.
	maxWaiting      = 256
	maxWaitingBytes = 2 * MaxSigned
	// staleTemp is when a half-written file's writer has surely died.
	staleTemp = time.Hour
)

// ErrFull says that too many orders wait; the bearer keeps his and comes again.
var ErrFull = errors.New("too many orders wait in the inbox")

// Put leaves a signed order in an inbox folder, whole or not at all, durable on
// return. The command line calls it.
func Put(dir string, signed []byte) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("cannot open inbox: %w", err)
	}
	defer root.Close()
	return put(root, signed)
}

// put writes under a name that comes from the content: the same bytes wait
// once, and nothing in an order can choose a path.
func put(root *os.Root, signed []byte) error {
	if len(signed) > MaxSigned {
		return refuse(TooLarge, "the order has %d bytes, at most %d", len(signed), MaxSigned)
	}
	sum := sha256.Sum256(signed)
	name := hex.EncodeToString(sum[:])[:nameDigits] + orderSuffix
	temp := tempPrefix + NewID().String()
	if err := write(root, temp, signed); err != nil {
		root.Remove(temp)
		return fmt.Errorf("cannot write order into inbox: %w", err)
	}
	if err := root.Rename(temp, name); err != nil {
		root.Remove(temp)
		return fmt.Errorf("cannot write order into inbox: %w", err)
	}
	// Without this the new name could be lost with the power.
	if err := syncFolder(root); err != nil {
		return fmt.Errorf("cannot write order into inbox: %w", err)
	}
	return nil
}

func write(root *os.Root, name string, b []byte) error {
	// The group may read it: the command line may run as another user than the
	// daemon. An order is no secret; a roster in it is the group's business.
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// entry is a file in the folder that has an order's name.
type entry struct {
	name string
	info fs.FileInfo // as Lstat sees it
}

// list gives the orders that wait, oldest first. Every other name is left
// alone: it may be somebody's half-written file.
func list(root *os.Root) ([]entry, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("cannot read inbox: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read inbox: %w", err)
	}
	var out []entry
	for _, name := range names {
		if !isOrderName(name) {
			continue
		}
		info, err := root.Lstat(name)
		if err != nil {
			continue // gone meanwhile
		}
		out = append(out, entry{name, info})
	}
	slices.SortFunc(out, func(a, b entry) int {
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), strings.Compare(a.name, b.name))
	})
	return out, nil
}

func isOrderName(name string) bool {
	stem, ok := strings.CutSuffix(name, orderSuffix)
	if !ok || len(stem) != nameDigits {
		return false
	}
	return strings.Trim(stem, "0123456789abcdef") == ""
}

// load reads a waiting order. A [Refusal] means that the entry is no order and
// may go; any other error that it could not be read now.
func load(root *os.Root, e entry) ([]byte, error) {
	if !e.info.Mode().IsRegular() {
		// A link could lead the daemon, which may read more than its author,
		// to another file; a FIFO would hold it for ever.
		return nil, refuse(NotAFile, "an inbox entry is %s, not a regular file", e.info.Mode().Type())
	}
	f, err := root.OpenFile(e.name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot read order: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot read order: %w", err)
	}
	switch {
	case !os.SameFile(st, e.info):
		return nil, fmt.Errorf("cannot read order %s: it was replaced meanwhile", e.name)
	case st.Size() > MaxSigned:
		return nil, refuse(TooLarge, "the order has %d bytes, at most %d", st.Size(), MaxSigned)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxSigned+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read order: %w", err)
	}
	return b, nil
}

// sweep removes what dead writers left.
func sweep(root *os.Root, now time.Time) {
	d, err := root.Open(".")
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxEntries)
	for _, name := range names {
		if !strings.HasPrefix(name, tempPrefix) {
			continue
		}
		if st, err := root.Lstat(name); err == nil && st.Mode().IsRegular() && now.Sub(st.ModTime()) > staleTemp {
			root.Remove(name)
		}
	}
}
