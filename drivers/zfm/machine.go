package zfm

import (
	"fmt"
	"time"

	"sekimori/drivers"
)

// phase is what the machine knows about its sensor.
type phase uint8

const (
	down     phase = iota // no wire
	settling              // wire opened, module may still be starting
	starting              // start sequence runs
	ready                 // adopted, verified, library as expected
	refused               // answers, but is not what it should be: nothing opens
	silent                // does not answer
)

const (
	settleTime    = 500 * time.Millisecond // ZFM-20 manual: 500 ms after power on; an R503 says 55 earlier
	retrySilent   = time.Second
	restartPause  = 100 * time.Millisecond
	retryRefused  = 3 * time.Second
	checkEvery    = 10 * time.Second
	libraryEvery  = 5 * time.Minute
	reportDamages = time.Minute
)

// A task is what the machine is doing: start sequence, check or operation. It
// goes on in callbacks of its exchanges and waits, which the machine calls only
// while the task is still its task.
type task interface{ start(now time.Time) }

// An operation is a task that the daemon asked for and that owes it one
// outcome. It is given by [machine.finish] alone, which also takes the task
// from the machine, so there is never a second one.
type operation interface {
	task
	ident() uint64
	// abandoned is the outcome of an operation that did not come to its end.
	abandoned(why string) drivers.Body
	// committed: the library is being written; what asks next waits.
	committed() bool
	// repairs: is also done while the library differs from what is expected.
	repairs() bool
}

// machine is the driver without wire, clock and goroutine. Its inputs are the
// methods that take now; after each one out is to be sent, events to be
// emitted, and tick is due at next.
type machine struct {
	o      Options
	out    []byte
	events []drivers.Event

	phase phase
	rx    []byte

	pending, queued *exchange
	fences          int // fences sent for pending
	fenceErr        error

	task    task
	waiting operation // behind a committed one
	timer   timer

	parameters parameters
	product    *product // nil: not told
	firmware   string
	identity   string
	library    library  // as last read, with our own changes
	expected   *library // nil: as first read

	online     bool
	offline    string // reason last told
	fault      drivers.Fault
	checkDue   time.Time
	libraryDue time.Time
	damages    damages
	ring       ring
}

// timer is the one thing that the machine or its task waits for besides an
// exchange. fn nil: nothing.
type timer struct {
	at time.Time
	fn func(now time.Time)
}

// damages counts what was wrong on the line, so that noise does not become a
// flood of faults.
type damages struct {
	count int
	due   time.Time
}

func newMachine(o Options) *machine {
	return &machine{o: o, ring: ring{want: aura(drivers.Pattern{})}}
}

func (m *machine) emit(now time.Time, b drivers.Body) {
	m.events = append(m.events, drivers.Event{Source: m.o.Name, At: now, Body: b})
}

// wait calls fn after d unless the task changes before.
func (m *machine) wait(now time.Time, d time.Duration, fn func(time.Time)) {
	m.timer = timer{now.Add(d), fn}
	m.proceed(now)
}

// next is when tick is due; false: never.
func (m *machine) next() (time.Time, bool) {
	var at time.Time
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	if m.pending != nil {
		sooner(m.pending.deadline)
	}
	if m.timer.fn != nil {
		sooner(m.timer.at)
	}
	if !m.ring.until.IsZero() {
		sooner(m.ring.until)
	}
	return at, !at.IsZero()
}

func (m *machine) tick(now time.Time) {
	if x := m.pending; x != nil && !now.Before(x.deadline) {
		if m.fences > 0 {
			m.fence(now)
		} else {
			m.fail(now, errNoAnswer)
		}
	}
	if fn := m.timer.fn; fn != nil && !now.Before(m.timer.at) {
		m.timer = timer{}
		fn(now)
	}
	m.ringTick(now)
}

// proceed does what may be done when no exchange is under way: first what the
// task asked, then the ring, then, without a task, what is due.
func (m *machine) proceed(now time.Time) {
	if m.pending != nil {
		return
	}
	if x := m.queued; x != nil {
		m.queued = nil
		if x.owner == nil || x.owner == m.task {
			m.begin(now, x)
			return
		}
	}
	if m.phase != ready {
		return
	}
	if (m.task == nil || m.timer.fn != nil) && m.paint(now) {
		return
	}
	if m.task == nil && m.timer.fn == nil {
		m.timer = timer{m.checkDue, func(now time.Time) { m.run(now, &check{m: m}) }}
	}
}

// run makes t the task.
func (m *machine) run(now time.Time, t task) {
	m.task, m.timer, m.queued = t, timer{}, nil
	t.start(now)
}

// rest leaves the machine without a task.
func (m *machine) rest(now time.Time) {
	m.task, m.timer, m.queued = nil, timer{}, nil
	if next := m.waiting; next != nil {
		m.waiting = nil
		m.operate(now, next)
		return
	}
	if m.phase == refused { // an operation repaired the library, or did not
		m.begins(now)
		return
	}
	m.proceed(now)
}

// operate takes an operation of the daemon; the one that runs ends first.
func (m *machine) operate(now time.Time, op operation) {
	const superseded = "another operation was asked for"
	if running, is := m.task.(operation); is {
		if running.committed() {
			if m.waiting != nil {
				m.emit(now, m.waiting.abandoned(superseded))
			}
			m.waiting = op
			return
		}
		m.abandon(now, superseded)
	}
	switch {
	case m.phase == ready:
	case m.phase == refused && m.fault.Code == drivers.LibraryChanged && op.repairs():
	default:
		m.emit(now, op.abandoned("sensor is not ready: "+m.state()))
		if m.phase == refused && m.timer.fn == nil && m.task == nil {
			m.rest(now) // it took the place of a repair
		}
		return
	}
	m.run(now, op)
}

// state says why the sensor is not ready.
func (m *machine) state() string {
	if m.offline == "" {
		return "not started yet"
	}
	return m.offline
}

// finish gives the outcome of the operation that is the task.
func (m *machine) finish(now time.Time, outcome drivers.Body) {
	m.emit(now, outcome)
	m.rest(now)
}

// abandon ends every operation from outside.
func (m *machine) abandon(now time.Time, why string) {
	if op, is := m.task.(operation); is {
		m.emit(now, op.abandoned(why))
	}
	if m.waiting != nil {
		m.emit(now, m.waiting.abandoned(why))
	}
	m.task, m.waiting, m.timer, m.queued = nil, nil, timer{}, nil
}

// cancel ends operation id; one that is writing the library comes to its end
// by itself within seconds, and a stale id is ignored.
func (m *machine) cancel(now time.Time, id uint64) {
	const cancelled = "cancelled"
	if op := m.waiting; op != nil && op.ident() == id {
		m.waiting = nil
		m.emit(now, op.abandoned(cancelled))
		return
	}
	if op, is := m.task.(operation); is && op.ident() == id && !op.committed() {
		m.finish(now, op.abandoned(cancelled))
	}
}

// connected: a wire was opened. What comes before the module has settled is
// dropped, an old answer among it.
func (m *machine) connected(now time.Time) {
	const anew = "wire opened anew"
	m.leave(now, settling, anew)
	if m.online {
		m.tellOffline(now, anew, true)
	}
	m.rx = m.rx[:0]
	m.timer = timer{now.Add(settleTime), m.begins}
}

// disconnected: the wire is gone, or (told once) still not there.
func (m *machine) disconnected(now time.Time, reason string, unplugged bool) {
	if m.phase == down && m.offline != "" {
		return
	}
	m.leave(now, down, reason)
	m.tellOffline(now, reason, unplugged)
}

// leave enters a phase in which nothing is under way.
func (m *machine) leave(now time.Time, p phase, why string) {
	m.abandon(now, why)
	m.phase = p
	m.pending, m.fences = nil, 0
	clear(m.out)
	m.out = m.out[:0]
}

// begins runs the start sequence.
func (m *machine) begins(now time.Time) {
	m.leave(now, starting, "start sequence")
	m.run(now, &startup{m: m})
}

// woke: the module says that it has just started. Whatever was verified before
// is void.
func (m *machine) woke(now time.Time) {
	switch m.phase {
	case settling, silent, refused:
		m.begins(now)
	case starting: // again: a pause, so that a stream of 55 is answered slowly
		m.leave(now, starting, "start sequence")
		m.timer = timer{now.Add(restartPause), m.begins}
	default:
		m.lost(now, "started again by itself")
	}
}

// lost: the sensor answers, but is no longer the one that was verified.
func (m *machine) lost(now time.Time, reason string) {
	if m.phase != ready {
		m.quit(now, reason)
		return
	}
	m.leave(now, silent, reason)
	m.tellOffline(now, reason, false)
	m.begins(now)
}

// quit gives a sensor up that does not answer, or not sensibly, and tries again
// after a pause.
func (m *machine) quit(now time.Time, reason string) {
	m.leave(now, silent, reason)
	m.tellOffline(now, reason, false)
	m.timer = timer{now.Add(retrySilent), m.begins}
}

// refuse disables the sensor until a start sequence finds it right again.
func (m *machine) refuse(now time.Time, c drivers.FaultCode, detail string) {
	m.leave(now, refused, string(c))
	f := drivers.Fault{Code: c, Detail: detail, Disabled: true}
	if f != m.fault {
		m.emit(now, f)
	}
	m.fault = f
	m.tellOffline(now, string(c), false)
	m.timer = timer{now.Add(retryRefused), m.begins}
}

// serve makes the sensor ready.
func (m *machine) serve(now time.Time) {
	m.phase = ready
	m.fault, m.offline, m.online = drivers.Fault{}, "", true
	m.checkDue, m.libraryDue = now.Add(checkEvery), now.Add(libraryEvery)
	m.emit(now, drivers.Online{Identity: m.identity})
	m.ring.dirty, m.ring.absent = true, false
	m.rest(now)
}

func (m *machine) tellOffline(now time.Time, reason string, unplugged bool) {
	if m.online || m.offline != reason {
		m.emit(now, drivers.Offline{Reason: reason, Unplugged: unplugged})
	}
	m.online, m.offline = false, reason
}

// malformed counts what does not belong on the line: told at once, then at most
// once a minute.
func (m *machine) malformed(now time.Time, what string) {
	if m.phase == settling || m.phase == down {
		return
	}
	m.damages.count++
	if now.Before(m.damages.due) {
		return
	}
	m.emit(now, drivers.Fault{Code: drivers.Malformed, Detail: fmt.Sprintf("%s (%d since the last report)", what, m.damages.count)})
	m.damages = damages{due: now.Add(reportDamages)}
}
