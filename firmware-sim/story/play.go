package story

import (
	"context"
	"fmt"
	"time"
)

// Result is what came of playing a story.
type Result struct {
	Story   *Story
	Err     error // nil: every line held. A line that did not is a *Failure
	Met     int   // "<" lines that were met
	Unseen  int   // "!" lines that held
	Late    int   // observations that were taken after their deadline (real time only)
	Took    time.Duration
	Entries []Entry
}

// Play plays a story on a rig, which it sets up and closes. watch, if not nil,
// is called from this goroutine with whatever happened since its last call, in
// order. Play stops at the first line that does not hold, or when ctx ends.
func Play(ctx context.Context, s *Story, rig Rig, watch func([]Entry)) *Result {
	p := &player{
		rig: rig, record: newRecord(), watch: watch,
		result: &Result{Story: s}, cursors: map[cursor]int{}, shown: map[int]int{},
	}
	started := time.Now()
	err := rig.Setup(ctx, s.Scene(), p.record.observe)
	p.start = time.Now()
	if err != nil {
		err = fmt.Errorf("%s: cannot set up: %w", s.File, err)
	} else {
		p.mark(0)
		err = p.lines(ctx)
	}
	p.show()
	if closing := rig.Close(); err == nil && closing != nil {
		err = fmt.Errorf("%s: cannot close: %w", s.File, closing)
	}
	p.result.Err, p.result.Took = err, time.Since(started)
	return p.result
}

type player struct {
	rig    Rig
	record *record
	watch  func([]Entry)
	result *Result

	start   time.Time
	cursors map[cursor]int
	block   block
	next    int         // index of the first observation that is not an entry yet
	told    int         // entries that watch was given
	shown   map[int]int // observation index → entry
}

// cursor names a channel of a door.
type cursor struct {
	door    string
	channel Channel
	side    string
}

// block is an act and the expectations behind it.
type block struct {
	line        int       // of the act; 0 before the first
	begin       int       // index of the first observation after the act began
	began, done time.Time // the act
}

// mark begins a block.
func (p *player) mark(line int) {
	p.rig.Settle()
	now := time.Now()
	p.block = block{line, len(p.record.since(0)), now, now}
}

func (p *player) lines(ctx context.Context) error {
	for _, l := range p.result.Story.Lines {
		var err error
		switch body := l.Body.(type) {
		case Comment:
			p.tell(Entry{Line: l.Number, Column: Narration, Text: string(body)})
		case Act:
			err = p.act(ctx, l.Number, body)
		case Expect:
			if body.Not {
				err = p.never(ctx, l.Number, body)
			} else {
				err = p.must(ctx, l.Number, body)
			}
		}
		if ctx.Err() != nil {
			return &Failure{File: p.result.Story.File, Line: l.Number, Text: "stopped: " + context.Cause(ctx).Error()}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *player) act(ctx context.Context, line int, a Act) error {
	p.mark(line)
	p.show()
	p.tell(Entry{Line: line, Door: a.Door, Column: People, Text: a.String()})
	err := p.perform(ctx, a)
	p.block.done = time.Now()
	p.show()
	if err != nil {
		return &Failure{File: p.result.Story.File, Line: line, Text: fmt.Sprintf("cannot do %q: %v", a.String(), err)}
	}
	return nil
}

func (p *player) perform(ctx context.Context, a Act) error {
	switch a.Verb {
	case VerbWait:
		return p.pause(ctx, a.waits())
	case VerbRepeat:
		for range a.Count {
			for _, inner := range a.Acts {
				if err := p.perform(ctx, inner); err != nil {
					return err
				}
				if err := p.pause(ctx, a.Every); err != nil {
					return err
				}
			}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, MaxWait)
	defer cancel()
	return p.rig.Do(ctx, a)
}

// pause lets time pass and shows what happens meanwhile.
func (p *player) pause(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	for {
		more, err := p.record.wait(ctx, end)
		if err != nil || !more {
			return err
		}
		p.show()
	}
}

// must waits until an expectation is met, as often as it says.
func (p *player) must(ctx context.Context, line int, e Expect) error {
	for n := range max(e.Times, 1) {
		if err := p.once(ctx, line, e, n); err != nil {
			return err
		}
	}
	p.result.Met++
	return nil
}

// once waits until an expectation is met once more; n counts from 0.
func (p *player) once(ctx context.Context, line int, e Expect, n int) error {
	deadline := p.block.done.Add(e.within())
	limit := deadline.Add(min(p.rig.Lateness(), MaxLateness))
	for last := false; ; {
		if o := p.find(&e); o != nil && !o.At.After(limit) {
			p.take(o, &e, o.At.Sub(deadline))
			return nil
		}
		p.show()
		if last {
			return p.unmet(line, e, n)
		}
		more, err := p.record.wait(ctx, limit)
		if err != nil {
			return err
		}
		if last = !more || time.Now().After(limit); last {
			p.rig.Settle() // what happens exactly at the deadline is in time
		}
	}
}

// find gives the first match at or after the channel's cursor.
func (p *player) find(e *Expect) *seen {
	from := p.cursors[e.cursor()]
	if e.Channel == State {
		from = p.standing(e, p.record.since(0))
	}
	for _, o := range p.record.since(from) {
		if e.matches(o) {
			return o
		}
	}
	return nil
}

// standing is the index from which a level counts: where the block began, or,
// while nothing was published since, the state before it.
func (p *player) standing(e *Expect, all []*seen) int {
	level := Expect{Door: e.Door, Channel: State}
	for i := len(all) - 1; i >= 0; i-- {
		if level.matches(all[i]) {
			return min(i, p.block.begin)
		}
	}
	return p.block.begin
}

func (p *player) take(o *seen, e *Expect, late time.Duration) {
	if e.Channel != State {
		o.taken = true
		p.cursors[e.cursor()] = o.index + 1
	}
	p.show()
	entry := &p.result.Entries[p.shown[o.index]]
	entry.Mark = Met
	if late > 0 {
		entry.Mark, entry.Late = Late, late
		p.result.Late++
	}
}

// never holds the window of a "!" to its end.
func (p *player) never(ctx context.Context, line int, e Expect) error {
	end := p.block.done.Add(e.within())
	for last := false; ; {
		if o := p.offends(&e, end, last); o != nil {
			p.show()
			p.result.Entries[p.shown[o.index]].Mark = Failed
			return p.forbidden(line, e, o)
		}
		p.show()
		if last {
			p.result.Unseen++
			return nil
		}
		more, err := p.record.wait(ctx, end)
		if err != nil {
			return err
		}
		if last = !more; last {
			p.rig.Settle()
		}
	}
}

// offends gives what a "!" forbids and the window holds. At its end a state
// that was not replaced in it counts too.
func (p *player) offends(e *Expect, end time.Time, last bool) *seen {
	all := p.record.since(0)
	from := p.block.begin
	if e.Channel == State && last {
		from = p.replaced(e, all, end)
	}
	for _, o := range all[from:] {
		if !o.taken && !o.At.After(end) && e.matches(o) {
			return o
		}
	}
	return nil
}

// replaced is the begin of the block if a state was published in the window,
// else the index of the one that stood before.
func (p *player) replaced(e *Expect, all []*seen, end time.Time) int {
	level := Expect{Door: e.Door, Channel: State}
	for _, o := range all[p.block.begin:] {
		if level.matches(o) && !o.At.After(end) {
			return p.block.begin
		}
	}
	return p.standing(e, all[:p.block.begin])
}

func (e *Expect) cursor() cursor { return cursor{e.Door, e.Channel, e.Side} }
