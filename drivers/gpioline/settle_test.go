package gpioline

import (
	"slices"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"pgregory.net/rapid"
)

const (
	ms     = time.Millisecond
	closed = gpio.Low
	open   = gpio.High
)

// wave is a signal: it starts closed and toggles at these times.
type wave []time.Duration

func (w wave) level(at time.Duration) gpio.Level {
	n, _ := slices.BinarySearch(w, at+1)
	return gpio.Level(n%2 == 1)
}

// toggles tells whether the signal toggles in (from, to].
func (w wave) toggles(from, to time.Duration) bool {
	a, _ := slices.BinarySearch(w, from+1)
	b, _ := slices.BinarySearch(w, to+1)
	return a != b
}

// after is the first toggle after at, or false.
func (w wave) after(at time.Duration) (time.Duration, bool) {
	n, _ := slices.BinarySearch(w, at+1)
	if n == len(w) {
		return 0, false
	}
	return w[n], true
}

type told struct {
	settled
	at time.Duration
}

var epoch = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// watchWave looks at the signal as a contact does, until end. late gives by how
// much each look comes late; edges says whether the input tells edges.
func watchWave(debounce time.Duration, w wave, end time.Duration, edges bool, late func() time.Duration) (all []told, final settle) {
	s := settle{debounce: debounce}
	last := time.Duration(-1)
	for now := time.Duration(0); now <= end; {
		for _, r := range s.look(epoch.Add(now), w.level(now), edges && w.toggles(last, now)) {
			all = append(all, told{r, now})
		}
		last = now
		wake := now + max(s.next(epoch.Add(now)), edgePause)
		if edge, ok := w.after(now); ok && edges && edge < wake {
			wake = edge + edgePause
		}
		now = wake + late()
	}
	return all, s
}

func onTime() time.Duration { return 0 }

func TestSettle(t *testing.T) {
	at := func(known bool, l gpio.Level, d time.Duration) settled {
		return settled{known: known, level: l, at: epoch.Add(d)}
	}
	for _, c := range []struct {
		name string
		wave wave
		want []settled
	}{
		{"the first level is told", nil, []settled{at(true, closed, 0)}},
		{"a change is told from its beginning, with its bounce",
			wave{1000 * ms, 1002 * ms, 1004 * ms, 1009 * ms, 1011 * ms},
			[]settled{at(true, closed, 0), at(true, open, 1001*ms)}},
		{"a glitch is not", wave{1000 * ms, 1049 * ms}, []settled{at(true, closed, 0)}},
		{"a pulse of 401 ms is", wave{1000 * ms, 1401 * ms},
			[]settled{at(true, closed, 0), at(true, open, 1001*ms), at(true, closed, 1402*ms)}},
	} {
		all, _ := watchWave(50*ms, c.wave, 3*time.Second, true, onTime)
		var got []settled
		for _, r := range all {
			got = append(got, r.settled)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %v\nwant %v", c.name, got, c.want)
		}
	}
}

func TestSettleChatterIsUnknown(t *testing.T) {
	var w wave
	for d := time.Second; d < 3*time.Second; d += 10 * ms {
		w = append(w, d)
	}
	all, _ := watchWave(50*ms, w, 5*time.Second, true, onTime)
	if len(all) != 3 || all[1].known || all[1].at > time.Second+chatter+50*ms || !all[2].known || all[2].level != closed {
		t.Fatalf("told %v", all)
	}
}

func TestSettleAHiddenPulseIsUnknown(t *testing.T) {
	s := settle{debounce: 50 * ms}
	s.look(epoch, closed, false)
	s.look(epoch.Add(50*ms), closed, false)
	if r := s.look(epoch.Add(650*ms), closed, true); r != nil {
		t.Fatalf("told %v at once", r)
	}
	r := s.look(epoch.Add(700*ms), closed, false)
	if len(r) != 2 || r[0].known || !r[1].known || r[1].level != closed {
		t.Fatalf("told %v, want unknown, then closed", r)
	}
	// A stall without an edge hides nothing.
	if r := append(s.look(epoch.Add(2*time.Second), closed, false), s.look(epoch.Add(2100*ms), closed, false)...); r != nil {
		t.Fatalf("told %v after a stall in silence", r)
	}
}

// TestSettleAnyTwoLateLooks: a pulse of 401 ms, and two looks that come late by
// whatever a loaded machine makes of it, after which looks are on time.
func TestSettleAnyTwoLateLooks(t *testing.T) {
	pulse := wave{time.Second, 1401 * ms}
	for first := time.Duration(0); first <= 600*ms; first += 9 * ms {
		for second := time.Duration(0); second <= 600*ms; second += 9 * ms {
			late := []time.Duration{first, second}
			s := settle{debounce: 50 * ms}
			s.look(epoch.Add(900*ms), closed, false)
			s.look(epoch.Add(960*ms), closed, false)
			last, now := 960*ms, time.Second+edgePause
			var all []settled
			for now < 4*time.Second {
				if len(late) > 0 && now > time.Second {
					now, late = now+late[0], late[1:]
				}
				all = append(all, s.look(epoch.Add(now), pulse.level(now), pulse.toggles(last, now))...)
				last = now
				now += max(s.next(epoch.Add(now)), edgePause)
			}
			if !slices.ContainsFunc(all, func(r settled) bool { return !r.known || r.level == open }) {
				t.Fatalf("looks late by %v and %v: told %v", first, second, all)
			}
		}
	}
}

func TestSettleFailsOnce(t *testing.T) {
	s := settle{debounce: 50 * ms}
	if r := s.fail(epoch); len(r) != 1 || r[0].known {
		t.Fatalf("first failure told %v", r)
	}
	if r := s.fail(epoch.Add(time.Second)); r != nil {
		t.Fatalf("second failure told %v", r)
	}
	s.look(epoch.Add(2*time.Second), open, false)
	if r := s.look(epoch.Add(2*time.Second+50*ms), open, false); len(r) != 1 || r[0].level != open {
		t.Fatalf("after the failure told %v", r)
	}
	if r := s.fail(epoch.Add(3 * time.Second)); len(r) != 1 || r[0].known {
		t.Fatalf("later failure told %v", r)
	}
}

// drawPulse draws a signal that is closed, open for at least 401 ms with
// bouncing ends, and closed again.
func drawPulse(t *rapid.T) wave {
	bounce := func(from time.Duration) (w wave) {
		w = append(w, from)
		for range rapid.IntRange(0, 6).Draw(t, "bounces") {
			for range 2 {
				w = append(w, w[len(w)-1]+time.Duration(rapid.IntRange(1, 2000).Draw(t, "µs"))*time.Microsecond)
			}
		}
		return w
	}
	start := time.Duration(rapid.IntRange(1000, 1500).Draw(t, "start")) * ms
	length := time.Duration(rapid.IntRange(401, 2000).Draw(t, "length")) * ms
	up := bounce(start)
	return append(up, bounce(up[len(up)-1]+length)...)
}

// checkReports holds every run to: times never decrease and never lie ahead,
// no report repeats the one before, and the signal's last level is told.
func checkReports(t *rapid.T, w wave, all []told, final settle) {
	var last settled
	for i, r := range all {
		if r.settled.at.After(epoch.Add(r.at)) || i > 0 && r.settled.at.Before(last.at) {
			t.Fatalf("%v: report %d of %v has a wrong time", w, i, all)
		}
		if i > 0 && r.known == last.known && r.level == last.level {
			t.Fatalf("%v: report %d of %v repeats", w, i, all)
		}
		last = r.settled
	}
	if !final.known || final.moving || len(all) == 0 || !last.known || last.level != w.level(time.Hour) {
		t.Fatalf("%v: ended with %v", w, all)
	}
}

// TestAPulseOf401msIsAlwaysSeen, as open or as unknown, however late each look
// comes; and as open where no look is late beyond what the numbers allow, also
// on an input that never tells an edge.
func TestAPulseOf401msIsAlwaysSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawPulse(t)
		debounce := time.Duration(rapid.IntRange(5, 99).Draw(t, "debounce")) * ms
		edges := rapid.Bool().Draw(t, "edges")
		longest := rapid.SampledFrom([]int{0, 1, 50, 1000}).Draw(t, "longest stall")
		if !edges {
			longest = min(longest, 50)
		}
		all, final := watchWave(debounce, w, w[len(w)-1]+5*time.Second, edges, func() time.Duration {
			return time.Duration(rapid.IntRange(0, longest).Draw(t, "late")) * ms
		})
		checkReports(t, w, all, final)
		seen := slices.ContainsFunc(all, func(r told) bool {
			return r.known && r.level == open || !r.known && longest == 1000
		})
		if !seen {
			t.Fatalf("%v: not seen: %v", w, all)
		}
	})
}

func TestGlitchesAreNotSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		debounce := time.Duration(rapid.IntRange(5, 99).Draw(t, "debounce")) * ms
		var w wave
		at := time.Second
		for range rapid.IntRange(1, 10).Draw(t, "glitches") {
			width := time.Duration(rapid.IntRange(1, int(debounce/time.Microsecond)-2000).Draw(t, "width")) * time.Microsecond
			w = append(w, at, at+width)
			at += width + debounce + time.Duration(rapid.IntRange(5, 500).Draw(t, "rest"))*ms
		}
		all, final := watchWave(debounce, w, at+time.Second, rapid.Bool().Draw(t, "edges"), onTime)
		checkReports(t, w, all, final)
		if len(all) != 1 {
			t.Fatalf("%v: told %v", w, all)
		}
	})
}
