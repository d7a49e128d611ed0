package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"sekimori/firmware-sim/rig"
	"sekimori/firmware-sim/story"
	"sekimori/testdata"
)

// demo is the program without a command: the tour, and then the person's own
// hands.
type demo struct{ once, toyoda, keep bool }

// The doors of the scene.
const (
	machineRoom = "machine-room"
	toyoda      = "terminal-toyoda"
)

// How a person can follow; without a terminal nobody does.
const (
	actPace     = 500 * time.Millisecond
	stationPace = time.Second
)

func (d demo) run(ctx context.Context, s streams) (err error) {
	stations, err := tour()
	if err != nil {
		return err
	}
	v := viewOf(s.out)
	fmt.Fprint(s.out, v.welcome())
	scene := stations[0].Scene()
	if d.toyoda {
		scene.Doors = append(scene.Doors, toyoda)
	}
	st, err := raise(ctx, scene, rig.DeskOptions{Keep: d.keep})
	defer func() { err = d.strike(s, st, err) }()
	if err != nil {
		return err
	}
	fmt.Fprint(s.out, v.standing(st))
	held := d.guide(ctx, s, v, st, stations)
	if d.once || ctx.Err() != nil {
		return held
	}
	return takeHands(ctx, s, st)
}

// strike takes the scene down and says where it was kept.
func (d demo) strike(s streams, st *stage, err error) error {
	closed := st.desk.Close()
	if d.keep {
		fmt.Fprintf(s.out, "フォルダ / folder: %s\n", st.desk.Dir())
	}
	if closed != nil || err != nil && !errors.Is(err, errTold) {
		fmt.Fprint(s.err, st.desk.Logs())
	}
	if err != nil {
		return err
	}
	return closed
}

// tour reads the stations, in the order of their file names.
func tour() ([]*story.Story, error) {
	const folder = "stories/tour"
	entries, err := fs.ReadDir(testdata.Files, folder)
	if err != nil {
		return nil, err
	}
	var stations []*story.Story
	for _, e := range entries {
		text, err := fs.ReadFile(testdata.Files, folder+"/"+e.Name())
		if err != nil {
			return nil, err
		}
		s, err := story.Parse("testdata/"+folder+"/"+e.Name(), text)
		if err != nil {
			return nil, err
		}
		stations = append(stations, s)
	}
	return stations, nil
}

// guide plays the stations one after the other; it stops at the first that does
// not hold.
func (d demo) guide(ctx context.Context, s streams, v view, st *stage, stations []*story.Story) error {
	table := story.NewTable(s.out, v.columns, v.colour, len(st.doors) > 1)
	if err := table.Head(); err != nil {
		return err
	}
	seen, never := 0, 0
	for i, station := range stations {
		fmt.Fprint(s.out, v.station(i+1, len(stations), station.Title()))
		if v.follows {
			st.pace = actPace
			pause(ctx, stationPace)
		}
		r := st.play(ctx, station, func(entries []story.Entry) { _ = table.Add(untitled(station, entries)) })
		seen, never = seen+r.Met, never+r.Unseen
		if r.Err != nil {
			if ctx.Err() == nil {
				fmt.Fprintln(s.out, v.paint(red, "✗ "+r.Err.Error()))
			}
			return errTold
		}
		st.quiet(ctx)
	}
	st.pace = 0
	fmt.Fprint(s.out, v.held(seen, never, len(st.desk.Events(machineRoom))))
	return nil
}

// untitled drops the title, which stands above already.
func untitled(s *story.Story, entries []story.Entry) []story.Entry {
	var out []story.Entry
	for _, e := range entries {
		if e.Column != story.Narration || strings.TrimSpace(e.Text) != s.Title() {
			out = append(out, e)
		}
	}
	return out
}
