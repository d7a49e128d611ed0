package gpioline

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// OpenOutput requests the line (its name, or its number on the chip) of the
// chip with this label as an output that is at safe from the first moment: if
// the line was at safe, there is no edge. consumer (at most 31 bytes) is what
// others see as the holder of the line. A line that somebody holds is
// [ErrLineTaken].
//
// The pin stays an output until it is closed (it is an io.Closer); its In fails
// and its Read asks the kernel without changing the line. When the process
// ends, in whatever way, the kernel releases the line and most chips keep the
// level, whatever it was.
func OpenOutput(chipLabel, line string, safe gpio.Level, consumer string) (gpio.PinIO, error) {
	out, err := openOutput(chipLabel, line, safe, consumer)
	if err != nil {
		return nil, fmt.Errorf("cannot open output %s of GPIO chip %s: %w", line, chipLabel, err)
	}
	return out, nil
}

func openOutput(chipLabel, line string, safe gpio.Level, consumer string) (*output, error) {
	c, err := openChip(chipLabel)
	if err != nil {
		return nil, err
	}
	defer c.close()
	n, info, err := c.find(line)
	if err != nil {
		return nil, err
	}
	request := outputRequest(n, bool(safe), consumer)
	if err := ioctl(c.fd, ioctlGetLine, request); err != nil {
		if errors.Is(err, unix.EBUSY) {
			return nil, c.taken(n)
		}
		return nil, err
	}
	name := info.name()
	if name == "" {
		name = fmt.Sprintf("%s/%d", chipLabel, n)
	}
	return &output{fd: request.fd(), name: name, number: int(n)}, nil
}

// output is a line that is an output and nothing else.
type output struct {
	name   string
	number int

	mu     sync.Mutex
	fd     int
	closed bool
}

var (
	_ gpio.PinIO = (*output)(nil)

	errOutputOnly   = errors.New("line is an output and stays one")
	errOutputClosed = errors.New("line is closed")
)

// Out drives the line.
func (o *output) Out(l gpio.Level) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return fmt.Errorf("cannot drive line %s: %w", o.name, errOutputClosed)
	}
	if err := ioctl(o.fd, ioctlSetValues, newLineValues(bool(l))); err != nil {
		return fmt.Errorf("cannot drive line %s: %w", o.name, err)
	}
	return nil
}

// Read is the level that the kernel drives; Low also where it cannot be told.
func (o *output) Read() gpio.Level {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := newLineValues(false)
	if o.closed || ioctl(o.fd, ioctlGetValues, v) != nil {
		return gpio.Low
	}
	return gpio.Level(v.high())
}

// Close gives the line back; it does not drive it.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	if err := unix.Close(o.fd); err != nil {
		return fmt.Errorf("cannot close line %s: %w", o.name, err)
	}
	return nil
}

func (o *output) String() string   { return o.name }
func (o *output) Name() string     { return o.name }
func (o *output) Number() int      { return o.number }
func (o *output) Function() string { return string(gpio.OUT) }

// Halt does nothing: what it would stop does not exist here, and it must not
// touch the level.
func (o *output) Halt() error { return nil }

func (o *output) In(gpio.Pull, gpio.Edge) error         { return errOutputOnly }
func (o *output) WaitForEdge(time.Duration) bool        { return false }
func (o *output) Pull() gpio.Pull                       { return gpio.PullNoChange }
func (o *output) DefaultPull() gpio.Pull                { return gpio.PullNoChange }
func (o *output) PWM(gpio.Duty, physic.Frequency) error { return errOutputOnly }
