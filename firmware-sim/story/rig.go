package story

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Rig performs the acts of a story at real or simulated doors, and says what is
// seen there. One rig plays one story.
//
// The player keeps time with package time. A rig in virtual time is therefore
// made, played and closed inside one testing/synctest bubble, and every wait is
// exact; a rig in real time needs nothing.
type Rig interface {
	// Setup builds the scene and returns when every door is in service: daemon
	// up, readers and sensors online, subscriber connected. From then on, until
	// Close returns, each observation goes to observe, in the order of each
	// channel; observe never blocks and may be called from any goroutine. What
	// belongs to the start (an initial state, say) may be observed during Setup.
	Setup(ctx context.Context, scene Scene, observe func(Observation)) error

	// Do performs one act and returns when the person has done his part: a
	// badge is held, a finger rests, the leaf is open. It does not wait for what
	// the door makes of it, but for the manager's verb, which waits for the
	// request that it answers, and for the daemon and the broker, which are up
	// or gone when it returns. An act that is not possible (opening a locked
	// leaf) is an error and fails the story; so is one that the rig cannot do.
	// wait and repeat never come here.
	Do(ctx context.Context, act Act) error

	// Settle returns when nothing more happens at this instant: synctest.Wait in
	// virtual time, nothing in real time.
	Settle()

	// Lateness is how long after its deadline a "<" may still be met; it is
	// printed then. Zero in virtual time, at most MaxLateness.
	Lateness() time.Duration

	// Close ends everything that Setup started and waits for it. It is called
	// once, also after a Setup that failed.
	Close() error
}

// MaxLateness bounds what a rig in real time may declare.
const MaxLateness = 20 * time.Second

// Scene is what a rig builds before the first act.
type Scene struct {
	Doors []string
	At    time.Time // the wall clock at the start
	Files []File    // rulebook.toml, roster.toml, door-NAME.toml, files to import
}

// Scene of the story.
func (s *Story) Scene() Scene {
	return Scene{Doors: slices.Clone(s.Doors), At: s.At, Files: slices.Clone(s.Files)}
}

// record is everything that was seen, in the order in which it came.
type record struct {
	mu      sync.Mutex
	all     []*seen
	changed chan struct{} // holds one token once something came
}

func newRecord() *record { return &record{changed: make(chan struct{}, 1)} }

// observe is what a rig is given.
func (r *record) observe(o Observation) {
	if o.At.IsZero() {
		o.At = time.Now()
	}
	s := read(o)
	r.mu.Lock()
	s.index = len(r.all)
	r.all = append(r.all, s)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// since gives what came from an index on. The slice is never written again.
func (r *record) since(index int) []*seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[min(index, len(r.all)):len(r.all):len(r.all)]
}

// wait returns at the next observation (true) or at the deadline (false).
func (r *record) wait(ctx context.Context, deadline time.Time) (bool, error) {
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-r.changed:
		return true, nil
	case <-timer.C:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
