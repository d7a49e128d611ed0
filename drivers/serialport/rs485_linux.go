package serialport

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rs485 is struct serial_rs485 of Linux uapi linux/serial.h, 32 bytes on every
// architecture.
type rs485 struct {
	flags       uint32
	delayBefore uint32 // milliseconds
	delayAfter  uint32 // milliseconds
	_           [5]uint32
}

const (
	ioctlGetRS485 = 0x542e // TIOCGRS485
	ioctlSetRS485 = 0x542f // TIOCSRS485

	rs485Enabled   = 1 << 0
	rs485RTSOnSend = 1 << 1
)

// enableRS485 lets the UART's driver raise RTS while it sends and listen
// otherwise, without delays: OSDP v2.2 gives a device 20 ms between characters
// and lets it answer after two. It lasts while the port stays open.
func enableRS485(fd int) error {
	want := rs485{flags: rs485Enabled | rs485RTSOnSend}
	if err := ioctlRS485(fd, ioctlSetRS485, &want); err != nil {
		if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
			return never(fmt.Errorf("direction = kernel: the port's driver has no RS-485 direction control: %w", err))
		}
		return fmt.Errorf("direction = kernel: %w", err)
	}
	var got rs485
	if err := ioctlRS485(fd, ioctlGetRS485, &got); err != nil {
		return fmt.Errorf("direction = kernel: cannot read it back: %w", err)
	}
	if got.flags&rs485Enabled == 0 {
		return never(errors.New("direction = kernel: the port's driver ignored it"))
	}
	return nil
}

func ioctlRS485(fd int, request uintptr, arg *rs485) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
		return errno
	}
	return nil
}
