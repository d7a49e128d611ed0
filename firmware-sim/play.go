package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"sekimori/firmware-sim/rig"
	"sekimori/firmware-sim/story"
)

// playing is the command play.
type playing struct {
	files   []string
	verbose bool
	keep    bool
	at      int // scenes at once
}

// mostAtOnce bounds the scenes: each is three processes.
const mostAtOnce = 16

// defaultAtOnce is two scenes a core: they mostly wait.
func defaultAtOnce() int { return min(max(2*runtime.NumCPU(), 2), 8) }

// run plays the files, several at once, and prints them in their order.
func (p playing) run(ctx context.Context, s streams) error {
	stories, err := read(p.files)
	if err != nil {
		return usageError{err}
	}
	ctx, cancel := context.WithCancel(ctx)
	began := time.Now()
	acts := make([]chan performance, len(stories))
	free := make(chan struct{}, p.at)
	var playing sync.WaitGroup
	defer playing.Wait()
	defer cancel() // nobody listens any more
	for i := range stories {
		acts[i] = make(chan performance, 1)
	}
	playing.Go(func() {
		for i, st := range stories {
			free <- struct{}{}
			playing.Go(func() {
				acts[i] <- p.perform(ctx, st)
				<-free
			})
		}
	})
	failed := 0
	for _, act := range acts {
		done := <-act
		if done.Err != nil {
			failed++
		}
		if err := done.print(s, p.verbose); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "\n%d 話、失敗 %d / %d stories, %d failed, in %v\n",
		len(stories), failed, len(stories), failed, time.Since(began).Round(100*time.Millisecond))
	if failed > 0 {
		return errTold
	}
	return nil
}

// read parses every file before any is played.
func read(files []string) ([]*story.Story, error) {
	var stories []*story.Story
	var errs []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot read story: %w", err))
			continue
		}
		s, err := story.Parse(file, text)
		errs = append(errs, err)
		stories = append(stories, s)
	}
	return stories, errors.Join(errs...)
}

// performance is one story that was played.
type performance struct {
	*story.Result
	logs   string // of its daemons
	folder string // if it was kept
}

func (p playing) perform(ctx context.Context, s *story.Story) performance {
	if ctx.Err() != nil {
		return performance{Result: &story.Result{Story: s, Err: fmt.Errorf("%s: not played", s.File)}}
	}
	desk := rig.NewDesk(rig.DeskOptions{Keep: p.keep})
	done := performance{Result: story.Play(ctx, s, desk, nil), logs: desk.Logs()}
	if p.keep {
		done.folder = desk.Dir()
	}
	return done
}

// print says how it went: a line, or everything of what did not hold. What
// that was stands below the transcript, unless there is none.
func (d performance) print(s streams, verbose bool) error {
	view := viewOf(s.out)
	whole := len(d.Entries) > 0 && (verbose || d.Err != nil)
	switch {
	case d.Err == nil:
		late := ""
		if d.Late > 0 {
			late = fmt.Sprintf(", %d late", d.Late)
		}
		fmt.Fprintf(s.out, "%s %s  %.1f s, %d seen, %d never seen%s\n",
			view.paint(green, "✓"), d.Story.File, d.Took.Seconds(), d.Met, d.Unseen, late)
	case whole:
		fmt.Fprintf(s.out, "%s %s\n", view.paint(red, "✗"), d.Story.File)
	default:
		fmt.Fprintf(s.out, "%s %s\n", view.paint(red, "✗"), indent(d.Err.Error()))
	}
	fmt.Fprintf(s.out, "   %s\n", d.Story.Title())
	if d.folder != "" {
		fmt.Fprintf(s.out, "   %s\n", d.folder)
	}
	if whole {
		if err := d.Write(s.out, view.columns, view.colour); err != nil {
			return err
		}
	}
	if d.Err != nil {
		fmt.Fprint(s.out, d.logs)
	}
	if whole {
		fmt.Fprintln(s.out)
	}
	return nil
}

func indent(text string) string { return strings.ReplaceAll(text, "\n", "\n   ") }
