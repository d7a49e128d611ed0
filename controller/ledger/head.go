package ledger

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
)

// head is the small file beside the database that says how far the ledger had
// come, so that a database which lost its end (an old copy put back, a deleted
// write-ahead log) is noticed at the next start. It is one sector, overwritten
// in place after each commit without waiting for the disk: after a power cut
// it holds its old or its new content, and both are at most what is durable.
// Whoever puts back the whole directory puts back the head too; that, only the
// collector can see.
type head struct {
	Last       uint64
	Checkpoint []byte // newest signed checkpoint, nil before the first
}

const (
	headSize  = 512 // one sector: disks write it whole or not at all
	headTitle = "sekimori ledger head"
)

// encode pads to the fixed size, so that the file never grows or shrinks.
func (h head) encode() ([]byte, error) {
	b := fmt.Appendf(make([]byte, 0, headSize), "%s\n%d\n%s", headTitle, h.Last, h.Checkpoint)
	if len(b) > headSize {
		return nil, fmt.Errorf("internal error: ledger: a head of %d bytes", len(b))
	}
	return append(b, bytes.Repeat([]byte{0}, headSize-len(b))...), nil
}

// parseHead reads what encode wrote, and nothing else.
func parseHead(b []byte) (head, error) {
	if len(b) != headSize {
		return head{}, fmt.Errorf("%w: the head has %d bytes, not %d", ErrCorrupt, len(b), headSize)
	}
	parts := bytes.SplitN(bytes.TrimRight(b, "\x00"), []byte("\n"), 3)
	if len(parts) != 3 || string(parts[0]) != headTitle {
		return head{}, fmt.Errorf("%w: the head is not one", ErrCorrupt)
	}
	last, err := strconv.ParseUint(string(parts[1]), 10, 63)
	if err != nil {
		return head{}, fmt.Errorf("%w: the head ends at %q", ErrCorrupt, parts[1])
	}
	h := head{Last: last}
	if len(parts[2]) > 0 {
		h.Checkpoint = parts[2]
	}
	if again, err := h.encode(); err != nil || !bytes.Equal(again, b) {
		return head{}, fmt.Errorf("%w: the head is not in its form", ErrCorrupt)
	}
	return h, nil
}

// openHead opens an existing head for writing.
func openHead(path string) (*os.File, error) {
	if err := present(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open ledger head: %v", err)
	}
	return f, nil
}

func readHead(f io.ReaderAt) (head, error) {
	b := make([]byte, headSize+1)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return head{}, fmt.Errorf("cannot read ledger head: %v", err)
	}
	return parseHead(b[:n])
}

func (h head) writeTo(f io.WriterAt) error {
	b, err := h.encode()
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return err
}
