package ledger

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
)

// hold takes the file for this process until f is closed: the second daemon
// on the same ledger is refused before it touches anything.
func hold(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w: another process writes it", ErrLocked)
	}
	return err
}

// fileSizeLimited tells whether this process may only write files up to a
// size (RLIMIT_FSIZE); a write beyond it fails with EFBIG.
func fileSizeLimited() bool {
	var r syscall.Rlimit
	return syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r) == nil && uint64(r.Cur) != math.MaxUint64
}
