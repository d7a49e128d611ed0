package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"syscall"
)

// full runs into a file-size limit, which is how a test fills the disk for one
// process, and must go on when the limit is lifted. It answers FULL n for the
// last durable event and LAST n after it went on.
func full(dir string) error {
	ctx := context.Background()
	l, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	info, err := os.Stat(filepath.Join(dir, databaseFile+"-wal"))
	if err != nil {
		return err
	}
	if err := limit(uint64(info.Size()) + 64<<10); err != nil {
		return err
	}
	for {
		_, err = l.Append(ctx, records(1, int(l.Last())))
		if err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		return fmt.Errorf("full shows as %v", err)
	}
	fmt.Println("FULL", l.Last())
	for range 3 { // the next is refused as well, and leaves nothing
		if _, err := l.Append(ctx, records(2, 1)); !errors.Is(err, ErrFull) {
			return fmt.Errorf("still full shows as %v", err)
		}
	}
	if err := limit(math.MaxUint64); err != nil {
		return err
	}
	if _, err := l.Append(ctx, records(1, 1)); err != nil {
		return fmt.Errorf("after room was made: %v", err)
	}
	fmt.Println("LAST", l.Last())
	return nil
}

func limit(size uint64) error {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		return err
	}
	r.Cur = size
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r)
}
