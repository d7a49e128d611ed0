package gpioline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// chip is an open GPIO chip.
type chip struct {
	fd    int
	path  string
	label string
	lines uint32
}

func (c *chip) close() { _ = unix.Close(c.fd) }

// openChip opens the one chip with this label. Numbers are not names: they
// change with the order in which drivers load, and a Raspberry Pi 5 has had its
// header at gpiochip0 and at gpiochip4.
func openChip(label string) (*chip, error) {
	paths, err := filepath.Glob("/dev/gpiochip*")
	if err != nil {
		return nil, err
	}
	var found *chip
	var foundName string
	var others []string
	for _, path := range paths {
		c, name, err := readChip(path)
		switch {
		case err != nil:
			others = append(others, fmt.Sprintf("%s (%v)", path, err))
		case c.label != label:
			others = append(others, strconv.Quote(c.label))
			c.close()
		case found == nil:
			found, foundName = c, name
		case foundName == name: // the same chip by a second path
			c.close()
		default:
			c.close()
			found.close()
			return nil, fmt.Errorf("two GPIO chips have the label %q: %s and %s", label, found.path, path)
		}
	}
	if found == nil {
		if len(others) == 0 {
			return nil, fmt.Errorf("no GPIO chip %q: this machine has none", label)
		}
		return nil, fmt.Errorf("no GPIO chip %q; there are %s", label, strings.Join(others, ", "))
	}
	return found, nil
}

func readChip(path string) (c *chip, name string, err error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	var info chipInfo
	if err := ioctl(fd, ioctlChipInfo, &info); err != nil {
		_ = unix.Close(fd)
		return nil, "", err
	}
	c = &chip{fd: fd, path: path, label: info.label(), lines: info.lines()}
	if c.label == "" {
		c.label = info.name()
	}
	return c, info.name(), nil
}

// find gives the offset of a line, named by its name or by its number on the
// chip, and what the kernel says of it.
func (c *chip) find(line string) (uint32, *lineInfo, error) {
	if n, err := strconv.ParseUint(line, 10, 32); err == nil {
		if uint32(n) >= c.lines {
			return 0, nil, fmt.Errorf("chip %s has lines 0 to %d", c.label, int64(c.lines)-1)
		}
		info, err := c.info(uint32(n))
		return uint32(n), info, err
	}
	var hits []uint32
	var hit *lineInfo
	for n := range c.lines {
		info, err := c.info(n)
		if err != nil {
			return 0, nil, err
		}
		if info.name() == line {
			hits, hit = append(hits, n), info
		}
	}
	switch len(hits) {
	case 0:
		return 0, nil, fmt.Errorf("chip %s has no line of that name", c.label)
	case 1:
		return hits[0], hit, nil
	}
	return 0, nil, fmt.Errorf("chip %s has several lines of that name: %v", c.label, hits)
}

func (c *chip) info(n uint32) (*lineInfo, error) {
	var info lineInfo
	info.setOffset(n)
	if err := ioctl(c.fd, ioctlLineInfo, &info); err != nil {
		return nil, fmt.Errorf("cannot read about line %d: %w", n, err)
	}
	return &info, nil
}

// taken is the error for a line that somebody holds, naming him. The kernel
// names consumers only as they named themselves.
func (c *chip) taken(n uint32) error {
	holder := "an unnamed consumer"
	if info, err := c.info(n); err == nil && info.consumer() != "" {
		holder = strconv.Quote(info.consumer())
	}
	return fmt.Errorf("%w by %s", ErrLineTaken, holder)
}

// holdStdin opens /dev/null as descriptor 0 if that is free. gpioioctl v3.8.5
// closes descriptor 0 when it drops a chip that it met twice (a second path to
// the same chip, as on a Raspberry Pi 5 with early kernels); the next file
// opened, the ledger or a lock's line, would get it, and gpioioctl takes a line
// with descriptor 0 for one that was never requested.
func holdStdin() error {
	if _, err := unix.FcntlInt(0, unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
		return nil
	}
	fd, err := unix.Open(os.DevNull, unix.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("cannot hold descriptor 0: %w", err)
	}
	if fd != 0 {
		_ = unix.Close(fd) // somebody was faster; 0 is in use
	}
	return nil
}
