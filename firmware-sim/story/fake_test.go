package story

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeRig answers acts from a script, in virtual time. Each answer is text:
// a delay from the act, then an expectation's words, as "1s event a person=p";
// it is observed by a goroutine of its own at that instant.
type fakeRig struct {
	script   map[string][]string // by act; "" is Setup
	lateness time.Duration
	fail     string // Setup or Close
	real     bool   // in real time there is nothing to settle

	observe func(Observation)
	scene   Scene
	done    []string
	running sync.WaitGroup
}

func (r *fakeRig) Setup(_ context.Context, scene Scene, observe func(Observation)) error {
	r.scene, r.observe = scene, observe
	if r.fail == "Setup" {
		return errors.New("no wire")
	}
	r.answer(scene.Doors[0], r.script[""])
	return nil
}

func (r *fakeRig) Do(ctx context.Context, a Act) error {
	r.done = append(r.done, a.String())
	for _, answer := range r.script[a.String()] {
		if text, ok := strings.CutPrefix(answer, "error "); ok {
			return errors.New(text)
		}
		if text, ok := strings.CutPrefix(answer, "takes "); ok {
			d, _ := time.ParseDuration(text)
			select {
			case <-time.After(d):
			case <-ctx.Done():
				return ctx.Err()
			}
			continue
		}
		door := a.Door
		if door == "" {
			door = r.scene.Doors[0]
		}
		r.answer(door, []string{answer})
	}
	return nil
}

func (r *fakeRig) answer(door string, answers []string) {
	for _, text := range answers {
		words := strings.Fields(text)
		delay, err := time.ParseDuration(words[0])
		if err != nil {
			panic(err)
		}
		o := observation(door, words[1:])
		r.running.Go(func() {
			time.Sleep(delay)
			o.At = time.Now()
			r.observe(o)
		})
	}
}

func (r *fakeRig) Settle() {
	if !r.real {
		synctest.Wait()
	}
}
func (r *fakeRig) Lateness() time.Duration { return r.lateness }

func (r *fakeRig) Close() error {
	r.running.Wait()
	if r.fail == "Close" {
		return errors.New("still running")
	}
	return nil
}

// observation builds one from an expectation's words; "json={…}" is the
// document, else one is made of the fields.
func observation(door string, words []string) Observation {
	o := Observation{Door: door, Channel: Channel(slices.Index(channelNames[:], words[0]))}
	words = words[1:]
	if o.Channel == Show {
		o.Side, words = words[0], words[1:]
	}
	if len(words) > 0 && !strings.Contains(words[0], "=") {
		o.Word, words = words[0], words[1:]
	}
	fields := []string{}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		if key == "json" {
			o.JSON = []byte(value)
			return o
		}
		fields = append(fields, `"`+key+`":"`+value+`"`)
	}
	o.JSON = []byte("{" + strings.Join(fields, ",") + "}")
	return o
}

// play plays a story in a bubble of virtual time.
func play(t *testing.T, rig *fakeRig, text string) (result *Result) {
	t.Helper()
	s, err := Parse("test.story", []byte(head+text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		result = Play(t.Context(), s, rig, nil)
	})
	return result
}

// holds fails the test unless every line held.
func holds(t *testing.T, rig *fakeRig, text string) *Result {
	t.Helper()
	r := play(t, rig, text)
	if r.Err != nil {
		t.Errorf("%s\n%v", text, r.Err)
	}
	return r
}

// breaks fails the test unless the line (counted from 1 behind the head) did
// not hold, with all these texts in the message.
func breaks(t *testing.T, rig *fakeRig, line int, text string, wants ...string) *Result {
	t.Helper()
	r := play(t, rig, text)
	var f *Failure
	if !errors.As(r.Err, &f) {
		t.Errorf("%s\nheld, or failed otherwise: %v", text, r.Err)
		return r
	}
	if f.Line != line+2 {
		t.Errorf("%s\nfailed at line %d, not %d: %v", text, f.Line-2, line, f)
	}
	for _, want := range wants {
		if !strings.Contains(f.Error(), want) {
			t.Errorf("%s\nmissing %q in:\n%v", text, want, f)
		}
	}
	return r
}
