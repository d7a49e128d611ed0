package door

import (
	"encoding/json"
	"strings"
	"testing"

	"sekimori/controller/event"
)

// sameAsFold holds the one rule of the state: it is the fold of what is in the
// ledger, and nothing else ever touches it.
func sameAsFold(t testing.TB, w *world) {
	t.Helper()
	var st State
	for _, ev := range w.ledger {
		st.Apply(ev)
	}
	if want, got := asJSON(t, st), asJSON(t, w.door.State()); want != got {
		t.Fatalf("the state is not the fold of the ledger:\nfold  %s\nstate %s", want, got)
	}
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// leaksNothing looks for a credential number in anything that left the door.
func leaksNothing(t testing.TB, s string) {
	t.Helper()
	if i := strings.Index(s, "880017"); i >= 0 {
		t.Fatalf("a credential number left the door: …%s", s[max(0, i-80):min(len(s), i+12)])
	}
}

// TestStateSurvivesJSON: the ledger's state row gives back the same state,
// also in the middle of everything.
func TestStateSurvivesJSON(t *testing.T) {
	w := newWorld(t, machineRoom(t))
	w.begin()
	for range 5 {
		w.badge(1, "s-001")
		w.finger(1, 2)
		w.pass(3e9)
	}
	w.line(LineLeaf, Active)
	w.act(ActLockdown, nil)
	w.line(LineFire, Active)
	b := asJSON(t, w.door.State())
	var back State
	if err := json.Unmarshal([]byte(b), &back); err != nil {
		t.Fatal(err)
	}
	if again := asJSON(t, back); again != b {
		t.Errorf("state row\n%s\nread back as\n%s", b, again)
	}
	for _, word := range []string{`"lockouts"`, `"lockdown"`, `"resecure"`, `"alarms"`} {
		if !strings.Contains(b, word) {
			t.Errorf("the test does not reach %s: %s", word, b)
		}
	}
	back.Apply(event.Event{Seq: back.Seq + 1, Kind: event.LockdownReleased})
	if back.Lockdown != 0 {
		t.Error("a state that was read back does not go on")
	}
}
