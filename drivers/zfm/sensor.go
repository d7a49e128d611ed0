package zfm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sekimori/drivers"
)

// Options describe one sensor.
type Options struct {
	Name string       // in events and errors
	Port drivers.Port // 8N1, 57600 baud unless the module was set otherwise

	// Address is the module's; 0 means the default, FFFFFFFF.
	Address  uint32
	Password Password
	// Identity is the pin: the text of the NotAdopted fault at commissioning.
	// Empty: the sensor is not adopted and stays disabled.
	Identity string
	// Views of an enrolment, 2 to 6; 0: as many as the module advises.
	Views int
	// Touch tells the touch line, where one is wired: whether a finger rests
	// now, and when the last one did. nil: not wired. It must return at once.
	Touch func() (active bool, last time.Time)
}

// defaultAddress is that of a new module.
const defaultAddress = 0xFFFFFFFF

// Sensor drives one module. It is made by [New] and lives in [Sensor.Run].
type Sensor struct {
	o    Options
	wake chan struct{} // has room for one: something was posted

	mu     sync.Mutex
	posted []func(*machine, time.Time) // in order, for the goroutine of Run
}

var _ drivers.Sensor = (*Sensor)(nil)

// New checks o. It opens nothing.
func New(o Options) (*Sensor, error) {
	switch {
	case o.Name == "":
		return nil, errors.New("cannot make fingerprint sensor: it has no name")
	case o.Port == nil:
		return nil, fmt.Errorf("cannot make fingerprint sensor %s: it has no port", o.Name)
	case o.Views != 0 && (o.Views < 2 || o.Views > 6):
		return nil, fmt.Errorf("cannot make fingerprint sensor %s: %d views instead of 2 to 6", o.Name, o.Views)
	}
	if o.Address == 0 {
		o.Address = defaultAddress
	}
	return &Sensor{o: o, wake: make(chan struct{}, 1)}, nil
}

func (s *Sensor) String() string {
	return fmt.Sprintf("fingerprint sensor %s on %v", s.o.Name, s.o.Port)
}

// post hands f to the goroutine of Run, which calls it in order with the
// others.
func (s *Sensor) post(f func(*machine, time.Time)) {
	s.mu.Lock()
	s.posted = append(s.posted, f)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // it is awake already
	}
}

func (s *Sensor) takePosted() []func(*machine, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.posted
	s.posted = nil
	return taken
}

// Verify is [drivers.Sensor]. Its outcome is a drivers.FingerResult.
func (s *Sensor) Verify(id uint64, pages []uint16, minScore uint16, maxUnreadable int, timeout time.Duration) {
	pages = slices.Clone(pages)
	s.post(func(m *machine, now time.Time) {
		m.operate(now, &verify{
			m: m, id: id, pages: pages, minScore: minScore, tries: maxUnreadable, deadline: now.Add(timeout),
		})
	})
}

// Cancel ends operation id with its outcome ("cancelled"). An operation that is
// just writing the library comes to its own end instead, within seconds.
func (s *Sensor) Cancel(id uint64) {
	s.post(func(m *machine, now time.Time) { m.cancel(now, id) })
}

// Enrol is [drivers.Sensor]. timeout is the person's, for all views together.
// The page must be empty. Outcome: drivers.EnrolStep, then drivers.EnrolResult.
func (s *Sensor) Enrol(id uint64, page uint16, timeout time.Duration) {
	s.post(func(m *machine, now time.Time) {
		m.operate(now, &enrol{m: m, id: id, page: page, deadline: now.Add(timeout)})
	})
}

// Store is [drivers.Sensor]. A page that holds another finger is refused, one
// that holds this finger already is stored. The sensor takes t over and wipes
// it with the outcome, a drivers.StoreResult, whatever that is. It is also done
// while the library differs from what is expected.
func (s *Sensor) Store(id uint64, page uint16, t drivers.Template) {
	s.post(func(m *machine, now time.Time) {
		m.operate(now, &keep{m: m, id: id, page: page, template: t})
	})
}

// Erase is [drivers.Sensor]. Its outcome, a drivers.EraseResult without error,
// means that the index no longer shows the page, whether or not it did before.
// It is also done while the library differs from what is expected.
func (s *Sensor) Erase(id uint64, page uint16) {
	s.post(func(m *machine, now time.Time) { m.operate(now, &erase{m: m, id: id, page: page}) })
}

// Show puts a signal on the LED ring of a module that has one.
func (s *Sensor) Show(sig drivers.Signal) {
	s.post(func(m *machine, now time.Time) { m.show(now, sig) })
}

// SetExpected names the pages that the library must hold, from now on. It fails
// on a page beyond 1023, which no module has. The sensor's own Enrol, Store and Erase keep the set up to date. Any other difference is
// drivers.LibraryChanged and disables the sensor until the sets agree again.
// Never called, the index first read is the expected one.
func (s *Sensor) SetExpected(pages []uint16) error {
	var l library
	for _, p := range pages {
		if int(p) >= maxPages {
			return fmt.Errorf("cannot expect page %d in %s: the highest is %d", p, s.o.Name, maxPages-1)
		}
		l.add(p)
	}
	s.post(func(m *machine, now time.Time) { m.expect(now, l) })
	return nil
}

// Run drives the sensor until ctx ends, and is called once. It fails only if
// the port can never be opened.
func (s *Sensor) Run(ctx context.Context, emit drivers.Emit) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &runner{s: s, m: newMachine(s.o), emit: emit, in: make(chan message)}
	ended := make(chan error, 1)
	go func() { ended <- s.o.Port.Keep(ctx, r.forward, func(err error) { r.tell(ctx, message{err: err}) }) }()
	early, err := r.loop(ctx, ended)
	cancel()
	if !early {
		err = <-ended
	}
	r.wire = nil
	r.serve() // what was asked meanwhile has its outcome, too
	r.m.abandon(time.Now(), "stopped")
	r.flush()
	if err != nil {
		return fmt.Errorf("cannot run %v: %w", s, err)
	}
	return nil
}
