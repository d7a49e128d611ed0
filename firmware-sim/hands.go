package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"sekimori/firmware-sim/story"
)

// looks are the words that a person may type besides the acts of stories.
var looks = []struct{ usage, ja, en string }{
	{"people", "登場人物と職員証の番号", "who there is, with badge numbers, and what the rules say of each now"},
	{"show [N]", "購読者に届いた最近の N 件", "the last N events that the subscriber received (10)"},
	{"help", "この表", "this table"},
	{"quit", "終わる", "end; so does Ctrl-C or Ctrl-D"},
}

// hands is a person at the doors: each act that is typed is a story of one
// line, and in between everything that happens is shown.
type hands struct {
	stage *stage
	view  view
	out   io.Writer
	table *story.Table
}

// errQuit ends the session.
var errQuit = errors.New("quit")

// takeHands lets the person at the keyboard act until he has enough.
func takeHands(ctx context.Context, s streams, st *stage) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	k, err := newKeyboard(s, cancel)
	if err != nil {
		return err
	}
	defer k.close()
	h := &hands{stage: st, out: k}
	h.fit(k)
	fmt.Fprint(k, h.view.invitation(st.doors))
	for ctx.Err() == nil {
		line, ok := h.watch(ctx, k.lines)
		if !ok {
			break
		}
		h.fit(k)
		if err := h.take(ctx, line); errors.Is(err, errQuit) {
			break
		}
	}
	return nil
}

// fit takes the width that the window has now.
func (h *hands) fit(k *keyboard) {
	if v := k.view(); v != h.view {
		h.view = v
		h.table = story.NewTable(h.out, v.columns, v.colour, len(h.stage.doors) > 1)
	}
}

// watch shows what happens until a line is typed; false at the end of lines.
func (h *hands) watch(ctx context.Context, lines <-chan string) (line string, ok bool) {
	watching, stop := context.WithCancel(ctx)
	typed := make(chan struct{})
	go func() {
		defer close(typed)
		defer stop()
		select {
		case line, ok = <-lines:
		case <-ctx.Done():
		}
	}()
	for watching.Err() == nil {
		_ = h.play(watching, idle, func(e story.Entry) bool { return e.Column != story.People })
	}
	<-typed
	return line, ok
}

// idle lets time pass.
var idle = story.Act{Verb: story.VerbWait, Args: []string{story.MaxWait.String()}}

// play plays one act and shows those entries that are wanted.
func (h *hands) play(ctx context.Context, a story.Act, wanted func(story.Entry) bool) error {
	st := &story.Story{Doors: h.stage.doors, Lines: []story.Line{{Number: 1, Body: a}}}
	r := h.stage.play(ctx, st, func(entries []story.Entry) {
		var show []story.Entry
		for _, e := range entries {
			if wanted(e) {
				show = append(show, e)
			}
		}
		_ = h.table.Add(show)
	})
	var f *story.Failure
	if errors.As(r.Err, &f) {
		return errors.New(f.Text)
	}
	return r.Err
}

// take does what one line says. Only errQuit ends the session; whatever else is
// wrong is told.
func (h *hands) take(ctx context.Context, line string) error {
	words := strings.Fields(line)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	var err error
	switch words[0] {
	case "quit", "exit":
		return errQuit
	case "help", "?":
		fmt.Fprint(h.out, h.view.help(h.stage.doors))
	case "people":
		err = h.people()
	case "show":
		err = h.show(words[1:])
	default:
		err = h.act(ctx, strings.TrimPrefix(line, "> "))
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(h.out, h.view.paint(red, err.Error()))
	}
	return nil
}

func (h *hands) act(ctx context.Context, line string) error {
	a, err := story.ParseAct(strings.TrimSpace(line), h.stage.doors...)
	if err != nil {
		return fmt.Errorf("%w — help", err)
	}
	return h.play(ctx, a, func(story.Entry) bool { return true })
}

// defaultShown is how many events show shows.
const defaultShown = 10

// show prints the last events of each door as the subscriber has them.
func (h *hands) show(args []string) error {
	n := defaultShown
	if len(args) > 0 {
		var err error
		if n, err = strconv.Atoi(args[0]); err != nil || n < 1 || len(args) > 1 {
			return fmt.Errorf("show %s: want one number, of events", strings.Join(args, " "))
		}
	}
	for _, door := range h.stage.doors {
		if len(h.stage.doors) > 1 {
			fmt.Fprintln(h.out, h.view.paint(bold, door))
		}
		events := h.stage.desk.Events(door)
		for _, body := range events[max(0, len(events)-n):] {
			line, err := eventLine(body)
			if err != nil {
				return err
			}
			fmt.Fprintln(h.out, widths.Truncate(line, h.view.columns, "…"))
		}
	}
	return nil
}

// clockFace is how a time of day is written.
const clockFace = time.TimeOnly
