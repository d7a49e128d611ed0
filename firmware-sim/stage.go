package main

import (
	"context"
	"sync"
	"time"

	"sekimori/firmware-sim/rig"
	"sekimori/firmware-sim/story"
)

// stage is one desk that stays while many stories are played on it. What is
// seen while none is, is kept for the next.
type stage struct {
	desk  *rig.Desk
	doors []string
	began time.Time
	pace  time.Duration // before each act, so that a person can follow

	mu    sync.Mutex // guards what follows
	heard func(story.Observation)
	kept  []story.Observation
	last  time.Time // when something was last seen
}

// raise builds the scene; what is seen meanwhile belongs to nobody.
func raise(ctx context.Context, scene story.Scene, o rig.DeskOptions) (*stage, error) {
	s := &stage{desk: rig.NewDesk(o), doors: scene.Doors}
	if err := s.desk.Setup(ctx, scene, s.hear); err != nil {
		return s, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.began = nil, time.Now()
	return s, nil
}

func (s *stage) hear(o story.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	if s.heard == nil {
		s.kept = append(s.kept, o)
		return
	}
	s.heard(o)
}

// listen hands on what is seen from now on, and what was kept.
func (s *stage) listen(heard func(story.Observation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = heard
	if heard == nil {
		return
	}
	for _, o := range s.kept {
		heard(o)
	}
	s.kept = nil
}

// quiet waits until nothing was seen for a while, so that the end of one story
// does not show in the next; at most a few seconds.
func (s *stage) quiet(ctx context.Context) {
	const while, most = 300 * time.Millisecond, 4 * time.Second
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < most; {
		s.mu.Lock()
		last := s.last
		s.mu.Unlock()
		if time.Since(last) > while {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// play plays one story on the stage. watch gets its entries with times since
// the stage was raised.
func (s *stage) play(ctx context.Context, st *story.Story, watch func([]story.Entry)) *story.Result {
	t := &turn{stage: s}
	return story.Play(ctx, st, t, func(entries []story.Entry) {
		shifted := make([]story.Entry, len(entries))
		for i, e := range entries {
			e.At += t.start
			shifted[i] = e
		}
		watch(shifted)
	})
}

// turn is the stage as the rig of one story.
type turn struct {
	*stage
	start time.Duration // since the stage was raised
}

var _ story.Rig = (*turn)(nil)

// Setup is [story.Rig.Setup]: the scene stands already.
func (t *turn) Setup(_ context.Context, _ story.Scene, observe func(story.Observation)) error {
	t.listen(observe)
	t.start = time.Since(t.began)
	return nil
}

// Do is [story.Rig.Do].
func (t *turn) Do(ctx context.Context, a story.Act) error {
	pause(ctx, t.pace)
	return t.desk.Do(ctx, a)
}

// Settle is [story.Rig.Settle].
func (t *turn) Settle() { t.desk.Settle() }

// Lateness is [story.Rig.Lateness].
func (t *turn) Lateness() time.Duration { return t.desk.Lateness() }

// Close is [story.Rig.Close]: the scene stays.
func (t *turn) Close() error {
	t.listen(nil)
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
