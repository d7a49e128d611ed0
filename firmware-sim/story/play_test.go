package story

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func script(pairs ...string) *fakeRig {
	rig := &fakeRig{script: map[string][]string{}}
	for i := 0; i < len(pairs); i += 2 {
		rig.script[pairs[i]] = append(rig.script[pairs[i]], pairs[i+1])
	}
	return rig
}

func TestSeenInOrderInsideAChannel(t *testing.T) {
	answers := func() *fakeRig {
		return script("handle", "100ms event a", "handle", "200ms event b", "handle", "300ms event a n=2",
			"handle", "50ms lock released", "handle", "400ms show entry finger")
	}
	holds(t, answers(), "> handle\n< event a\n< event b\n< event a\n")
	holds(t, answers(), "> handle\n< event b\n< event a n=2\n") // skips the first
	// Order never holds between channels: the lock moved before the reader.
	r := holds(t, answers(), "> handle\n< show entry finger\n< lock released\n< event a\n")
	if r.Met != 3 || r.Took != 400*time.Millisecond {
		t.Errorf("met %d in %v", r.Met, r.Took)
	}
	breaks(t, answers(), 3, "> handle\n< event b\n< event b\n", "seen on event", "event b", "+0.200s b (already taken", "+0.300s a")
	breaks(t, answers(), 4, "> handle\n< event b\n< event a\n< event a\n")
	breaks(t, answers(), 2, "> handle\n< show exit finger\n", "nothing was seen on show exit")
}

func TestTimesTakesOneAfterTheOther(t *testing.T) {
	answers := func() *fakeRig {
		return script("handle", "100ms event a", "handle", "200ms event b", "handle", "300ms event a", "handle", "400ms event a", "handle", "500ms event c")
	}
	r := holds(t, answers(), "> handle\n< event a times 3\n< event c\n! event a\n")
	if r.Met != 2 || r.Unseen != 1 {
		t.Errorf("met %d, unseen %d", r.Met, r.Unseen)
	}
	breaks(t, answers(), 2, "> handle\n< event a times 4\n", "event a times 4; met 3 times of 4; seen on event:", "+0.500s c")
	breaks(t, answers(), 2, "> handle\n< event a times 3 within 350ms\n", "met 2 times of 3")
	breaks(t, answers(), 3, "> handle\n< event a times 3\n< event b\n")
}

// A cursor does not move with the acts: what nobody asked for yet is still
// there after the next act.
func TestCursorSurvivesActs(t *testing.T) {
	holds(t, script("handle", "0s event a", "key", "0s event b"), "> handle\n> wait 5s\n> key\n< event a\n< event b\n")
}

func TestWithinCountsFromTheAct(t *testing.T) {
	answers := func(at string) *fakeRig { return script("handle", at+" event a") }
	holds(t, answers("2s"), "> handle\n< event a\n") // exactly at the deadline counts
	breaks(t, answers("2001ms"), 2, "> handle\n< event a\n", "test.story:4: expected within 2s of line 3: event a; nothing was seen on event")
	holds(t, answers("500ms"), "> handle\n< event a within 500ms\n")
	breaks(t, answers("501ms"), 2, "> handle\n< event a within 500ms\n")
	holds(t, answers("10s"), "> handle\n< event a within 10s\n")
	// Time spent on other lines counts too, and what came meanwhile is kept.
	holds(t, answers("1s"), "> handle\n! lock within 5s\n< event a within 1s\n")
	breaks(t, answers("3s"), 3, "> handle\n! lock within 5s\n< event a within 2s\n", "+3.000s a (too late)")
	// An act that takes time is followed by its expectations: from its end.
	holds(t, script("handle", "takes 7s", "handle", "2s event a"), "> handle\n< event a\n")
	holds(t, script("key", "9s event a"), "> key\n> wait 7s\n< event a\n")
}

// Many things happen at one instant of virtual time, some of them by chains of
// goroutines. Whoever looks at that instant sees them all.
func TestDeadlineSeesTheWholeInstant(t *testing.T) {
	for range 50 {
		rig := script()
		rig.script["handle"] = []string{"2s event x", "2s event y", "2s event a", "2s lock released"}
		holds(t, rig, "> handle\n< lock released\n< event a\n")
		breaks(t, &fakeRig{script: rig.script}, 2, "> handle\n! lock released\n", "must not be seen within 2s of line 3: lock released; but was:", "+2.000s released")
	}
}

func TestNeverCoversItsWindow(t *testing.T) {
	answers := func(at string) *fakeRig { return script("handle", at+" event a", "handle", "10ms event b") }
	r := holds(t, answers("2001ms"), "> handle\n! event a\n")
	if r.Unseen != 1 || r.Took < 2*time.Second {
		t.Errorf("unseen %d in %v", r.Unseen, r.Took)
	}
	breaks(t, answers("2s"), 2, "> handle\n! event a\n")
	breaks(t, answers("0s"), 2, "> handle\n! event a\n", "+0.000s a")
	holds(t, answers("2500ms"), "> handle\n! event a within 2499ms\n")
	breaks(t, answers("2500ms"), 2, "> handle\n! event a within 2500ms\n")
	// A failure is told at once, not at the end of the window.
	if r := breaks(t, script("handle", "1s lock released"), 2, "> handle\n! lock within 30s\n"); r.Took > 1100*time.Millisecond {
		t.Errorf("told after %v", r.Took)
	}
	// It covers what "<" skipped, but not what "<" took.
	breaks(t, answers("5ms"), 3, "> handle\n< event b\n! event a\n")
	holds(t, answers("5ms"), "> handle\n< event a\n! event a\n")
	breaks(t, script("handle", "1s event a", "handle", "2s event a"), 3, "> handle\n< event a\n! event a\n")
	// It begins with the act itself, not with its end, and not before it.
	breaks(t, script("handle", "takes 5s", "handle", "0s lock released"), 2, "> handle\n! lock released\n")
	breaks(t, script("handle", "3s event a"), 3, "> handle\n> wait 5s\n! event a within 1s\n< event a\n")
	holds(t, script("handle", "3s event a"), "> handle\n> wait 4s\n> wait 1s\n! event a within 1s\n< event a\n")
}

// What an act causes at its own instant belongs to its block, also if the next
// act follows without any time between.
func TestBlocksPartAtOneInstant(t *testing.T) {
	for range 50 {
		holds(t, script("handle", "0s event a", "handle", "0s event b"), "> handle\n< event b\n> key\n! event a\n")
	}
}

func TestStateIsALevel(t *testing.T) {
	up := func() *fakeRig {
		return script("", "0s state door=closed", "door open", "1s state door=open n=1", "door close", "1s state door=closed n=2")
	}
	holds(t, up(), "< state door=closed\n< state door=closed\n> wait 1s\n< state door=closed\n") // it stands: no cursor
	holds(t, up(), "> door open\n< state door=open\n< state door=open\n> door close\n< state door=closed\n")
	breaks(t, up(), 2, "> door open\n< state door=locked\n", "seen on state", "door=open")
	breaks(t, up(), 4, "> door open\n> wait 5s\n> key\n< state door=closed\n") // it stood once, no more
	// Published since the act counts even if it stands no more.
	holds(t, script("key", "100ms state a=1", "key", "200ms state a=2"), "> key\n! lock within 1s\n< state a=1\n")
	// "!": what the window published, or the level that stands.
	breaks(t, up(), 2, "> key\n! state door=closed\n")
	holds(t, up(), "> door open\n! state door=closed\n")
	breaks(t, up(), 2, "> door open\n! state door=open\n", "+1.000s door=open")
	holds(t, up(), "> key\n! state door=open\n")
	replaced := script("", "0s state a=1", "key", "3s state a=2")
	breaks(t, replaced, 2, "> key\n! state a=1\n") // replaced too late
	breaks(t, replaced, 3, "> key\n! lock within 5s\n! state a=1\n")
	holds(t, replaced, "> key\n! lock within 5s\n! state a=1 within 3s\n")
}

func TestFieldsInTheDocument(t *testing.T) {
	const doc = `json={"person":"s-001","n":3,"big":12345678901234567890,"half":0.50,"yes":true,"none":null,"empty":"","nil":[],"obj":{},` +
		`"in":{"side":"entry"},"list":["a","b"],"remarks":[{"reason":"PASSBACK"},{"reason":"LOST","article":"6-3-1"}]}`
	tests := []struct {
		field string
		want  bool
	}{
		{"person=s-001", true}, {"person=s-002", false}, {"person=S-001", false},
		{"n=3", true}, {"n=3.0", false}, {"big=12345678901234567890", true}, {"half=0.50", true}, {"half=0.5", false},
		{"yes=true", true}, {"yes=false", false},
		{"in.side=entry", true}, {"in.side=exit", false}, {"in=entry", false}, {"person.x=s-001", false},
		{"list=a", true}, {"list=b", true}, {"list=c", false}, {"list=ab", false},
		{"remarks.reason=PASSBACK", true}, {"remarks.reason=LOST", true}, {"remarks.article=6-3-1", true}, {"remarks.reason=STOLEN", false},
		{"missing=", true}, {"none=", true}, {"empty=", true}, {"nil=", true}, {"obj=", true}, {"in.place=", true}, {"remarks.x=", true},
		{"person=", false}, {"n=", false}, {"list=", false}, {"in=", false}, {"remarks=", false}, {"remarks.article=", false}, {"yes=", false},
	}
	for _, tt := range tests {
		rig := script("key", "0s event a "+doc)
		r := play(t, rig, "> key\n< event a "+tt.field+"\n")
		if got := r.Err == nil; got != tt.want {
			t.Errorf("%s: %v, want %v (%v)", tt.field, got, tt.want, r.Err)
		}
	}
	holds(t, script("key", "0s event a "+doc), "> key\n< event person=s-001 n=3 list=a list=b\n")
	breaks(t, script("key", `0s event a json={"x":"y"}{}`), 2, "> key\n< event a x=y\n", "a (not JSON)")
	breaks(t, script("key", "0s event a json={"), 2, "> key\n< event a x=y\n", "a (not JSON)")
	breaks(t, script("key", "0s event a "+doc), 2, "> key\n< event a n=4 x=y\n", "+0.000s a n=3 x= person=s-001")
}

func TestActsThatFail(t *testing.T) {
	breaks(t, script("door open", "error the leaf is locked"), 1, "> door open\n", `test.story:3: cannot do "door open": the leaf is locked`)
	r := breaks(t, script("key", "takes 2m"), 1, "> key\n", "deadline exceeded")
	if r.Took != MaxWait {
		t.Errorf("gave up after %v", r.Took)
	}
	rig := script()
	rig.fail = "Setup"
	if r := play(t, rig, "> key\n"); r.Err == nil || r.Err.Error() != "test.story: cannot set up: no wire" {
		t.Error(r.Err)
	}
	rig = script()
	rig.fail = "Close"
	if r := play(t, rig, "> key\n"); r.Err == nil || r.Err.Error() != "test.story: cannot close: still running" {
		t.Error(r.Err)
	}
}

func TestRepeatAndWaitStayWithThePlayer(t *testing.T) {
	rig := script("key", "0s event a")
	r := holds(t, rig, "> repeat 3 every 1s key then handle\n> wait 1500ms\n< event a within 10ms\n")
	if want := []string{"key", "handle", "key", "handle", "key", "handle"}; !reflect.DeepEqual(rig.done, want) {
		t.Errorf("did %q", rig.done)
	}
	if r.Took != 7500*time.Millisecond {
		t.Errorf("took %v", r.Took)
	}
	rig = script("key", "error stuck")
	breaks(t, rig, 1, "> repeat 3 key\n", `cannot do "repeat 3 key": stuck`)
	if len(rig.done) != 1 {
		t.Errorf("went on: %q", rig.done)
	}
}

func TestSceneReachesTheRig(t *testing.T) {
	rig := script()
	holds(t, rig, "-- roster.toml --\nx = 1")
	if want := []File{{"roster.toml", "x = 1\n"}}; !reflect.DeepEqual(rig.scene.Files, want) || rig.scene.Doors[0] != "machine-room" || rig.scene.At.Hour() != 9 {
		t.Errorf("scene %+v", rig.scene)
	}
}

// TestSeveralDoors: each door has its own channels.
func TestSeveralDoors(t *testing.T) {
	text := "door a\ndoor b\nat 2026-11-24T09:00:00Z\n> a: handle\n> b: key\n< b: event y\n< a: event x\n! a: event y\n! b: event x\n"
	s, err := Parse("test.story", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := Play(t.Context(), s, script("handle", "1s event x", "key", "500ms event y"), nil)
		if r.Err != nil {
			t.Error(r.Err)
		}
	})
	s, _ = Parse("test.story", []byte(strings.Replace(text, "< a: event x", "< b: event x", 1)))
	synctest.Test(t, func(t *testing.T) {
		r := Play(t.Context(), s, script("handle", "1s event x", "key", "500ms event y"), nil)
		if r.Err == nil || !strings.Contains(r.Err.Error(), "test.story:7: expected within 2s of line 5: b: event x") {
			t.Error(r.Err)
		}
	})
}

// In real time a late "<" is told, not failed; a "!" stays exact.
func TestLateness(t *testing.T) {
	late := func(at string) *fakeRig {
		rig := script("handle", at+" event a")
		rig.lateness = 20 * time.Second
		return rig
	}
	r := holds(t, late("5s"), "> handle\n< event a\n")
	if r.Late != 1 || r.Entries[1].Mark != Late || r.Entries[1].Late != 3*time.Second {
		t.Errorf("late %d, %+v", r.Late, r.Entries)
	}
	if r := holds(t, late("2s"), "> handle\n< event a\n"); r.Late != 0 {
		t.Errorf("late %d", r.Late)
	}
	holds(t, late("22s"), "> handle\n< event a\n")
	breaks(t, late("22001ms"), 2, "> handle\n< event a\n")
	holds(t, late("5s"), "> handle\n! event a\n")
	rig := late("23s")
	rig.lateness = time.Hour // a rig may not declare more
	breaks(t, rig, 2, "> handle\n< event a\n")
}

func TestStopsWithItsContext(t *testing.T) {
	for _, text := range []string{"> wait 50s\n", "> handle\n! lock within 50s\n", "> handle\n< lock released within 50s\n", "> key\n"} {
		s := parse(t, head+text)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
			defer cancel()
			r := Play(ctx, s, script("key", "takes 50s"), nil)
			if r.Err == nil || !strings.Contains(r.Err.Error(), "stopped: enough") || r.Took != time.Second {
				t.Errorf("%q: %v after %v", text, r.Err, r.Took)
			}
		})
	}
}

// TestPlaysInRealTime runs without a bubble, as on the desk.
func TestPlaysInRealTime(t *testing.T) {
	rig := script("handle", "1ms lock released", "handle", "2ms event a")
	rig.real, rig.lateness = true, MaxLateness
	var told []Entry
	r := Play(t.Context(), parse(t, head+"> handle\n< event a\n< lock released\n! event a within 10ms\n"), rig, func(e []Entry) { told = append(told, e...) })
	if r.Err != nil || r.Met != 2 || len(told) != 3 || len(r.Entries) != 3 {
		t.Errorf("%v, met %d, told %v", r.Err, r.Met, told)
	}
}

// TestWatchHearsEverythingOnce, in the order of the transcript.
func TestWatchHearsEverythingOnce(t *testing.T) {
	s := parse(t, "# one\n"+head+"> handle\n# two\n< event b\n> wait 3s\n! lock\n")
	var told []string
	synctest.Test(t, func(t *testing.T) {
		rig := script("handle", "10ms event a", "handle", "20ms event b", "handle", "1s show entry finger", "handle", "3500ms event c")
		r := Play(t.Context(), s, rig, func(entries []Entry) {
			for _, e := range entries {
				told = append(told, e.Text)
			}
		})
		if r.Err != nil || len(told) != len(r.Entries) {
			t.Errorf("%v: told %d of %d", r.Err, len(told), len(r.Entries))
		}
	})
	if want := []string{" one", "handle", " two", "a", "b", "wait 3s", "entry finger", "c"}; !reflect.DeepEqual(told, want) {
		t.Errorf("told %q", told)
	}
}
