package gpioline

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// chips loads gpioioctl's chips, once in the life of the process. Only that
// driver is linked in: bcm283x would move the pins of a Raspberry Pi through
// memory, past the kernel.
var chips = sync.OnceValues(func() ([]*gpioioctl.GPIOChip, error) {
	_, err := driverreg.Init()
	if holdErr := holdStdin(); err == nil {
		err = holdErr
	}
	return gpioioctl.Chips, err
})

// OpenInput gives the line (its name, or its number on the chip) of the chip
// with this label as an input of gpioioctl, requested with this pull and both
// edges, so that a line that somebody holds is [ErrLineTaken] here and not
// later. Call it first while the process starts: loading gpioioctl can briefly
// free descriptor 0.
func OpenInput(chipLabel, line string, pull gpio.Pull) (gpio.PinIO, error) {
	in, err := openInput(chipLabel, line, pull)
	if err != nil {
		return nil, fmt.Errorf("cannot open input %s of GPIO chip %s: %w", line, chipLabel, err)
	}
	return in, nil
}

func openInput(chipLabel, line string, pull gpio.Pull) (gpio.PinIO, error) {
	// The chip by our own look first: it refuses doubtful labels and names, and
	// knows who holds the line now; gpioioctl only knew when it was loaded.
	c, err := openChip(chipLabel)
	if err != nil {
		return nil, err
	}
	defer c.close()
	n, info, err := c.find(line)
	if err != nil {
		return nil, err
	}
	if info.used() {
		return nil, c.taken(n)
	}
	loaded, err := chips()
	if err != nil {
		return nil, err
	}
	for _, l := range loaded {
		if l.Label() != chipLabel {
			continue
		}
		in := l.ByNumber(int(n))
		if in == nil {
			break
		}
		if err := in.In(pull, gpio.BothEdges); err != nil {
			if strings.Contains(err.Error(), "busy") { // it hides the number
				return nil, c.taken(n)
			}
			return nil, err
		}
		return input{in}, nil
	}
	return nil, fmt.Errorf("the chip was not there when gpioioctl was loaded")
}

// input is a gpioioctl line that can only be an input, and whose Close is
// io.Closer's.
type input struct{ *gpioioctl.GPIOLine }

// Out fails: the line would pulse low first, and no input is ever driven.
func (i input) Out(gpio.Level) error { return errInputOnly }

var errInputOnly = errors.New("line is an input and stays one")

// Close gives the line back.
func (i input) Close() error {
	i.GPIOLine.Close()
	return nil
}
