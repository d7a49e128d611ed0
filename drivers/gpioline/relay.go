package gpioline

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"

	"sekimori/drivers"
)

// MaxRelease is the longest release that a relay takes: a longer one is a
// mistake of the caller, and refused.
const MaxRelease = 10 * time.Minute

// retryEnd is the pause between attempts to end a release on an output that
// fails.
const retryEnd = 100 * time.Millisecond

// Drive says how a release looks on the output.
type Drive uint8

const (
	// DriveHold energises the relay for the whole release.
	DriveHold Drive = iota
	// DrivePulse energises it for RelayOptions.Pulse only: the lock, or a
	// relay module that times itself, ends the release. Secure can then end
	// the pulse but not what the pulse began, and nothing that happens to this
	// process prolongs a release.
	DrivePulse
)

// RelayOptions describe a relay output. The energised relay releases the lock,
// whatever the lock's kind: fail-secure over the NO contact, fail-safe over NC.
type RelayOptions struct {
	Name      string // for errors, for example "lock of machine-room"
	ActiveLow bool   // the relay board energises on a low level
	Drive     Drive
	Pulse     time.Duration // width for DrivePulse: 10 ms to 10 s
	// Report is told when the output cannot be driven to its safe level while
	// nobody waits for the answer, each time that is tried. It is called
	// from a goroutine of its own, without any lock held, and may be nil.
	Report func(error)
}

const (
	shortestPulse = 10 * time.Millisecond
	longestPulse  = 10 * time.Second
)

// ErrRelayClosed is what a closed relay answers.
var ErrRelayClosed = errors.New("relay is closed")

// Relay is a lock output. It only ever calls Out on its pin.
type Relay struct {
	pin gpio.PinOut
	opt RelayOptions

	mu     sync.Mutex
	active bool      // the output is, or may be, energised
	until  time.Time // when the release ends; meaningful while active
	timer  *time.Timer
	closed bool
}

var _ drivers.Lock = (*Relay)(nil)

// NewRelay takes over pin and drives it to its safe level. pin must already be
// an output at that level (see [OpenOutput]) for this to be no edge; lines of
// gpioioctl are refused, because their first Out is one. If pin is an
// io.Closer, [Relay.Close] closes it, and so does an error here.
func NewRelay(pin gpio.PinOut, opt RelayOptions) (*Relay, error) {
	err := opt.check(pin)
	if err == nil {
		r := &Relay{pin: pin, opt: opt}
		r.timer = time.AfterFunc(time.Hour, r.expire)
		r.timer.Stop()
		if err = r.out(false); err == nil {
			return r, nil
		}
	}
	return nil, errors.Join(err, closePin(pin))
}

func (o RelayOptions) check(pin gpio.PinOut) error {
	switch pin.(type) {
	case *gpioioctl.GPIOLine, *gpioioctl.LineSetLine:
		return fmt.Errorf("cannot use %s as relay: a gpioioctl line pulses at its first use", o.Name)
	}
	switch {
	case o.Drive > DrivePulse:
		return fmt.Errorf("cannot use %s as relay: drive %d is neither hold nor pulse", o.Name, o.Drive)
	case o.Drive == DrivePulse && (o.Pulse < shortestPulse || o.Pulse > longestPulse):
		return fmt.Errorf("cannot use %s as relay: pulse of %v: want %v to %v", o.Name, o.Pulse, shortestPulse, longestPulse)
	}
	return nil
}

func closePin(pin gpio.PinOut) error {
	if c, ok := pin.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// out drives the output; mu is held.
func (r *Relay) out(energised bool) error {
	level := gpio.Level(energised != r.opt.ActiveLow)
	if err := r.pin.Out(level); err != nil {
		return fmt.Errorf("cannot drive %s %v: %w", r.opt.Name, level, err)
	}
	return nil
}

// Release releases the lock for d, (0, MaxRelease]. A release that runs is
// prolonged to the later of both ends. After an error the lock is secured, or
// is being secured (see RelayOptions.Report).
func (r *Relay) Release(d time.Duration) error {
	if d <= 0 || d > MaxRelease {
		return fmt.Errorf("cannot release %s for %v: want more than 0 and at most %v", r.opt.Name, d, MaxRelease)
	}
	if r.opt.Drive == DrivePulse {
		d = min(d, r.opt.Pulse)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("cannot release %s: %w", r.opt.Name, ErrRelayClosed)
	}
	end := time.Now().Add(d)
	if r.active && r.until.After(end) {
		end = r.until
	}
	if err := r.out(true); err != nil {
		return errors.Join(err, r.secure())
	}
	r.active, r.until = true, end
	r.timer.Reset(time.Until(end))
	return nil
}

// Secure ends a release. It drives the output also when none runs: what this
// process believes is not what the output is.
func (r *Relay) Secure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil // Close left it secured
	}
	return r.secure()
}

// secure drives the safe level and, if that fails, sees to it that it is tried
// again; mu is held.
func (r *Relay) secure() error {
	if err := r.out(false); err != nil {
		r.active, r.until = true, time.Time{}
		r.timer.Reset(retryEnd)
		return err
	}
	r.active = false
	r.timer.Stop()
	return nil
}

// expire is the driver's own end of a release.
func (r *Relay) expire() {
	if err := r.end(); err != nil && r.opt.Report != nil {
		r.opt.Report(err)
	}
}

func (r *Relay) end() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !r.active {
		return nil
	}
	if rest := time.Until(r.until); rest > 0 { // prolonged meanwhile
		r.timer.Reset(rest)
		return nil
	}
	return r.secure()
}

// Close secures the lock and lets the output go; the relay then refuses to
// release. A second Close does nothing.
func (r *Relay) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	err := r.secure()
	r.closed = true
	r.timer.Stop()
	return errors.Join(err, closePin(r.pin))
}

// String is the relay's name.
func (r *Relay) String() string { return r.opt.Name }
