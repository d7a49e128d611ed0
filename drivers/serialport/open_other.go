//go:build !linux

package serialport

import (
	"fmt"
	"runtime"

	"sekimori/drivers"
)

// Open is built for Linux only: locking, hang-up and direction control differ
// elsewhere and are not measured there.
func Open(path string, _ Mode) (drivers.Wire, error) {
	return nil, never(fmt.Errorf("cannot open serial port %s: not built for %s", path, runtime.GOOS))
}
