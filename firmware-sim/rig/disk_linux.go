package rig

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"golang.org/x/sys/unix"

	"sekimori/controller/daemon"
)

// disk fills the daemon's disk from outside: no file may grow beyond what the
// ledger's files are now. On the bench that holds for this whole process.
func (d *benchDoor) disk(full bool) error {
	signal.Ignore(unix.SIGXFSZ)
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if full {
		size, err := largest(daemon.LedgerDir(d.cfg))
		if err != nil {
			return err
		}
		limit.Cur = size
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return fmt.Errorf("cannot limit file sizes: %w", err)
	}
	return nil
}

// largest is the size of the biggest file in a folder: no more than that is
// left to write.
func largest(dir string) (uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	var most int64
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil {
			return 0, err
		}
		most = max(most, info.Size())
	}
	return uint64(most), nil
}
